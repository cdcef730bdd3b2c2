"""Blocks 2 to 4: how MRR moved, what stayed, what is coming."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from compute.report.charts import Step, cut, waterfall
from compute.report.document import Block, Cell, Chart, Part, Prose, Table
from compute.report.figures import Source, Value, shown
from compute.report.tables import by_month, figures, nothing, trends
from compute.report.words import said

TRAILING = 7  # the month and the six before it
SMALL = 5  # a cohort of fewer accounts is hatched, and its MRR is that of hardly anybody else

MOVEMENTS = (
    ("M-02.opening", "Opening"), ("M-02.new", "+ New"), ("M-02.expansion", "+ Expansion"),
    ("M-02.reactivation", "+ Reactivation"), ("M-02.contraction", "− Contraction"), ("M-02.churn", "− Churn"),
    ("M-01", "Closing"),
)  # fmt: skip
LOGOS = (
    ("M-05.opening", "Opening"), ("M-05.new", "+ New"), ("M-05.reactivated", "+ Reactivated"),
    ("M-05.churned", "− Churned"), ("M-05", "Closing"),
)  # fmt: skip
SEATS = (
    ("M-51.opening", "Opening"), ("M-51.new", "+ New"), ("M-51.upgrades", "+ Upgrades"),
    ("M-51.downgrades", "− Downgrades"), ("M-51.churned", "− Churned"), ("M-51.closing", "Closing"),
)  # fmt: skip
NO_CONTRACTS: Mapping[str, Any] = {"contracts": 0, "value": None}
NO_CHANGES: Mapping[str, Any] = {"changes": 0, "seats": 0, "revenue": None}
_TIER_HEADS = ("opening", "first_observed", "new", "expansion", "reactivation", "contraction", "churn", "closing")


def movements(source: Source) -> Block:
    """Return the bridges of MRR, logos and seats."""
    months = source.last_months(TRAILING)
    parts: list[Part] = [_waterfall(source)]
    if first := _first_observed(source):
        parts.append(first)
    parts += [
        by_month(source, "MRR bridge", MOVEMENTS, months, totals=("M-02.opening", "M-01")),
        _tiers(source),
        by_month(source, "Paying accounts", LOGOS, months, totals=("M-05.opening", "M-05")),
        by_month(source, "Licences", SEATS, months, totals=("M-51.opening", "M-51.closing")),
    ]
    return Block("mrr", "MRR waterfall", tuple(parts))


def _waterfall(source: Source) -> Part:
    values = {metric_id: source.number(metric_id) for metric_id, _ in MOVEMENTS}
    if any(value is None for value in values.values()):
        said_why = source.cell("M-02.net_new").text
        return Prose(f"The waterfall of the month cannot be drawn: net new MRR is {said_why}.")
    steps = [_step(name, metric_id, values[metric_id] or Decimal(0)) for metric_id, name in MOVEMENTS]
    words = "; ".join(f"{step.name} {step.label}" for step in steps)
    if cut(steps):
        words += f". The axis begins at {said(cut(steps), 'money')}, so that the steps can be seen"
    heads, row = tuple(step.name for step in steps), tuple(source.cell(metric_id) for metric_id, _ in MOVEMENTS)
    table = Table("The steps of the waterfall", ("", *heads), ((Cell(str(source.month)), *row),))
    return Chart("From opening to closing MRR", waterfall(steps, f"MRR waterfall: {words}"), f"{words}.", table)


def _step(name: str, metric_id: str, value: Decimal) -> Step:
    is_level = metric_id in ("M-02.opening", "M-01")
    signed = -value if name.startswith("−") else value
    return Step(name.strip("+− "), signed, said(signed, "money", is_change=not is_level), is_level)


def _first_observed(source: Source) -> Prose | None:
    """Return what stands for the movements in the first month of all: whoever pays then is only new to us."""
    found = [row for row in source.table("bridges") if row["tier"] == "company" and Decimal(row["first_observed"] or 0)]
    if not found:
        return None
    month, amount = found[0]["month"], said(Decimal(found[0]["first_observed"]), "money")
    return Prose(f"{month} is the first month with bills: its closing MRR of {amount} is first observed, not new.")


def _tiers(source: Source) -> Table:
    rows = [
        row for row in source.table("bridges") if row["month"] == str(source.month) and row["tier"] != "company"
    ]  # fmt: skip
    is_first = any(Decimal(row["first_observed"] or 0) for row in rows)
    names = [name for name in _TIER_HEADS if is_first or name != "first_observed"]
    heads = ("", *(name.replace("_", " ") for name in names))
    if not rows:
        return nothing("MRR bridge by tier", heads)
    body = tuple(
        (Cell(row["tier"] if row["tier"] in source.names else "other"), *(_amount(row, name) for name in names))
        for row in rows
    )
    return Table("MRR bridge by tier", heads, body)


def _amount(row: Mapping[str, Any], name: str) -> Cell:
    return Cell("–", note="unknown") if row[name] is None else Cell(said(Decimal(row[name]), "money"))


def retention(source: Source) -> Block:
    """Return what is left of what was there: of MRR, of accounts, of each cohort."""
    hundred = Decimal(1)
    return Block(
        "retention",
        "Retention",
        (
            trends(source, "Net and gross revenue retention, monthly",
                   (("M-08", "NRR, 1 month"), ("M-09", "GRR, 1 month")), rule=hundred),
            figures(source, "Over twelve months", (("M-10", "NRR, 12 months"), ("M-11", "GRR, 12 months"))),
            trends(source, "Logo churn against revenue churn",
                   (("M-14", "Logo churn"), ("M-12", "Gross MRR churn"))),
            figures(source, "Churn and growth", (
                ("M-12", "Gross MRR churn"), ("M-13", "Net MRR churn"), ("M-14", "Logo churn"),
                ("M-15", "Quick ratio"), ("M-50", "Movements explained by a record"),
            )),
            cohort_table(source),
        ),
    )  # fmt: skip


def cohort_table(source: Source) -> Table:
    """Return the cohorts of the last 13 months by age: accounts left of those that began, and their MRR."""
    caption = ("Cohorts by age in months: accounts that pay, of those that began, and their MRR. "
               f"Hatched: not there yet, or fewer than {SMALL} accounts.")  # fmt: skip
    cells = {(row["cohort"], row["month"]): row for row in source.table("cohorts")}
    months = source.last_months(13)
    starts = [month for month in months if any(cohort == str(month) for cohort, _ in cells)]
    heads = ("Started", *(str(age) for age in range(len(months))))
    if not starts:
        return nothing(caption, heads)
    rows = []
    for start in starts:
        ages = [cells.get((str(start), str(start.plus(age)))) for age in range(len(months))]
        rows.append((Cell(str(start)), *(_cohort_cell(row) for row in ages)))
    return Table(caption, heads, tuple(rows))


def _cohort_cell(row: Mapping[str, Any] | None) -> Cell:
    if row is None:
        return Cell("·", note="not there yet", style="hatched")
    retained, members = row["retained"], row["members"]
    if members < SMALL:
        return Cell(f"n < {SMALL}", note="too few accounts to publish", style="hatched")
    share = min(9, retained * 9 // members)
    return Cell(f"{retained} of {members} · {round(Decimal(row['mrr'])):,}", style=f"s{share}")


def outlook(source: Source) -> Block:
    """Return trials, renewals, and what is agreed and not yet in MRR."""
    return Block(
        "growth",
        "Growth",
        (
            _trials(source),
            figures(source, "Signed and coming", (
                ("M-04", "Committed MRR"), ("M-18", "Renewal uplift (no renewal rate)"),
            )),
            _coming(source),
        ),
    )  # fmt: skip


def _trials(source: Source) -> Table:
    caption, heads = "Trial conversion of the latest mature cohorts (partial)", ("", "cohort", "converted")
    names = {"M-16": "within 30 days", "M-16.n90": "within 90 days"}
    rows = tuple(
        (Cell(names[row["metric_id"]]), Cell(row["month"]),
         shown(Value(None if row["value"] is None else Decimal(row["value"]), row["null_reason"]), "percent"))
        for row in source.table("trials")
    )  # fmt: skip
    return Table(caption, heads, rows) if rows else nothing(caption, heads)


def _coming(source: Source) -> Table:
    due = next(iter(source.table("renewals_due")), NO_CONTRACTS)
    changes = next(iter(source.table("licences_next")), NO_CHANGES)
    rows = (
        (Cell("Renewals due in the next 90 days"), Cell(f"{due['contracts']:,}"), _money(due["value"])),
        (Cell("Licence changes effective next month"), Cell(f"{changes['changes']:,}"), _money(changes["revenue"])),
        (
            Cell("Licences that they bring"),
            Cell(said(Decimal(changes["seats"] or 0), "count", is_change=True)),
            Cell("–"),
        ),
    )
    return Table("Agreed by the end of the month", ("", "number", "amount"), rows)


def _money(value: str | None) -> Cell:
    return Cell(said(Decimal(value or 0), "money"))
