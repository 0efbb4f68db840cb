import itertools
import math
import time
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import fresnel

from drive.sim.maps import procedural_line
from drive.sim.maps.procedural import BARE_LENGTH, RoadConfig, generate_road
from drive.sim.maps.procedural_line import (
    ABRUPT_SHARPNESS,
    CLEARANCE,
    MAX_SHARPNESS,
    MIN_CORNER_RADIUS,
    MIN_OPEN_RADIUS,
    CrossSection,
    LineStyle,
    bend,
    draw_line,
    keeps_apart,
    trace,
)
from drive.sim.maps.road_map import RoadMap
from drive.sim.maps.styles import STYLES

from .roads import line_of

SEEDS = range(230)
CORNERS_FROM = 200  # seeds from here on are streets of corners


@cache
def road(seed: int) -> RoadMap:
    style = "corners" if seed >= CORNERS_FROM else None
    return generate_road(np.random.default_rng(seed), RoadConfig(style=style))


def driving(road_map: RoadMap):
    return [lane for lane in road_map.lanes if lane.type == "driving"]


# The line.


def test_arc_lies_on_its_circle_and_parallel_curves_on_theirs():
    radius, angle = 20.0, 1.3
    line = line_of((radius * angle, 1 / radius, 1 / radius, 0.0))
    for offset in (-6.0, 0.0, 4.0):
        points = line.offset(offset)
        np.testing.assert_allclose(np.hypot(points[:, 0], points[:, 1] - radius), radius - offset, atol=1e-9)
        np.testing.assert_allclose(line.offset_s(offset)[-1], (radius - offset) * angle, atol=1e-9)
        np.testing.assert_allclose(line.offset_curvature(offset), 1 / (radius - offset), atol=1e-12)


def test_clothoid_is_the_fresnel_integral():
    length, sharpness = 40.0, 0.001
    line = line_of((length, 0.0, sharpness * length, 0.0))
    scale = math.sqrt(math.pi / sharpness)
    y, x = fresnel(line.s / scale)
    np.testing.assert_allclose(line.x, scale * x, atol=1e-8)
    np.testing.assert_allclose(line.y, scale * y, atol=1e-8)
    np.testing.assert_allclose(line.curvature, sharpness * line.s, atol=1e-12)


@pytest.mark.parametrize("offset", [-1.75, 1.75, 5.0])
def test_a_bend_holds_its_radius_on_the_curve_it_describes(offset):
    pieces = bend(math.radians(90.0), 8.0, 0.03, offset)
    line = trace(pieces, 0.3, 6.0)
    assert 1.0 / line.offset_curvature(offset).max() == pytest.approx(8.0, abs=1e-9)
    assert line.offset_s(offset)[-1] == pytest.approx(sum(p[0] for p in pieces), abs=1e-9)
    assert line.yaw[-1] - line.yaw[0] == pytest.approx(math.radians(90.0), abs=1e-9)


@given(
    angle=st.floats(0.05, 1.9).flatmap(lambda a: st.sampled_from([a, -a])),
    radius=st.floats(6.0, 600.0),
    sharpness=st.floats(1e-5, MAX_SHARPNESS),
)
def test_every_bend_turns_by_its_angle_within_its_bounds(angle, radius, sharpness):
    pieces = bend(angle, radius, sharpness, 0.0)
    turned = sum(length * 0.5 * (k0 + k1) for length, k0, k1, _ in pieces)
    assert turned == pytest.approx(angle, rel=1e-6)
    assert max(abs(k) for _, k0, k1, _ in pieces for k in (k0, k1)) <= 1.0 / radius + 1e-12
    assert max(abs(k1 - k0) / length for length, k0, k1, _ in pieces) <= sharpness * (1.0 + 1e-9)
    assert pieces[0][1] == pieces[-1][2] == 0.0


def test_a_shifted_line_has_the_same_parallel_curves():
    line = line_of((30.0, 0.0, 0.05, 0.0), (20.0, 0.05, 0.05, 0.0), (30.0, 0.05, -0.1, 0.0))
    moved = line.shifted(-2.5)
    for offset in (-1.0, 0.0, 2.5, 4.0):
        np.testing.assert_allclose(moved.offset(offset), line.offset(offset - 2.5), atol=1e-12)
        np.testing.assert_allclose(moved.offset_s(offset), line.offset_s(offset - 2.5), atol=1e-12)
        np.testing.assert_allclose(
            moved.offset_curvature(offset), line.offset_curvature(offset - 2.5), atol=1e-12
        )


