"""What silver keeps of persons: pseudonyms, reduced agents, addresses without queries; and what it does not (AT-06).

Source: `data.md` A.11.
"""

import hmac
from typing import Any

import pytest

from compute.company import Company
from compute.contracts.feeds import BY_NAME
from compute.current import settle, silver_rows
from compute.judging import judge
from compute.privacy import browser_of, device_of, key_check, pseudonym, system_of, without_query
from tests.unit.records import judged, received, record

SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.2"
CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/121.0.6167.85"
WINDOWS = f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36"


@pytest.mark.parametrize("user", ["USER_123", "Zoë", " ", "a@b.example"])
def test_a_pseudonym_is_the_hmac_sha256_of_the_user_in_hexadecimal(user: str) -> None:
    assert hmac.new(b"key", user.encode("utf-8"), "sha256").hexdigest() == pseudonym(user, b"key")


def test_a_pseudonym_is_stable_over_versions() -> None:
    assert "ad6f34b687beed567c0766807aaab8dee8224d9f1434747ec9b44a0d6929d64e" == pseudonym("USER_123", b"key")


def test_another_key_and_another_user_give_other_pseudonyms() -> None:
    pairs = [("USER_123", b"key"), ("USER_123", b"Key"), ("user_123", b"key"), ("USER_124", b"key")]

    assert len(pairs) == len({pseudonym(user, key) for user, key in pairs})


def test_a_judged_row_s_pseudonym_is_made_with_the_lake_s_key() -> None:
    rows = received("usage_sessions", record("usage_sessions"))

    actual = [judge(rows, BY_NAME["usage_sessions"], Company(), key)["user_id"].item() for key in (b"key", b"other")]

    assert [pseudonym("USER_123", b"key"), pseudonym("USER_123", b"other")] == actual


def test_the_check_of_a_key_tells_two_keys_apart_and_gives_neither_away() -> None:
    checks = [key_check(key) for key in (b"key", b"other")]

    assert len(set(checks)) == 2
    assert all(key.hex() not in check for key, check in zip((b"key", b"other"), checks, strict=True))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("/analytics/dashboard", "/analytics/dashboard"),
        ("/reports?token=abc", "/reports"),
        ("/reports#token=abc", "/reports"),
        ("/reports?a=b?c=d#e#f", "/reports"),
        ("/reports#top?token=abc", "/reports"),
        ("https://app.example:8443/a/b;c?d=e", "https://app.example:8443/a/b;c"),
        ("/reports%3Fpage", "/reports%3Fpage"),
        ("?token=abc", ""),
        ("#token=abc", ""),
        ("", ""),
    ],
)
def test_an_address_loses_query_and_fragment(url: str, expected: str) -> None:
    assert expected == without_query(url)


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        (
            f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_2 like Mac OS X) {SAFARI} Mobile/15E148 Safari/604.1",
            ("Mobile Safari", "iOS", "Mobile"),
        ),
        (
            f"Mozilla/5.0 (iPad; CPU OS 17_2 like Mac OS X) {SAFARI} Mobile/15E148 Safari/604.1",
            ("Mobile Safari", "iOS", "Tablet"),
        ),
        (
            f"Mozilla/5.0 (Linux; Android 14; Pixel 8) {CHROME} Mobile Safari/537.36",
            ("Chrome Mobile", "Android", "Mobile"),
        ),
        (
            "Mozilla/5.0 (Android 13; Tablet; rv:109.0) Gecko/118.0 Firefox/118.0",
            ("Firefox Mobile", "Android", "Tablet"),
        ),
        (WINDOWS, ("Chrome", "Windows", "Desktop")),
        (f"Mozilla/5.0 (Macintosh; Intel Mac OS X 14_2) {SAFARI} Safari/605.1.15", ("Safari", "Mac OS X", "Desktop")),
        (
            "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:121.0) Gecko/20100101 Firefox/121.0",
            ("Firefox", "Ubuntu", "Desktop"),
        ),
        (
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            ("Googlebot", "Other", "Bot"),
        ),
        ("curl/8.4.0", ("curl", "Other", "Other")),
        ("Mozilla/5.0...", ("Other", "Other", "Other")),
        ("\x00%$", ("Other", "Other", "Other")),
        ("", ("Other", "Other", "Other")),
    ],
)
def test_an_agent_is_reduced_to_browser_system_and_device(agent: str, expected: tuple[str, str, str]) -> None:
    assert expected == (browser_of(agent), system_of(agent), device_of(agent))


PERSONAL: dict[str, dict[str, Any]] = {
    "click_events": {
        "user_id": "zoe@customer.example",
        "ip_address": "81.2.69.160",
        "user_agent": WINDOWS,
        "page_url": "/reports?token=s3cr3t#frag7",
    },
    "usage_sessions": {"user_id": "zoe@customer.example"},
    "account_status_changes": {"sales_rep": "Zoe Miller"},
}
TRACES = ("zoe", "81.2.69", "Mozilla", "537.36", "6167", "NT 10", "token", "s3cr3t", "frag7", "?", "#", "Miller")


@pytest.mark.parametrize("dataset", PERSONAL)
def test_nothing_personal_is_in_silver_at06(dataset: str) -> None:
    frame = judged(dataset, record(dataset, **PERSONAL[dataset]), record(dataset))

    silver = silver_rows(settle(frame, BY_NAME[dataset], Company(), frozenset()), BY_NAME[dataset])
    text = str(silver.to_dicts()) + " ".join(silver.columns)

    assert silver.height
    assert [] == [trace for trace in TRACES if trace.lower() in text.lower()]


@pytest.mark.parametrize("dataset", PERSONAL)
def test_nothing_personal_is_in_a_held_row_s_values_and_reasons_at06(dataset: str) -> None:
    account = record(dataset, **PERSONAL[dataset], account_id="?")
    text = str(judged(dataset, account, record(dataset, **PERSONAL[dataset], currency="EUR")).to_dicts())

    assert "quarantined" in text
    assert [] == [trace for trace in TRACES if trace.lower() in text.lower()]


def test_an_address_that_is_none_is_in_no_reason_at06() -> None:
    text = str(judged("click_events", record("click_events", ip_address="zoe's host")).to_dicts())

    assert "CLK-Q92" in text
    assert "zoe" not in text
