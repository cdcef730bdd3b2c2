"""What tables exist: shape, key, partitions, and what each is made from."""

import polars as pl

from compute.account_month import ACCOUNT_MONTH
from compute.account_use import ACCOUNT_USE
from compute.accounts import ACCOUNT
from compute.allocation import ALLOCATION
from compute.company_month import BRIDGE
from compute.completeness import COMPLETENESS
from compute.contracts.feeds import FEEDS
from compute.current import silver_schema
from compute.dispositions import DISPOSITION, HELD, UNKNOWN_FIELD
from compute.engagement import ACCOUNT_DAY
from compute.engagement_day import USER_DAY
from compute.engagement_week import WEEK
from compute.figures import FIGURE, FIGURE_KEY
from compute.findings import FINDING
from compute.judging import judged_schema
from compute.lateness import LATE_EVENT
from compute.reconciliation import GATE, RECONCILIATION
from compute.reconciliation_acts import ACKNOWLEDGEMENT, EXPLANATION
from compute.reconciliation_ledger import LEDGER_ROW
from compute.releases import RELEASE
from compute.sessions import PART
from compute.status import CASE, STEP
from compute.summaries import SUMMARY
from storage.dataset import Dataset

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
    partition_by="dataset",
    description="A sighting of a file: its name, its content's digest, its arrival; a problem if unreadable.",
)

BRONZE = {
    contract.dataset: Dataset(
        name=f"bronze/{contract.dataset}",
        schema={**contract.place, "_ingested_at": pl.Datetime("us", "UTC"), "payload": pl.Binary},
        key=contract.row_key,
        description=f"{contract.grain}, as received: every row's bytes and where it stood.",
    )
    for contract in FEEDS
}

JUDGED = {
    contract.dataset: Dataset(
        name=f"judged/{contract.dataset}",
        schema=judged_schema(contract),
        key=contract.row_key,
        partition_by="month",
        description=f"{contract.grain}, parsed, typed and ruled on once.",
    )
    for contract in FEEDS
}

SUMMARIES = Dataset(
    name="judged/summary",
    schema={"dataset": pl.String, **SUMMARY},
    key=("dataset", "file", "about", "name"),
    partition_by="dataset",
    description="What a file of judged rows says, summed up, so that a long past need not be read again.",
    is_pinned=False,  # a version for every batch that is judged, and no function of the records but of how they came
)

DEAD_LETTER = Dataset(
    name="judged/dead_letter",
    schema={
        "dataset": pl.String,
        "file": pl.String,
        "partition": pl.Int64,
        "row": pl.Int64,
        "arrival": pl.Datetime("us", "UTC"),
        "codes": pl.String,
        "reason": pl.String,
        "payload_sha256": pl.String,
        "payload": pl.Binary,
    },
    key=("dataset", "file", "partition", "row", "payload_sha256"),
    partition_by="dataset",
    description="A rejected row: its bytes verbatim, why it is no record, where it stood (a topic: at which offset).",
)

SILVER = {
    contract.dataset: Dataset(
        name=f"silver/{contract.dataset}",
        schema=silver_schema(contract),
        # What told two clicks apart may be gone by silver: a query string is (U-17). Their places still do.
        key=contract.key if contract.has_revisions else ("_partition", "_offset"),
        partition_by="month",
        description=f"{contract.grain}: the current accepted one.",
    )
    for contract in FEEDS
}

RELEASES = Dataset(
    name="bronze/release",
    schema=RELEASE,
    key=("release_id",),
    description="What somebody decided of a quarantined row: fix, accept or discard, by whom, why, when.",
)

EXPLANATIONS = Dataset(
    name="bronze/explanation",
    schema=EXPLANATION,
    key=("act_id",),
    description="What finance said of an account's difference to the ledger, or that it no longer says so.",
)

ACKNOWLEDGEMENTS = Dataset(
    name="bronze/acknowledgement",
    schema=ACKNOWLEDGEMENT,
    key=("act_id",),
    description="That finance knows of a second bill of an account's month, or that it no longer says so.",
)

HELD_ROW = Dataset(
    name="judged/held",
    schema=HELD,
    key=("dataset", "case_id", "batch_id", "row"),
    partition_by="dataset",
    description="A quarantined row: where it stood, its codes, whether its case is closed.",
)

DISPOSITIONS = Dataset(
    name="gold/disposition",
    schema=DISPOSITION,
    key=("dataset", "month", "disposition", "code"),
    partition_by="dataset",
    description="Rows per dataset, month, disposition and code; an empty code is the disposition's total.",
)

UNKNOWN_FIELDS = Dataset(
    name="gold/unknown_field",
    schema=UNKNOWN_FIELD,
    key=("dataset", "month", "field"),
    partition_by="dataset",
    description="A member of current records that no field of the contract reads, and how many rows carry it.",
)

STATUS_STEP = Dataset(
    name="gold/status_step",
    schema=STEP,
    key=("account_id", "step"),
    description="A step of an account's status timeline, imputed ones and those into Unknown included.",
)

GAP_CASE = Dataset(
    name="gold/gap_case",
    schema=CASE,
    key=("account_id", "kind", "from", "to", "event_date"),
    description="A jump between statuses that the graph does not allow, and what the graph makes of it.",
)

ACCOUNT_TABLE = Dataset(
    name="gold/account",
    schema=ACCOUNT,
    key=("account_id",),
    description="An account that any current record names, and in which dataset it was first seen.",
)

ACCOUNT_MONTH_TABLE = Dataset(
    name="gold/account_month",
    schema={**ACCOUNT_MONTH, "_bucket": pl.Int32},
    key=("month", "account_id"),
    partition_by="month",
    description="An account in a month: status, state bill, MRR, movement, licences, revenue, direct cost.",
)

