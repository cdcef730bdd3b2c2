"""Faults of the topics: a table, a fault a line. They are put in as the days go by, at most a few a day.

Beside: a bad copy comes with a good record. Instead: the record itself is odd. Earlier: a first version comes before
the record, which revises it. Again: it is sent twice. Late: it is sent days after.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from compute.sample.desk import Entry, Record
from compute.sample.fault_day import shifted
from compute.sample.fault_rows import PREFIX, held
from compute.sample.use import DAY_MS

Change = Callable[[Record], Record | str]
Way = Literal["beside", "instead", "earlier", "again", "late", "added"]
STRANGER = "ACC_9990001"  # no file feed names it


@dataclass(frozen=True, slots=True)
class UseFault:
    """A fault of a record of a topic.

    Attributes:
        fits: which records it can be put into.
        moves: ms between the record's broker time and that of the fault.
        finds: codes of findings that name the record by its place.
        takes: whether the account is kept from other faults.
    """

    kind: str
    feed: str
    codes: tuple[str, ...]
    way: Way
    change: Change
    fits: Callable[[Record], bool] = lambda _record: True
    moves: int = 1
    finds: tuple[str, ...] = ()

    @property
    def takes(self) -> bool:
        """Whether other faults keep away from the account: what is accepted could touch them."""
        return self.way in ("instead", "late", "added")

    def entry(self, record: Record) -> Entry:
        """Return what must be found of the fault in a record."""
        names = ("user_id", "account_id", "timestamp", "session_start", "team_id", "date")
        place = {name: record[name] for name in names if name in record}
        entry = Entry(self.kind, self.codes[0] if self.codes else self.way, self.feed, self.way, place)
        entry.code = next(iter((*self.codes, *self.finds)), None)
        if self.way == "beside":
            entry.counts(held(self.codes), 1, *self.codes)
        elif self.way == "earlier":
            entry.counts("superseded", 1)
            entry.carry("accepted", *self.codes)
        elif self.way == "again":
            entry.counts("duplicate", 1)
        elif self.way == "added":
            entry.counts("accepted", 1, *self.codes)
        else:
            entry.carry("accepted", *self.codes)
        return entry


def with_(**values: object) -> Change:
    """Return the record with other values."""
    return lambda record: record | values


def later(name: str, milliseconds: int) -> Change:
    """Return the record with an instant moved."""
    return lambda record: record | {name: shifted(record[name], milliseconds)}


def plus(name: str, amount: int) -> Change:
    """Return the record with more of something."""
    return lambda record: record | {name: record[name] + amount}


def _local(record: Record) -> Record:
    name = "timestamp" if "timestamp" in record else "session_start"
    return record | {name: record[name][:-1]}


def _is_page(record: Record) -> bool:
    return bool(record["event_type"] == "page_view")


_MINUTE = 60_000
_MUST = {"usage_sessions": "total_active_time_minutes", "team_activity": "active_users"}
_KEY = {"click_events": "user_id", "usage_sessions": "session_start", "team_activity": "team_id"}
_WRONG: dict[str, Record] = {
    "click_events": {"ip_address": "999.1.1.1"},
    "usage_sessions": {"total_active_time_minutes": "ten"},
    "team_activity": {"api_calls": "many"},
}


def _common() -> list[UseFault]:
    faults = []
    for feed, prefix in list(PREFIX.items())[6:]:
        faults += [
            UseFault("malformed", feed, (f"{prefix}-R00",), "beside", lambda record: json.dumps(record)[:-1]),
            UseFault("null_key", feed, (f"{prefix}-R01",), "beside", with_(**{_KEY[feed]: None})),
            UseFault("wrong_type", feed, (f"{prefix}-Q92",), "beside", with_(**_WRONG[feed])),
            UseFault("currency", feed, (f"{prefix}-Q90",), "beside", with_(currency="EUR")),
            UseFault("duplicate", feed, (), "again", lambda record: record, moves=40),
        ]
        if feed in _MUST:
            faults.append(UseFault("missing_field", feed, (f"{prefix}-Q91",), "beside", with_(**{_MUST[feed]: None})))
    for feed, code in (("click_events", "CLK-Q03"), ("usage_sessions", "USE-Q04"), ("team_activity", "TEA-Q03")):
        faults.append(UseFault("unknown_account", feed, (code,), "beside", with_(account_id=STRANGER)))
    for feed in ("click_events", "usage_sessions"):
        faults.append(UseFault("no_offset", feed, (f"{PREFIX[feed]}-Q93",), "beside", _local))
    return faults


OWN: tuple[UseFault, ...] = (
    UseFault("bad_click", "click_events", ("CLK-Q01",), "beside", later("timestamp", 60 * _MINUTE)),
    UseFault("bad_click", "click_events", ("CLK-Q02", "CLK-W01"), "beside", later("timestamp", -500 * DAY_MS)),
    UseFault("bad_click", "click_events", ("CLK-Q91",), "beside",
             with_(event_type="feature_click", feature_name=None)),
    UseFault("late", "click_events", ("CLK-W01",), "late", lambda record: record, moves=53 * 60 * _MINUTE),
    UseFault("late", "click_events", ("CLK-W01",), "late", lambda record: record, moves=17 * DAY_MS),
    UseFault("late", "click_events", ("CLK-W01",), "late", lambda record: record, moves=35 * DAY_MS),
    UseFault("unknown_enum", "click_events", ("CLK-W02",), "instead", with_(event_type="drag"), _is_page),
    UseFault("private_address", "click_events", ("CLK-W04",), "instead", with_(ip_address="192.168.1.100"), _is_page),
    UseFault("no_session", "click_events", ("CLK-W94",), "instead", with_(session_id=None), _is_page),
    UseFault("bad_session", "usage_sessions", ("USE-Q01",), "beside",
             lambda record: record | {"session_end": shifted(record["session_start"], -_MINUTE)}),
    UseFault("bad_session", "usage_sessions", ("USE-Q02",), "beside", with_(total_active_time_minutes=1400)),
    UseFault("bad_session", "usage_sessions", ("USE-Q03",), "beside",
             lambda record: record | {"session_end": shifted(record["session_start"], 25 * 60 * _MINUTE)}),
    UseFault("negative", "usage_sessions", ("USE-Q95",), "beside", with_(total_active_time_minutes=-5)),
    UseFault("revised", "usage_sessions", ("USE-W90",), "earlier", with_(total_active_time_minutes=0), moves=-1),
    UseFault("unknown_enum", "usage_sessions", ("USE-W93",), "instead", with_(device_type="Fridge")),
    UseFault("open_session", "usage_sessions", ("USE-W01",), "added",
             lambda record: record | {"session_start": shifted(record["session_start"], 1000), "session_end": None,
                                      "total_active_time_minutes": 1, "features_used": [], "device_type": None}),
    UseFault("overlap", "usage_sessions", (), "added",
             lambda record: record | {"session_start": shifted(record["session_start"], 1000),
                                      "total_active_time_minutes": 1, "features_used": []}, finds=("USE-W02",)),
    UseFault("bad_team_activity", "team_activity", ("TEA-Q01",), "beside", with_(total_session_time_hours=9999)),
    UseFault("bad_team_activity", "team_activity", ("TEA-Q02",), "beside", with_(active_users=0)),
    UseFault("negative", "team_activity", ("TEA-Q95",), "beside", with_(api_calls=-1)),
    UseFault("revised", "team_activity", ("TEA-W90",), "earlier", plus("reports_generated", 1), moves=-1),
)  # fmt: skip
USE_FAULTS: tuple[UseFault, ...] = (*OWN, *_common())
