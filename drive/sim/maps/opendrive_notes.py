"""What reading a map had to assume, and what it may cost."""

from collections import Counter
from typing import NoReturn

from drive.core.errors import UserError

# How much of each a map may hold. Together they keep reading and drawing any file within seconds and a
# gigabyte; a large town has a tenth of each.
LIMITS = {
    "XML elements": 500_000,
    "lanes, lane sections and curves": 8_000,
    "road marks, objects and signals": 25_000,
    "links of lanes": 200_000,
    "km of road": 250.0,
    "samples of lanes": 1_500_000,
    "square km of lanes and paint": 4.0,
    "square km of junctions": 2.0,
}
LONGEST = 1e5  # of one geometry or road [m]
MOST_TURNS = 30.0  # of one geometry
WIDEST_MARK = 20.0  # [m]
FARTHEST = 500.0  # from a road to what is painted for it [m]
LARGEST_OBJECT = 1000.0  # [m]
LARGEST_FILE = 48  # [MiB]
LARGEST_AREA = 1200.0  # that the whole map may span, roads or not [square km]


class Notes:
    """What had to be assumed, one line for each kind, with how often and where first; and what was spent."""

    def __init__(self, source: str = "the map") -> None:
        self._source = source
        self._count: Counter[str] = Counter()
        self._first: dict[str, str] = {}
        self._spent: dict[str, float] = dict.fromkeys(LIMITS, 0.0)

    def add(self, text: str, where: str = "") -> None:
        """Note one assumption; equal texts are counted."""
        self._count[text] += 1
        self._first.setdefault(text, where)

    def spend(self, what: str, amount: float, where: str) -> None:
        """Count towards one of LIMITS.

        Raises:
            UserError: the map holds more than that.
        """
        self._spent[what] += amount
        if not self._spent[what] <= LIMITS[what]:
            self.refuse(
                f"has more than {LIMITS[what]:,.10g} {what} (reached at {where})", "cut it into parts"
            )

    def refuse(self, what: str, remedy: str) -> NoReturn:
        """Refuse the map in one line.

        Raises:
            UserError: always.
        """
        raise UserError(f"{self._source} {what}; {remedy}.")

    def lines(self) -> tuple[str, ...]:
        """One sentence for each kind of assumption."""
        result = []
        for text, count in self._count.items():
            places = f" ({count} x, first at {self._first[text]})" if self._first[text] else ""
            result.append(f"{text}{places}.")
        return tuple(result)
