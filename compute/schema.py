"""The shape of a frame: its columns with their types, in order."""

from typing import Any, cast

import polars as pl

Schema = dict[str, pl.DataType | type[pl.DataType]]


def typed(frame: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    """Return the schema's columns in its order, with its types."""
    return frame.select(list(schema)).cast(cast("Any", schema))
