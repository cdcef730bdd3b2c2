"""The report as a document: blocks of prose, tiles, tables and charts, in no form yet.

Every form (HTML, Markdown, XLSX) is written from it, so that all of them say the same.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in one place of a table or tile.

    Attributes:
        text: as people read it.
        anchor: the address of the figure (`fig:M-08:2024-01:d1`); empty for what is no figure.
        note: what is said of it when asked: why there is no value, what it is.
        style: how it stands out: `hatched`, or a shade `s0` to `s9`.
    """

    text: str
    anchor: str = ""
    note: str = ""
    style: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under heads; the first column names the row, the others are numbers.

    Attributes:
        is_total: of the rows, by index, those that sum up.
    """

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    is_total: frozenset[int] = frozenset()
    is_text: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing with its alternative in words and its data as a table."""

    title: str
    svg: str
    words: str
    table: Table


@dataclass(frozen=True, slots=True)
class Tile:
    """A headline figure: now, the month before, the difference, and how it went."""

    name: str
    now: Cell
    before: Cell
    change: Cell
    svg: str
    words: str


@dataclass(frozen=True, slots=True)
class Tiles:
    """The headline, on one screen."""

    tiles: tuple[Tile, ...]


@dataclass(frozen=True, slots=True)
class Prose:
    """Sentences."""

    text: str


@dataclass(frozen=True, slots=True)
class Facts:
    """Names with what is said of them: the header band, the manifest."""

    pairs: tuple[tuple[str, Cell], ...]


Part = Prose | Facts | Tiles | Table | Chart


@dataclass(frozen=True, slots=True)
class Block:
    """One numbered part of the report; the order is the same every month."""

    name: str
    title: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A report.

    Attributes:
        mark: DRAFT until it is certified, SUPERSEDED or REVOKED after; empty while it stands.
        footnotes: sign and text of those that its figures carry.
    """

    title: str
    subtitle: str
    mark: str
    blocks: tuple[Block, ...]
    footnotes: tuple[tuple[str, str], ...] = field(default=())
