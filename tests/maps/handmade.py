"""Maps made by hand to be too large, too many, too deep, degenerate, or sparse but sane."""

from collections.abc import Callable, Iterable

from tests.maps.bases import geometry
from tests.sim.maps.xodr import MARK, document, lane, road, section

LINE = "<line/>"
LINKS = '<predecessor id="{0}"/><successor id="{0}"/>'


def _straight(length: float = 100.0, x: float = 0.0, y: float = 0.0, s: float = 0.0, hdg: float = 0.0) -> str:
    return geometry(s, x, y, hdg, length, LINE)


def _road_of(*geometries: str, length: float = 100.0) -> str:
    return document(road("".join(geometries), length=length))


def _shaped(shape: str, length: float = 100.0) -> str:
    return _road_of(geometry(0, 0, 0, 0, length, shape), length=length)


def _lanes(*lanes: str, left: str = "") -> str:
    return document(road(sections=section(left, "".join(lanes))))


def _sections(starts: Iterable[float], count: int = 1) -> str:
    inner = "".join(lane(-i, link=LINKS.format(-i)) for i in range(1, count + 1))
    return document(road(sections="".join(section("", inner, s) for s in starts)))


def _things(objects: str = "", signals: str = "") -> str:
    return document(
        road(after_lanes=f"<objects>{objects}</objects><signals>{signals}</signals>", sections="")
    )


def _object(attributes: str, inner: str = "", kind: str = "pole") -> str:
    return f'<object id="1" type="{kind}" name="a" {attributes}>{inner}</object>'


def _outline(*corners: tuple[object, object], road_frame: bool = False) -> str:
    tag, u, v = ("cornerRoad", "s", "t") if road_frame else ("cornerLocal", "u", "v")
    return "<outline>" + "".join(f'<{tag} {u}="{a}" {v}="{b}"/>' for a, b in corners) + "</outline>"


def _mark(text: str) -> str:
    return _lanes(lane(-1, text), left=lane(1, text))


def _line(attributes: str) -> str:
    return _mark(
        '<roadMark sOffset="0" type="solid" color="white" width="0.12"><type name="x" width="0.1">'
        f"<line {attributes}/></type></roadMark>"
    )


def _width(a: object = 3.5, b: object = 0, c: object = 0, d: object = 0) -> str:
    return _lanes(lane(-1, f'<width sOffset="0" a="{a}" b="{b}" c="{c}" d="{d}"/>', width=""), lane(-2))


def _towns(x: float, y: float) -> str:
    far = [road(_straight(x=x + 10 * i, y=y + 40 * i), name=str(10 + i)) for i in range(3)]
    return document(*(road(_straight(y=40.0 * i), name=str(i)) for i in range(3)), *far)


def _junction(ways: int, deep: int, span: float = 20.0) -> str:
    """A road into a junction whose lanes fork `deep` times into `ways` each, and a road behind it."""
    first = road(_straight(), link='<successor elementType="junction" elementId="9"/>', name="in")
    roads, connections = [first], []
    for level in range(deep):
        for way in range(ways):
            name, x = f"{level}.{way}", 100.0 + span * level
            before = ["in"] if level == 0 else [f"{level - 1}.{i}" for i in range(ways)]
            connections += [(b, name) for b in before]
            roads.append(
                road(
                    _straight(span, x, 0.5 * way), section("", lane(-1)), name=name, length=span, junction="9"
                )
            )
    out = road(_straight(x=100.0 + span * deep), name="out")
    text = "".join(
        f'<connection id="{i}" incomingRoad="{a}" connectingRoad="{b}" contactPoint="start">'
        '<laneLink from="-1" to="-1"/></connection>'
        for i, (a, b) in enumerate([*connections, *((f"{deep - 1}.{i}", "out") for i in range(ways))])
    )
    return document(*roads, out, f'<junction id="9" name="">{text}</junction>')


def _ring(count: int) -> str:
    """Roads that follow each other in a circle."""
    return document(
        *(
            road(
                _straight(x=100.0 * i),
                section("", lane(-1, link='<successor id="-1"/>')),
                name=str(i),
                link=f'<successor elementType="road" elementId="{(i + 1) % count}" contactPoint="start"/>',
            )
            for i in range(count)
        )
    )


def _spread(meters: float) -> str:
    """A junction whose two roads lie far apart."""
    ends = (road(_straight(y=y), section("", lane(-1)), name=f"j{y}", junction="9") for y in (0.0, meters))
    return document(road(_straight(x=-100.0), name="0"), *ends, '<junction id="9" name=""/>')


