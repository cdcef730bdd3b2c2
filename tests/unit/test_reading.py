"""Reading one record: what is no record (R00, U-10), and every row of the table "Values" (`data.md` A.0).

Rules that compare members, and what becomes of a row, are tested in `test_contracts`.
"""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from compute.contracts.contract import Field, Kind, Need
from compute.reading import NoRecord, Number, parse_record, read_field

ACCOUNT = re.compile(r"^ACC_\d+$")
UNREADABLE = (None, "Q92")


def read(kind: Kind, text: str, need: Need = "must", **more: Any) -> tuple[Any, str | None]:
    member = parse_record(f'{{"it": {text}}}'.encode())["it"]
    return read_field(Field("it", kind, need, "", **more), member, ACCOUNT)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b'{"a": "\xff"}', "not UTF-8 at byte 8"),
        (b'{"a": "\xed\xa0\x80"}', "not UTF-8 at byte 8"),
        ('{"a": 1}'.encode("utf-16"), "not UTF-8 at byte 1"),
        (b"", "not JSON"),
        (b'{"a": 1', "not JSON at character 8"),
        (b'{"a": "cut', "not JSON"),
        (b'{"a": 1} {"a": 2}', "not JSON"),
        (b"{'a': 1}", "not JSON"),
        (b'{"a": 1,}', "not JSON"),
        (b'{"a": 12,50}', "not JSON"),
        (b'{"a": 01}', "not JSON"),
        (b'{"a": +1}', "not JSON"),
        (b'{"a": 1.}', "not JSON"),
        (b'{"a": .5}', "not JSON"),
        (b'{"a": "\t"}', "not JSON"),
        (b'[{"a": 1}]', "not a JSON object"),
        (b'"a"', "not a JSON object"),
        (b"null", "not a JSON object"),
        (b'{"a": NaN}', "NaN is no JSON number"),
        (b'{"a": Infinity}', "Infinity is no JSON number"),
        (b'{"a": [{"b": -Infinity}]}', "-Infinity is no JSON number"),
        (b'{"a": 1, "a": 1}', "member 'a' is there twice"),
        (b'{"a": 1, "\\u0061": 2}', "member 'a' is there twice"),
        (b'{"a": {"b": {"c": 1, "c": 2}}}', "member 'c' is there twice"),
        (b'{"a": [{"b": 1, "b": 2}]}', "member 'b' is there twice"),
        (b'{"a": "\\ud83d"}', "half of a surrogate pair"),
        (b'{"a": ["\\uDE00\\uD83D"]}', "half of a surrogate pair"),
        (b'{"\\ud83d": 1}', "half of a surrogate pair"),
        (b'{"a": ' + b"[" * 100_000, "nested too deeply"),
    ],
)
def test_a_line_that_is_no_record_says_why(line: bytes, why: str) -> None:
    with pytest.raises(NoRecord, match=re.escape(why)):
        parse_record(line)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"{}", {}),
        (b' {"a": null}\t', {"a": None}),
        ('{"a": "Zoë"}'.encode(), {"a": "Zoë"}),
        (b'{"a": "\\ud83d\\ude00"}', {"a": "\N{GRINNING FACE}"}),
        (b'{"a": "\\\\ud83d"}', {"a": "\\ud83d"}),
        (b'{"a": 1, "A": 2}', {"a": "1", "A": "2"}),
        (b'{"a": {"b": 1}, "b": 2}', {"a": {"b": "1"}, "b": "2"}),
        (b'{"a": ' + b"9" * 5_000 + b"}", {"a": "9" * 5_000}),
    ],
)
def test_a_json_object_is_a_record_and_its_numbers_keep_their_text(line: bytes, expected: dict[str, Any]) -> None:
    actual = parse_record(line)

    assert expected == actual


@pytest.mark.parametrize(
    ("text", "expected", "code"),
    [
        ("8000", "8000.00", None),
        ("8000.5", "8000.50", None),
        ("5000.000", "5000.00", None),
        ("5e3", "5000.00", None),
        ("-12.34", "-12.34", None),
        ("-0.0", "0.00", None),
        ("0e999", "0.00", None),
        ("1.005", "1.00", "W92"),
        ("1.015", "1.02", "W92"),
        ("1.0050000000000000000000000000000001", "1.01", "W92"),
        ("-1.005", "-1.00", "W92"),
        ("-0.001", "0.00", "W92"),
        ("1e-999", "0.00", "W92"),
        ("9999999999999999.99", "9999999999999999.99", None),
        ("9999999999999999.994", "9999999999999999.99", "W92"),
    ],
)
def test_money_is_rounded_half_even_to_cents_and_warns_only_when_that_changed_it(
    text: str, expected: str, code: str | None
) -> None:
    value, actual_code = read("money", text)

    assert (expected, code) == (str(value), actual_code)


NO_NUMBER = ['"8000"', '"12,50"', '""', "true", "false", "[1]", "{}", "1e16", "-1e16", "10000000000000000", "1e999"]


