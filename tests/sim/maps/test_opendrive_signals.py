"""Signals and objects."""

import numpy as np
import pytest

from drive.sim.maps.surface import zebra_bars
from tests.sim.maps.test_opendrive_links import crossing
from tests.sim.maps.xodr import find, read, read_cached, road


def signal(attributes: str, inside: str = "", tag: str = "signal") -> str:
    return f'<signals><{tag} id="7" s="80" t="-5" zOffset="2.5" {attributes}>{inside}</{tag}></signals>'


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("1000001", "light"),
        ("206", "stop"),
        ("205", "yield"),
        ("274", "speed"),
        ("1000002", "pedestrian light"),
        ("294", "294"),
    ],
)
def test_kinds(tmp_path, kind: str, name: str) -> None:
    (found,) = read(tmp_path, road(after_lanes=signal(f'type="{kind}" orientation="+"'))).signals
    assert found.type == name
    assert (found.x, found.y, found.z) == pytest.approx((80.0, -5.0, 2.5))


def test_a_signal_looks_against_its_traffic(tmp_path) -> None:
    looks = {}
    for orientation in "+-":
        (found,) = read(tmp_path, road(after_lanes=signal(f'type="206" orientation="{orientation}"'))).signals
        looks[orientation] = np.cos(found.yaw)
    assert looks == pytest.approx({"+": -1.0, "-": 1.0})


def test_every_light_of_a_town_looks_at_those_who_must_stop(shared) -> None:
    for name in ("carla-2020/Town02", "esmini/multi_intersections"):
        road_map = read_cached(shared / "maps" / f"{name}.xodr")
        lights = [x for x in road_map.signals if x.type == "light"]
        assert len(lights) >= 24
        for light in lights:
            for i in light.lanes:
                assert np.cos(light.yaw - road_map.lanes[i].headings[0]) < -0.9


@pytest.mark.parametrize(
    ("attributes", "speed"),
    [('value="30" unit="mph"', 13.4112), ('value="50" unit="km/h"', 50 / 3.6), ('subtype="57"', 70 / 3.6)],
)
def test_speed_signs(tmp_path, attributes: str, speed: float) -> None:
    (found,) = read(tmp_path, road(after_lanes=signal(f'type="274" {attributes}'))).signals
    assert found.value == pytest.approx(speed)


def test_a_light_on_the_way_in_stops_the_connecting_lanes(tmp_path) -> None:
    first, *others = crossing()
    light = signal('type="1000001" orientation="+" dynamic="yes"')
    road_map = read(tmp_path, first.replace("</road>", light + "</road>"), *others)
    (found,) = road_map.signals
    assert found.lanes == (find(road_map, -1, "5").index,)


def test_a_light_referenced_in_the_junction_stops_the_lane_that_refers_to_it(tmp_path) -> None:
    first, connecting, *others = crossing()
    light = signal('type="1000001" orientation="-" dynamic="yes"', '<validity fromLane="0" toLane="0"/>')
    refer = signal('orientation="-"', '<validity fromLane="-1" toLane="-1"/>', "signalReference")
    road_map = read(
        tmp_path,
        first.replace("</road>", light + "</road>"),
        connecting.replace("</road>", refer + "</road>"),
        *others,
        header='vendor="VectorZero"',
    )
    (found,) = road_map.signals
    assert found.lanes == (find(road_map, -1, "5").index,)


def test_crosswalks_are_surfaces(tmp_path) -> None:
    corners = "".join(
        f'<cornerLocal u="{u}" v="{v}"/>' for u, v in ((4, 1.5), (-4, 1.5), (-4, -1.5), (4, -1.5))
    )
    walk = f'<object id="1" name="zebra" type="crosswalk" s="50" t="0" hdg="{np.pi / 2}"><outline>{corners}'
    road_map = read(tmp_path, road(after_lanes=f"<objects>{walk}</outline></object></objects>"))
    (surface,) = [x for x in road_map.surfaces if x.material == "crosswalk"]
    assert surface.polygon.min(axis=0) == pytest.approx([48.5, -4.0])
    assert surface.polygon.max(axis=0) == pytest.approx([51.5, 4.0])
    bars = zebra_bars(surface.polygon)
    assert len(bars) == 8
    for bar in bars:
        assert np.ptp(bar, axis=0) == pytest.approx([3.0, 0.5])


def test_corners_may_follow_the_road(tmp_path) -> None:
    corners = "".join(f'<cornerRoad s="{s}" t="{t}"/>' for s, t in ((40, 3), (40, -3), (43, -3), (43, 3)))
    walk = f'<object id="1" type="crosswalk" s="41" t="0"><outlines><outline>{corners}</outline></outlines>'
    road_map = read(tmp_path, road(after_lanes=f"<objects>{walk}</object></objects>"))
    (surface,) = [x for x in road_map.surfaces if x.material == "crosswalk"]
    assert np.ptp(surface.polygon, axis=0) == pytest.approx([3.0, 6.0])


def test_stop_lines_and_speed_objects(tmp_path) -> None:
    outline = '<outline><cornerLocal u="-1.7" v="0"/><cornerLocal u="1.7" v="0"/></outline>'
    objects = (
        f'<object id="1" name="StopLine" type="-1" s="95" t="-1.75" hdg="{np.pi / 2}">{outline}</object>'
        '<object id="2" name="Speed_30" type="-1" s="10" t="-5" hdg="0"/>'
        '<object id="3" type="tree" s="20" t="-9" radius="0.4" height="8"/>'
    )
    road_map = read(tmp_path, road(after_lanes=f"<objects>{objects}</objects>"))
    (stop,) = road_map.strokes
    assert stop.points == pytest.approx(np.array([[95.0, -3.45], [95.0, -0.05]])) and stop.width == 0.3
    (sign,) = road_map.signals
    assert sign.type == "speed" and sign.value == pytest.approx(30 / 3.6)
    (tree,) = road_map.objects
    assert (tree.type, tree.length, tree.height) == ("tree", 0.8, 8.0)


def test_repeated_objects_stand_at_each_place(tmp_path) -> None:
    post = (
        '<object id="1" type="pole" s="0" t="4" height="1"><repeat s="10" length="50" distance="25" '
        'tStart="4" tEnd="6" heightStart="1" heightEnd="1"/></object>'
    )
    objects = read(tmp_path, road(after_lanes=f"<objects>{post}</objects>")).objects
    assert [(o.x, o.y) for o in objects] == [pytest.approx(p) for p in ((10, 4), (35, 5), (60, 6))]