ARC = '<arc curvature="{}"/>'
SPIRAL = '<spiral curvStart="{}" curvEnd="{}"/>'
POLY3 = '<poly3 a="{}" b="{}" c="{}" d="{}"/>'
PARAM = '<paramPoly3 aU="0" bU="{}" cU="{}" dU="{}" aV="0" bV="{}" cV="{}" dV="{}" {}/>'
ARC_LENGTH = 'pRange="arcLength"'
REPEAT = '<repeat s="{}" length="{}" distance="{}"/>'

HANDMADE: dict[str, Callable[[], str]] = {
    # lanes
    "lane-of-half-a-metre": lambda: _lanes(lane(-1), lane(-2, width="0.5")),
    "lane-of-a-millimetre": lambda: _lanes(lane(-1), lane(-2, width="0.001")),
    "lane-of-no-width": lambda: _lanes(lane(-1), lane(-2, width="0")),
    "lane-of-negative-width": lambda: _lanes(lane(-1), lane(-2, width="-3")),
    "lane-of-499-m": lambda: _lanes(lane(-1, width="499")),
    "lane-of-90000-km": lambda: _lanes(lane(-1, width="9e7")),
    "lane-without-width": lambda: _lanes(lane(-1), lane(-2, width="")),
    "width-that-explodes": lambda: _width(3.5, 1e7, 1e7, 1e7),
    "width-that-shrinks": lambda: _width(3.5, -0.1),
    "width-that-swings": lambda: _width(0, 1, -0.03, 0.0002),
    "ten-thousand-lanes": lambda: _lanes(*(lane(-i) for i in range(1, 10_001))),
    "ten-thousand-narrow-lanes": lambda: _lanes(lane(-1), *(lane(-i, width="0") for i in range(2, 10_001))),
    "a-thousand-lanes": lambda: _lanes(*(lane(-i, width="0.01") for i in range(2, 1000)), lane(-1)),
    "huge-lane-numbers": lambda: _lanes(lane(-1), lane(-90_000_000), lane(-12_345_678)),
    "the-same-lane-ten-times": lambda: _lanes(*(lane(-1) for _ in range(10))),
    "lane-zero-drives": lambda: _lanes(lane(-1), lane(0)),
    "no-lane-at-all": lambda: document(road(sections=section())),
    "links-to-no-lane": lambda: _lanes(lane(-1, link=LINKS.format(-77))),
    "a-thousand-links": lambda: _lanes(lane(-1, link="".join(LINKS.format(-i) for i in range(1, 1000)))),
    "speed-of-light": lambda: _lanes(lane(-1, '<speed sOffset="0" max="9e7"/>')),
    "speed-of-a-snail": lambda: _lanes(lane(-1, '<speed sOffset="0" max="1e-9"/>')),
    # sections
    "twenty-thousand-sections": lambda: _sections(0.005 * i for i in range(20_000)),
    "two-thousand-sections": lambda: _sections(0.05 * i for i in range(2000)),
    "a-thousand-sections-of-no-length": lambda: _sections([0.0] * 1000 + [50.0], 2),
    "five-thousand-sections-of-no-length": lambda: _sections([0.0] * 3000 + [50.0]),
    "sections-behind-the-road": lambda: _sections([0.0, 500.0, 9e7]),
    "sections-before-the-road": lambda: _sections([-9e7, -5.0, 50.0]),
    "sections-of-a-micrometre": lambda: _sections([50 + 1e-6 * i for i in range(200)]),
    "one-section-at-the-end": lambda: _sections([99.999]),
    # geometry
    "geometry-at-90000-km": lambda: _road_of(_straight(s=9e7)),
    "geometry-at-nan": lambda: _road_of(_straight(s=float("nan"))),
    "length-of-99999-m": lambda: _road_of(_straight(99_999), length=99_999),
    "length-of-30-km": lambda: _road_of(_straight(30_000), length=30_000),
    "length-of-30-km-across": lambda: _road_of(_straight(30_000, hdg=0.8), length=30_000),
    "three-roads-of-99-km": lambda: document(
        *(road(_straight(99e3), name=str(i), length=99e3) for i in (1, 2, 3))
    ),
    "length-that-is-not-that-of-the-road": lambda: _road_of(_straight(), length=9e7),
    "no-length": lambda: _road_of(_straight(0.0), length=0.0),
    "length-of-a-nanometre": lambda: _road_of(_straight(2e-9), length=2e-9),
    "heading-of-1e8": lambda: _road_of(_straight(hdg=1e8)),
    "heading-of-1e300": lambda: _road_of(_straight(hdg=1e300)),
    "far-away": lambda: _road_of(_straight(x=9e7, y=-9e7)),
    "a-hole-in-the-plan": lambda: _road_of(_straight(50), _straight(50, x=5000, s=50)),
    "a-hole-in-s": lambda: _road_of(_straight(50), _straight(50, x=50, s=5000), length=5050),
    "the-same-piece-500-times": lambda: _road_of(*[_straight()] * 500),
    "five-thousand-short-lines": lambda: _road_of(
        *(_straight(0.02, 0.02 * i, s=0.02 * i) for i in range(5000))
    ),
    "arc-of-ten-cm": lambda: _shaped(ARC.format(9.9)),
    "arc-of-one-metre": lambda: _shaped(ARC.format(1)),
    "arc-that-is-too-sharp": lambda: _shaped(ARC.format(1e7)),
    "arc-through-itself": lambda: _shaped(ARC.format(0.2)),
    "spiral-to-ten": lambda: _shaped(SPIRAL.format(0, 9.99)),
    "spiral-of-100-km": lambda: _shaped(SPIRAL.format(0, 10), 99_999),
    "spiral-like-a-clock-spring": lambda: _shaped(SPIRAL.format(0.01, 1.5)),
    "spiral-back-and-forth": lambda: _shaped(SPIRAL.format(-1, 1)),
    "poly3-that-explodes": lambda: _shaped(POLY3.format(0, 0, 1e7, 1e7)),
    "poly3-of-a-loop": lambda: _shaped(POLY3.format(0, 0, 0.1, -0.002)),
    "poly3-off-its-start": lambda: _shaped(POLY3.format(1e5, 0, 0, 0)),
    "param-without-range": lambda: _shaped(PARAM.format(100, 0, 0, 0, 20, 0, "")),
    "param-without-range-721-times": lambda: _road_of(
        *(geometry(i, i, 0, 0, 1, PARAM.format(1, 0, 0, 0, 0.01, 0, "")) for i in range(721)), length=721
    ),
    "param-by-length-that-explodes": lambda: _shaped(PARAM.format(100, 0, 0, 0, 20, 3, ARC_LENGTH)),
    "param-of-no-extent": lambda: _shaped(PARAM.format(0, 0, 0, 0, 0, 0, "")),
    "param-that-stops": lambda: _shaped(PARAM.format(0, 0, 100, 0, 0, 0, "")),
    "param-with-a-cusp": lambda: _shaped(PARAM.format(100, -300, 250, 0, 10, -10, "")),
    "param-of-a-metre-spread": lambda: _shaped(PARAM.format(1, 0, 0, 0, 0, 0, ""), 1000),
    "eight-thousand-spirals": lambda: _road_of(
        *(geometry(i, i, 0, 0, 1, SPIRAL.format(0, 0.001)) for i in range(8001)), length=8001
    ),
    # heights and offsets
    "offset-that-explodes": lambda: document(road(lane_offset='<laneOffset s="0" a="0" b="9" c="9" d="9"/>')),
    "offset-that-swings": lambda: document(
        road(lane_offset="".join(f'<laneOffset s="{i}" a="{9 * (i % 2)}"/>' for i in range(100)))
    ),
    "height-that-explodes": lambda: document(
        road(before_lanes='<elevationProfile><elevation s="0" a="0" b="0" c="0" d="1e7"/></elevationProfile>')
    ),
    "superelevation-that-explodes": lambda: document(
        road(before_lanes='<lateralProfile><superelevation s="0" a="9" b="1e7" c="1e7"/></lateralProfile>')
    ),
    "fifty-thousand-heights": lambda: document(
        road(
            before_lanes="<elevationProfile>"
            + "".join(f'<elevation s="{0.002 * i}" a="0" b="0" c="0" d="0"/>' for i in range(50_000))
            + "</elevationProfile>"
        )
    ),
    # marks
    "mark-10000-km-aside": lambda: _line('tOffset="1e7"'),
    "mark-of-90000-km": lambda: _line('width="9e7"'),
    "mark-repeated-each-micrometre": lambda: _line('length="1e-6" space="1e-6"'),
    "mark-without-end": lambda: _line('length="9e7" space="9e7"'),
    "broad-mark": lambda: _mark('<roadMark sOffset="0" type="solid" width="5000"/>'),
    "thirty-thousand-marks": lambda: _lanes(
        lane(-1, "".join(f'<roadMark sOffset="{i / 300}" type="solid" width="0.1"/>' for i in range(30_000)))
    ),
    "five-thousand-marks": lambda: _lanes(
        lane(-1, "".join(f'<roadMark sOffset="{0.02 * i}" type="broken" width="0.1"/>' for i in range(5000)))
    ),
    "unknown-mark": lambda: _mark(MARK.format("zigzag &lt;b&gt;")),
    # objects and signals
    "crosswalk-of-20-km": lambda: _things(_object('s="50" t="0" length="20000" width="4"', kind="crosswalk")),
    "crosswalk-with-a-far-corner": lambda: _things(
        _object('s="50" t="0"', _outline((0, 0), (4, 0), (4, 20_000)), kind="crosswalk")
    ),
    "crosswalk-of-one-point": lambda: _things(
        _object('s="50" t="0"', _outline((1, 1), (1, 1), (1, 1), (1, 1)), kind="crosswalk")
    ),
    "crosswalk-by-road-far-off": lambda: _things(
        _object('s="50" t="0"', _outline((9e7, 0), (50, 4), (54, 4), road_frame=True), kind="crosswalk")
    ),
    "radius-of-90000-km": lambda: _things(_object('s="50" t="9" radius="9e7" height="1"')),
    "height-of-90000-km": lambda: _things(_object('s="50" t="9" radius="1" height="9e7"')),
    "house-on-the-moon": lambda: _things(_object('s="50" t="9e7" length="9" width="9"', kind="building")),
    "wall-of-300-m": lambda: _things(_object('s="50" t="200" length="300" width="300"', kind="building")),
    "poles-without-end": lambda: _things(_object('s="0" t="9"', REPEAT.format(0, 9e7, 0.001))),
    "fence-of-9000-km": lambda: _things(_object('s="0" t="9"', REPEAT.format(0, 9e6, 0), kind="barrier")),
    "ten-thousand-poles": lambda: _things(_object('s="0" t="9" radius="0.1"', REPEAT.format(0, 100, 0.01))),
    "nested-repeats": lambda: _things(
        "".join(_object('s="0" t="9"', REPEAT.format(0, 100, 0.1) * 20) for _ in range(20))
    ),
    "thirty-thousand-signals": lambda: _things(
        "", "".join(f'<signal id="{i}" type="206" s="{0.003 * i}" t="-5"/>' for i in range(30_000))
    ),
    # networks
    "two-towns-28-km-apart": lambda: _towns(28_000, 0),
    "two-towns-28-km-apart-across": lambda: _towns(20_000, -19_600),
    "two-towns-90-km-apart": lambda: _towns(90_000, 90_000),
    "one-road-on-the-moon": lambda: _towns(3.8e8 / 5, 0),
    "junction-of-many-ways": lambda: _junction(12, 8),
    "junction-of-two-ways": lambda: _junction(2, 4),
    "junction-spread-over-5-km": lambda: _spread(5000),
    "junction-spread-over-500-m": lambda: _spread(500),
    "junction-of-nobody": lambda: document(road(), '<junction id="9"><connection id="0"/></junction>'),
    "ring-of-200-roads": lambda: _ring(200),
    "road-that-follows-itself": lambda: _ring(1),
    "two-thousand-roads": lambda: document(*(road(_straight(y=9.0 * i), name=str(i)) for i in range(2000))),
    # files
    "three-hundred-thousand-elements": lambda: document(road(), "<x/>" * 600_000),
    "ten-thousand-deep": lambda: document(road(), "<x>" * 10_000 + "</x>" * 10_000),
    "a-thousand-million-laughs": lambda: (
        '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha">'
        + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefghi", "bcdefghij", strict=True))
        + "]><OpenDRIVE>&j;</OpenDRIVE>"
    ),
    "an-attribute-of-a-megabyte": lambda: document(road(name="9" * 1_000_000)),
}  # fmt: skip

# What costs more than a quarter of a second: tried by the command alone.
SLOW = frozenset(
    """
    a-thousand-lanes ten-thousand-lanes ten-thousand-narrow-lanes lane-of-499-m lane-of-90000-km
    width-that-explodes twenty-thousand-sections two-thousand-sections a-thousand-sections-of-no-length
    five-thousand-sections-of-no-length length-of-99999-m length-of-30-km length-of-30-km-across
    a-hole-in-the-plan a-hole-in-s eight-thousand-spirals fifty-thousand-heights thirty-thousand-marks
    five-thousand-marks ten-thousand-poles thirty-thousand-signals junction-of-many-ways
    junction-spread-over-5-km junction-spread-over-500-m ring-of-200-roads two-thousand-roads
    three-hundred-thousand-elements param-without-range-721-times a-thousand-million-laughs
    two-towns-28-km-apart-across five-thousand-short-lines
    """.split()
)