@pytest.mark.parametrize("text", [*NO_NUMBER, "9999999999999999.999", "1e99999999999999999999"])
def test_what_is_no_number_below_ten_to_the_sixteenth_is_no_money(text: str) -> None:
    assert read("money", text) == UNREADABLE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4", "4"),
        ("4.0", "4"),
        ("40e-1", "4"),
        ("3.5", "3.5"),
        ("0.123456789012345678", "0.123456789012345678"),
        ("9999999999999999.999", "9999999999999999.999"),
        ("-0.0", "0"),
    ],
)
def test_a_number_is_exact(text: str, expected: str) -> None:
    assert read("number", text) == (Decimal(expected), None)


@pytest.mark.parametrize("text", NO_NUMBER)
def test_what_is_no_number_is_no_number(text: str) -> None:
    assert read("number", text) == UNREADABLE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4", 4),
        ("4.0", 4),
        ("40e-1", 4),
        ("-3", -3),
        ("-0", 0),
        ("9007199254740993", 9007199254740993),
        ("9999999999999999", 9999999999999999),
    ],
)
def test_a_number_without_fraction_is_an_int_u10(text: str, expected: int) -> None:
    value, code = read("int", text)

    assert (expected, int, None) == (value, type(value), code)


@pytest.mark.parametrize("text", [*NO_NUMBER, "4.5", "4.0000000000000000000000000000000001", "1e-3"])
def test_what_has_a_fraction_or_is_no_number_is_no_int(text: str) -> None:
    assert read("int", text) == UNREADABLE


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("text", '" Past due "', " Past due "),
        ("text", '""', ""),
        ("account", '"ACC_001"', "ACC_001"),
        ("date", '"2024-02-29"', date(2024, 2, 29)),
        ("date", '"0001-01-01"', date(1, 1, 1)),
        ("month", '"2024-12"', "2024-12"),
        ("list", "[]", []),
        ("list", '["b", "a", "b"]', ["b", "a", "b"]),
        ("map", "{}", []),
        ("map", '{"b": 2, "a": 1.5}', [{"key": "a", "value": Decimal("1.50")}, {"key": "b", "value": Decimal(2)}]),
    ],
)
def test_a_readable_value_is_typed(kind: Kind, text: str, expected: Any) -> None:
    assert read(kind, text) == (expected, None)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("text", "5"), ("text", "true"), ("text", '["a"]'), ("text", "{}"),
        ("account", '"acc_001"'), ("account", '"ACC_"'), ("account", '" ACC_001"'), ("account", '"ACC_001\\n"'),
        ("account", '"SHARED"'), ("account", "1"), ("account", '""'),
        ("date", '"2024-02-30"'), ("date", '"2023-02-29"'), ("date", '"2024-1-05"'), ("date", '"20240105"'),
        ("date", '"2024-01-05T00:00:00Z"'), ("date", '"2024-W01-1"'), ("date", '"0000-01-01"'), ("date", "20240105"),
        ("date", '"2024-01-05 "'), ("date", '"2024-01-0٥"'), ("date", '""'),
        ("month", '"2024-13"'), ("month", '"2024-00"'), ("month", '"2024-1"'), ("month", '"2024-01-05"'),
        ("month", '"0000-01"'), ("month", "202401"), ("month", '"202401"'), ("month", '"2024-01\\n"'),
        ("list", '["a", null]'), ("list", '["a", 1]'), ("list", '["a", ["b"]]'), ("list", '"a"'), ("list", "{}"),
        ("map", '{"a": null}'), ("map", '{"a": "1"}'), ("map", '{"a": true}'), ("map", '{"a": 1e16}'),
        ("map", '{"a": {"b": 1}}'), ("map", "[1]"), ("map", "1"),
        *(("instant", text) for text in (
            '"2024-01-15T10:30Z"', '"2024-01-15T10:30"', '"2024-01-15T10Z"', '"2024-01-15"', '""',
            '"2024-01-15T24:00:00Z"', '"2024-01-15T24:00:00"', '"2024-01-15T10:60:00Z"', '"2016-12-31T23:59:60Z"',
            '"2024-13-01T10:30:00Z"', '"2024-13-01T10:30:00"', '"2024-00-01T10:30:00Z"', '"2023-02-29T10:30:00Z"',
            '"0000-01-01T00:00:00Z"', '"0001-01-01T00:00:00+00:01"', '"9999-12-31T23:59:59-00:01"',
            '"10000-01-01T00:00:00Z"', '"2024-01-15T10:30:00.Z"', '"2024-01-15T10:30:00,5Z"', '"2024-01-15T10:30:00+0100"',
            '"2024-01-15T10:30:00+01"', '"2024-01-15T10:30:00+24:00"', '"2024-01-15T10:30:00+01:60"', '"2024-01-15T10:30:00 Z"',
            '"2024-01-15  10:30:00Z"', '" 2024-01-15T10:30:00Z"', '"2024-01-15T10:30:00Z\\n"', '"20240115T103000Z"',
            '"2024-W03-1T10:30:00Z"', '"2024-01-15T10:30:00Z[UTC]"', '"2024-01-15T10:30:0٥Z"', "1705314600", "true", "[]")),
    ],
)  # fmt: skip
def test_what_the_table_of_values_does_not_accept_is_q92(kind: Kind, text: str) -> None:
    assert read(kind, text) == UNREADABLE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-15T10:30:00Z", "2024-01-15 10:30"), ("2024-01-15t10:30:00z", "2024-01-15 10:30"),
        ("2024-01-15 10:30:00Z", "2024-01-15 10:30"), ("2024-01-15T10:30:00-00:00", "2024-01-15 10:30"),
        ("2024-01-15T10:30:00+05:30", "2024-01-15 05:00"), ("2024-01-15T23:30:00-01:00", "2024-01-16 00:30"),
        ("2024-01-15T10:30:00+23:59", "2024-01-14 10:31"), ("2024-02-29T00:00:00Z", "2024-02-29 00:00"),
        ("2024-01-15T10:30:00.5Z", "2024-01-15 10:30:00.500"),
        ("2024-01-15T10:30:00.000001Z", "2024-01-15 10:30:00.000001"),
        ("2024-01-15T10:30:00.1234569Z", "2024-01-15 10:30:00.123456"),
        ("2024-01-15T10:30:00.99999999999999999999Z", "2024-01-15 10:30:00.999999"),
        ("1969-12-31T23:59:59.9999999Z", "1969-12-31 23:59:59.999999"),
        ("0001-01-01T00:00:00Z", "0001-01-01 00:00"), ("9999-12-31T23:59:59Z", "9999-12-31 23:59:59"),
    ],
)  # fmt: skip
def test_an_instant_is_read_in_utc_and_its_digits_beyond_microseconds_are_cut(text: str, expected: str) -> None:
    value, code = read("instant", f'"{text}"')

    assert (datetime.fromisoformat(expected).replace(tzinfo=UTC), UTC, None) == (value, value.tzinfo, code)


