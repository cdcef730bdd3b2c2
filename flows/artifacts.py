"""What a run shows in the Prefect pages: the story of its months, without a value of any record."""

import polars as pl
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.runtime import flow_run

from compute.contracts.feeds import BY_NAME
from compute.contracts.meanings import meanings
from compute.finding_codes import CHECKS
from compute.judging import UNDATED
from compute.metrics import BY_ID
from compute.months import Month
from flows.job import Job
from flows.shown import HEADLINE, shown
from storage.catalog import COMPLETENESS_ROW, DISPOSITIONS, FINDINGS, RECONCILIATION_GATE
from storage.quarantine import all_cases, cases_in
from storage.runs import last_runs
from storage.snapshots import Draft, figures_of

_SHOWN = 3  # ids or keys of a group; the command lists all of them
_BECAME = ("accepted", "superseded", "duplicate", "quarantined", "rejected")
_ADVICE = (
    "A month certifies with nothing held, nothing missing, no blocking finding open and every gate passed.",
    "A date of clicks counts as missing until it is mature: 48 hours after its end, with every topic read.",
    "",
    "* held rows: `techflow quarantine list MONTH`, then `show` and `release` a case",
    "* findings: `techflow export findings MONTH --format table`; `docs/runbook.md` says what to do about each code",
    "* gates: `techflow reconcile MONTH` lists the accounts that differ from the ledger, and what was said of them",
)


def publish(job: Job, drafts: list[Draft]) -> None:
    """Make the artifacts of a run that drafts months: their figures, what stands in their way, what was written."""
    months = [draft.month for draft in drafts]
    create_markdown_artifact(
        key="evidence", markdown=evidence_text(job, drafts), description="What keeps the months from a close."
    )
    for key, rows, description in (
        ("investor-snapshot", headline_rows(job, drafts), "Headline figures of the drafts."),
        ("findings", finding_rows(job, months), "What is odd when rows are compared."),
    ):
        create_table_artifact(key=key, table=rows, description=description)
    publish_verdicts(job, months)
    publish_tables(job)


def publish_verdicts(job: Job, months: list[str]) -> None:
    """Show what became of the rows received, and which are held."""
    for key, rows, description in (
        ("dispositions", disposition_rows(job), "What became of every row received."),
        ("held-rows", held_rows(job, months), "Quarantined rows, and why."),
    ):
        create_table_artifact(key=key, table=rows, description=description)


def publish_tables(job: Job) -> None:
    """Show what the run wrote, and of every other table the version that it left; the outermost run shows it once."""
    if flow_run.parent_flow_run_id:
        return
    create_table_artifact(key="tables", table=table_rows(job), description="The lake; what this run wrote first.")


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


def disposition_rows(job: Job) -> list[dict[str, object]]:
    """Return a row per feed: how many rows have each disposition, and the codes that rows carry."""
    counts, is_total = job.lake.read(DISPOSITIONS), pl.col("code") == ""
    became = (
        counts.filter(is_total)
        .group_by("dataset")
        .agg(pl.col("rows").filter(pl.col("disposition") == name).sum().alias(name) for name in _BECAME)
    )
    carried = counts.filter(~is_total).group_by("dataset", "code").agg(pl.col("rows").sum()).sort("code")
    codes = carried.group_by("dataset", maintain_order=True).agg(
        codes=(pl.col("code") + " × " + pl.col("rows").cast(pl.String)).str.join(", ")
    )
    return became.join(codes, on="dataset", how="left").sort("dataset").to_dicts()


def held_rows(job: Job, months: list[str]) -> list[dict[str, object]]:
    """Return a row per feed, month and code of the open cases: how many, which, and what the code means."""
    known = {code: words for contract in BY_NAME.values() for code, words in meanings(contract, job.company).items()}
    cases = cases_in(all_cases(job.lake).filter("is_open"), months, None).explode("codes")
    groups = cases.group_by("month", "dataset", "codes").agg(pl.col("case_id").sort())
    return [
        {"month": month, "code": code, "rows": len(ids), "why": known.get(code, ""), "cases": _few(ids), "feed": feed}
        for month, feed, code, ids in groups.sort("month", "dataset", "codes").rows()
    ]


def finding_rows(job: Job, months: list[str]) -> list[dict[str, object]]:
    """Return a row per month and code of the findings: how many, for what, and who ends them."""
    known = {check.code: check.meaning for check in CHECKS}
    found = job.lake.read(FINDINGS, pl.col("month").is_in([*months, UNDATED]))
    groups = found.group_by("month", "severity", "code", "awaits").agg(pl.col("key").sort())
    return [
        {
            "month": month, "code": code, "found": len(keys), "meaning": known[code], "severity": severity,
            "for": _few(keys), "awaits": awaits,
        }
        for month, severity, code, awaits, keys in groups.sort("month", "severity", "code").rows()
    ]  # fmt: skip


def _few(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (" …" if len(names) > _SHOWN else "")


def table_rows(job: Job) -> list[dict[str, object]]:
    """Return a row per table with the work of its last commit, those that this run wrote first."""
    last = last_runs(job.lake)
    is_new = pl.col("finished_at") >= job.started_at.isoformat(timespec="seconds")
    written = pl.when(is_new).then(pl.lit("this run")).otherwise(pl.lit("before")).alias("written")
    rows = last.select(pl.col("dataset").alias("table"), written, "version", "rows", "seconds", "executor", "tasks")
    return rows.sort("written", "table", descending=[True, False]).to_dicts()


def evidence_text(job: Job, drafts: list[Draft]) -> str:
    """Return what stands between each draft and a close as Markdown: held, missing, findings, gates, what to do."""
    columns = ("month", "draft", "held", "missing", "blocking findings", "reconciliation")
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    blocking = job.lake.read(FINDINGS, pl.col("severity") == "blocking")
    for draft in drafts:
        of_month = pl.col("month") == draft.month
        held = job.lake.read(COMPLETENESS_ROW, of_month).select(pl.col("quarantined", "missing").sum()).row(0)
        failed = job.lake.read(RECONCILIATION_GATE, of_month & (pl.col("verdict") != "pass")).sort("gate")
        gates = ", ".join(f"{gate} {verdict}" for gate, verdict in failed.select("gate", "verdict").rows())
        number = f"{draft.number}, new" if draft.is_new else f"{draft.number}"
        cells = (draft.month, number, *held, blocking.filter(of_month).height, gates or "every gate passed")
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join((*lines, "", *_ADVICE))
