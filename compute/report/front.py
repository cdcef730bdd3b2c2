"""Blocks 0 and 1: whose figures, of when, how final; and the headline on one screen."""

from decimal import Decimal

from compute.metrics import BY_ID, HEADLINE
from compute.report.charts import sparkline, trend
from compute.report.document import Block, Cell, Facts, Prose, Table, Tile, Tiles
from compute.report.figures import Header, Source
from compute.report.tables import nothing
from compute.report.words import form_of, said

POINTS = 13


def header(source: Source) -> Block:
    """Return the header band."""
    head = source.header
    definitions = sorted({str(version) for version in head.manifest.get("definitions", {}).values()})
    pairs = (
        ("Company", Cell(head.company)),
        ("Period", Cell(f"{head.month} ({head.month.first:%-d %B %Y} to {head.month.last:%-d %B %Y}, UTC)")),
        ("Status", Cell(head.state if head.certificate else f"{head.state} {head.number}")),
        ("Revision", Cell(_revision(head))),
        ("As of", Cell(f"{head.as_of:%Y-%m-%d %H:%M}Z")),
        ("Certified", Cell(_certified(head))),
        ("Currency", Cell(head.currency)),
        ("Snapshot", Cell(head.snapshot_id)),
        ("Content hash", Cell(head.content_hash)),
        ("Definitions", Cell(f"version {', '.join(definitions)}")),
    )
    changed = (_changed(source), Prose(_why(head))) if head.certificate and head.certificate.revision > 1 else ()
    return Block("header", "Investor report", (Facts(pairs), *changed))


def _revision(head: Header) -> str:
    if head.certificate is None:
        return "none yet: a draft gets its revision when it is certified"
    number, later = head.certificate.revision, head.certificate.superseded_by
    before = f", supersedes revision {number - 1}" if number > 1 else ""
    return f"{number}{before}{f', superseded by revision {later}' if later else ''}"


def _certified(head: Header) -> str:
    given = head.certificate
    return f"{given.at:%Y-%m-%d %H:%M}Z by {given.by}" if given else "not certified"


def _why(head: Header) -> str:
    assert head.certificate is not None  # a draft supersedes nothing
    return f"{head.certificate.reason.replace('_', ' ').capitalize()}: {head.certificate.narrative}"


def _changed(source: Source) -> Table:
    given = source.header.certificate
    assert given is not None
    caption = f"What changed since revision {given.revision - 1}"
    rows = tuple(
        (Cell(BY_ID[row["metric"]].name),
         *(_amount(row[side], row["metric"], is_change=side == "delta") for side in ("old", "new", "delta")),
         Cell(f"{said(Decimal(row['share']), 'multiple', is_change=True)} %" if row["share"] else "–"))
        for row in given.difference
    )  # fmt: skip
    heads = ("", "before", "now", "change", "of the value before")
    return Table(caption, heads, rows) if rows else nothing(caption, heads)


def _amount(text: str, metric_id: str, *, is_change: bool) -> Cell:
    if not text:
        return Cell("–", note="no value")
    form = form_of(metric_id, BY_ID[metric_id].unit)
    return Cell(said(Decimal(text), "points" if is_change and form == "percent" else form, is_change=is_change))


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
