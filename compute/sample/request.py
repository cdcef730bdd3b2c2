"""What company is asked for, and the streams of chance that it is made from.

Every account, every month of costs and every day of use draws from a stream of its own, named by seed and number:
more accounts or months leave those before as they are, and no order of work matters.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from compute.errors import BadSetting
from compute.months import Month

Stream = Literal["market", "account", "salary", "expense", "user", "day", "fault"]
_STREAMS: dict[Stream, int] = {
    "market": 1, "account": 2, "salary": 3, "expense": 4, "user": 5, "day": 6, "fault": 7,
}  # fmt: skip
LEAST_ACCOUNTS = 10


@dataclass(frozen=True, slots=True)
class Request:
    """The company that is asked for.

    Attributes:
        seed: equal seeds give equal bytes.
        months: the observed months, one after the other.
        accounts: all that are ever named, trials that never paid among them.
        users_per_account: active users of a paying account, on average; seats grow with them.
    """

    seed: int
    months: tuple[Month, ...]
    accounts: int
    users_per_account: int

    def __post_init__(self) -> None:
        if self.accounts < LEAST_ACCOUNTS:
            raise BadSetting(f"A company of {self.accounts} accounts is too small: ask for {LEAST_ACCOUNTS} or more.")
        if self.users_per_account < 1 or self.seed < 0:
            raise BadSetting("Seed and users are counted from 0 and 1: give --seed 0 or more, a user or more.")

    @property
    def first(self) -> Month:
        """The first observed month."""
        return self.months[0]

    @property
    def last(self) -> Month:
        """The last observed month."""
        return self.months[-1]

    def stream(self, name: Stream, number: int = 0) -> np.random.Generator:
        """Return the stream of chance of one thing."""
        return np.random.default_rng([self.seed, _STREAMS[name], number])
