"""Random whole companies, records of all nine feeds with their arrivals, and the ways in which they may reach a lake.

A company says what was recorded and when each record arrived: that decides figures. A history says how it was brought:
cut into which files, read by which run, in what order, what twice. That must decide nothing (AT-30).
"""

import gzip
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

from compute.contracts.feeds import BY_NAME, FEEDS
from compute.months import Month
from tests.company import activity, bill, click, cost, usage
from tests.property.histories import ACCOUNTS, companies

MONTHS = Month(2024, 1).until(Month(2024, 3))
AS_OF = datetime(2024, 7, 1, tzinfo=UTC)  # after every arrival; the arrival of what carries none
FILES = tuple(feed.dataset for feed in FEEDS if not feed.is_topic)
TOPICS = tuple(feed.dataset for feed in FEEDS if feed.is_topic)
LATECOMER = "ACC_9"  # uses the product before any file names it, if one ever does
BIRTH = bill("ACC_1", "2024-01-05", 70.0)  # so that January can be run
STRANGER = "ACC_8"  # uses the product, and no file ever names it
Ledger = list[tuple[str, str, str, str]]


@dataclass(frozen=True, slots=True)
class Sent:
    """A record of a file feed and when it arrived; AS_OF: its file carries no stamp."""

    feed: str
    arrival: datetime
    line: bytes


@dataclass(frozen=True, slots=True)
class Whole:
    """All that a company ever recorded.

    Attributes:
        sent: records of the file feeds in the order in which they were written.
        envelopes: of each topic, in the order of their offsets.
        broken: of each topic, lines that are no envelope; the first of them is line 1 of the log.
        ledger: account, period, amount, version.
    """

    sent: tuple[Sent, ...]
    envelopes: dict[str, list[dict[str, Any]]]
    broken: dict[str, list[bytes]]
    ledger: Ledger


@dataclass(frozen=True, slots=True)
class Step:
    """What lies in the landing area before a run, and the run.

    Attributes:
        files: contents by `feed/name`, beside those that are there.
        logs: contents by name of the topics' logs, in place of those that are there.
        pipeline: `aggregated`, or one of those before it.
        months: as a person asks for them.
    """

    files: dict[str, bytes]
    logs: dict[str, bytes]
    pipeline: str = "aggregated"
    months: str = f"{MONTHS[0]}..{MONTHS[-1]}"


@dataclass(slots=True)
class _Topic:
    """Hands out offsets on two partitions."""

    name: str
    next: list[int] = field(default_factory=lambda: [0, 7])
    envelopes: list[dict[str, Any]] = field(default_factory=list)

    def add(self, partition: int, arrival: datetime, payload: object) -> None:
        self.envelopes.append(
            {"topic": self.name, "partition": partition, "offset": self.next[partition], "tstype": "create",
             "ts": int(arrival.timestamp() * 1000), "key": "k", "payload": payload}
        )  # fmt: skip
        self.next[partition] += 1


_DELIVERIES = [datetime(2024, month, 2, hour, tzinfo=UTC) for month in (1, 2, 3, 4, 5, 6) for hour in (6, 18)]
_LAGS = st.sampled_from(
    [timedelta(seconds=5)] * 4
    + [timedelta(hours=48), timedelta(hours=48, microseconds=1000), timedelta(days=20), timedelta(minutes=-10)]
)
_TIMES = st.builds(
    lambda month, day, hour, minute: datetime(2024, month, day, hour, minute, tzinfo=UTC),
    st.integers(1, 3), st.sampled_from([1, 1, 2, 9, 14, 28, 29]), st.sampled_from([0, 9, 23, 23]),
    st.sampled_from([0, 20, 45, 59]),
)  # fmt: skip
_CLICKS = st.sampled_from([("page_view", None), ("feature_click", "API"), ("heartbeat", None), ("feature_click", None)])
_USERS = st.sampled_from(["U1", "U1", "U2", "U3"])
_SEEN = st.sampled_from([*ACCOUNTS, "ACC_1", LATECOMER, STRANGER])
_KINDS = st.sampled_from(["once"] * 8 + ["twice", "revised", "back", "early", "unstamped", "dirty", "dirty"])
_DIRT = ("cut", "not utf-8", "keyless", "wrong type", "null", "foreign", "negative", "more", "cents")


