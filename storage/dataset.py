"""What a table of the lake is, whichever it is; `storage.catalog` lists them."""

from dataclasses import dataclass

from compute.schema import Schema


@dataclass(frozen=True, slots=True)
class Dataset:
    """A table's entry in the catalogue.

    Attributes:
        name: layer and table, also its folder in the lake: `silver/revenue`.
        schema: columns and types, exactly.
        key: names a row; no two rows of a partition share it.
        partition_by: one column at most; its values are plain text such as a month.
        description: what a row is.
        is_append_only: Delta itself refuses to change or remove a row.
        is_pinned: a manifest may name any version of it, so its log is kept (S-9).
    """

    name: str
    schema: Schema
    key: tuple[str, ...]
    description: str
    partition_by: str | None = None
    is_append_only: bool = False
    is_pinned: bool = True
