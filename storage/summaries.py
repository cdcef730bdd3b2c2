"""The summaries of a judged table's files: made once of each, kept beside the table by the file's name."""

from collections.abc import Callable

import polars as pl

from compute.contracts.contract import Contract
from compute.summaries import SUMMARY, summary
from storage.catalog import SUMMARIES
from storage.lake import Lake
from storage.table import Table
from storage.work import Work

_MANY_FILES = 32  # each run adds one to what is kept; then what is said of files that are gone goes, too


def summaries_of(lake: Lake, judged: Table, contract: Contract, work: Callable[[int], Work]) -> pl.DataFrame:
    """Return the SUMMARY rows of the files of a judged table; those that are not kept yet are made, and kept.

    Args:
        lake: where they are kept.
        judged: the table, at a version.
        contract: of its rows.
        work: recorded with the commit, given how many rows are written.

    Raises:
        LakeBusy: when somebody else kept summaries meanwhile; nothing is lost, and again is safe.
    """
    files, table, nothing = judged.files(), lake.open(SUMMARIES), pl.DataFrame(schema=SUMMARY)
    is_there = (pl.col("dataset") == contract.dataset) & pl.col("file").is_in(list(files))
    kept = table.read(is_there, list(SUMMARY))
    missing = sorted(files.keys() - set(kept.get_column("file")))
    if not missing:
        return kept
    made = pl.concat([nothing, *(summary(judged.scan([each]), contract, each, files[each]) for each in missing)])
    rows = pl.concat([kept, made])
    is_crowded = table.file_counts().get(contract.dataset, 0) >= _MANY_FILES
    if kept.is_empty() or is_crowded:
        table.replace(_of(rows, contract), {contract.dataset: judged.fingerprint()}, work(rows.height))
    else:
        table.append(_of(made, contract), work(made.height))
    return rows


def _of(rows: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    return rows.select(dataset=pl.lit(contract.dataset), **{name: pl.col(name) for name in SUMMARY})
