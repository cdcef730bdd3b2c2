"""What asks for a revision, and what waits. Source: `operations.md` S-5 (AT-62)."""

from datetime import UTC, datetime
from decimal import Decimal

import polars as pl
import pytest

from compute.figures import FIGURE
from compute.months import Month
from compute.restatement import PENDING, changed_figures, difference, is_due, is_material, pending, seen

SHARE = Decimal("0.005")
NOW = datetime(2024, 3, 1, tzinfo=UTC)


def figures(**values: str | None) -> pl.DataFrame:
    """Return company figures of January; `M_01` is M-01, None a null."""
    rows = [
        {"month": "2024-01", "metric_id": name.replace("_", "-"), "grain": "company_month", "grain_key": "company",
         "value": None if value is None else Decimal(value), "unit": "money",
         "quality": "unavailable" if value is None else "billed",
         "null_reason": "missing_input" if value is None else "", "footnote_ids": ""}
        for name, value in values.items()
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=FIGURE)


@pytest.mark.parametrize(
    ("metric", "old", "new", "expected"),
    [
        # 0.5 % of 47416.67 is 237.08335.
        ("M-01", "47416.67", "47653.75", False),
        ("M-01", "47416.67", "47653.76", True),
        ("M-01", "47416.67", "47179.58", True),
        ("M-29", "-100.00", "-100.49", False),
        ("M-29", "-100.00", "-100.50", True),
        ("M-29", "0.10", "-0.10", True),
        ("M-05", "0", "1", True),
        ("M-05", "1", "0", True),
        ("M-10", None, "1.0", True),
        ("M-10", "1.0", None, True),
        ("M-10", None, None, False),
        ("M-05", "0", "0", False),
        # A retention rate that crosses 100 % by however little.
        ("M-10", "0.9999", "1.0001", True),
        ("M-11", "1.0000", "0.9999", True),
        ("M-10", "1.0001", "1.0002", False),
        ("M-27", "0.9999", "1.0001", False),
    ],
)
def test_what_is_material(metric: str, old: str | None, new: str | None, expected: bool) -> None:
    values = [None if each is None else Decimal(each) for each in (old, new)]
    assert expected is is_material(metric, *values, SHARE)


def test_changes_of_figures_that_are_no_headline_are_kept_and_ask_for_nothing() -> None:
    changed = changed_figures(figures(M_01="100", M_20="50"), figures(M_01="100", M_20="90"))
    assert [("M-20", Decimal(50), Decimal(90), Decimal(40))] == changed.select(
        "metric_id", "old", "new", "delta"
    ).rows()
    assert ([], False) == (difference(changed), is_due(changed, SHARE))


def test_a_figure_that_comes_or_goes_or_is_told_otherwise_has_changed() -> None:
    before, now = figures(M_01="100", M_03="5"), figures(M_01="100", M_05="1")
    assert {"M-03", "M-05"} == set(changed_figures(before, now).get_column("metric_id"))
    told = before.with_columns(quality=pl.lit("estimated"))
    assert {"M-01", "M-03"} == set(changed_figures(before, told).get_column("metric_id"))
    assert changed_figures(before, before.sample(fraction=1, shuffle=True, seed=1)).is_empty()


def test_the_difference_shows_old_new_and_share_in_the_order_of_the_report() -> None:
    changed = changed_figures(
        figures(M_03="1200", M_01="100", M_10=None), figures(M_03="1206", M_01="100.50", M_10="1")
    )
    assert [
        {"metric": "M-01", "old": "100", "new": "100.5", "delta": "0.5", "share": "0.5000"},
        {"metric": "M-03", "old": "1200", "new": "1206", "delta": "6", "share": "0.5000"},
        {"metric": "M-10", "old": "", "new": "1", "delta": "", "share": ""},
    ] == difference(changed)  # fmt: skip


def test_what_waits_keeps_the_instant_at_which_it_was_first_seen() -> None:
    def found(revision: int, cause: str, **now: str) -> pl.DataFrame:
        changed = changed_figures(figures(M_20="50", M_21="1"), figures(**now))
        return pending(changed, {}, Month(2024, 1), revision, cause)

    first = seen(found(1, "LATE_DATA", M_20="60", M_21="1"), pl.DataFrame(schema=PENDING), NOW)
    second = seen(found(1, "LATE_DATA", M_20="70", M_21="2"), first, NOW.replace(day=2))
    assert {"M-20": NOW, "M-21": NOW.replace(day=2)} == dict(second.select("metric_id", "first_seen").rows())

    third = seen(found(2, "BUG_FIX", M_20="70", M_21="1"), second, NOW.replace(day=3))
    assert [("M-20", "BUG_FIX", NOW.replace(day=3))] == third.select("metric_id", "cause", "first_seen").rows()


def test_a_gate_that_another_ledger_flips_waits_among_the_figures() -> None:
    nothing = changed_figures(figures(M_01="1"), figures(M_01="1"))
    row = pending(nothing, {"RC-2": ("pass", "FAIL")}, Month(2024, 1), 1, "LATE_DATA").row(0, named=True)
    assert ("RC-2", "gate", "pass", "FAIL", "LEDGER_ADJUSTMENT") == (
        row["metric_id"], row["grain"], row["old"], row["new"], row["cause"],
    )  # fmt: skip
