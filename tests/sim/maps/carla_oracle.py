"""Asks the `carla` wheel where lanes are; run as a program of its own, since some files crash it.

python carla_oracle.py MAP.xodr QUERIES.npz ANSWERS.json

Queries: arrays road, section, lane, s (one waypoint each) and end_road, end_lane, end_s (a place just before
the end of a lane in the direction of travel).
"""

import json
import sys
from pathlib import Path

import carla
import numpy as np


def main(file: str, queries: str, answers: str) -> None:
    town = carla.Map(Path(file).stem, Path(file).read_text(encoding="utf-8"))
    asked = np.load(queries)
    points = []
    for road, lane, s in zip(asked["road"], asked["lane"], asked["s"], strict=True):
        w = town.get_waypoint_xodr(int(road), int(lane), float(s))
        if w is None:
            points.append(None)
            continue
        at = w.transform.location
        left, right = w.left_lane_marking, w.right_lane_marking
        points.append(
            [
                at.x,
                -at.y,
                at.z,
                w.lane_width,
                str(left.type) if left else "NONE",
                str(right.type) if right else "NONE",
                str(left.color) if left else "",
                str(right.color) if right else "",
                str(w.lane_type),
                w.section_id,
                w.is_junction,
            ]
        )
    following = []
    for road, lane, s in zip(asked["end_road"], asked["end_lane"], asked["end_s"], strict=True):
        w = town.get_waypoint_xodr(int(road), int(lane), float(s))
        ahead = w.next(float(asked["step"])) if w is not None else []
        following.append([[n.road_id, n.section_id, n.lane_id] for n in ahead])
    lights = [[x.id, str(x.type)] for x in town.get_all_landmarks()]
    Path(answers).write_text(json.dumps({"points": points, "following": following, "signals": lights}))


if __name__ == "__main__":
    main(*sys.argv[1:])
