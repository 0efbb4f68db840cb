"""The cameras of a batch of worlds: the same sizes and outputs, mounts and lenses of each world's own."""

from collections.abc import Mapping

from drive.camera import Camera
from drive.sim.sensors.records import Actors, Pictures, Shots
from drive.sim.sensors.renderer import Renderer
from drive.sim.sensors.store import SceneStore


class CameraRig:
    """Which camera hangs where in which world, and what draws it.

    Args:
        cameras: by name, the same in all worlds at first.
        store: what there is to see.
        batch: how many worlds.
    """

    def __init__(self, cameras: Mapping[str, Camera], store: SceneStore, batch: int) -> None:
        self._store = store
        self._renderers = {name: [Renderer(camera, store)] * batch for name, camera in cameras.items()}
        self._differing: set[str] = set()  # cameras that are not the same in all worlds

    def add(self, name: str, camera: Camera, batch: int) -> None:
        """Hang another camera in all worlds."""
        self._renderers[name] = [Renderer(camera, self._store)] * batch

    def camera(self, w: int, name: str) -> Camera:
        """A camera of world w."""
        return self._renderers[name][w].camera

    def cameras(self, w: int) -> dict[str, Camera]:
        """All cameras of world w, by name."""
        return {name: one[w].camera for name, one in self._renderers.items()}

    def set(self, w: int, name: str, camera: Camera) -> None:
        """Hang another camera in world w; not while rendering.

        Raises:
            ValueError: there is no camera of that name, or its size or outputs differ.
        """
        if name not in self._renderers:
            raise ValueError(f"There is no camera {name!r}; take one of {', '.join(self._renderers)}.")
        held = self._renderers[name]
        before = held[w].camera
        for field in ("width_px", "height_px", "outputs"):
            ours, theirs = getattr(camera, field), getattr(before, field)
            if ours != theirs:
                raise ValueError(
                    f"Camera {name!r} of a batch has {field} {theirs}, this one {ours}; worlds may differ in "
                    "mount, field of view and lens alone."
                )
        found = next((one for one in held if one.camera == camera), None)
        held[w] = found if found is not None else Renderer(camera, self._store)
        if any(one is not held[0] for one in held):
            self._differing.add(name)
        else:
            self._differing.discard(name)

    def draw(self, name: str, shots: Shots, actors: Actors, out: Pictures) -> tuple[int, int]:
        """Draw what each shot's world sees with its camera; returns (faces, vehicles) in view, summed."""
        held = self._renderers[name]
        if name not in self._differing:
            return held[0].render(shots, actors, out)
        renderers = [held[w] for w in shots.worlds.tolist()]
        faces, vehicles, lo = 0, 0, 0
        while lo < len(renderers):
            hi = lo + 1
            while hi < len(renderers) and renderers[hi] is renderers[lo]:
                hi += 1
            seen = renderers[lo].render(shots.part(lo, hi), actors, out.part(lo, hi))
            faces, vehicles, lo = faces + seen[0], vehicles + seen[1], hi
        return faces, vehicles