def test_a_mirrored_line_has_left_and_right_exchanged():
    line = line_of((30.0, 0.0, 0.05, 0.0), (30.0, 0.05, -0.1, 0.0))
    mirror = line.mirrored()
    np.testing.assert_array_equal(mirror.offset(-2.0), line.offset(2.0) * [1.0, -1.0])
    np.testing.assert_array_equal(mirror.offset_s(-2.0), line.offset_s(2.0))
    np.testing.assert_array_equal(mirror.offset_curvature(-2.0), -line.offset_curvature(2.0))
    np.testing.assert_array_equal(mirror.mirrored().offset(1.0), line.offset(1.0))


def test_the_room_beside_a_line_ends_in_its_bends_and_half_way_to_its_other_parts():
    straight = (30.0, 0.0, 0.0, 0.0)
    bent = line_of(straight, (math.pi * 20.0, 0.05, 0.05, 0.0), straight)  # a hairpin to the left
    left, right = bent.room()
    assert left == pytest.approx(20.0, abs=0.2) and right > 100.0
    quarter = 0.5 * math.pi * 8.0
    corner, leg = (quarter, 1 / 8.0, 1 / 8.0, 0.0), (40.0, 0.0, 0.0, 0.0)
    narrow = line_of(leg, corner, leg, (quarter, -1 / 8.0, -1 / 8.0, 0.0), leg)
    assert narrow.room() == pytest.approx((8.0, 8.0), abs=0.1)
    turn, run = math.radians(200.0), (60.0, 0.0, 0.0, 0.0)  # its ends come closer to each other
    left, _ = line_of(run, (turn * 30.0, 1 / 30.0, 1 / 30.0, 0.0), run).room()
    between = 2.0 * 30.0 * math.sin(0.5 * turn) - 2.0 * 60.0 * math.sin(math.radians(10.0))
    assert left == pytest.approx(0.5 * between / math.cos(math.radians(10.0)), abs=0.5)
    assert line_of((400.0, 0.0, 0.0, 0.0)).room() == (1e4, 1e4)


def test_a_line_that_crosses_itself_is_noticed():
    loop = line_of((20.0, 0.0, 0.0, 0.0), (2 * math.pi * 40.0, 1 / 40.0, 1 / 40.0, 0.0))
    assert not keeps_apart(loop, 8.0)
    assert keeps_apart(line_of((400.0, 0.0, 0.0, 0.0)), 8.0)


def test_the_last_try_keeps_apart_by_itself(monkeypatch):
    style = LineStyle((5.0, 20.0), (25.0, 60.0), (1.0, 1.9), 0.8, 2)
    section = CrossSection(1.75, -1.75, 5.0, -5.0)
    monkeypatch.setattr(procedural_line, "keeps_apart", lambda *_: False)
    for seed in range(40):
        line = draw_line(np.random.default_rng(seed), style, section, 510.0)
        assert keeps_apart(line, 10.0)
        assert np.abs(line.yaw - line.yaw[0]).max() <= math.radians(55.0) + 1e-9


# The roads.


def test_same_generator_state_gives_the_same_bytes():
    def content(road_map: RoadMap) -> bytes:
        arrays = [a for lane in road_map.lanes for a in (lane.center, lane.s, lane.width, lane.curvature)]
        arrays += [s.points for s in road_map.strokes] + [s.polygon for s in road_map.surfaces]
        marks = repr([(lane.left_marks, lane.right_marks, lane.speed_limit) for lane in road_map.lanes])
        return b"".join(a.tobytes() for a in arrays) + marks.encode()

    for seed in range(5):
        assert content(road(seed)) == content(generate_road(np.random.default_rng(seed)))
    assert content(road(0)) != content(road(1))


def test_every_driven_lane_is_long_enough_and_wide_enough():
    config = RoadConfig()
    for seed in SEEDS:
        lanes = driving(road(seed))
        forward = [lane for lane in lanes if lane.forward]
        assert 1 <= len(forward) <= 3
        assert len(lanes) - len(forward) <= 3
        for lane in lanes:
            assert lane.length >= config.run_in + config.length + config.run_out
            assert np.all((lane.width >= 3.0) & (lane.width <= 4.0))
            assert 30.0 / 3.6 - 1e-9 <= lane.speed_limit <= 80.0 / 3.6 + 1e-9


