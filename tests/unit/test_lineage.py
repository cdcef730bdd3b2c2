"""The formulas and parts of `techflow explain` say what the rules say: what they add up to is the figure.

AT-81: every figure has a formula, and every name of a formula a meaning.
"""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from compute.changes import ratio_changes, sum_changes
from compute.contributions import Contributions, contributions
from compute.details import DETAILS
from compute.figures import Exact, Reason
from compute.formulas import Formula, Operation, evaluate, names, parse, replaced, weights
from compute.lineage import ACCOUNT_FORMULAS, FORMULAS, PIPELINES, Scope, formula_of, operand_key
from compute.metrics import METRICS
from compute.money import stored
from compute.months import Month, month_of
from compute.parts import PARTS
from tests.company import Books, activity, bill, change, click, cost, read_landing, renewal, seats, team, usage

GOLDEN = Path(__file__).parents[1] / "examples" / "golden" / "landing"
# A rule of the metric, beside its arithmetic, says that there is no value.
SHOWN = ("ACC_001", "ACC_006", "ACC_012", "ACC_013", "ACC_014", "ACC_140")  # whose own figures are followed
RULED_OUT = ("insufficient_history", "no_losses", "suppressed_small_cell")


def golden() -> Books:
    return Books(read_landing(GOLDEN), Month(2023, 12).until(Month(2024, 2)))


def grown() -> Books:
    """A company of 48 accounts over 14 months: each pays 100 times its number; some leave, grow, try, come back."""
    months = Month(2023, 1).until(Month(2024, 2))
    bills, changes, costs = [], [], []
    for number in range(1, 49):
        name = f"ACC_{number:03d}"
        changes.append(change(name, "2022-12-01", None, "Active"))
        left = number if number < 13 else 99  # ACC_001 … ACC_012 leave, one a month, and the last comes back
        for index, month in enumerate(months, 1):
            if index < left or (number == 12 and index == 14):
                grown_by = 50.0 if number == 20 and index > 6 else 0.0
                features = ["API Access"] if number % 2 else []
                bills.append(bill(name, f"{month}-15", 100.0 * number + grown_by, user_licenses=number,
                                  additional_features=features, feature_revenue=0.0))  # fmt: skip
                costs.append(cost(name, f"{month}-20", 10.0 * number))
            elif index == left:
                changes.append(change(name, f"{month}-10", "Active", "Cancelled"))
    changes += [
        change("ACC_012", "2024-02-03", "Cancelled", "Active"),
        change("ACC_140", "2024-01-05", None, "Trial"),
        change("ACC_140", "2024-01-25", "Trial", "Active", contract_value=1200.0),
        change("ACC_141", "2024-01-08", None, "Trial"),
    ]
    bills.append(bill("ACC_140", "2024-02-25", 100.0))  # in January its MRR is estimated, and its licences unknown
    costs.append(cost("ACC_140", "2024-02-25", 5.0))
    lines = {
        "revenue": bills,
        "account_status_changes": changes,
        "license_changes": [seats("ACC_022", "2024-02-05", 22, 30, 80.0)],
        "subscription_renewals": [renewal("ACC_021", "2024-02-10", 24000.0, 25200.0)],
        "expenses": [*costs, *(cost(None, f"{month}-28", 777.0, kind) for month in months
                               for kind in ("Infrastructure", "Marketing"))],
        "salaries": [team(*one, str(month), 9000.0, 3) for month in months
                     for one in (("ENG_001", "Data Engineering"), ("SUP_001", "Support"), ("ENG_002", "Frontend"))],
        "click_events": [
            click("ACC_013", "u1", "2024-02-03T10:00:00Z", "s1", feature_name="API"),
            click("ACC_013", "u1", "2024-02-03T10:10:00Z", "s1"),
            click("ACC_014", "u1", "2024-02-28T10:00:00Z", None, feature_name="Reports"),
            click("ACC_014", "u2", "2024-02-24T10:00:00Z", None),
            click("ACC_014", "u3", "2024-02-24T10:00:00Z", None, event_type="logout"),
        ],
        "usage_sessions": [usage("ACC_015", "u4", "2024-01-31T23:30:00Z", "2024-02-01T00:30:00Z", 45, "Reports")],
        "team_activity": [activity("ACC_013", "T1", "2024-02-05", 4, 6.0, 10, 2)],
    }  # fmt: skip
    return Books(lines, months[-3:], as_of=date(2024, 5, 20))