@pytest.mark.parametrize(
    "text", ["2024-01-15T10:30:00", "2024-01-15t10:30:00", "2024-01-15 10:30:00", "2024-01-15T10:30:00.123456789"]
)
def test_an_instant_without_offset_is_q93_and_never_local_time(text: str) -> None:
    assert (None, "Q93") == read("instant", f'"{text}"')


def test_a_map_warns_when_a_member_was_rounded() -> None:
    assert read("map", '{"a": 1.005}') == ([{"key": "a", "value": Decimal("1.00")}], "W92")


@pytest.mark.parametrize(
    ("kind", "need", "text", "expected"),
    [
        ("text", "key", "null", "R01"),
        ("text", "key", '""', "R01"),
        ("date", "key", '""', "R01"),
        ("account", "key", '""', "R01"),
        ("date", "key", '"x"', "Q92"),
        ("text", "must", "null", "Q91"),
        ("money", "must", "null", "Q91"),
        ("money", "must", '""', "Q92"),
        ("text", "must", '""', None),
        ("text", "may", "null", None),
    ],
)
def test_a_missing_member_is_r01_in_the_key_and_q91_where_it_must_be_u09(
    kind: Kind, need: Need, text: str, expected: str | None
) -> None:
    _, actual = read(kind, text, need)

    assert expected == actual


@pytest.mark.parametrize(("text", "expected"), [("null", []), ("[]", []), ('["a"]', ["a"])])
def test_a_default_stands_for_a_missing_member_only(text: str, expected: list[str]) -> None:
    assert read("list", text, "may", default=[]) == (expected, None)


@pytest.mark.parametrize(("text", "expected"), [('"Past Due"', "Overdue"), ('"past due"', "past due")])
def test_a_synonym_is_read_as_the_word_it_stands_for(text: str, expected: str) -> None:
    assert read("text", text, synonyms={"Past Due": "Overdue"}) == (expected, None)


def test_only_a_field_that_may_be_shared_reads_shared_u20() -> None:
    assert read("account", '"SHARED"', "may", default="SHARED") == ("SHARED", None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1234567890123456.12345678901234567890", "1234567890123456.12345678901234567890"),
        ("4.000000000000000000001", "4.00000000000000000001"),  # still not whole
        ("3.99999999999999999999999", "3.99999999999999999999"),  # still not whole
        ("1e-99999999999999999999999", "0.00000000000000000001"),
    ],
)
def test_a_number_is_not_rounded_over_a_limit(text: str, expected: str) -> None:
    assert (Decimal(expected), None) == read_field(
        Field("headcount", "number", "must", ""), Number(text), re.compile("")
    )


def test_a_number_too_small_for_a_decimal_is_a_rounded_cent() -> None:
    field = Field("monthly_revenue", "money", "must", "")

    assert (Decimal("0.00"), "W92") == read_field(field, Number("1e-99999999999999999999999"), re.compile(""))
    assert (None, "Q92") == read_field(field, Number("1e99999999999999999999999"), re.compile(""))
    assert (Decimal("0.00"), None) == read_field(field, Number("0e99999999999999999999999"), re.compile(""))