def test_curvature_bounds_hold_on_every_driven_lane():
    corners, abrupt = 0, 0
    for seed in SEEDS:
        for lane in driving(road(seed)):
            curvature = np.abs(lane.curvature)
            assert curvature.max() <= 1.0 / MIN_CORNER_RADIUS + 1e-9
            # Where the lane is bent more tightly than an open road, it turns by 60 to 110 degrees.
            tight = np.flatnonzero(curvature > 1.0 / MIN_OPEN_RADIUS + 1e-9)
            for run in np.split(tight, np.flatnonzero(np.diff(tight) > 1) + 1):
                if len(run):
                    flat = np.flatnonzero(curvature < 1e-9)
                    before, after = flat[flat < run[0]], flat[flat > run[-1]]
                    if len(before) and len(after):
                        turned = abs(lane.headings[after[0]] - lane.headings[before[-1]])
                        assert 59.0 < math.degrees(turned) < 111.0
                        corners += seed < CORNERS_FROM and lane.index == driving(road(seed))[0].index
            sharpness = np.abs(np.diff(lane.curvature)) / np.diff(lane.s)
            assert sharpness.max() < ABRUPT_SHARPNESS[1] + 1e-6
            if sharpness.max() > MAX_SHARPNESS + 1e-6:
                abrupt += 1
                assert curvature.max() > 1.0 / 45.0
    assert 60 <= corners <= 200
    assert abrupt > 20


def test_a_car_can_steer_through_every_corner_with_clothoids():
    wheelbase, speed = 2.578, 3.5  # [m], [m/s]
    for seed in SEEDS:
        for lane in driving(road(seed)):
            steering = np.arctan(wheelbase * lane.curvature)
            assert np.abs(steering).max() < 0.6
            abrupt = (np.abs(np.diff(lane.curvature)) / np.diff(lane.s)).max() > MAX_SHARPNESS + 1e-6
            if np.abs(lane.curvature).max() > 1.0 / MIN_OPEN_RADIUS and not abrupt:
                assert (np.abs(np.diff(steering)) / np.diff(lane.s)).max() * speed < 0.4


def test_samples_are_dense_and_exact():
    for seed in range(40):
        for lane in road(seed).lanes:
            step = np.hypot(*np.diff(lane.center[:, :2], axis=0).T)
            assert step.max() <= 0.5 + 1e-9
            # A chord c of curvature k is c^2 k / 8 off the curve.
            bent = np.maximum(np.abs(lane.curvature[1:]), np.abs(lane.curvature[:-1]))
            assert (step**2 * bent / 8.0).max() < 0.01
            np.testing.assert_allclose(step, np.diff(lane.s), rtol=2e-3, atol=1e-9)


def test_neighbours_share_their_border_and_its_marks():
    flipped = {"solid broken": "broken solid", "broken solid": "solid broken"}
    for seed in range(40):
        lanes = road(seed).lanes
        for a in lanes:
            if a.right_neighbour is None:
                continue
            b = lanes[a.right_neighbour]
            facing = a.forward == b.forward
            assert (b.left_neighbour if facing else b.right_neighbour) == a.index
            ours = a.border(-1)
            theirs = b.border(1) if facing else b.border(-1)[::-1]
            np.testing.assert_allclose(ours[1:-1], theirs[1:-1], atol=0.02)
            marks = b.left_marks if facing else b.right_marks
            other = [m.type if facing else flipped.get(m.type, m.type) for m in marks]
            if a.type == b.type == "driving":
                assert [m.type for m in a.right_marks] == (other if facing else other[::-1])


def test_marks_cover_each_border_without_gaps():
    for seed in range(40):
        for lane in road(seed).lanes:
            for marks in (lane.left_marks, lane.right_marks):
                assert marks[0].s_start == pytest.approx(0.0, abs=1e-9)
                assert marks[-1].s_end == pytest.approx(lane.length, abs=1e-9)
                for a, b in itertools.pairwise(marks):
                    assert a.s_end == pytest.approx(b.s_start, abs=1e-9)