def _soil(row: dict[str, Any], feed: str, dirt: str) -> bytes:
    """Return a row with something wrong, or merely odd, about it."""
    contract, line = BY_NAME[feed], json.dumps(row).encode()
    amount = next((name for name, value in row.items() if isinstance(value, int | float)), contract.key[-1])
    changes: dict[str, dict[str, Any]] = {
        "keyless": {contract.key[-1]: ""},
        "wrong type": {contract.key[-1]: 7},
        "null": {amount: None},
        "foreign": {"currency": "EUR"},
        "negative": {amount: -3},
        "more": {"colour": "red"},
        "cents": {amount: 12.345},
    }
    if dirt in changes:
        return json.dumps(row | changes[dirt]).encode()
    return line[:-4] if dirt == "cut" else line[:-1] + b"\xff}"


@st.composite
def wholes(draw: st.DrawFn, *, refusals: bool = True, clocks: bool = True) -> Whole:
    """Draw a company: file feeds as `histories` has them, three topics, all of them dirty here and there.

    Without `refusals` no delivery comes near the size at which it may be refused. Without `clocks` every record carries
    its arrival and every account is named from the start: the age of one that nobody knows decides figures (U-19).
    """
    sent = [Sent("revenue", datetime(2024, 1, 20, tzinfo=UTC), json.dumps(BIRTH).encode())]
    for feed, rows in draw(companies()).items():
        for row in rows:
            sent += draw(_sendings(feed, row, clocks=clocks))
    if draw(st.booleans()):
        named = json.dumps(bill(LATECOMER, "2024-03-15", 9.5)).encode()
        sent.append(Sent("revenue", draw(st.sampled_from(_DELIVERIES)), named))
    if not clocks:
        names = (*ACCOUNTS, LATECOMER, STRANGER)
        sent += [Sent("expenses", _DELIVERIES[2], json.dumps(cost(name, "2024-01-31", 1.0)).encode()) for name in names]
    if refusals and not draw(st.integers(0, 3)):
        sent += draw(_bad_days())
    envelopes = {name: draw(_envelopes(name, clocks=clocks)) for name in TOPICS}
    broken = {name: [f"no envelope {number}".encode() for number in range(draw(st.integers(0, 2)))] for name in TOPICS}
    amounts = st.sampled_from(["70.00", "99.99", "120.00", "0", "50.005"])
    rows = st.tuples(
        st.sampled_from(ACCOUNTS), st.sampled_from([str(month) for month in MONTHS]), amounts,
        st.sampled_from(["v1", "v9", "v10"]),
    )  # fmt: skip
    return Whole(tuple(sent), envelopes, broken, draw(st.lists(rows, max_size=6)))


@st.composite
def _sendings(draw: st.DrawFn, feed: str, row: dict[str, Any], *, clocks: bool) -> list[Sent]:
    """Draw how a row is sent: once as a rule; with other values before or after, twice, too early, or spoilt."""
    on = str(row.get("salary_month") or row.get("change_date") or row[BY_NAME[feed].dated])
    due = [each for each in _DELIVERIES if str(each.date()) >= on[:10] and str(each)[:7] > on] or _DELIVERIES[-1:]
    first = draw(st.integers(0, min(2, len(due) - 1)))
    line, kind = json.dumps(row).encode(), draw(_KINDS)
    if kind == "early":
        return [Sent(feed, _DELIVERIES[0], line)]
    if kind == "unstamped" and clocks:
        return [Sent(feed, AS_OF, line)]
    if kind == "dirty":
        return [Sent(feed, due[first], _soil(row, feed, draw(st.sampled_from(_DIRT))))]
    again = due[draw(st.integers(first, len(due) - 1))]
    other = json.dumps(row | _changed(row)).encode()
    lines = {
        "once": [line],
        "unstamped": [line],
        "twice": [line, line],
        "revised": [other, line],
        "back": [line, other, line],
    }[kind]
    return [Sent(feed, due[first], lines[0]), *(Sent(feed, again, each) for each in lines[1:])]


def _changed(row: dict[str, Any]) -> dict[str, Any]:
    """Return other values for some fields of a row, none of them in its key."""
    others = {
        "payment_status": "Void", "total_monthly_revenue": row.get("monthly_revenue", 0) + 0.01, "team_name": "Sales",
        "cost_breakdown": None, "contract_value": 77.25, "contract_duration": "P6M",
        "additional_revenue": row.get("additional_revenue", 0) * 2,
    }  # fmt: skip
    return {name: value for name, value in others.items() if name in row}


