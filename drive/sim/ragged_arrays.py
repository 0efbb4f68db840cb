"""Ragged arrays of a batch in one flat array: each slot owns a range that can be replaced."""

import numpy as np


class RaggedArrays:
    """Flat storage of one variable-length array per slot.

    Kernels get `data`, `begin` and `end`: slot i holds `data[begin[i]:end[i]]`. A replacement that fits the
    slot's old range is written in place; a longer one goes behind everything else, and when the storage is
    full it is compacted into one twice as large as needed.
    """

    def __init__(self, dtype: np.dtype | type, slots: int) -> None:
        self.data = np.zeros(0, dtype)
        self.begin = np.zeros(slots, np.int64)
        self.end = np.zeros(slots, np.int64)
        self._capacity = np.zeros(slots, np.int64)
        self._used = 0

    def __getitem__(self, slot: int) -> np.ndarray:
        """The slot's array, as a view that is good until the next `put`."""
        return self.data[self.begin[slot] : self.end[slot]]

    def put(self, slot: int, values: np.ndarray) -> None:
        """Replace the array of one slot; views taken before are stale afterwards."""
        length = len(values)
        if length > self._capacity[slot]:
            self.end[slot] = self.begin[slot]
            if self._used + length > len(self.data):
                self._compact(length)
            self.begin[slot] = self._used
            self._capacity[slot] = length
            self._used += length
        self.end[slot] = self.begin[slot] + length
        self.data[self.begin[slot] : self.end[slot]] = values

    def _compact(self, extra: int) -> None:
        lengths = self.end - self.begin
        data = np.zeros(2 * (int(lengths.sum()) + extra), self.data.dtype)
        used = 0
        for slot, length in enumerate(lengths):
            data[used : used + length] = self[slot]
            self.begin[slot], self.end[slot] = used, used + length
            used += int(length)
        self._capacity = lengths.copy()
        self.data, self._used = data, used
