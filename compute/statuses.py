"""The seven account statuses and the lawful steps between them.

The graph is the only list: missing steps are derived from it, never kept beside it (X6).
Source: `data.md` C.2.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Literal

import polars as pl

STATUSES = ("Lead", "Trial", "Active", "Past Due", "Suspended", "Expired", "Cancelled")
PAYING = ("Active", "Past Due")
UNKNOWN = "Unknown"
NO_STATUS = ""  # ∅, the state before an account's first event

Graph = Mapping[str, tuple[str, ...]]
Verdict = Literal["impute", "ambiguous", "contradiction"]

DEFAULT_GRAPH: dict[str, tuple[str, ...]] = {
    NO_STATUS: ("Lead", "Trial", "Active"),
    "Lead": ("Trial", "Active", "Cancelled"),
    "Trial": ("Active", "Expired", "Cancelled"),
    "Active": ("Past Due", "Suspended", "Expired", "Cancelled"),
    "Past Due": ("Active", "Suspended", "Cancelled"),
    "Suspended": ("Active", "Expired", "Cancelled"),
    "Expired": ("Trial", "Active", "Cancelled"),
    "Cancelled": ("Trial", "Active"),
}


@dataclass(frozen=True, slots=True)
class Jump:
    """What the graph says of a jump between two states.

    Attributes:
        is_lawful: the graph has this edge.
        verdict: one shortest path → impute, several → ambiguous, none → contradiction.
        path: the states after the first on the only shortest path, the last included; empty unless impute.
        candidates: the states between on any shortest path, sorted; empty unless ambiguous.
    """

    is_lawful: bool
    verdict: Verdict
    path: tuple[str, ...] = ()
    candidates: tuple[str, ...] = ()


def judge_jump(graph: Graph, start: str, end: str) -> Jump:
    """Judge a jump by the shortest paths in the graph.

    >>> judge_jump(DEFAULT_GRAPH, "Trial", "Past Due").path
    ('Active', 'Past Due')
    >>> judge_jump(DEFAULT_GRAPH, "Past Due", "Expired").candidates
    ('Active', 'Suspended')
    """
    lawful = end in graph.get(start, ())
    if end == NO_STATUS or (end == "Lead" and start != NO_STATUS) or start == end:
        return Jump(lawful, "contradiction")
    import networkx as nx  # noqa: PLC0415 - here, or every command would start a tenth later

    directed = nx.DiGraph([(state, to) for state, tos in graph.items() for to in tos])
    directed.add_nodes_from((start, end))
    if not nx.has_path(directed, start, end):
        return Jump(lawful, "contradiction")
    paths = list(nx.all_shortest_paths(directed, start, end))
    if len(paths) == 1:
        return Jump(lawful, "impute", path=tuple(paths[0][1:]))
    return Jump(lawful, "ambiguous", candidates=tuple(sorted({state for path in paths for state in path[1:-1]})))


def jump_frame(graph: Graph) -> pl.DataFrame:
    """Return every jump as a row: `jump_from, jump_to, is_lawful, verdict, path, candidates`."""
    states = (NO_STATUS, *STATUSES)
    rows = [
        {"jump_from": start, "jump_to": end, "is_lawful": jump.is_lawful, "verdict": jump.verdict,
         "path": list(jump.path), "candidates": list(jump.candidates)}
        for start, end in product(states, states)
        for jump in [judge_jump(graph, start, end)]
    ]  # fmt: skip
    texts = pl.List(pl.String)
    return pl.DataFrame(
        rows,
        schema={"jump_from": pl.String, "jump_to": pl.String, "is_lawful": pl.Boolean, "verdict": pl.String,
                "path": texts, "candidates": texts},
    )  # fmt: skip
