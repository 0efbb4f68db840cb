import math

import numpy as np
import pytest

from drive.sim.actors.collisions import footprints_overlap
from drive.sim.actors.dynamics import VehicleParams
from drive.sim.actors.traffic import advance_traffic, find_lead, place
from drive.sim.arrays import ACTOR, EGO
from drive.sim.maps.path import sample
from tests.sim.actors.paths import flat, path_from_curvature, straight

PARAMS = VehicleParams()
DT = 0.05


def traffic(paths, *cars):
    """ACTOR records from dicts, those with a path placed on it; and the flat paths."""
    points, begin, end = flat(*paths)
    actors = np.zeros(len(cars), ACTOR)
    actors["active"], actors["length"], actors["width"], actors["height"] = 1, 4.5, 1.8, 1.5
    actors["path"], actors["desired_speed"], actors["time_headway"] = -1, 12.0, 1.5
    for i, car in enumerate(cars):
        for name, value in car.items():
            actors[i][name] = value
    for i in range(len(actors)):
        if (path := actors[i]["path"]) >= 0:
            place(actors[i], points, begin[path], end[path])
    return actors, points, begin, end


def nobody():
    """An ego far away from everything."""
    egos = np.zeros(1, EGO)
    egos["x"], egos["y"], egos["path"] = 1e6, 1e6, 0
    return egos


def ego_on(points, begin, end, path, s, speed=0.0, lateral=0.0):
    egos = np.zeros(1, EGO)
    x, y, _, yaw, *_ = sample(points, begin[path], end[path], s)
    egos["x"] = x - PARAMS.center_x * math.cos(yaw) - lateral * math.sin(yaw)
    egos["y"] = y - PARAMS.center_x * math.sin(yaw) + lateral * math.cos(yaw)
    egos["yaw"], egos["speed"], egos["path"], egos["center_s"] = yaw, speed, path, s
    egos["lateral_offset"] = lateral
    return egos


def run(scene, seconds, egos=None, each=None):
    actors, points, begin, end = scene
    egos = nobody() if egos is None else egos
    for k in range(round(seconds / DT)):
        advance_traffic(actors, 0, len(actors), points, begin, end, egos, 0, PARAMS, DT)
        if each:
            each(k, actors)
    return actors


def overlapping(actors):
    for i in range(len(actors)):
        for j in range(i):
            a, b = actors[i], actors[j]
            if not (a["active"] and b["active"]):
                continue
            s, c = math.sin(a["yaw"]), math.cos(a["yaw"])
            dx, dy = b["x"] - a["x"], b["y"] - a["y"]
            turn = b["yaw"] - a["yaw"]
            if footprints_overlap(
                dx * c + dy * s, dy * c - dx * s, math.sin(turn), math.cos(turn),
                a["length"], a["width"], b["length"], b["width"],
            ):  # fmt: skip
                return True
    return False


def winding(length=500.0, **start):
    return path_from_curvature(lambda s: math.cos(s / 25.0) / 30.0, length, **start)


def gentle(y=0.0):
    return path_from_curvature(lambda s: math.cos(s / 40.0) / 400.0, 300.0, y=y)


def test_a_lone_car_reaches_its_desired_speed_on_its_path():
    scene = traffic([straight(600.0)], {"path": 0, "s": 5.0, "lateral_offset": 0.3})
    actors = run(scene, 30.0)
    assert actors[0]["speed"] == pytest.approx(12.0, abs=0.01)
    assert (actors[0]["x"], actors[0]["y"]) == pytest.approx((actors[0]["s"], 0.3))
    assert actors[0]["braking"] == 0


def test_curves_slow_it_down():
    scene = traffic([winding()], {"path": 0, "s": 5.0, "speed": 8.0})
    lateral = []
    run(
        scene,
        40.0,
        each=lambda k, a: lateral.append(a[0]["speed"] ** 2 / 30.0 * abs(math.cos(a[0]["s"] / 25))),
    )
    assert 1.8 < max(lateral) < 2.5