@st.composite
def _bad_days(draw: st.DrawFn) -> list[Sent]:
    """Draw a delivery of one feed that is at the least size, or one below, at which it may be refused."""
    feed, arrival = draw(st.sampled_from(FILES)), draw(st.sampled_from(_DELIVERIES))
    good = json.dumps(bill("ACC_2", "2023-12-20", 33.0)).encode() if feed == "revenue" else b"{}"
    return [Sent(feed, arrival, b"junk %d" % number) for number in range(draw(st.sampled_from([96, 99, 100])))] + [
        Sent(feed, arrival, good)
    ]


@st.composite
def _envelopes(draw: st.DrawFn, topic: str, *, clocks: bool) -> list[dict[str, Any]]:
    """Draw the records of a topic; a record may be spoilt, delivered twice, or revised."""
    log = _Topic(topic)
    for _ in range(draw(st.integers(0, 9))):
        at, row = draw(_uses(topic))
        arrival, partition = at + draw(_LAGS), draw(st.integers(0, 1))
        kind = draw(st.sampled_from(["once"] * 7 + ["twice", "revised", "dirty", "no text", *["no time"] * clocks]))
        payload = json.dumps(row)
        if kind == "dirty":
            soiled = _soil(row, topic, draw(st.sampled_from([dirt for dirt in _DIRT if dirt != "not utf-8"])))
            payload = soiled.decode()
        if kind == "revised":
            name = {"usage_sessions": "total_active_time_minutes", "team_activity": "api_calls"}.get(topic, "page_url")
            log.add(draw(st.integers(0, 1)), arrival, json.dumps(row | {name: 1 if name != "page_url" else "/x?a=1"}))
        log.add(partition, datetime(1970, 1, 1, tzinfo=UTC) if kind == "no time" else arrival,
                row if kind == "no text" else payload)  # fmt: skip
        if kind == "twice":
            log.add(1 - partition, arrival + draw(_LAGS), payload)
    return log.envelopes


@st.composite
def _uses(draw: st.DrawFn, topic: str) -> tuple[datetime, dict[str, Any]]:
    """Draw a click, a usage session or a day of a team, and when it was."""
    at, account, user = draw(_TIMES), draw(_SEEN), draw(_USERS)
    text = at.isoformat().replace("+00:00", "Z")
    if topic == "click_events":
        kind, feature = draw(_CLICKS)
        session = draw(st.sampled_from([None, "S1", "S2"]))
        return at, click(account, user, text, session, event_type=kind, feature_name=feature)
    if topic == "usage_sessions":
        length = draw(st.sampled_from([None, 0, 30, 45, 480]))
        end = at + timedelta(minutes=length or 0)
        minutes = draw(st.sampled_from([0, 1, 29, 30, 45]))
        features = draw(st.sampled_from([(), ("API",), ("Reports", "API Access")]))
        return end, usage(account, user, text, None if length is None else end.isoformat(), minutes, *features)
    day = at.replace(hour=0, minute=0) + timedelta(days=1)
    return day, activity(account, draw(st.sampled_from(["TEAM_1", "TEAM_2"])), str(at.date()), 2, 3.5, 4, 1)


def at_once(whole: Whole) -> Step:
    """Return all of it in one run: a file per feed and arrival, every log in order."""
    files = {}
    for (feed, arrival), rows in _groups(whole.sent).items():
        files |= _file(feed, arrival, 0, rows)
    logs = {f"{topic}.jsonl": _log([*whole.broken[topic], *map(_line, whole.envelopes[topic])]) for topic in TOPICS}
    return Step(files, logs)


def parted(whole: Whole, month: Month) -> tuple[Whole, Whole]:
    """Return a company without the records that speak of later months alone, and with all of them, by its end.

    Only records that can say nothing of the month are held back: costs and bills of later months, the latter of accounts
    that have paid by then (the first bill above 0 makes an account's status known in all months, U-47), and use of the
    product from the second day on (a session may go on over midnight).
    """
    paid = set()
    for each in whole.sent:
        row = _record(each.line)
        if (
            each.feed == "revenue"
            and row.get("billing_date", "9") <= str(month.last)
            and row.get("total_monthly_revenue")
        ):
            paid.add(row["account_id"])
    sent = tuple(each for each in whole.sent if not _is_later(each, month, paid))
    begin = f"{month.plus(1)}-02"
    logs = {name: [each for each in log if _moment(name, each) < begin] for name, log in whole.envelopes.items()}
    return Whole(sent, logs, whole.broken, whole.ledger), whole


def _is_later(each: Sent, month: Month, paid: set[str]) -> bool:
    row, dated = _record(each.line), BY_NAME[each.feed].dated
    is_free = each.feed in ("expenses", "salaries") or (each.feed == "revenue" and row.get("account_id") in paid)
    return is_free and isinstance(row.get(dated), str) and row[dated][:7] > str(month)


