"""Everything a renderer reads about the worlds of a batch, but for what moves."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.sim.arrays import PROP
from drive.sim.ragged_arrays import RaggedArrays
from drive.sim.sensors.bodies import BODY, CHUNK, CIRCLE, turn_bodies
from drive.sim.sensors.ground import Ground, grass_tiles
from drive.sim.sensors.look import LOOK, Look
from drive.sim.sensors.pixels import GRASS_VARIANTS, PALETTE_SIZE, TILE_SIZE
from drive.sim.sensors.records import Scenes
from drive.sim.sensors.road import SCENE
from drive.sim.sensors.shading import fill_palette
from drive.sim.sensors.sky import SKY_ROWS, SKY_STRIDE, fill_sky


class _Tiles:
    """Tiles of all grounds in use, each ground once, counted by its users."""

    def __init__(self) -> None:
        self.texels = grass_tiles().ravel().copy()  # the first GRASS_VARIANTS tiles are plain grass
        self._free: list[NDArray[np.int64]] = []
        self._count = GRASS_VARIANTS  # tiles handed out so far
        self._slots: dict[int, tuple[Ground, NDArray[np.int64]]] = {}
        self._users: dict[int, int] = {}

    def take(self, ground: Ground) -> NDArray[np.int32]:
        """The ground's grid with places in `texels` instead of its own tile numbers."""
        key = id(ground)
        if key not in self._slots:
            slots = self._allocate(len(ground.tiles))
            self.texels.reshape(-1, TILE_SIZE)[slots] = ground.tiles
            self._slots[key], self._users[key] = (ground, slots), 0
        self._users[key] += 1
        slots = self._slots[key][1]
        grid = ground.grid.ravel()
        places: NDArray[np.int32] = -1 - grid
        places[grid >= 0] = slots[grid[grid >= 0]]
        return places

    def drop(self, ground: Ground) -> None:
        """One user less; the last one frees the ground's tiles."""
        key = id(ground)
        self._users[key] -= 1
        if self._users[key] == 0:
            self._free.append(self._slots.pop(key)[1])
            del self._users[key]

    def _allocate(self, n: int) -> NDArray[np.int64]:
        free = np.concatenate([*self._free, np.zeros(0, np.int64)])
        slots, rest = free[:n], free[n:]
        self._free = [rest]
        fresh = n - len(slots)
        if fresh > 0:
            end = self._count + fresh
            if end * TILE_SIZE > len(self.texels):
                grown = np.zeros(max(end, len(self.texels) // TILE_SIZE * 3 // 2) * TILE_SIZE, np.uint16)
                grown[: len(self.texels)] = self.texels
                self.texels = grown
            slots = np.concatenate([slots, np.arange(self._count, end)])
            self._count = end
        return slots


class SceneStore:
    """Ground, props and look of each world of a batch, as flat arrays for the kernels.

    Worlds that are given the same Ground object share its tiles.

    Attributes:
        arrays: what kernels read, the fields of `Scenes`; good until the next `set`.
    """

    arrays: tuple[NDArray[Any], ...]

    def __init__(self, batch: int) -> None:
        self.scenes = np.zeros(batch, SCENE)
        self.looks = np.zeros(batch, LOOK)
        self.palettes = np.zeros((batch, PALETTE_SIZE), np.uint32)
        self.skies = np.zeros((batch, SKY_ROWS * SKY_STRIDE), np.uint32)
        self._tiles = _Tiles()
        self._grids = RaggedArrays(np.int32, batch)
        self._props = RaggedArrays(BODY, batch)
        self._chunks = RaggedArrays(CIRCLE, batch)
        self._grounds: list[Ground | None] = [None] * batch
        self._bind()

    def set(self, w: int, ground: Ground, props: NDArray, look: Look) -> None:
        """Give world w its ground, its scenery (PROP records) and its look; not while rendering.

        Raises:
            ValueError: props are not PROP records.
        """
        if props.dtype != PROP:
            raise ValueError(f"props must be an array of drive.sim.arrays.PROP records, got {props.dtype}.")
        before = self._grounds[w]
        if before is not ground:
            if before is not None:
                self._tiles.drop(before)
            self._grids.put(w, self._tiles.take(ground))
            self._grounds[w] = ground
        bodies, chunks = _sorted_bodies(props)
        self._props.put(w, bodies)
        self._chunks.put(w, chunks)
        self.looks[w] = look.record
        fill_palette(self.looks[w], self.palettes[w])
        fill_sky(self.looks[w], self.skies[w])
        scene = self.scenes[w]
        scene["x0"], scene["y0"] = ground.x0, ground.y0
        scene["rows"], scene["columns"] = ground.grid.shape
        for pool, begin, end in (
            (self._grids, "grid", None),
            (self._props, "props", "props_end"),
            (self._chunks, "chunks", "chunks_end"),
        ):
            self.scenes[begin] = pool.begin
            if end is not None:
                self.scenes[end] = pool.end
        self._bind()

    def _bind(self) -> None:
        """Hold what kernels are handed, which only `set` changes."""
        self.arrays = tuple(
            Scenes(
                self._tiles.texels,
                self._grids.data,
                self.palettes,
                self.skies,
                self.looks,
                self.scenes,
                self._props.data,
                self._chunks.data,
            )
        )


def _sorted_bodies(props: NDArray) -> tuple[NDArray, NDArray]:
    """Props as BODY records, neighbours together, and a CIRCLE around each CHUNK of them."""
    cell = (props["x"] // 24.0) * 100003.0 + props["y"] // 24.0
    order = np.argsort(cell, kind="stable")
    props = props[order]
    bodies = np.zeros(len(props), BODY)
    bodies["number"] = 1 + order
    for name in ("kind", "x", "y", "length", "width", "height", "seed"):
        bodies[name] = props[name]
    turn_bodies(bodies, np.ascontiguousarray(props["yaw"]))
    for name, shift in (("red", 16), ("green", 8), ("blue", 0)):
        bodies[name] = (props["color"] >> shift) & 255
    chunks = np.zeros(-(-len(bodies) // CHUNK), CIRCLE)
    for i in range(len(chunks)):
        part = bodies[i * CHUNK : (i + 1) * CHUNK]
        x, y = 0.5 * (part["x"].min() + part["x"].max()), 0.5 * (part["y"].min() + part["y"].max())
        reach = np.sqrt((part["x"] - x) ** 2 + (part["y"] - y) ** 2) + part["radius"]
        chunks[i] = x, y, reach.max(), part["height"].max()
    return bodies, chunks
