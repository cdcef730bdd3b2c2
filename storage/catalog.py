"""What tables exist: shape, key, partitions, and what each is made from."""

from dataclasses import dataclass

import polars as pl

from compute.account_month import ACCOUNT_MONTH
from compute.contracts.feeds import FEEDS
from compute.current import DISPOSITION, silver_schema
from compute.figures import FIGURE, FIGURE_KEY
from compute.judging import PLACE, judged_schema
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
    """

    name: str
    schema: Schema
    key: tuple[str, ...]
    description: str
    partition_by: str | None = None


LANDED_FILE = Dataset(
    name="bronze/landed_file",
    schema={
        "dataset": pl.String,
        "file": pl.String,
        "bytes": pl.Int64,
        "modified_ns": pl.Int64,
        "batch_id": pl.String,
        "arrival": pl.Datetime("us", "UTC"),
        "rows": pl.Int64,
        "problem": pl.String,
        "landed_at": pl.Datetime("us", "UTC"),
    },
    key=("dataset", "file", "bytes", "modified_ns"),
    description="A sighting of a file: its name, its content's digest, its arrival; a problem when it could not be read.",
)

BRONZE = {
    contract.dataset: Dataset(
        name=f"bronze/{contract.dataset}",
        schema={**PLACE, "_ingested_at": pl.Datetime("us", "UTC"), "payload": pl.Binary},
        key=("_batch_id", "_row"),
        description=f"{contract.grain}, as received: every line's bytes and where it stood.",
    )
    for contract in FEEDS
}

JUDGED = {
    contract.dataset: Dataset(
        name=f"judged/{contract.dataset}",
        schema=judged_schema(contract),
        key=("_batch_id", "_row"),
        partition_by="month",
        description=f"{contract.grain}, parsed, typed and ruled on once.",
    )
    for contract in FEEDS
}

DEAD_LETTER = Dataset(
    name="judged/dead_letter",
    schema={
        "dataset": pl.String,
        "file": pl.String,
        "row": pl.Int64,
        "arrival": pl.Datetime("us", "UTC"),
        "codes": pl.String,
        "reason": pl.String,
        "payload": pl.Binary,
    },
    key=("dataset", "file", "row"),
    partition_by="dataset",
    description="A rejected row: its bytes verbatim, where it stood, why it is no record.",
)

SILVER = {
    contract.dataset: Dataset(
        name=f"silver/{contract.dataset}",
        schema=silver_schema(contract),
        key=contract.key,
        partition_by="month",
        description=f"{contract.grain}: the current accepted one.",
    )
    for contract in FEEDS
}

DISPOSITIONS = Dataset(
    name="gold/disposition",
    schema=DISPOSITION,
    key=("dataset", "month", "disposition", "code"),
    partition_by="dataset",
    description="Rows per dataset, month, disposition and code; an empty code is the disposition's total.",
)

ACCOUNT_MONTH_TABLE = Dataset(
    name="gold/account_month",
    schema=ACCOUNT_MONTH,
    key=("month", "account_id"),
    partition_by="month",
    description="An account in a month: status, state bill, MRR, movement, licences, revenue, direct cost.",
)

FIGURES = {
    pipeline: Dataset(
        name=f"gold/{pipeline}_figure",
        schema=FIGURE,
        key=FIGURE_KEY,
        partition_by="month",
        description=f"The figures of the {pipeline} pipeline, one row per metric, grain and key.",
    )
    for pipeline in ("profit", "growth", "aggregated")
}

SNAPSHOT_FIGURE = Dataset(
    name="snapshot/figure",
    schema={**FIGURE, "snapshot_id": pl.String},
    key=("snapshot_id", *FIGURE_KEY),
    partition_by="snapshot_id",
    description="The figures of a snapshot: all pipelines merged, as they stood when the draft was made.",
)

SNAPSHOT = Dataset(
    name="snapshot/manifest",
    schema={
        "snapshot_id": pl.String,
        "month": pl.String,
        "draft": pl.Int64,
        "state": pl.String,
        "content_hash": pl.String,
        "as_of": pl.Datetime("us", "UTC"),
        "created_at": pl.Datetime("us", "UTC"),
        "created_by": pl.String,
        "manifest": pl.String,
    },
    key=("snapshot_id",),
    description="A draft's manifest: what it was made from, its content hash, who made it. The newest draft is live.",
)
