"""A delivery: files that would be landed, read where they lie. Nothing is landed, written or remembered.

What is a feed's file, and what arrives as which row, is what `landing` and `topics` say. Source: `data.md` A.0a.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from compute.contracts.contract import Contract
from compute.contracts.feeds import BY_NAME, FEEDS
from compute.errors import PermanentError
from compute.schema import Schema
from storage.landing import LandedFile, UnreadableFile, files_of, stray_folders
from storage.topics import FileLog, logs_of

_FILE_ENDINGS, _LOG_ENDINGS = (".ndjson", ".ndjson.gz"), (".jsonl", ".jsonl.gz")
_LOGS = tuple(f"{each.dataset}{ending}" for each in FEEDS if each.is_topic for ending in _LOG_ENDINGS)
WHERE: Schema = {"file": pl.String, "line": pl.Int64}


class NoDelivery(PermanentError):
    """A path from which no file of a feed can be read; the message says what to give."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """Files by feed.

    Attributes:
        files: of each feed that has some, in the order of FEEDS.
        notes: what lies there and is not read.
    """

    files: dict[str, list[LandedFile]]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Received:
    """What the files of a feed hold.

    Attributes:
        rows: rows as landed, the contract's place columns and `payload`, with WHERE each line is.
        lines: how many rows each file brought.
        problems: the sentence for each file that cannot be read.
        notes: what is counted once though it is there twice.
    """

    rows: pl.DataFrame
    lines: dict[str, int]
    problems: dict[str, str]
    notes: tuple[str, ...]


def delivery_of(path: Path, feed: str | None = None) -> Delivery:
    """Find the files of a path: a file of a feed, a feed's folder, or a landing folder.

    Args:
        path: where to look.
        feed: the feed's name where the path does not tell it; of a landing folder, the only feed to read.

    Raises:
        NoDelivery: when there is nothing, or whose feed it is cannot be told.
    """
    if feed is not None and feed not in BY_NAME:
        raise NoDelivery(f"'{feed}' is no feed: the feeds are {', '.join(BY_NAME)}.")
    if not path.exists():
        raise NoDelivery(f"There is nothing at {path}.")
    if path.is_file():
        found = _one_file(path, feed)
    elif any(_feed_folder(folder.name) for folder in path.iterdir() if folder.is_dir()):
        found = _landing(path, feed)
    else:
        found = _folder(path, feed)
    if not found.files:
        raise NoDelivery(" ".join((f"{path} holds no file of a feed.", *found.notes)))
    return found


def _one_file(path: Path, feed: str | None) -> Delivery:
    if not path.name.endswith((*_FILE_ENDINGS, *_LOG_ENDINGS)):
        raise NoDelivery(f"{path} is no file of a feed: those end in {', '.join((*_FILE_ENDINGS, *_LOG_ENDINGS))}.")
    folder, topic = path.absolute().parent.name, path.name.partition(".jsonl")[0]
    told = topic if _is_topic(topic) and path.name.endswith(_LOG_ENDINGS) else folder
    dataset = feed or told
    if dataset not in BY_NAME:
        raise NoDelivery(
            f"The feed of {path} cannot be told from its folder, nor a topic from its name: "
            f"give it with --feed; the feeds are {', '.join(BY_NAME)}."
        )
    return Delivery({dataset: [LandedFile.of(path)]})


def _folder(path: Path, feed: str | None) -> Delivery:
    """Read a feed's folder, or the folder of the topics."""
    name = path.absolute().name
    if name == "topics":
        topics = [each.dataset for each in FEEDS if each.is_topic and feed in (None, each.dataset)]
        logs = {topic: logs_of(str(path.parent), topic) for topic in topics}
        return Delivery({topic: files for topic, files in logs.items() if files}, _unread(path, _LOGS))
    dataset = feed or name
    if dataset not in BY_NAME:
        raise NoDelivery(
            f"{path} is neither a feed's folder nor a landing folder with some: "
            f"give the feed with --feed; the feeds are {', '.join(BY_NAME)}."
        )
    endings = _LOG_ENDINGS if _is_topic(dataset) else _FILE_ENDINGS
    files = [LandedFile.of(each) for each in sorted(path.iterdir()) if each.name.endswith(endings) and each.is_file()]
    return Delivery({dataset: files} if files else {}, _unread(path, endings))


