"""Cameras: lens, mount, what they show, how a user names one, and one's pictures as another's."""

from drive.camera.camera import LABELS, MAX_DEPTH, OUTPUTS, Camera, CameraOutput, camera_outputs
from drive.camera.remap import Remap
from drive.camera.settings import CameraFlags, CameraLike, camera_from, front_camera, read_camera

__all__ = [
    "LABELS",
    "MAX_DEPTH",
    "OUTPUTS",
    "Camera",
    "CameraFlags",
    "CameraLike",
    "CameraOutput",
    "Remap",
    "camera_from",
    "camera_outputs",
    "front_camera",
    "read_camera",
]