def reader(books: Books, month: Month) -> Callable[[str], pl.LazyFrame]:
    """Return the tables of a company in memory, by their names in the lake."""
    tables = {f"silver/{name}": rows for name, rows in (books.silver | books.topics).items()}
    tables |= {
        "gold/account_month": books.rows,
        "gold/status_step": books.steps,
        "gold/allocation": books.ledger(month),
        "gold/user_day": books.user_days,
        "gold/click_session": books.click_sessions.with_columns(month=month_of(pl.col("date"))),
        "gold/profit_figure": books.figure_table(str(month)),
    }
    return lambda name: tables[name].lazy()


class Explained:
    """A figure's formula down to its parts, and what those come to."""

    def __init__(self, metric_id: str, grain: str, key: str, month: Month, read: Callable[[str], pl.LazyFrame]) -> None:
        self.scope, self.read, self.parts = Scope.of(month, grain, key), read, dict[str, Contributions]()
        self.formula = self.expanded(metric_id, grain)

    def expanded(self, metric_id: str, grain: str) -> Formula:
        operands = operand_key(grain, self.scope)[0]

        def part(name: str) -> Formula:
            if name in PIPELINES:
                return self.expanded(name, operands)
            if name not in self.parts:
                self.parts[name] = contributions(name, self.scope, self.read)
            return name

        return replaced(parse(formula_of(metric_id, grain, self.scope)), part)

    @property
    def values(self) -> dict[str, Exact]:
        return {name: part.value for name, part in self.parts.items()}

    @property
    def value(self) -> Exact:
        return evaluate(self.formula, self.values)


@pytest.mark.parametrize(
    ("books", "months"),
    [(golden, ("2023-12", "2024-01", "2024-02")), (grown, ("2024-01", "2024-02"))],
)
def test_every_figure_comes_out_of_its_formula_and_rows(books: Callable[[], Books], months: tuple[str, ...]) -> None:
    company, wrong, seen = books(), [], set()
    for name in months:
        month, read = Month.parse(name), reader(company, Month.parse(name))
        for row in company.figure_table(name).filter(~pl.col("grain").is_in(DETAILS)).iter_rows(named=True):
            if row["grain"] == "account_month" and row["grain_key"][:7] not in SHOWN:
                continue
            if not formula_of(row["metric_id"], row["grain"], Scope(month)):
                assert row["null_reason"] == "not_computable_from_sources"
                continue
            value = Explained(row["metric_id"], row["grain"], row["grain_key"], month, read).value
            if row["value"] is None:
                agrees = (
                    row["null_reason"] in RULED_OUT or isinstance(value, Reason) or row["metric_id"] == "M-33.proxy"
                )
            else:
                agrees = isinstance(value, Fraction) and stored(value) == row["value"]
                seen.add(row["metric_id"])
            if not agrees:
                wrong.append((row["month"], row["metric_id"], row["grain_key"], row["value"], value))

    assert [] == wrong
    if books is grown:
        assert {"M-10", "M-11", "M-16", "M-16.n90", "M-17", "M-32", "M-34", "M-42", "M-45.activation", "M-53"} <= seen


def test_every_metric_has_a_formula_whose_names_all_mean_something_and_no_part_is_left_over() -> None:
    snapshot_metrics = {metric.metric_id for metric in METRICS if metric.grains != "XD"}
    assert set(PIPELINES) == snapshot_metrics

    formulas = [*(text for table in FORMULAS.values() for text in table.values()), *ACCOUNT_FORMULAS.values()]
    words = Scope(Month(2024, 1)).words
    named = {
        name.partition("@")[0] for text in formulas if text for name in names(parse(text.format_map(words)))
    } - PIPELINES.keys()
    assert set(PARTS) == named


def part_rows(company: Books, name: str, month: str, **scope: Any) -> list[tuple[str, Decimal]]:
    of_month = Month.parse(month)
    part = contributions(name, Scope(of_month, **scope), reader(company, of_month))
    return [(key, amount.normalize() + 0) for key, amount in part.rows.select("key", "amount").rows()]


def test_closing_mrr_of_the_golden_company_is_the_sum_of_seven_accounts() -> None:
    # 30000 + 1250 + 10000 + 1666.67 + 3000 + 0 + 1500 = 47416.67
    assert part_rows(golden(), "mrr", "2024-01") == [
        ("ACC_001", Decimal(30000)), ("ACC_002", Decimal(1250)), ("ACC_003", Decimal(10000)),
        ("ACC_004", Decimal("1666.67")), ("ACC_005", Decimal(3000)), ("ACC_006", Decimal(0)),
        ("ACC_007", Decimal(1500)),
    ]  # fmt: skip


