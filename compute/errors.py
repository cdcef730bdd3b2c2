"""Broken promises, in one tree with two branches.

    PipelineError
    ├── TransientError   try again: the world may have changed
    └── PermanentError   do not try again: a person must look

Bad rows are not errors: they are data, with a disposition. Every message names what to do next.
"""


class PipelineError(Exception):
    """Base of every error raised on purpose; keeps its fields across processes."""

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by copying fields, so that subclasses may have keyword-only constructors."""
        return type(self).__new__, (type(self), *self.args), self.__dict__


class TransientError(PipelineError):
    """Try again: the world may have changed."""


class PermanentError(PipelineError):
    """Do not try again: a person must look."""


class BadSetting(PermanentError):
    """A setting or a key of the company file is wrong; the message names place and remedy."""


class BadMonth(PermanentError):
    """A month that is no month, or that the records cannot support."""


class BadLedger(PermanentError):
    """The accounting ledger cannot be read or holds what is no amount; reconciliation is unverified."""


class ContractViolation(PermanentError):
    """A frame is not what its dataset promises: our own mistake, nothing was written."""

    def __init__(self, *, dataset: str, failures: tuple[str, ...]) -> None:
        self.dataset, self.failures = dataset, failures
        super().__init__(
            f"{dataset} breaks its contract ({'; '.join(failures)}). Nothing was written. "
            "This is a fault of the pipeline, not of the records: report it with this message."
        )
