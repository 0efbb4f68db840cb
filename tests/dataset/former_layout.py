"""Datasets in the layout of format 1, which this program no longer writes."""

import json
from pathlib import Path

import pyarrow.parquet as pq

from drive.dataset.files import parquet
from drive.dataset.layout import DRIVE_PATH, INFO_PATH, REWARD, TODAYS_NAMES, VIEW_INDEX_COLUMNS

FORMER = {today: name for name, today in TODAYS_NAMES.items()}


def to_former_layout(root: Path) -> None:
    """Rewrite a dataset: views among the features, other actions under `action.*`, no rewards."""
    ours, info = (json.loads((root / path).read_text()) for path in (DRIVE_PATH, INFO_PATH))
    features = info["features"] | ours.pop("views", {})
    del features[REWARD]
    info["features"] = {FORMER.get(name, name): feature for name, feature in features.items()}
    (root / DRIVE_PATH).write_text(json.dumps(ours | {"format": 1}))
    (root / INFO_PATH).write_text(json.dumps(info))
    for data in root.glob("data/*/*.parquet"):
        table, path = pq.read_table(data), root / "views" / data.relative_to(root / "data")
        if path.exists():
            views = pq.read_table(path).drop_columns(list(VIEW_INDEX_COLUMNS))
            for name in views.column_names:
                table = table.append_column(name, views[name])
            path.unlink()
        table = table.rename_columns([FORMER.get(name, name) for name in table.column_names])
        data.write_bytes(parquet(table.select(list(info["features"]))))
    for path in root.glob("meta/episodes/*/*.parquet"):
        row = pq.read_table(path)
        row = row.drop_columns([name for name in row.column_names if f"/{REWARD}/" in name])
        parts = [name.split("/") for name in row.column_names]
        names = ["/".join(FORMER.get(part, part) for part in name) for name in parts]
        path.write_bytes(parquet(row.rename_columns(names)))
    stats = json.loads((root / "meta/stats.json").read_text())
    del stats[REWARD]
    (root / "meta/stats.json").write_text(
        json.dumps({FORMER.get(name, name): one for name, one in stats.items()})
    )
