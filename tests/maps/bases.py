"""Small maps with a little of everything, to be damaged."""

from tests.sim.maps.test_opendrive_links import crossing
from tests.sim.maps.xodr import MARK, document, lane, road, section


def geometry(s: float, x: float, y: float, hdg: float, length: float, shape: str) -> str:
    return f'<geometry s="{s}" x="{x}" y="{y}" hdg="{hdg}" length="{length}">{shape}</geometry>'


def _street() -> str:
    """Every kind of curve, heights, a laneOffset, described marks, objects and signals."""
    plan = (
        geometry(0, 0, 0, 0, 40, "<line/>")
        + geometry(40, 40, 0, 0, 20, '<spiral curvStart="0" curvEnd="0.02"/>')
        + geometry(60, 59.92, 1.33, 0.2, 20, '<arc curvature="0.02"/>')
        + geometry(
            80, 78.6, 8.5, 0.6, 20,
            '<paramPoly3 aU="0" bU="20" cU="0" dU="0" aV="0" bV="0" cV="0.5" dV="0" pRange="normalized"/>',
        )
        + geometry(100, 94.8, 20.2, 0.65, 20, '<poly3 a="0" b="0" c="0.001" d="0"/>')
    )  # fmt: skip
    described = (
        '<roadMark sOffset="0" type="broken" color="yellow" width="0.15"><type name="b" width="0.15">'
        '<line length="3" space="4" tOffset="0.1" sOffset="0" width="0.12"/></type></roadMark>'
    )
    heights = (
        '<elevationProfile><elevation s="0" a="0" b="0.01" c="0" d="0"/></elevationProfile>'
        '<lateralProfile><superelevation s="50" a="0.02" b="0" c="0" d="0"/></lateralProfile>'
    )
    right = lane(-1, MARK.format("solid"), link='<successor id="-1"/>') + lane(-2, kind="sidewalk", width="2")
    sections = section(lane(1, MARK.format("solid solid")), right, 0.0, described) + section(
        lane(1), lane(-1, link='<predecessor id="-1"/>') + lane(-2, kind="parking", width="2.5"), 60.0
    )
    corners = "".join(
        f'<cornerLocal u="{u}" v="{v}" z="0"/>' for u, v in ((-2, -4), (2, -4), (2, 4), (-2, 4))
    )
    things = (
        '<objects><object id="1" type="crosswalk" name="c" s="30" t="0" hdg="0" length="4" width="8">'
        f"<outline>{corners}</outline></object>"
        '<object id="2" type="pole" name="lamp" s="10" t="-8" height="6" radius="0.1">'
        '<repeat s="10" length="60" distance="20" tStart="-8" tEnd="-9"/></object>'
        '<object id="3" type="building" name="house" s="70" t="20" length="10" width="8" height="7"/>'
        '<object id="4" type="-1" name="StopLine" s="20" t="-2"><outline>'
        '<cornerRoad s="20" t="-3.4"/><cornerRoad s="20" t="-0.2"/></outline></object></objects>'
        '<signals><signal id="5" type="1000001" dynamic="yes" s="110" t="-5" orientation="+" height="0.8">'
        '<validity fromLane="-1" toLane="-1"/></signal>'
        '<signal id="6" type="274" value="30" unit="km/h" s="15" t="-5" orientation="+"/></signals>'
    )
    offset = '<laneOffset s="0" a="0" b="0" c="0" d="0"/><laneOffset s="60" a="0.2" b="0" c="0" d="0"/>'
    return document(
        road(plan, sections, length=120.0, before_lanes=heights, lane_offset=offset, after_lanes=things)
    )


def _highway() -> str:
    """Lanes that begin and end, a ramp, borders instead of widths, speeds by lane, left-hand traffic."""
    ramp = '<width sOffset="0" a="0" b="0.07" c="0" d="0"/><width sOffset="50" a="3.5" b="0" c="0" d="0"/>'
    speed = '<speed sOffset="0" max="70" unit="mph"/>'
    middle = (
        lane(-1, speed) + lane(-2, speed + MARK.format("broken")) + lane(-3, ramp, width="", kind="onRamp")
    )
    edges = "".join(
        lane(-i, f'<border sOffset="0" a="{-3.5 * i}" b="0" c="0" d="0"/>', width="") for i in (1, 2, 3)
    )
    links = "".join(lane(-i, link=f'<predecessor id="{-i}"/><successor id="{-i}"/>') for i in (1, 2, 3))
    sections = section("", middle) + section("", links, 50.0) + section("", edges, 100.0)
    plan = geometry(0, 5e5, 4e6, 1.0, 150, "<line/>")
    return document(road(plan, sections, length=150.0, rule="LHT", kind='<type s="0" type="motorway"/>'))


BASES = (_street(), document(*crossing()), _highway())
