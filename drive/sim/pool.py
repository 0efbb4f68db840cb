"""Ragged arrays of a batch in one flat array: each slot owns a range that can be replaced."""

import numpy as np


class Pool:
    """Flat storage of one variable-length array per slot.

    Kernels get `data`, `begin` and `end`: slot i holds `data[begin[i]:end[i]]`. A replacement that fits is
    written in place; one that does not is appended after the storage has grown and been compacted.
    """

    def __init__(self, dtype: np.dtype | type, slots: int, item_shape: tuple[int, ...] = ()) -> None:
        self.data = np.zeros((0, *item_shape), dtype)
        self.begin = np.zeros(slots, np.int64)
        self.end = np.zeros(slots, np.int64)
        self._capacity = np.zeros(slots, np.int64)

    def __getitem__(self, slot: int) -> np.ndarray:
        """The slot's array, as a view that is good until the next `put`."""
        return self.data[self.begin[slot] : self.end[slot]]

    def put(self, slot: int, values: np.ndarray) -> None:
        """Replace the array of one slot; views taken before are stale afterwards."""
        if len(values) > self._capacity[slot]:
            self._grow(slot, len(values))
        self.end[slot] = self.begin[slot] + len(values)
        self.data[self.begin[slot] : self.end[slot]] = values

    def _grow(self, slot: int, length: int) -> None:
        kept = [self[i].copy() for i in range(len(self.begin))]
        self._capacity[slot] = length if self._capacity[slot] == 0 else length + length // 4
        starts = np.concatenate([[0], np.cumsum(self._capacity)])
        self.data = np.zeros((int(starts[-1]), *self.data.shape[1:]), self.data.dtype)
        for i, values in enumerate(kept):
            self.begin[i], self.end[i] = starts[i], starts[i] + len(values)
            self.data[self.begin[i] : self.end[i]] = values
