"""Blocks 5 to 7: what is earned, how the product is used, what could go wrong."""

from collections.abc import Sequence
from decimal import Decimal

import polars as pl

from compute.figures import Reason
from compute.months import Month
from compute.report.charts import Bar, Line, bar_chart, line_chart, trend
from compute.report.document import Block, Cell, Chart, Table
from compute.report.figures import Source, Value, shown
from compute.report.tables import bands, figures, nothing, ranking, trends
from compute.report.words import said

Band = tuple[str, Decimal | None, Decimal | None]  # its name, from (inclusive), to (exclusive)

_CONTRIBUTION: tuple[Band, ...] = (
    ("below 0", None, Decimal(0)), ("0 to 100", Decimal(0), Decimal(100)),
    ("100 to 1,000", Decimal(100), Decimal(1_000)),
    ("1,000 to 10,000", Decimal(1_000), Decimal(10_000)), ("10,000 and above", Decimal(10_000), None),
)  # fmt: skip
_UTILISATION: tuple[Band, ...] = (
    ("below 25 %", None, Decimal("0.25")), ("25 to 50 %", Decimal("0.25"), Decimal("0.5")),
    ("50 to 75 %", Decimal("0.5"), Decimal("0.75")), ("75 to 100 %", Decimal("0.75"), Decimal(1)),
    ("100 % and above", Decimal(1), None),
)  # fmt: skip
LOW_USE = Decimal("0.5")
MOST_FEATURES = 10


def profitability(source: Source) -> Block:
    """Return the way from revenue to the operating result, margins, and how contribution is spread."""
    return Block(
        "profit",
        "Profitability",
        (
            _result(source),
            figures(source, "Contribution and loaded profit", (
                ("M-21", "Collected revenue"), ("M-22", "Direct expense"), ("M-23", "Contribution"),
                ("M-24", "Allocated cost"), ("M-25", "Fully loaded profit"), ("M-26", "Contribution per licence"),
                ("M-31", "ARR per engineer"), ("M-32", "Rule of 40 (operating margin)"), ("M-34", "LTV"),
            ), totals=("M-23", "M-25")),
            trends(source, "Margins", (("M-27", "Gross margin"), ("M-30", "Operating margin (pipeline scope)"))),
            bands("Contribution by account", ("contribution in the month", "accounts", "sum"),
                  _spread(source, _CONTRIBUTION, "M-23", "M-23"), "money"),
            _engineers(source),
        ),
    )  # fmt: skip


def _result(source: Source) -> Table:
    """Return the result of the month, and of the month before; other costs lie between two of its lines."""
    months = (source.month, source.month.plus(-1))
    lines = (
        ("M-20", "Billed recurring revenue"), ("M-27.cogs", "− COGS: direct, shared, salaries"),
        ("M-27.gross_profit", "Gross profit"), ("", "− Other costs"), ("M-29", "Operating result (pipeline scope)"),
        ("M-30", "Operating margin"),
    )  # fmt: skip
    rows = []
    for metric_id, name in lines:
        cells = [source.cell(metric_id, month) if metric_id else _other_costs(source, month) for month in months]
        rows.append((Cell(name), *cells))
    return Table("From revenue to the operating result", ("", *map(str, months)), tuple(rows), frozenset({2, 4}))


def _other_costs(source: Source, month: Month) -> Cell:
    gross, result = source.number("M-27.gross_profit", month), source.number("M-29", month)
    if gross is None or result is None:
        return Cell("–", note="an input is missing")
    return Cell(said(gross - result, "money"))


def _spread(source: Source, edges: Sequence[Band], metric_id: str, summed: str) -> list[tuple[str, int, Decimal]]:
    """Return how many accounts lie in each band of a metric, and the sum of another over them."""
    accounts = source.accounts(metric_id, summed)
    lines = []
    for name, low, high in edges:
        mine = accounts.filter(_is_between(pl.col(metric_id), low, high))
        lines.append((name, mine.height, Decimal(mine.get_column(summed).sum() or 0)))
    return lines


def _is_between(value: pl.Expr, low: Decimal | None, high: Decimal | None) -> pl.Expr:
    is_above = pl.lit(value=True) if low is None else value >= low
    return value.is_not_null() & is_above & (pl.lit(value=True) if high is None else value < high)