def _moment(topic: str, envelope: dict[str, Any]) -> str:
    """Return when a record of a topic was, as text; before all time when that cannot be read."""
    payload = envelope["payload"]
    row = payload if isinstance(payload, dict) else _record(payload.encode())
    found = row.get(BY_NAME[topic].dated)
    return found if isinstance(found, str) else ""


def _record(line: bytes) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError:
        return {}
    return row if isinstance(row, dict) else {}


@st.composite
def histories(draw: st.DrawFn, whole: Whole, *, most: int = 3) -> list[Step]:
    """Draw a way in which a company reaches a lake; the last run asks for all months.

    Files are cut anywhere but stay in order: arrival and name say which row is the later one, and are part of what was
    recorded. Which run reads a file, or a record of a topic, is free.
    """
    random, count = draw(st.randoms(use_true_random=False)), draw(st.integers(2, most))
    runs: list[dict[str, bytes]] = [{} for _ in range(count)]
    for (feed, arrival), rows in _groups(whole.sent).items():
        cuts = sorted({random.randint(0, len(rows)) for _ in range(random.randint(0, 2))} | {0, len(rows)})
        for number, (begin, end) in enumerate(pairwise(cuts), start=1):
            file = _file(feed, arrival, number, rows[begin:end], packed=not random.randint(0, 3))
            runs[random.randrange(count)] |= file
            if not random.randint(0, 4):
                runs[random.randrange(count)] |= _copy(feed, arrival, number, file)
    steps = [Step(files, {}, *draw(_asked())) for files in runs]
    steps[-1] = Step(runs[-1], {})
    for topic in TOPICS:
        reached = [random.randrange(count) for _ in whole.envelopes[topic]]
        broken = sorted(random.randint(0, len(whole.broken[topic])) for _ in range(count - 1))
        read = -1  # the last run that has read the log; what it read may be gone from it afterwards
        for number, step in enumerate(steps):
            lines = [_line(each) for each, run in zip(whole.envelopes[topic], reached, strict=True)
                     if read < run <= number or (run <= read and random.randint(0, 1))]  # fmt: skip
            doubled = lines + [line for line in lines if not random.randint(0, 3)]
            head = whole.broken[topic][: [*broken, None][number]]
            step.logs[f"{topic}.jsonl"] = _log([*head, *random.sample(doubled, len(doubled))])
            read = number if step.pipeline in ("aggregated", "engagement") else read
    return steps


@st.composite
def _asked(draw: st.DrawFn) -> tuple[str, str]:
    first, last = sorted(draw(st.tuples(st.sampled_from(MONTHS), st.sampled_from(MONTHS))))
    return draw(st.sampled_from(["aggregated", "aggregated", "growth", "profit", "engagement"])), f"{first}..{last}"


def _groups(sent: Iterable[Sent]) -> dict[tuple[str, datetime], list[bytes]]:
    groups: dict[tuple[str, datetime], list[bytes]] = {}
    for each in sent:
        groups.setdefault((each.feed, each.arrival), []).append(each.line)
    return groups


def _file(feed: str, arrival: datetime, number: int, rows: list[bytes], *, packed: bool = False) -> dict[str, bytes]:
    """Return a file by its name; a blank line of its own length keeps equal rows in two files from being one file."""
    stamp = "unstamped" if arrival == AS_OF else f"{arrival:%Y%m%dT%H%M%SZ}"
    blank = f"{int(f'{arrival:%m%d%H}{number}'):b}".replace("0", " ").replace("1", "\t")
    content = b"".join(row + b"\n" for row in [*rows, blank.encode()])
    name = f"{feed}/{feed}-{stamp}-{number}.ndjson"
    return {f"{name}.gz": gzip.compress(content, 1, mtime=0)} if packed else {name: content}


def _copy(feed: str, arrival: datetime, number: int, file: dict[str, bytes]) -> dict[str, bytes]:
    """Return the same bytes under a name that arrives later; the earlier name counts, whichever is read first."""
    ((name, content),) = file.items()
    plain = gzip.decompress(content) if name.endswith(".gz") else content
    stamp = "unstamped" if arrival == AS_OF else "20240630T000000Z"
    return {f"{feed}/{feed}-{stamp}-again-{arrival:%m%d%H}-{number}.ndjson": plain}


def _line(envelope: dict[str, Any]) -> bytes:
    return json.dumps(envelope).encode()


def _log(lines: Iterable[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)