MRR_BRIDGE = Dataset(
    name="gold/mrr_bridge",
    schema=BRIDGE,
    key=("month", "tier"),
    partition_by="month",
    description="The MRR bridge of a month, for the company and for every tier; the tiers add up to the company.",
)

ALLOCATION_LEDGER = Dataset(
    name="gold/allocation",
    schema=ALLOCATION,
    key=("month", "source", "account_id"),
    partition_by="month",
    description="An account's share of a salary or a shared expense; the shares of a source add up to its amount.",
)

LEDGER_ROWS = Dataset(
    name="gold/ledger_row",
    schema=LEDGER_ROW,
    key=("month", "account_id", "line"),
    partition_by="month",
    description="A row of the accounting ledger that was compared: the newest version of its account, exact.",
)

RECONCILIATION_ROW = Dataset(
    name="gold/reconciliation",
    schema=RECONCILIATION,
    key=("month", "account_id"),
    partition_by="month",
    description="An account's billed revenue against the accounting ledger.",
)

RECONCILIATION_GATE = Dataset(
    name="gold/reconciliation_gate",
    schema=GATE,
    key=("month", "gate"),
    partition_by="month",
    description="The verdict of a reconciliation gate on a month, and what it was judged by.",
)

COMPLETENESS_ROW = Dataset(
    name="gold/completeness",
    schema=COMPLETENESS,
    key=("month", "dataset"),
    partition_by="month",
    description="What is accepted, held and missing of a dataset in a month.",
)

USER_DAY_TABLE = Dataset(
    name="gold/user_day",
    schema=USER_DAY,
    key=("date", "account_id", "user_id"),
    partition_by="month",
    description="What a user, by pseudonym, did in an account on a date: clicks, active minutes, features.",
)

SESSION_PART = Dataset(
    name="gold/session_part",
    schema=PART,
    key=("date", "account_id", "user_id", "session_id", "started_at"),
    partition_by="month",
    description="The stretch of a click session on one date; the stretches of a session join exactly.",
)

CLICK_SESSION = Dataset(
    name="gold/click_session",
    schema=PART,
    key=("account_id", "user_id", "session_id", "started_at"),
    partition_by="month",
    description="A click session, in the month and on the date of its start.",
)

ACCOUNT_DAY_TABLE = Dataset(
    name="gold/account_day",
    schema=ACCOUNT_DAY,
    key=("date", "account_id"),
    partition_by="month",
    description="An account on a date: active users, minutes, clicks, sessions. The experiment feed; never official.",
)

ENGAGEMENT_WEEK = Dataset(
    name="gold/engagement_week",
    schema=WEEK,
    key=("week", "account_id"),
    description="An ISO week of the company and of every account, beside the mean of the four weeks before.",
)

ACCOUNT_USE_TABLE = Dataset(
    name="gold/account_use",
    schema=ACCOUNT_USE,
    key=("month", "account_id"),
    partition_by="month",
    description="Use against money of an account, and of the company: utilisation, MRR at low use, revenue per user.",
)

LATE_EVENTS = Dataset(
    name="gold/late_event_audit",
    schema=LATE_EVENT,
    key=("dataset", "partition", "offset"),
    partition_by="month",
    description="An event that arrived late, or too late to be used: where it stood, how late, what became of it.",
)

FINDINGS = Dataset(
    name="gold/finding",
    schema=FINDING,
    key=("month", "code", "key"),
    partition_by="month",
    description="A warning that compares rows: what was found, in which records, and what it bears on.",
)

FIGURES = {
    pipeline: Dataset(
        name=f"gold/{pipeline}_figure",
        schema=FIGURE,
        key=FIGURE_KEY,
        partition_by="month",
        description=f"The figures of the {pipeline} pipeline, one row per metric, grain and key.",
    )
    for pipeline in ("profit", "growth", "engagement", "aggregated")
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
        "content_hash": pl.String,
        "as_of": pl.Datetime("us", "UTC"),
        "created_at": pl.Datetime("us", "UTC"),
        "created_by": pl.String,
        "manifest": pl.String,
    },
    key=("snapshot_id",),
    description="A draft's manifest: what it was made from, its content hash, who made it. The newest draft is live.",
)

STATEMENT = Dataset(
    name="snapshot/statement",
    schema={"snapshot_id": pl.String, "told": pl.String},
    key=("snapshot_id",),
    partition_by="snapshot_id",
    description="What the report of a snapshot tells beside its figures: history, cohorts, weeks, data quality; JSON.",
)

DATASETS: tuple[Dataset, ...] = (
    LANDED_FILE, *BRONZE.values(), RELEASES, EXPLANATIONS, ACKNOWLEDGEMENTS, *JUDGED.values(), SUMMARIES,
    DEAD_LETTER, HELD_ROW, *SILVER.values(), DISPOSITIONS, UNKNOWN_FIELDS, STATUS_STEP, GAP_CASE, ACCOUNT_TABLE,
    ACCOUNT_MONTH_TABLE, MRR_BRIDGE, ALLOCATION_LEDGER, USER_DAY_TABLE, SESSION_PART, CLICK_SESSION, ACCOUNT_DAY_TABLE,
    ENGAGEMENT_WEEK, ACCOUNT_USE_TABLE, LATE_EVENTS, FINDINGS, *FIGURES.values(), LEDGER_ROWS, RECONCILIATION_ROW,
    RECONCILIATION_GATE, COMPLETENESS_ROW, SNAPSHOT_FIGURE, SNAPSHOT, STATEMENT,
)  # fmt: skip