def _engineers(source: Source) -> Table:
    """Return the cost per engineer of the teams that are large enough; of the others not even their names."""
    heads, caption = ("team", "per engineer"), "Cost per engineer, by team of three and more"
    teams = list(source.rows("M-31.cost_per_engineer", "team_month"))
    shown_teams = [row for row in teams if row["null_reason"] != Reason.SMALL_CELL]
    rows = [
        (Cell(row["grain_key"]), shown(Value(row["value"], row["null_reason"]), "money",
         source.anchor("M-31.cost_per_engineer", "team_month", row["grain_key"])))
        for row in shown_teams
    ]  # fmt: skip
    if small := len(teams) - len(shown_teams):
        rows.append((Cell("smaller teams"), Cell(f"{small} too small to publish")))
    return Table(caption, heads, tuple(rows)) if rows else nothing(caption, heads)


def engagement(source: Source) -> Block:
    """Return who uses the product, how much, and which of it."""
    return Block(
        "engagement",
        "Engagement",
        (
            figures(source, "Active users and hours", (
                ("M-41.mau", "Monthly active users"), ("M-41.wau", "Weekly active users"),
                ("M-41.mau_28d", "Active users, 28 days"), ("M-42", "Stickiness"),
                ("M-42.b2b", "Stickiness, Monday to Friday"), ("M-43.hours", "Active hours"),
                ("M-43.per_active_user", "Active hours per active user"), ("M-44", "Licence utilisation"),
                ("M-53", "Click sessions"),
            )),
            _days(source),
            _weeks(source),
            bands("Licence utilisation by account", ("utilisation", "accounts", "MRR"),
                  _spread(source, _UTILISATION, "M-44", "M-01"), "money"),
            ranking(source, "Features by adoption: share of the active users (partial)", "M-45", MOST_FEATURES),
        ),
    )  # fmt: skip


def _days(source: Source) -> Chart:
    rows = list(source.rows("M-40", "company_day"))
    names = [row["grain_key"].partition("|")[2][-2:] for row in rows]
    values = tuple(None if source.is_partial else row["value"] for row in rows)
    words = f"Daily active users {_span(values)}."
    title, heads = "Daily active users", ("date", "active users")
    body = tuple(
        (Cell(row["grain_key"].partition("|")[2]), shown(Value(row["value"], row["null_reason"]), "count",
         source.anchor("M-40", "company_day", row["grain_key"])))
        for row in rows
    )  # fmt: skip
    table = Table(title, heads, body) if body else nothing(title, heads)
    return Chart(title, line_chart(names, [Line(title, values)], words), words, table)


def _span(values: Sequence[Decimal | None]) -> str:
    known = [value for value in values if value is not None]
    if not known or not max(known):
        return "are 0 on every day" if known else "are not shown: the month is not over"
    return f"lie between {said(min(known), 'count')} and {said(max(known), 'count')}"


def _weeks(source: Source) -> Chart:
    title, heads = "Active users by week", ("week", "active users", "hours", "sessions", "holidays")
    weeks = source.table("weeks")
    bars = [
        Bar(row["week"].partition("-")[2], Decimal(row["active_users"]), f"{row['active_users']:,}",
            "holiday" if row["holidays"] else "")
        for row in weeks
    ]  # fmt: skip
    words = f"Weekly active users: over {len(bars)} whole weeks it {trend([bar.value for bar in bars])}."
    rows = tuple(
        (Cell(row["week"]), Cell(f"{row['active_users']:,}"), Cell(said(Decimal(row["hours"]), "hours")),
         Cell(f"{row['sessions']:,}"), Cell(str(row["holidays"] or "–")))
        for row in weeks
    )  # fmt: skip
    table = Table(title, heads, rows) if rows else nothing(title, heads)
    return Chart(title, bar_chart(bars, f"{title}. {words}") if bars else "", words, table)


def risk(source: Source) -> Block:
    """Return how much hangs on few accounts, and which MRR may go."""
    low = _low_use(source)
    rows = (
        (Cell("MRR at risk: the bill is overdue, failed, unpaid or disputed"), source.cell("M-01.at_risk")),
        (Cell("MRR of accounts that use less than half of their licences"), Cell(said(low, "money"))),
    )
    return Block(
        "risk",
        "Risk",
        (
            figures(source, "Concentration of MRR, unnamed", (
                ("M-49.top1", "Largest account"), ("M-49.top5", "Five largest"), ("M-49.top10", "Ten largest"),
                ("M-49.hhi", "HHI (0 to 1)"),
            )),
            Table("MRR that may go", ("", str(source.month)), rows),
        ),
    )  # fmt: skip


def _low_use(source: Source) -> Decimal:
    accounts = source.accounts("M-44", "M-01")
    return Decimal(accounts.filter(pl.col("M-44") < LOW_USE).get_column("M-01").sum() or 0)
