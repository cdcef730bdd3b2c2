"""The shape of a dataset's rows: the types they have, the key they are held to, the partitions they fall into."""

from collections.abc import Iterable

import polars as pl
import pyarrow as pa

from compute.errors import ContractViolation
from storage.dataset import Dataset
from storage.meanings import meaning

ALL = ""  # the partition name of a table without partitions


def require_shape(dataset: Dataset, rows: pl.DataFrame, names: Iterable[str]) -> None:
    """Hold rows to the dataset.

    Args:
        dataset: what they are rows of.
        rows: those that are to be written.
        names: the partitions that they may lie in.

    Raises:
        ContractViolation: columns, types or keys are not the dataset's, or rows lie outside the partitions.
    """
    wanted, failures = _dtypes(dataset), []
    if dict(rows.schema) != wanted:
        failures.append(f"columns are {dict(rows.schema)}, not {wanted}")
    elif rows.select(dataset.key).is_duplicated().any():
        failures.append(f"{', '.join(dataset.key)} names two rows")
    elif dataset.partition_by and not set(rows.get_column(dataset.partition_by).unique()) <= set(names):
        failures.append("rows outside the partitions that are replaced")
    if failures:
        raise ContractViolation(dataset=dataset.name, failures=tuple(failures))


def by_partition(dataset: Dataset, rows: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Return the rows of each partition in the order of their keys."""
    rows = rows.sort(dataset.key)
    if dataset.partition_by is None:
        return {ALL: rows}
    return {str(name): part for (name,), part in rows.partition_by(dataset.partition_by, as_dict=True).items()}


def arrow_schema(dataset: Dataset) -> pa.Schema:
    """Return the schema with plain strings, as every Delta reader knows them, and what each column means."""
    plain = pl.DataFrame(schema=_dtypes(dataset)).to_arrow(compat_level=pl.CompatLevel.oldest()).schema
    return pa.schema([each.with_metadata({"comment": meaning(dataset, each.name)}) for each in plain])


def _dtypes(dataset: Dataset) -> dict[str, pl.DataType]:
    return {name: dtype() if isinstance(dtype, type) else dtype for name, dtype in dataset.schema.items()}
