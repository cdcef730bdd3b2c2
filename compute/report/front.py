"""Blocks 0 and 1: whose figures, of when, how final; and the headline on one screen."""

from decimal import Decimal

from compute.metrics import BY_ID, HEADLINE
from compute.report.charts import sparkline, trend
from compute.report.document import Block, Cell, Facts, Prose, Tile, Tiles
from compute.report.figures import Source
from compute.report.words import form_of, said

POINTS = 13


def header(source: Source) -> Block:
    """Return the header band."""
    head = source.header
    definitions = sorted({str(version) for version in head.manifest.get("definitions", {}).values()})
    pairs = (
        ("Company", Cell(head.company)),
        ("Period", Cell(f"{head.month} ({head.month.first:%-d %B %Y} to {head.month.last:%-d %B %Y}, UTC)")),
        ("Status", Cell(f"{head.state} {head.number}")),
        ("Revision", Cell("none yet: a draft gets its revision when it is certified")),
        ("As of", Cell(f"{head.as_of:%Y-%m-%d %H:%M}Z")),
        ("Certified", Cell("not certified")),
        ("Currency", Cell(head.currency)),
        ("Snapshot", Cell(head.snapshot_id)),
        ("Content hash", Cell(head.content_hash)),
        ("Definitions", Cell(f"version {', '.join(definitions)}")),
    )
    return Block("header", "Investor report", (Facts(pairs),))


def headline(source: Source) -> Block:
    """Return the headline figures: now, the month before, the change, thirteen months."""
    told = Prose(
        "The month is not over: its figures are those of a part of it, and no chart shows them as final."
        if source.is_partial
        else "Each tile: the figure of the month, that of the month before, the difference, and the last 13 months."
    )
    return Block("headline", "Headline", (Tiles(tuple(_tile(source, name) for name in HEADLINE)), told))


def _tile(source: Source, metric_id: str) -> Tile:
    metric, before = BY_ID[metric_id], source.month.plus(-1)
    values = source.trail(metric_id, POINTS)
    words = f"{metric.name}, {POINTS} months: it {trend(values)}."
    return Tile(
        name=metric.name,
        now=source.cell(metric_id),
        before=source.cell(metric_id, before),
        change=_change(source.number(metric_id), source.number(metric_id, before), metric_id),
        svg=sparkline(values, words),
        words=words,
    )


def _change(now: Decimal | None, before: Decimal | None, metric_id: str) -> Cell:
    if now is None or before is None:
        return Cell("–", note="one of the two has no value")
    form = form_of(metric_id, BY_ID[metric_id].unit)
    return Cell(said(now - before, "points" if form == "percent" else form, is_change=True))
