"""Numbers of each epoch, for a spreadsheet (CSV) and for TensorBoard."""

import csv
from pathlib import Path
from typing import Any


def build_log(folder: Path) -> Any:
    """A Keras callback that appends to `folder`/log.csv and writes event files to `folder`/tensorboard.

    Event files are written by TensorFlow alone, where it trains: the package `tensorboard` is needed only to
    look at them.
    """
    import keras

    class Log(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
            values = {name: float(value) for name, value in (logs or {}).items()} | {"learning_rate": rate}
            self.write_events(epoch + 1, values)
            with (folder / "log.csv").open("a", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                if file.tell() == 0:
                    writer.writerow(["epoch", *values])
                writer.writerow([epoch + 1, *values.values()])

        def write_events(self, epoch: int, values: dict[str, float]) -> None:
            pass

    return _with_events(Log, folder)() if keras.backend.backend() == "tensorflow" else Log()


def _with_events(log: type[Any], folder: Path) -> type[Any]:
    """The log, which also writes TensorBoard's event files."""
    import tensorflow as tf

    metadata = tf.compat.v1.SummaryMetadata(data_class="DATA_CLASS_SCALAR")
    metadata.plugin_data.plugin_name = "scalars"

    class LogWithEvents(log):  # type: ignore[misc]
        def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
            self.events = tf.summary.create_file_writer(str(folder / "tensorboard"))

        def write_events(self, epoch: int, values: dict[str, float]) -> None:
            with self.events.as_default():
                for name, value in values.items():
                    tf.summary.write(name, tf.constant(value, tf.float32), epoch, metadata)
            self.events.flush()

        def on_train_end(self, logs: dict[str, float] | None = None) -> None:
            self.events.close()

    return LogWithEvents
