"""`drive map`: what an OpenDRIVE file holds, and its picture from above."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tyro

from drive.core.errors import UserError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drive.sim.maps.road_map import Lane, RoadMap

_LONGER_SIDE_PX = 1600
_SHORTER_SIDE_PX = 320


@dataclass(frozen=True)
class MapConfig:
    """Show what an OpenDRIVE map (.xodr) holds and draw it from above.

    Drive on it next: drive evaluate --agent expert --map FILE.xodr
    """

    file: tyro.conf.Positional[Path]
    """The map, an .xodr file."""
    out: Path | None = None
    """Where to write the picture; NAME.png in the current folder when not given."""
    json: bool = False
    """Print one JSON object for programs instead of the table."""
    mirror: Path | None = None
    """Also write the map's mirror image here (.xodr): left-hand traffic for right-hand, and back."""

    def __post_init__(self) -> None:
        if self.out is not None and self.out.suffix.lower() not in (".png", ".jpg", ".jpeg"):
            raise UserError(f"--out {self.out} is no picture's name; give one that ends in .png or .jpg.")


def main(config: MapConfig) -> None:
    """Read the map, print what it holds, and write its picture."""
    from drive.sim.maps.opendrive import read_opendrive

    road_map = read_opendrive(config.file)
    picture = config.out if config.out is not None else Path(f"{config.file.stem}.png")
    _write(picture, _encode(_picture(road_map), picture.suffix))
    if config.mirror is not None:
        from xml.etree.ElementTree import tostring

        from drive.sim.maps.opendrive import load_root
        from drive.sim.maps.opendrive_mirror import mirror_opendrive

        if config.mirror.resolve() == config.file.resolve():
            raise UserError(f"--mirror {config.mirror} is the map itself; give another name.")
        text = tostring(load_root(config.file), encoding="unicode")
        _write(config.mirror, mirror_opendrive(text).encode())
    facts = {"file": str(config.file), **summarize(road_map), "picture": str(picture)}
    if config.json:
        print(json.dumps(facts, indent=2))
    else:
        _print_table(facts, config)


def summarize(road_map: RoadMap) -> dict[str, Any]:
    """A map in numbers, as JSON's types; keys name their units.

    Lane kilometres are measured with their slopes; the extent is that of the middles of all lanes.
    """
    import numpy as np

    from drive.sim.maps.road_map import MIN_DRIVING_WIDTH

    driving = [lane for lane in road_map.lanes if lane.type == "driving"]
    drivable = [lane for lane in road_map.lanes if lane.drivable]
    points = np.concatenate([lane.center for lane in drivable])
    widths = np.concatenate([lane.width for lane in drivable])
    wide = widths[widths >= MIN_DRIVING_WIDTH]
    low, high = points.min(axis=0), points.max(axis=0)
    spread = np.ptp(np.concatenate([lane.center[:, :2] for lane in road_map.lanes]), axis=0)

    def kilometers(lanes: list[Lane]) -> float:
        steps = [np.linalg.norm(np.diff(lane.center, axis=0), axis=1).sum() for lane in lanes]
        return round(float(sum(steps)) / 1000.0, 3)

    signals = [signal.type for signal in road_map.signals]
    marks: dict[str, float] = {}
    for lane in driving:
        for mark in (*lane.left_marks, *lane.right_marks):
            key = mark.type if mark.type in ("none", "curb") else f"{mark.type} {mark.color}"
            marks[key] = marks.get(key, 0.0) + (mark.s_end - mark.s_start) / 1000.0
    limits = [lane.speed_limit for lane in driving] or [lane.speed_limit for lane in drivable]
    return {
        "name": road_map.name,
        "roads": len({lane.road_id for lane in road_map.lanes}),
        "junctions": len(road_map.junctions),
        "lanes": len(road_map.lanes),
        "driving_lane_km": kilometers(driving),
        "driving_lane_in_junctions_km": kilometers([x for x in driving if x.junction is not None]),
        "traffic_lights": signals.count("light"),
        "stop_signs": signals.count("stop"),
        "yield_signs": signals.count("yield"),
        "speed_signs": signals.count("speed"),
        "other_signals": sum(x not in ("light", "stop", "yield", "speed") for x in signals),
        "crosswalks": sum(surface.material == "crosswalk" for surface in road_map.surfaces),
        "objects": len(road_map.objects),
        "extent_m": [round(float(v), 1) for v in spread],
        "z_m": [round(float(v), 2) for v in (low[2], high[2])],
        "lane_width_m": {
            "min": round(float(widths.min()), 2),
            "usual": [round(float(v), 2) for v in np.percentile(wide if len(wide) else widths, [5, 95])],
            "max": round(float(widths.max()), 2),
        },
        "speed_limit_mps": [round(min(limits), 2), round(max(limits), 2)],
        "border_marks_km": {key: round(value, 3) for key, value in sorted(marks.items())},
        "left_hand_traffic": road_map.left_hand,
        "origin_m": list(road_map.origin),
        "warnings": list(road_map.warnings),
    }


