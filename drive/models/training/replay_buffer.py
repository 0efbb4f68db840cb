"""Pictures that a network learns from while more of them arrive: a bounded store, and batches of it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drive.models.data.samples import balance_weights
from drive.models.networks.declaration import Network

STRETCH = 20  # neighbouring frames look alike: what is drawn, is drawn for so many in a row
HELD_EVERY = 10  # of so many stretches, one is never trained on
REFRESH = 100  # frames that arrive before the weights of drawing are worked out anew


@dataclass(frozen=True, eq=False)
class Batch:
    """Pictures and what is to be learned from them."""

    pictures: NDArray[np.uint8]  # (B, H, W, 3)
    inputs: dict[str, NDArray[np.float32]]  # (B, k) each: what the network sees besides, by key
    labels: NDArray[np.float32]  # (B, L) of all outputs, side by side
    share: NDArray[np.float32]  # (B, K) how much each member of an ensemble learns from the picture


class ReplayBuffer:
    """Keeps the newest picture always, and drops older ones at random once it is full.

    Each member of an ensemble learns from a bootstrap sample of its own: a stretch of frames counts 0, 1, 2,
    ... times for it, drawn from a Poisson distribution of mean 1 (Oza and Russell 2001, Online Bagging). One
    stretch of ten is held back from all: there errors and deviations are measured honestly.
    """

    def __init__(self, network: Network, capacity: int, members: int, rng: np.random.Generator) -> None:
        """Set up an empty store; its pages are taken from the system as they fill.

        Args:
            network: whose pictures, inputs and labels are kept.
            capacity: pictures (39.6 kB each for PilotNet).
            members: of the ensemble, K.
            rng: of everything drawn.

        Raises:
            ValueError: the capacity is less than one round of stretches, so that nothing might be held back.
        """
        if capacity < STRETCH * HELD_EVERY:
            raise ValueError(f"capacity is {capacity}; take at least {STRETCH * HELD_EVERY}")
        self._rng = rng
        self._pictures = np.zeros((capacity, *network.picture_shape), np.uint8)
        self._inputs = {
            key: np.zeros((capacity, size), np.float32) for key, size in network.input_sizes.items()
        }
        self._labels = np.zeros((capacity, len(network.labels)), np.float32)
        self._share = np.zeros((capacity, members), np.float32)
        self._now = np.ones(members, np.float32)
        self.size = self.seen = 0
        self._rows, self._edges, self._fresh = np.zeros(0, np.int64), np.zeros(0), 0

    @property
    def capacity(self) -> int:
        """Pictures that fit."""
        return len(self._pictures)

    def add(
        self,
        pictures: NDArray[np.uint8],
        inputs: Mapping[str, NDArray[np.float32]],
        labels: NDArray[np.float32],
    ) -> None:
        """Keep frames in the order they were driven.

        Args:
            pictures: (N, H, W, 3).
            inputs: (N, k) each.
            labels: (N, L).
        """
        for i in range(len(pictures)):
            if self.seen % STRETCH == 0:
                self._now = self._draw_share(self.seen // STRETCH)
            row = self.size if self.size < self.capacity else int(self._rng.integers(self.capacity))
            self._pictures[row], self._labels[row] = pictures[i], labels[i]
            for key, kept in self._inputs.items():
                kept[row] = inputs[key][i]
            self._share[row] = self._now
            self.size = min(self.size + 1, self.capacity)
            self.seen += 1
            self._fresh += 1

    def _draw_share(self, stretch: int) -> NDArray[np.float32]:
        members = self._share.shape[1]
        if stretch % HELD_EVERY == HELD_EVERY - 1:
            return np.zeros(members, np.float32)
        share = self._rng.poisson(1.0, members).astype(np.float32)
        return share if share.any() else np.ones(members, np.float32)

    @property
    def held(self) -> NDArray[np.int64]:
        """Rows that are never trained on."""
        return np.flatnonzero(~self._share[: self.size].any(axis=1))

    def draw(self, count: int, balance: float = 0.0) -> Batch:
        """A batch to train on.

        Args:
            count: pictures.
            balance: how much more often rare values of the first label are drawn, 0 to 1.

        Raises:
            ValueError: there is nothing to train on yet.
        """
        if self._fresh >= REFRESH or not len(self._rows):
            self._rows = np.flatnonzero(self._share[: self.size].any(axis=1))
            if not len(self._rows):
                raise ValueError("The buffer holds nothing to train on.")
            self._edges = np.cumsum(balance_weights(self._labels[self._rows, 0], balance))
            self._fresh = 0
        points = self._rng.random(count) * self._edges[-1]
        drawn = np.searchsorted(self._edges, points, side="right").clip(0, len(self._rows) - 1)
        rows = self._rows[drawn]
        # A row may have been overwritten by a held one since: its share of zero keeps it out.
        return self._take(rows)

    def draw_held(self, count: int) -> Batch:
        """At most so many pictures that were never trained on, without repetition; perhaps none."""
        held = self.held
        return self._take(self._rng.permutation(held)[:count])

    def _take(self, rows: NDArray[np.int64]) -> Batch:
        inputs = {key: values[rows] for key, values in self._inputs.items()}
        return Batch(self._pictures[rows], inputs, self._labels[rows], self._share[rows])
