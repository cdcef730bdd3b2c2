"""The shape of a frame: its columns with their types, in order."""

import polars as pl

Schema = dict[str, pl.DataType | type[pl.DataType]]