def test_behind_a_slower_car_the_gap_settles_at_the_closed_form():
    scene = traffic(
        [straight(1500.0)],
        {"path": 0, "s": 60.0, "speed": 8.0, "desired_speed": 8.0},
        {"path": 0, "s": 5.0, "speed": 12.0},
    )
    actors = run(scene, 90.0)
    gap = actors[0]["s"] - actors[1]["s"] - 4.5
    assert actors[1]["speed"] == pytest.approx(8.0, abs=0.01)
    assert gap == pytest.approx((2.0 + 8.0 * 1.5) / math.sqrt(1.0 - (8.0 / 12.0) ** 4), rel=0.01)


@pytest.mark.parametrize("speed", [5.0, 15.0])
def test_it_stops_behind_a_standing_obstacle_and_shows_its_brake_lights(speed):
    scene = traffic(
        [straight(300.0, speed_limit=20.0)],
        {"path": 0, "s": 20.0, "speed": speed, "desired_speed": speed},
        {"x": 140.0, "y": 0.5, "yaw": 0.4, "length": 1.0, "width": 2.5},
    )
    speeds = []
    actors = run(scene, 60.0, each=lambda k, a: speeds.append(a[0]["speed"]))
    assert min(speeds) >= 0.0
    assert actors[0]["speed"] < 0.02
    assert 0.5 < 140.0 - 0.95 - (actors[0]["s"] + 2.25) < 4.0
    assert actors[0]["braking"] == 1
    assert np.diff(speeds).min() / DT > -4.0


def test_it_passes_what_stands_beside_its_lane():
    scene = traffic([straight(300.0)], {"path": 0, "s": 20.0, "speed": 12.0}, {"x": 100.0, "y": -2.4})
    speeds = []
    run(scene, 15.0, each=lambda k, a: speeds.append(a[0]["speed"]))
    assert min(speeds) > 11.9


def test_the_ego_counts_where_it_is_in_the_way():
    paths = [straight(300.0), straight(300.0, y=3.5)]
    for path, lateral, stops in ((0, 0.0, True), (0, 3.5, False), (1, 0.0, False), (1, -2.0, True)):
        scene = traffic(paths, {"path": 0, "s": 20.0, "speed": 12.0})
        egos = ego_on(*scene[1:], path, 150.0, lateral=lateral)
        actors = run(scene, 25.0, egos)
        assert (actors[0]["s"] < 150.0) == stops, (path, lateral)
        if stops:
            assert actors[0]["s"] + 2.25 < 150.0 - PARAMS.length / 2.0


def test_oncoming_traffic_passes_and_an_oncoming_ego_in_the_lane_makes_it_brake():
    there = straight(200.0)
    back = path_from_curvature(lambda s: 0.0, 200.0, x=200.0, y=3.5, yaw=math.pi)
    scene = traffic(
        [there, back], {"path": 0, "s": 20.0, "speed": 12.0}, {"path": 1, "s": 20.0, "speed": 12.0}
    )
    speeds = []
    run(scene, 10.0, each=lambda k, a: speeds.extend(a["speed"][a["active"] == 1]))
    assert min(speeds) > 11.9

    scene = traffic([there, back], {"path": 0, "s": 20.0, "speed": 12.0})
    egos = ego_on(*scene[1:], 1, 120.0, speed=8.0, lateral=3.5)
    assert run(scene, DT, egos)[0]["acceleration"] < -3.5


def test_a_queue_never_overlaps_and_never_reverses():
    rng = np.random.default_rng(5)
    for _ in range(4):
        paths = [winding(400.0), winding(400.0, x=500.0)]
        cars = []
        for path in (0, 1):
            s = 5.0
            for _ in range(6):
                length = rng.choice([4.2, 5.5, 9.0])
                cars.append(
                    {
                        "path": path,
                        "s": s,
                        "length": length,
                        "speed": rng.uniform(0.0, 8.0),
                        "desired_speed": rng.uniform(3.0, 15.0),
                        "time_headway": rng.uniform(0.9, 2.0),
                        "lateral_offset": rng.uniform(-0.3, 0.3),
                    }
                )
                s += length + rng.uniform(14.0, 40.0)
        scene = traffic(paths, *cars)

        def check(k, actors):
            assert actors["speed"].min() >= 0.0
            assert k % 10 or not overlapping(actors)

        run(scene, 40.0, each=check)


