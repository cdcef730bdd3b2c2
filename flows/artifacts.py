"""What a run shows in the Prefect UI: the figures of the snapshot, and what became of the records."""

import polars as pl
from prefect.artifacts import create_markdown_artifact, create_table_artifact

from compute.metrics import BY_ID
from compute.months import Month
from flows.job import Job
from flows.shown import HEADLINE, shown
from storage.catalog import COMPLETENESS_ROW, DISPOSITIONS, RECONCILIATION_GATE
from storage.snapshots import Draft, figures_of


def publish(job: Job, drafts: list[Draft]) -> None:
    """Make the artifacts of a run: headline figures by month, dispositions by dataset, the gates in words."""
    create_table_artifact(
        key="investor-snapshot", table=headline_rows(job, drafts), description="Headline figures of the drafts (DRAFT)."
    )
    counts = job.lake.read(DISPOSITIONS).group_by("dataset", "disposition", "code").agg(pl.col("rows").sum())
    create_table_artifact(
        key="dispositions",
        table=counts.sort("dataset", "disposition", "code").to_dicts(),
        description="What became of every row that has arrived; an empty code is the disposition's total.",
    )
    create_markdown_artifact(key="evidence", markdown=evidence_text(job, drafts), description="Gates of the drafts.")


def headline_rows(job: Job, drafts: list[Draft]) -> list[dict[str, str]]:
    """Return a row per headline metric, a column per month, as people read figures."""
    by_month = {draft.month: _headline(job, draft) for draft in drafts}
    return [
        {"figure": f"{BY_ID[metric_id].name} ({metric_id})"}
        | {month: figures.get(metric_id, "") for month, figures in by_month.items()}
        for metric_id in HEADLINE
    ]


def _headline(job: Job, draft: Draft) -> dict[str, str]:
    rows = figures_of(job.lake, Month.parse(draft.month)).filter(
        (pl.col("grain") == "company_month") & (pl.col("grain_key") == "company") & pl.col("metric_id").is_in(HEADLINE)
    )
    return {
        row["metric_id"]: shown(row["value"], row["unit"], row["null_reason"]) for row in rows.iter_rows(named=True)
    }


def evidence_text(job: Job, drafts: list[Draft]) -> str:
    """Return completeness and reconciliation of the drafts as Markdown."""
    lines = ["| month | draft | quarantined | missing | " + " | ".join(("RC-1", "RC-2", "RC-3", "RC-4")) + " |",
             "|---|---|---|---|---|---|---|---|"]  # fmt: skip
    for draft in drafts:
        of_month = pl.col("month") == draft.month
        held = job.lake.read(COMPLETENESS_ROW, of_month).select(pl.col("quarantined", "missing").sum()).row(0)
        verdicts = dict(job.lake.read(RECONCILIATION_GATE, of_month).select("gate", "verdict").rows())
        cells = (draft.month, draft.number, *held, *(verdicts[gate] for gate in sorted(verdicts)))
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    lines += [
        "",
        "A month certifies with nothing quarantined, nothing missing and every gate passed.",
        "A date of clicks counts as missing until it is mature: 48 hours after its end, with every topic read.",
    ]
    return "\n".join(lines)
