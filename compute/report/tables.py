"""Tables and trends that several blocks make in the same way."""

from collections.abc import Sequence
from decimal import Decimal

from compute.months import Month
from compute.report.charts import Bar, Line, bar_chart, line_chart, row_chart, trend
from compute.report.document import Cell, Chart, Table
from compute.report.figures import Source
from compute.report.words import said

Named = tuple[str, str]  # a metric id and how the line is called


def by_month(
    source: Source, caption: str, lines: Sequence[Named], months: Sequence[Month], *, totals: Sequence[str] = ()
) -> Table:
    """Return a table with a metric a line and a month a column; months before there was anything are left out."""
    months = [month for month in months if month == source.month or source.has(month)]
    rows = tuple((Cell(name), *(source.cell(metric_id, month) for month in months)) for metric_id, name in lines)
    is_total = frozenset(index for index, (metric_id, _) in enumerate(lines) if metric_id in totals)
    return Table(caption, ("", *map(str, months)), rows, is_total)


def figures(source: Source, caption: str, lines: Sequence[Named], *, totals: Sequence[str] = ()) -> Table:
    """Return a table with a metric a line: now, and the month before."""
    return by_month(source, caption, lines, (source.month, source.month.plus(-1)), totals=totals)


def trends(
    source: Source, title: str, lines: Sequence[Named], *, count: int = 13, rule: Decimal | None = None
) -> Chart:
    """Return the trend of ratios over months, as lines."""
    months = source.last_months(count)
    series = [Line(name, source.trail(metric_id, count)) for metric_id, name in lines]
    words = " ".join(f"{line.name} {trend(line.values)}." for line in series)
    svg = line_chart([str(month)[2:] for month in months], series, f"{title}. {words}", rule=rule, unit="percent")
    return Chart(title, svg, words, _down(source, title, lines, months))


def _down(source: Source, caption: str, lines: Sequence[Named], months: Sequence[Month]) -> Table:
    """Return a table with a month a line, for more months than fit beside one another."""
    rows = [(Cell(str(month)), *(source.cell(metric_id, month) for metric_id, _ in lines))
            for month in months if month == source.month or source.has(month)]  # fmt: skip
    return Table(caption, ("month", *(name for _, name in lines)), tuple(rows))


def bands(title: str, heads: tuple[str, ...], lines: Sequence[tuple[str, int, Decimal]], unit: str) -> Chart:
    """Return how many accounts fall into each band, and what they add up to."""
    bars = [Bar(name, Decimal(count), f"{count:,}") for name, count, _ in lines]
    most = max(lines, key=lambda line: line[1], default=("no band", 0, Decimal(0)))
    words = f"Most accounts ({most[1]:,}) are in the band {most[0]}." if most[1] else "No account is in any band."
    rows = tuple((Cell(name), Cell(f"{count:,}"), Cell(said(amount, unit))) for name, count, amount in lines)
    return Chart(title, bar_chart(bars, f"{title}. {words}"), words, Table(title, heads, rows))


def ranking(source: Source, title: str, metric_id: str, most: int) -> Chart:
    """Return the largest second dimensions of a metric, as lying bars."""
    found = [
        (key, source.value(metric_id, key=f"company|{key}")) for key in source.keys(metric_id) if key in source.names
    ]
    known = [(key, value.value) for key, value in found if value and value.value is not None]
    top = sorted(known, key=lambda each: (-each[1], each[0]))[:most]
    bars = [Bar(key, value, said(value, "percent")) for key, value in top]
    words = f"The first is {top[0][0]} with {said(top[0][1], 'percent')}." if top else "There is none in the month."
    rows = tuple((Cell(key), source.cell(metric_id, key=f"company|{key}")) for key, _ in top)
    return Chart(
        title, row_chart(bars, f"{title}. {words}", whole=Decimal(1)), words, Table(title, ("", "share"), rows)
    )


def dimension(source: Source, caption: str, metric_id: str, heads: tuple[str, str]) -> Table:
    """Return a metric's second dimension as a table."""
    rows = tuple((Cell(key), source.cell(metric_id, key=f"company|{key}")) for key in source.keys(metric_id))
    return Table(caption, heads, rows)


def nothing(caption: str, heads: tuple[str, ...]) -> Table:
    """Return a table that says that there is nothing to show."""
    return Table(caption, heads, ((Cell("none in this month"), *(Cell("–") for _ in heads[1:])),))
