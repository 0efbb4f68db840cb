"""Makes the pictures of the gallery: `python docs/gallery.py`."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from drive.camera import LABELS, Camera
from drive.driving.agents import make_agent
from drive.driving.drive import Seat
from drive.driving.session import Session
from drive.sim.maps.styles import STYLES
from drive.sim.overview import Overview
from drive.sim.scenario import lane_scenario
from drive.sim.sensors.weather import WEATHERS
from drive.sim.task import LaneTask

IMAGES = Path(__file__).parent / "images"
COLORS = cv2.applyColorMap(np.linspace(0, 255, 256, dtype=np.uint8)[:, None], cv2.COLORMAP_TURBO)[:, 0, ::-1]

Picture = NDArray[np.uint8]


def drive_to(task: LaneTask, seed: int, steps: int, **scenario: str | None) -> Session:
    """The expert drives a scenario for so many steps."""
    session = Session(task, Seat(make_agent("expert")[1]))
    session.reset(lane_scenario(seed, **scenario))  # type: ignore[arg-type]
    session.run(max_steps=steps)
    return session


def titled(picture: Picture, title: str) -> Picture:
    """With a title in its upper left corner."""
    found = np.ascontiguousarray(picture)
    for color, thickness in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        cv2.putText(found, title, (8, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, color, thickness, cv2.LINE_AA)
    return found


def write_sheet(name: str, pictures: list[Picture], columns: int) -> None:
    """Pictures of one size in rows, as a JPEG."""
    rows = [np.hstack(pictures[i : i + columns]) for i in range(0, len(pictures), columns)]
    cv2.imwrite(str(IMAGES / name), np.vstack(rows)[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])


def weathers() -> None:
    """Every weather, on a road of its own."""
    task = LaneTask(1)
    pictures = [
        titled(drive_to(task, 20 + i, 60, weather_name=name).task.world.render()[0], name)
        for i, name in enumerate(WEATHERS)
    ]
    write_sheet("weathers.jpg", pictures, 4)


def roads() -> None:
    """Every style of generated road, from the camera and from above."""
    task = LaneTask(1)
    seen, above = [], []
    for style in STYLES:
        session = drive_to(task, 7, 80, style=style, weather_name="clear-noon")
        seen.append(titled(task.world.render()[0], style))
        above.append(Overview(session.drive.scenario).draw(task.world, 0))
    write_sheet("roads.jpg", [np.vstack(pair) for pair in zip(seen, above, strict=True)], 4)


def outputs() -> None:
    """One instant as colour, depth, labels and instances."""
    camera = Camera(outputs=("rgb", "depth", "labels", "instances"))
    task = LaneTask(1, cameras={"front": camera})
    drive_to(task, 31, 70, style="town", weather_name="clear-noon")
    found = {key: value[0] for key, value in task.world.pictures()["front"]._asdict().items()}
    near = np.log(np.minimum(found["depth"], 200.0)) / np.log(200.0)
    palette = COLORS[np.linspace(0, 255, len(LABELS)).astype(np.uint8)]
    shuffled = COLORS[(found["instances"].astype(np.int64) * 89) % 256]
    shuffled[found["instances"] == 0] = 40
    write_sheet(
        "outputs.jpg",
        [
            titled(found["rgb"], "rgb"),
            titled(COLORS[(255 * (1 - near)).astype(np.uint8)], "depth"),
            titled(palette[found["labels"]], "labels"),
            titled(shuffled, "instances"),
        ],
        2,
    )


def lenses() -> None:
    """One instant through four cameras."""
    pinhole = Camera()
    cameras = {
        "front": pinhole,
        "wide": replace(pinhole, fov_deg=120.0, lens="kannala-brandt", distortion=(0.02, -0.01, 0.0, 0.0)),
        "barrel": replace(pinhole, lens="brown-conrady", distortion=(-0.25, 0.06, 0.0, 0.0, 0.0)),
        "high": replace(pinhole, z=2.6, pitch_deg=12.0, roll_deg=4.0),
    }
    task = LaneTask(1, cameras=cameras)
    drive_to(task, 12, 60, style="country", weather_name="low-sun")
    titles = (
        "90 deg pinhole",
        "120 deg Kannala-Brandt",
        "90 deg Brown-Conrady",
        "2.6 m up, 12 deg down, 4 deg roll",
    )
    pictures = [
        titled(task.world.render(name)[0], title) for name, title in zip(cameras, titles, strict=True)
    ]
    write_sheet("lenses.jpg", pictures, 2)


if __name__ == "__main__":
    IMAGES.mkdir(exist_ok=True)
    for draw in (weathers, roads, outputs, lenses):
        draw()