def test_the_parts_of_one_account_are_its_own_rows() -> None:
    assert part_rows(golden(), "mrr", "2024-01", account="ACC_005") == [("ACC_005", Decimal(3000))]


def test_a_part_of_another_month_is_read_from_that_month() -> None:
    assert part_rows(golden(), "mrr@2023-12", "2024-01", account="ACC_005") == [("ACC_005", Decimal(4000))]


def test_a_user_counts_once_in_the_company_and_once_in_each_account() -> None:
    company = grown()  # u1 is in ACC_013 and in ACC_014; u3 only logs out

    assert len(part_rows(company, "users", "2024-02")) == 3  # u1, u2, u4
    assert part_rows(company, "users_by_account", "2024-02") == [
        ("ACC_013", Decimal(1)), ("ACC_014", Decimal(2)), ("ACC_015", Decimal(1)),
    ]  # fmt: skip


def test_an_unknown_amount_makes_its_sum_unknown() -> None:
    lost = Books({"license_changes": [seats("ACC_001", "2024-01-05", 1, 2, 5.0)]}, (Month(2024, 1),))

    part = contributions("mrr", Scope(Month(2024, 1)), reader(lost, Month(2024, 1)))

    assert part.value == Reason.MISSING_INPUT


def changes(company: Books, metric_id: str, month: str, key: str = "company") -> list[tuple[Any, ...]]:
    now = Month.parse(month)
    read = reader(company, now)
    after, before = (Explained(metric_id, "company_month", key, each, read) for each in (now, now.plus(-1)))
    counts = weights(after.formula)
    if counts is None:
        assert isinstance(before.formula, Operation)
        assert isinstance(after.formula, Operation)
        rows = ratio_changes(before.formula, after.formula, before.values, after.values)
    else:
        rows = sum_changes(counts, before.parts, after.parts)
    return rows.select("key", "cause", "detail", pl.col("change").round(6)).rows()


def test_the_change_of_mrr_is_its_movements_by_account() -> None:
    # 1250.00 + 2000.00 + 1500.00 - 1000.00 - 2500.00 = 1250.00 = 47416.67 - 46166.67
    assert changes(golden(), "M-01", "2024-01") == [
        ("ACC_006", "churn", "cancelled", Decimal(-2500)), ("ACC_001", "expansion", "feature", Decimal(2000)),
        ("ACC_007", "reactivation", "", Decimal(1500)), ("ACC_002", "new", "", Decimal(1250)),
        ("ACC_005", "contraction", "seat", Decimal(-1000)),
    ]  # fmt: skip


def test_the_change_of_a_multiple_is_the_multiple_of_the_changes() -> None:
    # 12 × 1250.00 = 15000.00
    assert sum(row[-1] for row in changes(golden(), "M-03", "2024-01")) == Decimal(15000)


def test_the_change_of_a_count_is_who_came_and_who_went() -> None:
    assert changes(golden(), "M-51.closing", "2024-01") == [
        ("ACC_007", "from nothing", "", Decimal(15)), ("ACC_002", "from nothing", "", Decimal(12)),
        ("ACC_005", "fell", "", Decimal(-10)), ("ACC_006", "to nothing", "", Decimal(-10)),
    ]  # fmt: skip


def test_the_change_of_a_ratio_is_that_of_its_numerator_and_its_denominator() -> None:
    # M-06: 52833.33 / 6 after 47416.67 / 6: all of it is the numerator's, 5416.66 / 6 = 902.776667
    assert changes(golden(), "M-06", "2024-02") == [
        ("numerator", "rose", "", Decimal("902.776667")), ("denominator", "stayed", "", Decimal(0)),
    ]  # fmt: skip


def test_a_rule_of_two_quotients_has_no_parts_that_add_up() -> None:
    assert weights(parse("a / b - 1 + c / d")) is None


@pytest.mark.parametrize(
    ("text", "counted"),
    [("a - (b - a)", {"a": 2, "b": -1}), ("a / 60", {"a": Fraction(1, 60)}), ("a * b", None), ("3", None),
     ("2 * (a / b)", None), ("(a / b) / 2", None)],
)  # fmt: skip
def test_a_sum_of_names_is_told_from_other_formulas(text: str, counted: dict[str, Fraction] | None) -> None:
    assert weights(parse(text)) == counted


def test_an_unknown_operand_leaves_no_value() -> None:
    values: dict[str, Exact] = {"a": Reason.MISSING_INPUT, "b": Fraction(2)}

    assert evaluate(parse("a * b"), values) == Reason.MISSING_INPUT
    assert evaluate(parse("b / (b - 2)"), values) == Reason.ZERO_DENOMINATOR