def _landing(path: Path, feed: str | None) -> Delivery:
    wanted = [BY_NAME[feed]] if feed else list(FEEDS)
    found = {each.dataset: (logs_of if each.is_topic else files_of)(str(path), each.dataset) for each in wanted}
    notes = [f"{path / name} is no feed and is not read." for name in stray_folders(str(path), BY_NAME)]
    notes += _unread(path, ())
    for each in wanted:
        notes += _unread(path / each.dataset, () if each.is_topic else _FILE_ENDINGS)
    notes += _unread(path / "topics", _LOGS)
    return Delivery({dataset: files for dataset, files in found.items() if files}, tuple(notes))


def _unread(folder: Path, endings: tuple[str, ...]) -> tuple[str, ...]:
    """Say which files look like records and are none that the landing would read."""
    if not folder.is_dir():
        return ()
    looks = (".json", ".csv", ".gz", ".parquet", *_FILE_ENDINGS, *_LOG_ENDINGS)
    names = (each.name for each in sorted(folder.iterdir()) if each.is_file())
    return tuple(
        f"{folder / name} is not read: its place or its ending is no feed's."
        for name in names if name.endswith(looks) and not name.endswith(endings)
    )  # fmt: skip


def _feed_folder(name: str) -> bool:
    return name == "topics" or (name in BY_NAME and not _is_topic(name))


def _is_topic(dataset: str) -> bool:
    return dataset in BY_NAME and BY_NAME[dataset].is_topic


def receive(files: Sequence[LandedFile], contract: Contract, as_of: datetime) -> Received:
    """Read the rows of a feed's files as they would arrive; the same bytes, or the same offset, count once.

    Args:
        files: the feed's files.
        contract: the feed's contract.
        as_of: the arrival of what has none of its own.
    """
    rows: list[tuple[object, ...]] = []
    lines: dict[str, int] = {}
    problems: dict[str, str] = {}
    notes: list[str] = []
    seen: dict[str, Path] = {}
    offsets: set[tuple[int, int, str]] = set()
    # Of the same bytes under two names the earliest by arrival, then name, counts.
    for file in sorted(files, key=lambda each: (each.arrival() or as_of, each.name)):
        name = str(file.path)
        try:
            digest = file.digest()
        except UnreadableFile as error:
            problems[name] = str(error)
            continue
        first = seen.setdefault(digest, file.path)
        if contract.is_topic:
            new, again = _records(file, contract, digest, as_of, offsets)
            notes += [f"{name} repeats offsets, {again} in all; each counts once."] if again else []
        elif first != file.path:
            new = []
            notes.append(f"{name} holds the same bytes as {first}; they count once.")
        else:
            new = list(_lines(file, digest, as_of))
        rows += new
        lines[name] = len(new)
    frame = pl.DataFrame(rows, schema={**contract.place, "payload": pl.Binary, **WHERE}, orient="row")
    return Received(frame, dict(sorted(lines.items())), problems, tuple(notes))


def _lines(file: LandedFile, digest: str, as_of: datetime) -> Iterator[tuple[object, ...]]:
    arrival = file.arrival() or as_of
    for number, line in file.lines():
        yield "landing", file.name, number, arrival, digest, _sha256(line), line, str(file.path), number


def _records(
    file: LandedFile, contract: Contract, digest: str, as_of: datetime, offsets: set[tuple[int, int, str]]
) -> tuple[list[tuple[object, ...]], int]:
    """Return the records at offsets that are new, and how many are not."""
    new: list[tuple[object, ...]] = []
    again = 0
    for number, record in FileLog(file).numbered():
        sha256 = _sha256(record.payload)
        # A line that is no envelope has no offset that anyone gave it: its content tells it apart.
        place = (record.partition, record.offset, sha256 if record.partition < 0 else "")
        if place in offsets:
            again += 1
            continue
        offsets.add(place)
        arrival = record.arrival or as_of
        new.append(
            (record.source, contract.dataset, record.partition, record.offset, arrival, digest, sha256, record.payload,
             str(file.path), number)
        )  # fmt: skip
    return new, again


def _sha256(payload: bytes) -> str:
    return hashlib.sha256(payload).hexdigest()
