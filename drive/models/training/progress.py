"""What a training run shows on the terminal."""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress


def _bar(console: "Console") -> "Progress":
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


@contextlib.contextmanager
def decode_progress(console: "Console") -> Iterator[Callable[[int, int], None]]:
    """A bar for decoding pictures; gives the function to call with (frames done, frames in all)."""
    with _bar(console) as bar:
        task = bar.add_task("decoding", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def build_progress(console: "Console", epochs: int, steps: int) -> Any:
    """A Keras callback: a bar over each epoch and one line when it ends."""
    import keras

    class Lines(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            self.started = time.perf_counter()
            self.bar = _bar(console)
            self.bar.start()
            self.task = self.bar.add_task(f"epoch {epoch + 1}/{epochs}", total=steps)

        def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
            self.bar.update(self.task, completed=batch + 1)

        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            values = logs or {}
            console.print(
                f"epoch {epoch + 1}/{epochs}  loss {values['loss']:.4f}  on validation roads: loss "
                f"{values['val_loss']:.4f}, mean steering error {values['val_mae']:.4f}"
                f"  ({time.perf_counter() - self.started:.0f} s)",
                soft_wrap=True,
            )
            self.bar.stop()

        def on_train_end(self, logs: dict[str, float] | None = None) -> None:
            if hasattr(self, "bar"):
                self.bar.stop()

    return Lines()
