"""What stands beside roads of each style: rows of things of one kind along the edge of a road."""

from dataclasses import dataclass

from drive.sim.arrays import BUILDING, BUSH, FENCE, POLE, SIGN, TREE

WALLS = (0xB9A58A, 0xC9BFAE, 0x9C5B45, 0x8A8F94, 0xD8D2C4, 0xA3886B, 0x6F7A80, 0xC2A05A, 0xE3DCCB, 0x7D4F3F)
LEAVES = (0x3F6B2A, 0x4C7A33, 0x2F5A27, 0x5E8438, 0x3A6640, 0x6B7F34)
BUSHES = (0x4A6E30, 0x587C3A, 0x3C5F2C, 0x6D7D3E)
POLES = (0x6E7377, 0x8B9094, 0x4F5357)
WOOD = (0x7A6248, 0x8C7A5E, 0x5F5142)
METAL = (0xA8ADB2, 0x9BA0A5)
PLAIN = (0xF2F2F0,)
SIGNS = (0xD8D8D8, 0xC62828, 0x1F57A8, 0xE0B020)


@dataclass(frozen=True)
class Row:
    """Things of one kind along the edge of a road.

    Ranges are (low, high), drawn uniformly. With `share` below 1 some places stay empty; with `stretches`
    whole stretches of about that length have them or not.
    """

    kind: int
    spacing: tuple[float, float]  # from one to the next, added to their length [m]
    away: tuple[float, float]  # from the road's edge to the near side [m]
    length: tuple[float, float]  # along the road [m]
    depth: tuple[float, float] | None  # across it; None: as long [m]
    height: tuple[float, float]  # [m]
    colors: tuple[int, ...]
    share: float = 1.0
    stretches: float = 0.0  # [m]
    sides: float = 1.0  # chance for a side of the road to have them at all
    turned: float = 0.0  # largest random yaw [rad]
    facing: bool = False  # its face, yaw, looks against the traffic beside it
    loose: bool = False  # also beyond the ends of the road


ROWS: dict[str, tuple[Row, ...]] = {
    "town": (
        Row(POLE, (24.0, 32.0), (1.6, 1.9), (0.16, 0.2), None, (5.5, 8.0), POLES, sides=0.7),
        Row(SIGN, (30.0, 90.0), (1.6, 2.0), (0.08, 0.08), (0.5, 0.7), (2.2, 2.8), SIGNS, 0.7, facing=True),
        Row(BUILDING, (1.0, 9.0), (5.2, 9.5), (9.0, 22.0), (8.0, 14.0), (5.0, 17.0), WALLS, 0.85, loose=True),
        Row(TREE, (8.0, 16.0), (1.6, 2.4), (1.6, 2.6), None, (4.0, 8.0), LEAVES, 0.85, 80.0, sides=0.7),
        Row(BUSH, (2.0, 16.0), (3.6, 4.6), (0.8, 1.6), None, (0.6, 1.4), BUSHES, 0.6, 60.0),
        Row(FENCE, (0.3, 0.3), (3.2, 3.6), (6.0, 6.0), (0.08, 0.08), (0.9, 1.3), WOOD, 0.95, 35.0, 0.5),
        Row(TREE, (14.0, 40.0), (15.0, 30.0), (3.0, 5.0), None, (6.0, 12.0), LEAVES, loose=True),
    ),
    "country": (
        Row(POLE, (40.0, 40.0), (1.6, 1.8), (0.12, 0.12), None, (1.0, 1.1), PLAIN, sides=0.8),
        Row(FENCE, (0.2, 0.2), (1.7, 1.9), (4.0, 4.0), (0.12, 0.12), (0.7, 0.8), METAL, 0.95, 40.0, 0.4),
        Row(FENCE, (0.3, 0.3), (5.0, 8.0), (6.0, 6.0), (0.08, 0.08), (1.0, 1.3), WOOD, 0.95, 60.0, 0.4),
        Row(SIGN, (70.0, 200.0), (1.7, 2.3), (0.08, 0.08), (0.6, 0.8), (2.0, 2.6), SIGNS, facing=True),
        Row(POLE, (36.0, 42.0), (7.5, 8.5), (0.24, 0.3), None, (7.0, 9.0), WOOD, sides=0.4),
        Row(BUILDING, (50.0, 160.0), (11.0, 32.0), (9.0, 24.0), (8.0, 13.0), (4.0, 8.0), WALLS, turned=0.6),
        Row(TREE, (3.0, 14.0), (2.5, 7.0), (2.0, 4.5), None, (4.5, 11.0), LEAVES, 0.8, 60.0, loose=True),
        Row(TREE, (3.0, 16.0), (9.0, 30.0), (3.0, 6.0), None, (6.0, 14.0), LEAVES, 0.8, 90.0, loose=True),
        Row(BUSH, (3.0, 22.0), (2.2, 9.0), (0.8, 2.4), None, (0.6, 1.8), BUSHES, 0.7, 50.0, loose=True),
    ),
    "highway": (
        Row(FENCE, (0.1, 0.1), (1.6, 1.7), (8.0, 8.0), (0.15, 0.15), (0.7, 0.8), METAL, 1.0, 120.0, 0.9),
        Row(POLE, (38.0, 44.0), (2.3, 2.7), (0.2, 0.25), None, (8.0, 10.0), POLES, sides=0.6),
        Row(SIGN, (70.0, 180.0), (2.4, 3.2), (0.1, 0.1), (0.9, 2.4), (2.6, 4.5), SIGNS, facing=True),
        Row(BUILDING, (60.0, 200.0), (22.0, 40.0), (14.0, 40.0), (12.0, 22.0), (6.0, 16.0), WALLS),
        Row(TREE, (4.0, 12.0), (6.0, 14.0), (2.5, 5.0), None, (5.0, 11.0), LEAVES, 0.8, 90.0, loose=True),
        Row(TREE, (4.0, 14.0), (16.0, 40.0), (3.0, 6.0), None, (6.0, 14.0), LEAVES, 0.8, 90.0, loose=True),
        Row(BUSH, (4.0, 20.0), (3.6, 9.0), (1.0, 2.4), None, (0.7, 1.8), BUSHES, 0.6, 60.0, loose=True),
    ),
}
