"""From bytes to typed values: one JSON record a line, each member read on its own.

Every reader takes a JSON value and returns the typed value and a code suffix: None when it is readable, `Q92` when
not, `Q93` for an instant without offset, `W92` when rounding to cents changed it. Numbers keep their text until they
are read, so no figure passes through a float.
Source: `data.md` A.0, "Values".
"""

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import ROUND_05UP, Context, Decimal, InvalidOperation
from typing import Any

from compute.contracts.contract import Field, Kind
from compute.money import to_cents

Reading = tuple[Any, str | None]
_UNREADABLE: Reading = (None, "Q92")
_TOO_LARGE = Decimal(10) ** 16
_TWENTIETH, _WIDE = Decimal(1).scaleb(-20), Context(prec=60)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
_INSTANT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]+))?([Zz]|[+-][0-9]{2}:[0-5][0-9])?"
)


class Number(str):
    """The text of a JSON number, so that it cannot be taken for a string."""

    __slots__ = ()


class NoRecord(ValueError):
    """The line holds no readable record (R00); the message says why."""


def parse_record(line: bytes) -> dict[str, Any]:
    """Read one line as a JSON object.

    Raises:
        NoRecord: not UTF-8, not JSON, not an object, NaN or Infinity, a member twice at any depth (R00).

    >>> parse_record(b'{"monthly_cost": 8000.00}')
    {'monthly_cost': '8000.00'}
    """
    try:
        text = line.decode("utf-8")
        record = _DECODER.decode(text)
    except UnicodeDecodeError as error:
        raise NoRecord(f"not UTF-8 at byte {error.start + 1}") from error
    except json.JSONDecodeError as error:
        raise NoRecord(f"not JSON at character {error.pos + 1}: {error.msg}") from error
    except RecursionError as error:
        raise NoRecord("nested too deeply") from error
    if not isinstance(record, dict):
        raise NoRecord("not a JSON object")
    if "\\ud" in text or "\\uD" in text:
        _require_unicode(record)
    return record


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise NoRecord(f"member '{twice}' is there twice")
    return members


def _refuse_constant(name: str) -> None:
    raise NoRecord(f"{name} is no JSON number")