def test_traffic_may_stand_in_the_records_in_any_order():
    paths = [straight(500.0), straight(500.0, y=3.5)]
    cars = [{"path": k % 2, "s": 10.0 + 9.0 * k, "desired_speed": 6.0 + k % 5} for k in range(16)]
    parked = [{"x": 60.0 + 40.0 * k, "y": -3.0} for k in range(3)]
    mixed = [(cars + parked)[i] for i in np.random.default_rng(0).permutation(19)]
    scene = traffic(paths, *mixed)
    order = [[i for i in np.argsort(scene[0]["s"]) if scene[0]["path"][i] == path] for path in (0, 1)]

    def check(k, actors):
        assert k % 10 or not overlapping(actors)

    actors = run(scene, 20.0, each=check)
    for path in order:
        assert (np.diff(actors["s"][path]) > 4.5).all()
        assert actors["s"][path[-1]] > 200.0


def test_at_the_end_of_its_path_a_car_leaves():
    scene = traffic(
        [straight(50.0)], {"path": 0, "s": 30.0, "speed": 10.0}, {"path": 0, "s": 5.0, "speed": 10.0}
    )
    actors = run(scene, 2.5)
    assert actors["active"].tolist() == [0, 1]
    assert run(scene, 10.0)["active"].tolist() == [0, 0]


def test_other_worlds_actors_are_left_alone():
    actors, points, begin, end = traffic(
        [straight(200.0)], {"path": 0, "s": 50.0, "speed": 5.0}, {"path": 0, "s": 30.0, "speed": 10.0}
    )
    before = actors[0].copy()
    advance_traffic(actors, 1, 2, points, begin, end, nobody(), 0, PARAMS, DT)
    assert actors[0] == before
    assert actors[1]["acceleration"] > 0.0, "does not see the car of the other world"


def lead_of(egos, scene):
    actors, points, begin, end = scene
    find_lead(egos, 0, PARAMS, actors, 0, len(actors), points, begin, end)
    return float(egos[0]["lead_gap"]), float(egos[0]["lead_speed"])


def test_the_radar_measures_from_bumper_to_bumper():
    scene = traffic(
        [straight(300.0)], {"path": 0, "s": 100.0, "speed": 7.0}, {"path": 0, "s": 60.0, "speed": 4.0}
    )
    egos = ego_on(*scene[1:], 0, 20.0, speed=10.0)
    assert lead_of(egos, scene) == pytest.approx((40.0 - 2.25 - PARAMS.length / 2.0, -6.0))
    scene[0][1]["active"] = 0
    assert lead_of(egos, scene) == pytest.approx((80.0 - 2.25 - PARAMS.length / 2.0, -3.0))
    scene[0][0]["s"] = 10.0
    assert lead_of(egos, scene) == (200.0, 0.0), "what is behind is no lead"


@pytest.mark.parametrize("s", [30.0, 60.0, 120.0, 180.0])
def test_the_radar_follows_the_road_for_actors_of_any_path(s):
    """The same car, once as an actor of our path and once standing free, is seen at the same distance."""
    scene = traffic([winding()], {"path": 0, "s": s, "speed": 3.0, "lateral_offset": 0.4})
    egos = ego_on(*scene[1:], 0, 12.0, speed=5.0)
    want = lead_of(egos, scene)
    scene[0][0]["path"] = -1
    assert lead_of(egos, scene) == pytest.approx(want, abs=0.02)


def test_neighbours_count_only_where_they_intrude():
    paths = [gentle(), gentle(y=3.5)]
    scene = traffic(paths, {"path": 1, "s": 80.0, "speed": 9.0})
    egos = ego_on(*scene[1:], 0, 12.0, speed=9.0)
    assert lead_of(egos, scene) == (200.0, 0.0)
    actors, points, begin, end = scene
    actors[0]["lateral_offset"] = -2.0
    place(actors[0], points, begin[1], end[1])
    gap, speed = lead_of(egos, scene)
    assert 50.0 < gap < 75.0
    assert speed == pytest.approx(0.0, abs=0.1)


def test_an_oncoming_car_in_our_lane_has_a_negative_speed_along_it():
    scene = traffic([straight(300.0)], {"x": 90.0, "y": 0.2, "yaw": math.pi, "speed": 6.0})
    egos = ego_on(*scene[1:], 0, 20.0, speed=10.0)
    assert lead_of(egos, scene) == pytest.approx((70.0 - 2.25 - PARAMS.length / 2.0, -16.0))
