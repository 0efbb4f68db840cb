"""Small textures as ramps: a texel is 0 (nothing) or 1 .. 15, from a face's first to its second colour."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

SIDE = 64
TEXTURE_LEVELS = 4  # 64, 32, 16, 8 texels a side
TEXTURE_OFFSETS = (0, 4096, 5120, 5376)
(
    FLATS, OFFICES, SHUTTERS, LEAVES, LEAVES_2, LEAVES_3, CONIFER, SHRUB, CONE_STRIPES, DRUM,
    STRIPES, RAIL, BOARDS, DISC, TRIANGLE, PLATE, SHINGLES, WHEEL, LIGHTS, GRILLE,
) = range(20)  # fmt: skip


@cache
def atlas() -> NDArray[np.uint8]:
    """(textures, 5440) all textures with their coarser levels; row 0 is the bottom."""
    makers = {
        FLATS: lambda: _windows(0.28, 0.72, 0.28, 0.80, bars=True),
        OFFICES: lambda: _windows(0.10, 0.90, 0.38, 0.82, bars=True),
        SHUTTERS: lambda: _windows(0.34, 0.66, 0.22, 0.82, bars=False),
        LEAVES: lambda: _crown(1, 0.95, 1.0),
        LEAVES_2: lambda: _crown(2, 0.8, 1.0),
        LEAVES_3: lambda: _crown(3, 1.0, 0.85),
        CONIFER: _conifer,
        SHRUB: lambda: _crown(5, 1.0, 0.8, flat_bottom=True),
        CONE_STRIPES: _cone,
        DRUM: _drum,
        STRIPES: _stripes,
        RAIL: _rail,
        BOARDS: _boards,
        DISC: _disc,
        TRIANGLE: _triangle,
        PLATE: _plate,
        SHINGLES: _shingles,
        WHEEL: _wheel,
        LIGHTS: _lights,
        GRILLE: _grille,
    }
    return np.stack([_levels(makers[k]()) for k in range(len(makers))])


def _levels(finest: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Ramp values (SIDE, SIDE), NaN where there is nothing, as the bytes of all levels."""
    parts, level = [], finest
    for _ in range(TEXTURE_LEVELS):
        filled = np.where(
            np.isnan(level), 0.0, 1.0 + np.round(14.0 * np.clip(np.nan_to_num(level), 0.0, 1.0))
        )
        parts.append(filled.astype(np.uint8).ravel())
        n = len(level) // 2
        four = level.reshape(n, 2, n, 2).swapaxes(1, 2).reshape(n, n, 4)
        known = ~np.isnan(four)
        mean = np.nan_to_num(four).sum(-1) / np.maximum(known.sum(-1), 1)
        level = np.where(known.sum(-1) >= 2, mean, np.nan)
    return np.concatenate(parts)


def _grid() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """U and v of the texel centres in 0 .. 1, v up."""
    c = (np.arange(SIDE) + 0.5) / SIDE
    u, v = np.meshgrid(c, c)
    return u, v


