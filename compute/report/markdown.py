"""The report as Markdown: the same words and tables; a chart is its sentence and its data."""

from collections.abc import Sequence

from compute.report.document import Block, Chart, Document, Facts, Part, Prose, Table, Tiles


def markdown(document: Document) -> str:
    """Return the report as Markdown."""
    mark = f"**{document.mark}**\n\n" if document.mark else ""
    blocks = "".join(_block(index, block) for index, block in enumerate(document.blocks))
    notes = "".join(f"{sign} {text}\n\n" for sign, text in document.footnotes)
    return f"{mark}# {document.title}\n\n{blocks}{notes}".rstrip() + "\n"


def _block(index: int, block: Block) -> str:
    head = f"## {index}. {block.title}\n\n" if index else ""
    return head + "".join(f"{_part(part)}\n\n" for part in block.parts)


def _part(part: Part) -> str:
    match part:
        case Prose(text):
            return text
        case Facts(pairs):
            return _rows(("", ""), [(name, value.text) for name, value in pairs])
        case Tiles(tiles):
            lines = [(tile.name, tile.now.text, tile.before.text, tile.change.text) for tile in tiles]
            return _rows(("", "now", "month before", "change"), lines)
        case Chart(title, _, words, table):
            return f"### {title}\n\n{words}\n\n{_table(table)}"
        case Table():
            return f"### {part.caption}\n\n{_table(part)}"


def _table(table: Table) -> str:
    return _rows(table.heads, [tuple(cell.text for cell in row) for row in table.rows], is_text=table.is_text)


def _rows(heads: tuple[str, ...], lines: Sequence[tuple[str, ...]], *, is_text: bool = False) -> str:
    rule = ("---", *("---" if is_text else "---:" for _ in heads[1:]))
    return "\n".join("| " + " | ".join(map(escaped, line)) + " |" for line in (heads, rule, *lines))


def escaped(text: str) -> str:
    """Return text as a cell of a Markdown table holds it."""
    return text.replace("|", "\\|")
