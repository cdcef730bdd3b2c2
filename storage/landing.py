"""The landing area: feeds that arrive as files, plain or gzip, one JSON object a line.

A file is known within its feed by the digest of its decompressed bytes: the same bytes land once, whatever
the name. Source: `data.md` A.0 "Arrival and order", A.0a.
"""

import gzip
import hashlib
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO, cast

import polars as pl
import pyarrow as pa

from compute.ahead import ahead
from compute.digests import digests
from compute.errors import BadSetting, PermanentError
from storage.catalog import BRONZE, LANDED_FILE
from storage.lake import Lake
from storage.lines import Lines, blocks
from storage.table import Table
from storage.work import Work

_STAMP = re.compile(r"(?=(\d{8}T\d{6}Z))")


class UnreadableFile(PermanentError):
    """A file whose bytes cannot be had; it is not landed, and the rest goes on."""


@dataclass(frozen=True, slots=True)
class LandedFile:
    """A file of a feed, as it lies in the landing area."""

    path: Path
    size: int
    modified_ns: int

    @classmethod
    def of(cls, path: Path) -> "LandedFile":
        """Return a file as it lies there now."""
        status = path.stat()
        return cls(path, status.st_size, status.st_mtime_ns)

    @property
    def name(self) -> str:
        """The file's name within its feed."""
        return self.path.name

    @property
    def version(self) -> tuple[str, int, int]:
        """What changes when the file is sent again under its name."""
        return self.name, self.size, self.modified_ns

    def arrival(self) -> datetime | None:
        """Return the first valid `YYYYMMDDTHHMMSSZ` stamp in the name, or None."""
        for found in _STAMP.finditer(self.name):
            try:
                return datetime.strptime(found[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            except ValueError:
                continue
        return None

    def blocks(self) -> Iterator[Lines]:
        """Yield the rows, a block of lines after the other."""
        with self._open() as stream:
            yield from blocks(stream)

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Yield line number, from 1, and bytes of each row; blank lines are none."""
        for block in self.blocks():
            yield from zip(block.numbers.tolist(), block, strict=True)

    def digest(self) -> str:
        """Return SHA-256 of the decompressed bytes.

        Raises:
            UnreadableFile: when the bytes do not decompress or cannot be read.
        """
        try:
            content = hashlib.sha256()
            with self._open() as stream:
                while block := stream.read(2**20):
                    content.update(block)
            return content.hexdigest()
        except (OSError, EOFError, zlib.error) as error:
            raise UnreadableFile(f"{self.path} cannot be read ({error}): send it again.") from error

    def _open(self) -> IO[bytes]:
        return cast(IO[bytes], gzip.open(self.path)) if self.path.suffix == ".gz" else self.path.open("rb")


@dataclass(frozen=True, slots=True)
class Landing:
    """What one landing of a feed brought.

    Attributes:
        problems: what is wrong with the files that are there and cannot be read, by name.
    """

    files: int
    rows: int
    repeats: int
    problems: Mapping[str, str]


def files_of(landing: str, dataset: str) -> list[LandedFile]:
    """Return the feed's files by name; none when the feed has no folder.

    Raises:
        BadSetting: when there is no landing area.
    """
    found = (
        path for path in sorted(root_of(landing).glob(f"{dataset}/*")) if path.name.endswith((".ndjson", ".ndjson.gz"))
    )
    return [LandedFile.of(path) for path in found if path.is_file()]


def stray_folders(landing: str, known: Iterable[str]) -> tuple[str, ...]:
    """Return folders of the landing area that belong to no feed; they are not read.

    Raises:
        BadSetting: when there is no landing area.
    """
    return tuple(sorted({path.name for path in root_of(landing).iterdir() if path.is_dir()} - {*known, "topics"}))


def root_of(landing: str) -> Path:
    """Return the landing area.

    Raises:
        BadSetting: when there is none.
    """
    root = Path(landing)
    if not root.is_dir():
        raise BadSetting(f"There is no landing folder at {landing}: give its place with --landing or TECHFLOW_LANDING.")
    return root


def land(lake: Lake, landing: str, dataset: str, *, as_of: datetime, now: datetime, work: Work) -> Landing:
    """Add to bronze the rows of every file that has not landed yet, in one commit.

    Args:
        lake: where bronze is.
        landing: the landing area.
        dataset: the feed.
        as_of: the arrival of files without a stamp, kept from then on.
        now: recorded as the ingest time; decides nothing.
        work: recorded with the commits.

    Raises:
        LakeBusy: when another run landed rows meanwhile; nothing was added.
    """
    bronze, sightings = lake.open(BRONZE[dataset]), lake.open(LANDED_FILE)
    seen = sightings.read(pl.col("dataset") == dataset)
    known_names = set(seen.select("file", "bytes", "modified_ns").rows())
    present = files_of(landing, dataset)
    new = [file for file in present if file.version not in known_names]
    if not new:
        return Landing(0, 0, 0, problems_of(seen, present))
    landed = _landed_batches(bronze, seen)
    fresh: dict[str, tuple[LandedFile, datetime]] = {}
    rows: list[dict[str, object]] = []
    for file in new:
        sighting = _sight(file, dataset, landed, as_of=as_of, now=now)
        rows.append(sighting)
        digest = str(sighting["batch_id"])
        if digest and digest not in landed:
            fresh[digest] = (file, sighting["arrival"])  # type: ignore[assignment]
            landed[digest] = sighting["arrival"]  # type: ignore[assignment]
    if any(row["rows"] for row in rows if row["batch_id"] in fresh):
        reader = pa.RecordBatchReader.from_batches(_BRONZE_ARROW, _bronze_batches(fresh, now))
        landed_rows = sum(int(str(row["rows"])) for row in rows if row["batch_id"] in fresh)
        bronze.append(reader, replace(work, rows=landed_rows))
    frame = pl.DataFrame(rows, schema=dict(LANDED_FILE.schema))
    sightings.append(frame, replace(work, dataset=LANDED_FILE.name, rows=frame.height))
    taken = frame.filter(pl.col("batch_id").is_in(list(fresh))).unique("batch_id")
    return Landing(
        len(fresh),
        int(taken.get_column("rows").sum()),
        len(new) - len(fresh),
        problems_of(pl.concat([seen, frame]), present),
    )


def arrivals(lake: Lake, dataset: str) -> pl.DataFrame:
    """Return each content's place: of all its names, the earliest by arrival, then name.

    Returns:
        `_batch_id`, `_arrival`, `_file`.
    """
    seen = lake.read(LANDED_FILE, (pl.col("dataset") == dataset) & (pl.col("problem") == ""))
    return (
        seen.sort("arrival", "file")
        .unique("batch_id", keep="first", maintain_order=True)
        .select(_batch_id="batch_id", _arrival="arrival", _file="file")
    )


def _sight(
    file: LandedFile, dataset: str, landed: dict[str, datetime], *, as_of: datetime, now: datetime
) -> dict[str, object]:
    digest, rows, problem = "", 0, ""
    try:
        digest, rows = file.digest(), sum(map(len, file.blocks()))
    except UnreadableFile as error:
        problem = str(error)
    # An unstamped file that a killed run left in bronze keeps the arrival that it got there.
    arrival = file.arrival() or landed.get(digest, as_of)
    return sighting(dataset, file, digest, arrival, rows, problem, now)


def sighting(
    dataset: str, file: LandedFile, batch_id: str, arrival: datetime, rows: int, problem: str, now: datetime
) -> dict[str, object]:
    """Return what is kept of having seen a file: a row of LANDED_FILE."""
    return {
        "dataset": dataset,
        "file": file.name,
        "bytes": file.size,
        "modified_ns": file.modified_ns,
        "batch_id": batch_id,
        "arrival": arrival,
        "rows": rows,
        "problem": problem,
        "landed_at": now,
    }


def _landed_batches(bronze: Table, seen: pl.DataFrame) -> dict[str, datetime]:
    """Return the contents in bronze with their arrival, those included whose sighting a crash prevented."""
    good = seen.filter(pl.col("problem") == "")
    known = {row["batch_id"]: row["arrival"] for row in good.sort("arrival", descending=True).iter_rows(named=True)}
    if bronze.count() == good.unique("batch_id").get_column("rows").sum():
        return known
    in_bronze = bronze.scan().group_by("_batch_id").agg(pl.col("_arrival").first()).collect()
    return {**dict(in_bronze.rows()), **known}


def problems_of(sightings: pl.DataFrame, present: list[LandedFile]) -> Mapping[str, str]:
    """Return what is wrong with the files that are there: a file that was sent again or taken away is none of them."""
    versions = {file.version for file in present}
    bad = sightings.filter(pl.col("problem") != "").select("file", "bytes", "modified_ns", "problem")
    return {version[0]: problem for *version, problem in bad.rows() if tuple(version) in versions}


_BRONZE_ARROW = pa.schema(
    [
        ("_source", pa.string()),
        ("_file", pa.string()),
        ("_row", pa.int64()),
        ("_arrival", pa.timestamp("us", "UTC")),
        ("_batch_id", pa.string()),
        ("_payload_sha256", pa.string()),
        ("_ingested_at", pa.timestamp("us", "UTC")),
        ("payload", pa.binary()),
    ]
)


def _bronze_batches(fresh: dict[str, tuple[LandedFile, datetime]], now: datetime) -> Iterator[pa.RecordBatch]:
    """Yield bronze rows block by block, so that memory does not grow with the landing."""
    for digest, (file, arrival) in fresh.items():
        yield from ahead(partial(_bronze_batch, file.name, digest, arrival, now), file.blocks())


def _bronze_batch(name: str, digest: str, arrival: datetime, now: datetime, lines: Lines) -> pa.RecordBatch:
    payloads, shared = lines.payloads(), ["landing", name, arrival, digest, now]
    source, file, arrived, batch, ingested = (
        pa.repeat(pa.scalar(value, type=_BRONZE_ARROW.field(column).type), len(lines))
        for value, column in zip(shared, ("_source", "_file", "_arrival", "_batch_id", "_ingested_at"), strict=True)
    )
    arrays = [source, file, pa.array(lines.numbers), arrived, batch, digests(payloads), ingested, payloads]
    return pa.RecordBatch.from_arrays(arrays, schema=_BRONZE_ARROW)