def _length(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.sqrt(x * x + y * y)


def _grain(seed: int, cells: int) -> NDArray[np.float64]:
    """Smooth noise 0 .. 1 with that many cells a side."""
    rng = np.random.default_rng(seed)
    lattice = rng.random((cells + 1, cells + 1))
    c = (np.arange(SIDE) + 0.5) / SIDE * cells
    i = c.astype(np.int64)
    f = c - i
    rows = lattice[i] * (1 - f)[:, None] + lattice[i + 1] * f[:, None]
    return rows[:, i] * (1 - f) + rows[:, i + 1] * f


def _windows(left: float, right: float, low: float, high: float, bars: bool) -> NDArray[np.float64]:
    u, v = _grid()
    wall = 0.08 + 0.07 * _grain(11, 8)
    wall = np.where(v < 0.05, 0.2, wall)
    frame = (u > left - 0.03) & (u < right + 0.03) & (v > low - 0.04) & (v < high + 0.03)
    wall = np.where(frame, 0.0, wall)
    glass = (u > left) & (u < right) & (v > low) & (v < high)
    if bars:
        glass &= abs(u - 0.5 * (left + right)) > 0.02
    return np.where(glass, 0.80 + 0.2 * v, wall)


def _crown(seed: int, width: float, height: float, flat_bottom: bool = False) -> NDArray[np.float64]:
    u, v = _grid()
    x, y = (
        (u - 0.5) * 2.0 / width,
        (v - (0.0 if flat_bottom else 0.5)) * (1.0 if flat_bottom else 2.0) / height,
    )
    radius = _length(x, y) + 0.38 * (_grain(seed, 5) - 0.5) + 0.36 * (_grain(seed + 50, 14) - 0.5)
    holes = (_grain(seed + 90, 20) > 0.86) & (radius > 0.35)
    shade = (
        0.30
        + 0.32 * y
        + 0.16 * -x
        + 0.75 * (_grain(seed + 20, 12) - 0.5)
        + 0.35 * (_grain(seed + 9, 32) - 0.5)
    )
    if flat_bottom:
        shade -= 0.1
    return np.where((radius < 0.88) & ~holes, np.clip(shade + 0.12, 0.0, 1.0), np.nan)


def _conifer() -> NDArray[np.float64]:
    u, v = _grid()
    tooth = (v * 7.0) % 1.0
    half = (1.0 - v) * (0.46 - 0.16 * tooth) + 0.06 * (_grain(4, 16) - 0.5)
    shade = 0.45 - 0.45 * tooth + 0.35 * (0.5 - u) + 0.5 * (_grain(8, 24) - 0.4)
    return np.where(abs(u - 0.5) < half, np.clip(shade + 0.15, 0.0, 1.0), np.nan)


def _round_shade(u: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.minimum(0.5, 1.0 * (u - 0.35) ** 2)


def _cone() -> NDArray[np.float64]:
    u, v = _grid()
    inside = (abs(u - 0.5) < 0.36 * (1.02 - v)) | ((v < 0.07) & (abs(u - 0.5) < 0.48))
    white = ((v > 0.32) & (v < 0.50)) | ((v > 0.64) & (v < 0.78))
    return np.where(inside, np.where(white, 1.0, _round_shade(u)), np.nan)


def _drum() -> NDArray[np.float64]:
    u, v = _grid()
    inside = abs(u - 0.5) < np.where(v > 0.92, 0.40, 0.46)
    white = ((v > 0.18) & (v < 0.36)) | ((v > 0.56) & (v < 0.74))
    return np.where(inside, np.where(white, 0.95 - _round_shade(u), _round_shade(u)), np.nan)


def _stripes() -> NDArray[np.float64]:
    u, v = _grid()
    return np.where(((u + v) * 2.0) % 1.0 < 0.5, 0.0, 1.0)


def _rail() -> NDArray[np.float64]:
    u, v = _grid()
    beam = (v > 0.52) & (v < 0.98)
    ridge = abs(((v - 0.52) / 0.46 * 2.0) % 1.0 - 0.5) * 2.0
    post = abs(u - 0.5) < 0.04
    return np.where(beam, 1.0 - 0.85 * ridge, np.where(post, 0.0, np.nan))


def _boards() -> NDArray[np.float64]:
    u, v = _grid()
    board = ((v > 0.375) & (v < 0.5)) | ((v > 0.75) & (v < 0.875))
    post = ((u * 2.0) % 1.0 < 0.125) & (v < 0.95)
    return np.where(board | post, 0.35 + 0.5 * _grain(3, 12), np.nan)


def _disc() -> NDArray[np.float64]:
    u, v = _grid()
    radius = _length(u - 0.5, v - 0.5)
    digits = (abs(v - 0.5) < 0.17) & (abs(abs(u - 0.5) - 0.13) < 0.085)
    digits &= ~((abs(v - 0.5) < 0.10) & (abs(abs(u - 0.5) - 0.13) < 0.03))
    face = np.where(radius < 0.36, np.where(digits, 0.0, 1.0), 0.25)
    return np.where(radius < 0.5, face, np.nan)


def _triangle() -> NDArray[np.float64]:
    u, v = _grid()
    half = 0.5 * (1.0 - v)
    inner = abs(u - 0.5) < 0.5 * (0.80 - v) * (v > 0.12)
    return np.where(abs(u - 0.5) < half, np.where(inner, 1.0, 0.2), np.nan)


def _plate() -> NDArray[np.float64]:
    u, v = _grid()
    rim = (abs(u - 0.5) > 0.46) | (abs(v - 0.5) > 0.46)
    words = (abs(v - 0.68) < 0.07) & (abs(u - 0.45) < 0.33) | (abs(v - 0.36) < 0.07) & (abs(u - 0.52) < 0.30)
    words &= (u * 11.0) % 1.0 < 0.75
    return np.where(rim | words, 1.0, 0.0)


def _shingles() -> NDArray[np.float64]:
    u, v = _grid()
    rows = (v * 8.0) % 1.0
    tiles = (u * 8.0 + 0.5 * (np.floor(v * 8.0) % 2.0)) % 1.0
    return np.clip(np.where((rows < 0.16) | (tiles < 0.1), 0.7, 0.15 + 0.4 * _grain(6, 16)), 0.0, 1.0)


def _wheel() -> NDArray[np.float64]:
    u, v = _grid()
    radius = _length(u - 0.5, v - 0.5)
    spokes = (abs(u - 0.5) < 0.05) | (abs(v - 0.5) < 0.05) | (abs(u - v) < 0.05) | (abs(u + v - 1.0) < 0.05)
    hub = (radius < 0.30) & (spokes | (radius < 0.08) | (radius > 0.26))
    return np.where(radius < 0.5, np.where(hub, 0.9, 0.05), np.nan)


def _lights() -> NDArray[np.float64]:
    u, v = _grid()
    shade = np.full((SIDE, SIDE), 0.05)
    for middle in (0.2, 0.5, 0.8):
        shade[_length((u - 0.5) * 0.42, v - middle) < 0.115] = 0.35
    shade[_length((u - 0.5) * 0.42, v - 0.8) < 0.115] = 1.0
    return shade


def _grille() -> NDArray[np.float64]:
    _, v = _grid()
    return np.where((v * 6.0) % 1.0 < 0.3, 0.7, 0.1)
