"""Of block 8: the incidents that are open and what they block, and the scoreboard of the service levels."""

from compute.report.document import Cell, Prose, Table
from compute.report.figures import Source

VERDICTS = {"met": "met", "open": "open", "breached": "breached", "no_data": "not known"}


def incidents(source: Source) -> Table | Prose:
    """Return the unresolved incidents of the month."""
    if not source.table("standing"):
        return Prose("Incidents: no register was kept when this draft was made.")
    found = source.table("incidents")
    if not found:
        return Prose(f"Incidents: none is open for {source.month}.")
    rows = tuple(
        (
            Cell(row["incident"]), Cell(row["class"].replace("_", " ")), Cell(row["title"]), Cell(row["due_at"]),
            Cell(f"certification of {source.month}" if row["blocks"] else "nothing"),
        )
        for row in found
    )  # fmt: skip
    return Table("Open incidents", ("", "class", "what", "due", "blocks"), rows, is_text=True)


def scoreboard(source: Source) -> Table | Prose:
    """Return the service levels: target, measured, verdict."""
    found = source.table("sla")
    if not found:
        return Prose("Service levels: none was measured when this draft was made.")
    rows = tuple(
        (
            Cell(f"{row['sla']}: {row['name']}"),
            Cell(row["target"]),
            Cell(row["measured"]),
            Cell(VERDICTS[row["verdict"]]),
        )
        for row in found
    )
    taken = source.table("standing")[0]["at"]
    return Table(f"Service levels at {taken}", ("", "target", "measured", "verdict"), rows, is_text=True)
