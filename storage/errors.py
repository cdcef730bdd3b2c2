"""What the lake refuses, and what to do about it."""

from compute.errors import PermanentError, TransientError

LAKE_FORMAT = "4"  # goes up when a lake as it stands can no longer be continued


class LakeBusy(TransientError):
    """Someone else committed to the table since it was read; reading again and repeating is safe."""

    def __init__(self, *, dataset: str) -> None:
        super().__init__(f"{dataset} was changed by another run meanwhile; run again: nothing is lost or doubled.")


class LakeUnwritable(PermanentError):
    """The lake's folder cannot be written."""

    def __init__(self, *, root: str, reason: str) -> None:
        super().__init__(f"The lake at {root} cannot be written ({reason}): give another with --lake, or its rights.")


class LakeFull(PermanentError):
    """The disk of the lake has no room; what was committed before stands, and nothing is half written."""

    def __init__(self, *, root: str) -> None:
        super().__init__(
            f"The disk of the lake at {root} is full: make room there and run again; no table holds half of anything."
        )


class BadRoot(PermanentError):
    """The lake is to be where no lake can be."""

    def __init__(self, *, root: str) -> None:
        super().__init__(f"{root} is no place for a lake: give a folder, or s3://bucket/prefix, with --lake.")


class StoreAway(TransientError):
    """The object store of the lake does not answer; what was committed before stands."""

    def __init__(self, *, root: str, at: str, reason: str) -> None:
        super().__init__(
            f"The object store of the lake {root} at {at} does not answer ({reason}): correct AWS_ENDPOINT_URL, or run "
            "again when it does; no table holds half of anything."
        )


class StoreRefused(PermanentError):
    """The object store of the lake answers, and will not have us."""

    def __init__(self, *, root: str, at: str, reason: str) -> None:
        super().__init__(f"The object store{at and f' at {at}'} refuses the lake {root}: {reason}.")


class StoreUnsafe(PermanentError):
    """The object store takes a commit from two writers, so that one of them would be lost."""

    def __init__(self, *, root: str) -> None:
        super().__init__(
            f"The object store of the lake {root} lets a second writer overwrite what only one may write (it does not "
            "heed If-None-Match), so that commits would be lost: give a lake in another store."
        )


class LakeFormat(PermanentError):
    """The lake was made by a program whose tables differ from ours; nothing was written."""

    def __init__(self, *, root: str, found: str) -> None:
        way_out = (
            "run the newer program that made it"
            if found.isdecimal() and int(found) > int(LAKE_FORMAT)
            else "give a new folder with --lake and run again from the landing area"
        )
        super().__init__(f"The lake at {root} has format {found}, this program has format {LAKE_FORMAT}: {way_out}.")


class VersionGone(PermanentError):
    """A version of a table is no longer there: its files were swept, or its log entry has expired."""

    def __init__(self, *, dataset: str, version: int) -> None:
        super().__init__(f"Version {version} of {dataset} is gone: rebuild what needs it with --rebuild.")


class AnotherLog(PermanentError):
    """A lake whose topic came from elsewhere; the same records would be received twice."""

    def __init__(self, *, topic: str, came_from: str, comes_from: str) -> None:
        super().__init__(
            f"{topic} of this lake came from {came_from} and would now come from {comes_from}, so its records would be "
            "received twice: give another lake with --lake, or set KAFKA_BOOTSTRAP_SERVERS as before."
        )