def test_all_kinds_of_roads_and_marks_occur():
    marks = {
        (m.type, m.color)
        for seed in SEEDS
        for lane in driving(road(seed))
        for m in (*lane.left_marks, *lane.right_marks)
    }
    for color in ("white", "yellow"):
        for kind in ("solid", "broken", "solid solid", "solid broken", "broken solid", "botts dots"):
            assert (kind, color) in marks
    assert {"curb", "grass", "edge", "none", "broken broken"} <= {kind for kind, _ in marks}
    types = {lane.type for seed in SEEDS for lane in road(seed).lanes}
    assert {"driving", "parking", "shoulder", "sidewalk", "median"} <= types
    assert {road(seed).style for seed in SEEDS} == {"town", "country", "highway"}
    one_way = [all(lane.forward for lane in driving(road(seed))) for seed in SEEDS]
    assert 0.1 < np.mean(one_way) < 0.5
    dashes = {(s.dash, s.gap) for seed in SEEDS for s in road(seed).strokes if s.type == "broken"}
    assert len(dashes) >= 8
    wear = np.array([s.wear for seed in SEEDS for s in road(seed).strokes])
    assert wear.max() > 0.6
    assert np.mean(wear < 0.3) > 0.5


def test_unmarked_stretches_are_ten_to_twenty_five_metres_long():
    found = 0
    unpainted = {"none", "curb", "grass", "edge"}
    for seed in SEEDS:
        for lane in driving(road(seed)):
            for marks in (lane.left_marks, lane.right_marks):
                bare = [m for m in marks if m.type in unpainted]
                if len(bare) < len(marks):
                    inside = [m for m in bare if m.s_start > 1.0 and m.s_end < lane.length - 1.0]
                    found += len(inside)
                    assert all(BARE_LENGTH[0] <= m.s_end - m.s_start <= BARE_LENGTH[1] for m in inside)
    assert found > 100


def test_no_road_comes_close_to_itself():
    for seed in SEEDS:
        lanes = road(seed).lanes
        middle = lanes[len(lanes) // 2]
        width = sum(float(lane.width[0]) for lane in lanes)
        points = middle.center[::8, :2]
        s = middle.s[::8]
        distance = np.linalg.norm(points[:, None] - points, axis=-1)
        apart = np.abs(s[:, None] - s) > 2.0 * (CLEARANCE + width) + 40.0
        assert distance[apart].min(initial=np.inf) > CLEARANCE + 0.5 * width


def test_strokes_lie_on_the_borders():
    for seed in range(8):
        road_map = road(seed)
        borders = np.concatenate([lane.border(side)[:, :2] for lane in road_map.lanes for side in (1, -1)])
        for stroke in road_map.strokes:
            middle = 0.5 * (stroke.points[:-1] + stroke.points[1:])
            off = [np.sqrt(((borders - p) ** 2).sum(axis=1).min()) for p in middle[::7]]
            assert max(off) < 0.25 + 0.35 + 0.05  # half a step of samples and the largest inset


def test_a_style_can_be_asked_for():
    for style in STYLES:
        road_map = generate_road(np.random.default_rng(3), RoadConfig(style=style))
        assert road_map.name == f"generated {style}"
        assert road_map.style == ("town" if style == "corners" else style)  # what stands beside it
    assert road(3).name == "generated"


def test_streets_of_corners_turn_both_ways_again_and_again():
    for seed in range(CORNERS_FROM, SEEDS.stop):
        lane = next(lane for lane in driving(road(seed)) if lane.forward)
        turns = np.diff(np.r_[0, np.where(np.abs(lane.curvature) > 1 / 20, np.sign(lane.curvature), 0)])
        assert np.count_nonzero(turns) >= 4  # in and out of two corners at least


@settings(max_examples=15, deadline=None)
@given(length=st.floats(20.0, 1500.0), seed=st.integers(0, 2**31))
def test_any_length_can_be_generated(length, seed):
    config = RoadConfig(length=length, run_in=10.0, run_out=20.0)
    road_map = generate_road(np.random.default_rng(seed), config)
    lengths = [lane.length for lane in driving(road_map)]
    assert length + 30.0 <= min(lengths) < length + 90.0


@pytest.mark.parametrize(
    ("fields", "said"),
    [({"length": -1.0}, "RoadConfig.length is -1.0"), ({"style": "city"}, "RoadConfig.style is 'city'")],
)
def test_a_bad_configuration_is_named(fields, said):
    with pytest.raises(ValueError, match=said):
        RoadConfig(**fields)


def test_a_road_is_generated_at_once():
    generate_road(np.random.default_rng(0))
    best = math.inf
    for seed in range(10):
        start = time.thread_time()
        generate_road(np.random.default_rng(seed))
        best = min(best, time.thread_time() - start)
    assert best < 0.3  # the quickest takes a few milliseconds
