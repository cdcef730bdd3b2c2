"""Blocks 8 to 10: how good the data are, what the figures mean, who signed them."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from compute.lifecycle import SIGNING
from compute.metrics import BY_ID, HEADLINE, METRICS
from compute.report.document import Block, Cell, Facts, Prose, Table
from compute.report.figures import Source
from compute.report.standing import incidents, scoreboard
from compute.report.tables import nothing
from compute.report.words import form_of, said

CAVEAT = (
    "Revenue is billed recurring revenue for the month as recorded by the billing feed, net of refunded, voided and "
    "written-off bills. It is not revenue recognised under ASC 606/IFRS 15; it does not defer annual prepayments or "
    "recognise set-up fees. MRR and ARR are operating metrics, not accounting figures. Reconciled to the accounting "
    "ledger version {version} within {within}%."
)
UNVERIFIED = "not reconciled: no accounting ledger could be read"
ASSUMPTIONS = (
    ("A-1", "One reporting currency, {currency}."),
    ("A-2", "Contract and renewal values are totals over the term; a status contract without a term has 12 months. "
            "They are never used for MRR when a bill exists."),
    ("A-3", "The additional revenue of a licence change is monthly."),
    ("A-4", "UTC calendar, ISO weeks."),
    ("A-5", "Bills are full-month statements; nothing is prorated."),
    ("A-6", "Paying means Active or Past Due; Suspended counts 0."),
    ("A-7", "The grace of a past-due bill is 30 days."),
    ("A-8", "Salary headcount counts engineers in engineering teams alone."),
    ("A-9", "There is no map from users to teams."),
    ("A-10", "A Spark job is a Ray job; a database query is a named read of gold."),
    ("A-11", "The 48 hours of engagement bind the preliminary figures, with processing; mature ones may take 2 more."),
    ("A-12", "An accounting ledger exists; without one accuracy is unverified and nothing certifies."),
    ("A-13", "A month is certified by business day 5."),
    ("A-14", "Materiality is 0.5 % for headlines, and 1 % or 100.00 for an account."),
    ("A-15", "A reactivation has no time limit."),
)  # fmt: skip
_VERDICTS = {"pass": "passes", "FAIL": "fails"}
NOT_COMPUTABLE = (
    "Not computable from our sources: CAC, payback, LTV:CAC, magic number, burn multiple, runway, cash, deferred "
    "revenue, RPO, GAAP revenue, bookings pipeline, NPS, currency effects, geography."
)


def quality(source: Source) -> Block:
    """Return the data quality statement."""
    return Block(
        "quality",
        "Data quality statement",
        (
            _completeness(source),
            _gates(source),
            _variance(source),
            _beside(source),
            incidents(source),
            scoreboard(source),
            _pending(source),
        ),
    )


def _completeness(source: Source) -> Table:
    heads = ("dataset", "accepted", "quarantined", "missing", "complete")
    rows = []
    for row in source.table("completeness"):
        counts = [row[name] for name in heads[1:4]]
        rows.append((Cell(row["dataset"]), *(Cell(f"{count:,}") for count in counts), _share(counts)))
    caption = "Completeness (a month certifies with nothing quarantined and nothing missing)"
    return Table(caption, heads, tuple(rows)) if rows else nothing(caption, heads)


def _pending(source: Source) -> Table | Prose:
    """Return the headline figures of certified months that would be others now, and wait for the next revision."""
    found = [row for row in source.table("pending") if row["metric_id"] in HEADLINE]
    if not found:
        return Prose("Pending restatements: none.")
    rows = tuple(
        (Cell(f"{row['month']} revision {row['revision']}: {BY_ID[row['metric_id']].name}"),
         *(_told(row[side], row["metric_id"]) for side in ("old", "new")), Cell(row["cause"].replace("_", " ").lower()))
        for row in found
    )  # fmt: skip
    return Table("Pending restatements", ("", "certified", "would be", "cause"), rows)


def _told(text: str | None, metric_id: str) -> Cell:
    return Cell(said(Decimal(text), form_of(metric_id, BY_ID[metric_id].unit))) if text else Cell("n/m")


def _share(counts: list[int]) -> Cell:
    """Return accepted / all, rounded down: 2499 of 2500 is not complete."""
    whole = sum(counts)
    if not whole:
        return Cell("n/m (nothing to divide by)", note="zero_denominator")
    tenths = counts[0] * 1000 // whole
    return Cell(f"{tenths // 10}.{tenths % 10} %")


def _gates(source: Source) -> Table:
    told = {
        "RC-1": "every account has a class",
        "RC-2": "net difference within the tolerance",
        "RC-3": "gross difference within the tolerance",
        "RC-4": "no unexplained difference of an account",
    }
    rows = tuple(
        (Cell(f"{row['gate']}: {told[row['gate']]}"), Cell(_VERDICTS.get(row["verdict"], row["verdict"])))
        for row in source.table("gates")
    )
    caption, heads = "Reconciliation with the accounting ledger", ("gate", "verdict")
    return Table(caption, heads, rows) if rows else nothing(caption, heads)


def _variance(source: Source) -> Table:
    caption, heads = "Billed revenue against the ledger", ("", "amount", "of the ledger")
    row = next(iter(source.table("variance")), None)
    if row is None or not row["versions"]:
        return nothing(caption, heads)
    ledger = Decimal(row["ledger"] or 0)
    lines = tuple(
        (Cell(name), Cell(said(Decimal(row[key] or 0), "money")), _of_ledger(Decimal(row[key] or 0), ledger))
        for key, name in (("pipeline", "Pipeline"), ("ledger", f"Ledger, version {row['versions']}"),
                          ("net", "Net difference"), ("gross", "Gross difference"))
    )  # fmt: skip
    return Table(caption, heads, lines)


def _of_ledger(amount: Decimal, ledger: Decimal) -> Cell:
    return Cell(f"{said(amount / ledger * 100, 'multiple')} %") if ledger else Cell("n/m (nothing to divide by)")


def _beside(source: Source) -> Table:
    clicks = next(iter(source.table("clicks")), {"accepted": 0, "late": 0})
    steps = next(iter(source.table("imputed")), {"steps": 0})
    late = "n/m (nothing to divide by)" if not clicks["accepted"] else said(
        Decimal(clicks["late"]) / clicks["accepted"], "percent")  # fmt: skip
    rows = [
        (Cell("Late clicks (48 hours and more)"), Cell(late)),
        (Cell("Imputed status steps dated in the month"), Cell(f"{steps['steps']:,}")),
    ]
    rows += [(Cell(f"Quarantined rows of {row['dataset']}"), Cell(_held(row))) for row in source.table("held")]
    return Table("Beside it", ("", str(source.month)), tuple(rows))


def _held(row: Mapping[str, Any]) -> str:
    mrr = f", stating {said(Decimal(str(row['mrr'])), 'money')}" if row["dataset"] == "revenue" and row["mrr"] else ""
    return f"{row['rows']:,}{mrr}"


def definitions(source: Source) -> Block:
    """Return what every metric means, what is assumed, and what cannot be known."""
    head = source.header
    rows = tuple(
        (Cell(metric.metric_id, f"def:{metric.metric_id}"),
         Cell(metric.name + (f" ({metric.label})" if metric.label else "")), Cell(metric.definition),
         Cell(metric.unit), Cell(metric.version))
        for metric in METRICS
    )  # fmt: skip
    tables = tuple(
        (name, Cell(f"version {each['version']}")) for name, each in sorted(head.manifest.get("upstream", {}).items())
    )
    assumed = tuple((Cell(name), Cell(text.format(currency=head.currency))) for name, text in ASSUMPTIONS)
    return Block(
        "definitions",
        "Definitions and caveats",
        (
            Prose(_caveat(source)),
            Prose(NOT_COMPUTABLE),
            Table("Assumptions", ("", "each of them a setting"), assumed, is_text=True),
            Table("Metrics", ("id", "name", "definition", "unit", "version"), rows, is_text=True),
            Facts(tables),
        ),
    )  # fmt: skip


def _caveat(source: Source) -> str:
    row = next(iter(source.table("variance")), None)
    if row is None or not row["versions"] or not Decimal(row["ledger"] or 0):
        return CAVEAT.partition(" Reconciled")[0] + f" Revenue is {UNVERIFIED}."
    within = abs(Decimal(row["net"] or 0)) / abs(Decimal(row["ledger"])) * 100
    return CAVEAT.format(version=row["versions"], within=said(within, "multiple"))


def sign_offs(source: Source) -> Block:
    """Return who signed which hash, when; nobody of the roles that have not."""
    given = {each.role: each for each in source.header.signatures}
    rows = tuple(
        (
            Cell(role),
            Cell(given[role].person),
            Cell(f"{given[role].at:%Y-%m-%d %H:%M}Z"),
            Cell(given[role].content_hash),
        )
        if role in given
        else (Cell(role), Cell("not signed"), Cell("–"), Cell("–"))
        for role in SIGNING
    )
    told = Prose(
        "The five sign-offs are given on exactly these figures, which the hash names."
        if source.header.certificate
        else "This is a draft: the five sign-offs are given when its month is closed."
    )
    return Block("sign-offs", "Sign-offs", (Table("Sign-offs", ("role", "person", "time", "hash"), rows), told))