def _require_unicode(record: dict[str, Any]) -> None:
    try:
        json.dumps(record, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        raise NoRecord("half of a surrogate pair is no text") from error


_DECODER = json.JSONDecoder(
    object_pairs_hook=_members, parse_float=Number, parse_int=Number, parse_constant=_refuse_constant
)


def members_of(text: str) -> tuple[str, ...]:
    """Return the names of a record's members in their order.

    Raises:
        NoRecord: it is none.
    """
    return tuple(parse_record(text.encode()))


def parse_value(token: str | None) -> Any:
    """Read the token of one JSON value that has no escapes; an absent one is null.

    Raises:
        NoRecord: a member of an object is there twice.
    """
    if token is None or token == "null":
        return None
    if token[0] == '"':
        return token[1:-1]
    return Number(token) if token[0] in "-0123456789" else _DECODER.decode(token)


def read_field(field: Field, value: Any, account_pattern: re.Pattern[str]) -> Reading:
    """Read one member of a record; an absent member equals null.

    Returns:
        The typed value or None, and None or a code suffix: R01, Q91, Q92, Q93, W92.
    """
    if value is None or (field.need == "key" and value == ""):
        return (field.default, None) if field.need == "may" else (None, "R01" if field.need == "key" else "Q91")
    if field.kind == "account":
        return _account(value, account_pattern, field.default)
    typed, code = _READERS[field.kind](value)
    return (field.synonyms.get(typed, typed), code) if field.synonyms else (typed, code)


def _account(value: Any, pattern: re.Pattern[str], shared: str | None) -> Reading:
    if not isinstance(value, str) or isinstance(value, Number):
        return _UNREADABLE
    return (value, None) if pattern.fullmatch(value) or value == shared else _UNREADABLE


def read_decimal(value: Any) -> Decimal | None:
    """Return a JSON number exactly, or None when it is no number or its magnitude is 10¹⁶ or more.

    >>> read_decimal(Number("1e999")) is None, read_decimal("12.50") is None
    (True, True)
    """
    if not isinstance(value, Number):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:  # an exponent that Decimal cannot hold
        number = _beyond_decimal(value)
    return number if abs(number) < _TOO_LARGE else None


def _beyond_decimal(number: Number) -> Decimal:
    """Return a stand-in on the same side of every limit: 0, next to 0, or too large."""
    mantissa, _, exponent = number.lower().partition("e")
    size = Decimal(mantissa)
    if not size:
        return Decimal(0)
    return Decimal("1e-999" if exponent.startswith("-") else "1e999").copy_sign(size)


def read_money(value: Any) -> Reading:
    """Read money: HALF_EVEN to cents, W92 when that changed the value.

    >>> read_money(Number("5000.000")), read_money(Number("1.005"))
    ((Decimal('5000.00'), None), (Decimal('1.00'), 'W92'))
    """
    number = read_decimal(value)
    if number is None:
        return _UNREADABLE
    rounded = to_cents(number)
    if abs(rounded) >= _TOO_LARGE:
        return _UNREADABLE
    return rounded, None if rounded == number else "W92"


def read_number(value: Any) -> Reading:
    """Read an exact decimal, not rounded.

    The column keeps twenty places. What lies beyond is kept as a trace in the last one (05UP), so that a number that
    is not whole, or above a limit, stays so.
    """
    number = read_decimal(value)
    if number is None:
        return _UNREADABLE
    return number.quantize(_TWENTIETH, rounding=ROUND_05UP, context=_WIDE), None


def read_int(value: Any) -> Reading:
    """Read a number without fraction; `4.0` is 4 (U-10)."""
    number = read_decimal(value)
    return _UNREADABLE if number is None or number != number.to_integral_value() else (int(number), None)


def read_text(value: Any) -> Reading:
    """Read text as it stands: neither trimmed nor case-folded."""
    return (value, None) if isinstance(value, str) and not isinstance(value, Number) else _UNREADABLE


def read_date(value: Any) -> Reading:
    """Read a calendar day, `YYYY-MM-DD`."""
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        return _UNREADABLE
    try:
        return date.fromisoformat(value), None
    except ValueError:
        return _UNREADABLE


def read_month(value: Any) -> Reading:
    """Read `YYYY-MM`, months 01 to 12; the year 0000 is none."""
    readable = isinstance(value, str) and _MONTH.fullmatch(value) and value >= "0001"
    return (value, None) if readable else _UNREADABLE


def read_instant(value: Any) -> Reading:
    """Read an instant as UTC to the microsecond, further digits cut; without an offset Q93, never local time.

    >>> read_instant("2024-01-15T11:30:00.1234567+01:00")[0].isoformat(), read_instant("2024-01-15 10:30:00")
    ('2024-01-15T10:30:00.123456+00:00', (None, 'Q93'))
    """
    parts = _INSTANT.fullmatch(value) if isinstance(value, str) else None
    if parts is None:
        return _UNREADABLE
    day, clock, fraction, offset = parts.groups()
    text = f"{day}T{clock}.{(fraction or '')[:6]:0<6}"
    try:
        instant = datetime.fromisoformat(text + (offset or "Z").upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return _UNREADABLE
    return (instant, None) if offset else (None, "Q93")


def read_list(value: Any) -> Reading:
    """Read an array of strings, kept in order."""
    if isinstance(value, list) and all(isinstance(each, str) and not isinstance(each, Number) for each in value):
        return value, None
    return _UNREADABLE


def read_map(value: Any) -> Reading:
    """Read an object of money, none null, as key-value pairs by key."""
    if not isinstance(value, dict):
        return _UNREADABLE
    read = {name: read_money(each) for name, each in value.items()}
    if any(code == "Q92" for _, code in read.values()):
        return _UNREADABLE
    pairs = [{"key": name, "value": read[name][0]} for name in sorted(read)]
    return pairs, "W92" if any(code for _, code in read.values()) else None


_READERS: dict[Kind, Callable[[Any], Reading]] = {
    "money": read_money,
    "number": read_number,
    "int": read_int,
    "text": read_text,
    "date": read_date,
    "month": read_month,
    "instant": read_instant,
    "list": read_list,
    "map": read_map,
}
