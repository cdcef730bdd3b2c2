"""Write `docs/tables.md` from the catalogue: `python docs/write_tables.py`."""

from pathlib import Path

import polars as pl

from storage.catalog import DATASETS
from storage.certified import CERTIFICATION
from storage.dataset import Dataset
from storage.meanings import meaning
from storage.watched import WATCHED

TARGET = Path(__file__).with_name("tables.md")

HEAD = """# Tables

Written from the catalogue in `storage/catalog.py` and `storage/watched.py` by `make docs`; a test keeps it current.
Every table is a plain Delta table in a folder of its name; instants are in UTC, money is decimal with two places in the reporting currency.
A table's schema carries the same comments.
"""


def page() -> str:
    """Return the page."""
    return HEAD + "".join(map(_section, (*DATASETS, *CERTIFICATION, *WATCHED)))


def _section(dataset: Dataset) -> str:
    key = ", ".join(f"`{name}`" for name in dataset.key)
    parts = f"partitions: `{dataset.partition_by}`" if dataset.partition_by else "no partitions"
    columns = "\n".join(
        f"| `{name}` | {_type(dtype)} | {meaning(dataset, name).replace('|', chr(92) + '|')} |"
        for name, dtype in dataset.schema.items()
    )
    description = dataset.description[0].upper() + dataset.description[1:]
    return (
        f"\n## `{dataset.name}`\n\n{description}\nKey: {key}; {parts}.\n\n"
        f"| column | type | meaning |\n|---|---|---|\n{columns}\n"
    )


def _type(dtype: pl.DataType | type[pl.DataType]) -> str:
    """Return a type as SQL engines call it."""
    if isinstance(dtype, pl.Decimal):
        return f"decimal({dtype.precision},{dtype.scale})"
    if isinstance(dtype, pl.List):
        return f"list of {_type(dtype.inner)}"  # type: ignore[arg-type]
    if isinstance(dtype, pl.Struct):
        return "struct of " + ", ".join(f"{each.name} {_type(each.dtype)}" for each in dtype.fields)
    if isinstance(dtype, pl.Datetime):
        return "timestamp"
    names = {pl.String: "string", pl.Int64: "long", pl.Int32: "int", pl.Boolean: "boolean", pl.Date: "date",
             pl.Float64: "double", pl.Binary: "binary"}  # fmt: skip
    return names[dtype if isinstance(dtype, type) else type(dtype)]


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