def _picture(road_map: RoadMap) -> NDArray[Any]:
    from drive.sim.maps.topdown import draw_map, draw_scale, extent

    low, high = extent(road_map)
    size = (high - low) + 20.0
    scale = _LONGER_SIDE_PX / float(size.max())
    width_px, height_px = (max(round(float(v) * scale), _SHORTER_SIDE_PX) for v in size)
    picture, pixel_from_world = draw_map(road_map, width_px, height_px)
    draw_scale(picture, float(1.0 / pixel_from_world[0, 0]))
    return picture


def _encode(picture: NDArray[Any], suffix: str) -> bytes:
    import cv2

    return cv2.imencode(suffix.lower(), picture[..., ::-1])[1].tobytes()


def _write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    from drive.core.files import disk_errors, replace_file

    with disk_errors(path, "free some space, or name another place", "name another place"):
        replace_file(path, data)


def _rows(facts: dict[str, Any]) -> list[tuple[str, str]]:
    width = facts["lane_width_m"]
    slowest, fastest = (f"{v * 3.6:.0f}" for v in facts["speed_limit_mps"])
    low, high = (f"{v:.1f}" for v in facts["z_m"])
    narrowest, widest = (f"{v:.2f}" for v in width["usual"])
    usual = narrowest if narrowest == widest else f"{narrowest} to {widest}"
    tapers = f" (tapers to {width['min']:.2f} m)" if width["min"] < float(narrowest) - 0.1 else ""
    marks = ", ".join(f"{name} {km:.2f} km" for name, km in facts["border_marks_km"].items())
    inside = facts["driving_lane_in_junctions_km"]
    signs = f"{facts['stop_signs']} stop, {facts['yield_signs']} yield, {facts['speed_signs']} speed limit"
    rows = [
        ("driving lanes", f"{facts['driving_lane_km']:.2f} km, {inside:.2f} km of it in junctions"),
        ("roads, lanes, junctions", f"{facts['roads']}, {facts['lanes']}, {facts['junctions']}"),
        ("traffic lights", f"{facts['traffic_lights']}"),
        ("signs", f"{signs}; {facts['other_signals']} other signals"),
        ("crosswalks, objects", f"{facts['crosswalks']}, {facts['objects']}"),
        ("extent", f"{facts['extent_m'][0]:.0f} x {facts['extent_m'][1]:.0f} m"),
        ("height", "flat" if low == high else f"{low} to {high} m"),
        ("lane width", f"{usual} m{tapers}"),
        ("speed limit", f"{slowest} km/h" if slowest == fastest else f"{slowest} to {fastest} km/h"),
        ("lane borders", marks or "no marks"),
        ("traffic", "on the left" if facts["left_hand_traffic"] else "on the right"),
    ]
    if any(facts["origin_m"]):
        rows.append(("origin", ", ".join(f"{v:.1f}" for v in facts["origin_m"]) + " m, subtracted"))
    return rows


def _print_table(facts: dict[str, Any], config: MapConfig) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=escape(facts["name"]), show_header=False, title_justify="left")
    for name, value in _rows(facts):
        table.add_row(name, escape(value))
    console = Console(highlight=False)
    console.print(table)
    for warning in facts["warnings"]:
        console.print(f"[yellow]assumed:[/yellow] {escape(warning)}")
    console.print(f"picture: {escape(facts['picture'])}", soft_wrap=True)
    if config.mirror is not None:
        console.print(f"mirror image: {escape(str(config.mirror))}", soft_wrap=True)
    console.print(f"drive on it: drive evaluate --agent expert --map {escape(facts['file'])}", soft_wrap=True)
