"""Any ledger against any bills: classes are total and exclusive, order and versions decide nothing, explanations lift RC-4 alone.

Source: `operations.md` C.3 (AT-50). The rules are written a second time here, with Python's decimals.
"""

from decimal import Decimal

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from compute.company_promises import Close
from compute.reconciliation import CLASSES, gates, must_be_explained, reconcile, variance
from compute.reconciliation_ledger import LEDGER, ledger_amounts, ledger_rows, pin_gate

ACCOUNTS = [f"ACC_{number}" for number in range(6)]
CENT = Decimal("0.01")
# Near each other, so that sides agree, differ by a cent, by just one percent, and wholly.
AMOUNTS = st.sampled_from(["0.00", "0.01", "0.02", "1.00", "1.01", "100.00", "101.00", "101.01", "99.00", "98.99",
                           "200.00", "10000.00", "10100.00", "10100.01", "-100.00"])  # fmt: skip
BILLED = st.dictionaries(st.sampled_from(ACCOUNTS), AMOUNTS)
BOOKED = st.lists(
    st.tuples(st.sampled_from(ACCOUNTS), AMOUNTS, st.sampled_from(["v1", "v2", "v9", "v10"])), max_size=14
)
Lines = list[tuple[str, str, str]]


def counted(lines: Lines) -> pl.DataFrame:
    rows = [(account, "2024-01", amount, version) for account, amount, version in lines]
    return ledger_rows(pl.DataFrame(rows, schema=LEDGER, orient="row"), "2024-01")


def compared(billed: dict[str, str], lines: Lines) -> pl.DataFrame:
    bills = pl.DataFrame(
        [(account, Decimal(total), Decimal(total)) for account, total in billed.items()],
        schema={"account_id": pl.String, "bill_total": pl.Decimal(18, 2), "revenue": pl.Decimal(18, 2)}, orient="row",
    )  # fmt: skip
    return reconcile("2024-01", bills, ledger_amounts(counted(lines)), Close())


def plain_ledger(lines: Lines) -> dict[str, Decimal]:
    newest: dict[str, tuple[int, Decimal]] = {}
    for account, amount, version in lines:
        number, held = int(version[1:]), newest.get(account, (0, Decimal(0)))
        if number >= held[0]:
            newest[account] = (number, Decimal(amount) + (held[1] if number == held[0] else 0))
    return {account: amount for account, (_, amount) in newest.items()}


def plain_classes(pipeline: Decimal | None, ledger: Decimal | None) -> set[str]:
    """Return every class whose own condition holds, given that those before it do not."""
    delta = (pipeline or Decimal(0)) - (ledger or Decimal(0))
    is_one_sided = pipeline is None or ledger is None
    if (delta == 0) if is_one_sided else (abs(delta) <= CENT):
        return {"matched"}
    if is_one_sided:
        return {"missing_in_pipeline"} if pipeline is None else {"missing_in_ledger"}
    if not ledger:
        return {"zero_ledger"}
    return {"within_tolerance"} if abs(delta) <= CENT * abs(ledger) else {"mismatch"}


@given(billed=BILLED, lines=BOOKED)
def test_every_account_of_either_side_has_just_the_class_that_the_rules_give_it(
    billed: dict[str, str], lines: Lines
) -> None:
    ledger = plain_ledger(lines)
    sides = {name: (Decimal(billed[name]) if name in billed else None, ledger.get(name)) for name in {*billed, *ledger}}

    found = dict(compared(billed, lines).select("account_id", "class").rows())

    assert {name: plain_classes(*pair) for name, pair in sides.items()} == {
        name: {kind} for name, kind in found.items()
    }
    assert set(found.values()) <= set(CLASSES)


@given(billed=BILLED, lines=BOOKED, data=st.data())
def test_the_order_of_rows_and_what_newer_versions_replace_change_nothing(
    billed: dict[str, str], lines: Lines, data: st.DataObject
) -> None:
    whole = compared(billed, lines)
    newest = counted(lines).select("account_id", "amount", "ledger_version").rows()

    assert whole.equals(compared(billed, data.draw(st.permutations(lines))))
    assert whole.equals(compared(billed, newest))
    drafted = whole.select("account_id", revenue="pipeline")
    assert "pass" == pin_gate(whole, counted(data.draw(st.permutations(newest))), drafted).verdict


@given(billed=BILLED, lines=BOOKED, explained=st.sets(st.sampled_from(ACCOUNTS)))
def test_explanations_lift_rc_4_and_nothing_else(billed: dict[str, str], lines: Lines, explained: set[str]) -> None:
    rows = compared(billed, lines)
    asking = set(rows.filter(must_be_explained(Close())).get_column("account_id"))

    without, with_them = gates(rows, Close()), gates(rows, Close(), explained)

    assert without[:3] == with_them[:3]
    assert (without[3].verdict == "pass") == (not asking)
    assert (with_them[3].verdict == "pass") == (asking <= explained)


@given(billed=BILLED, lines=BOOKED)
def test_net_and_gross_are_the_sums_of_both_sides(billed: dict[str, str], lines: Lines) -> None:
    ledger, rows = plain_ledger(lines), compared(billed, lines)
    pipeline, booked = sum(map(Decimal, billed.values()), Decimal(0)), sum(ledger.values(), Decimal(0))
    deltas = [Decimal(billed.get(name, "0")) - ledger.get(name, Decimal(0)) for name in {*billed, *ledger}]
    gross = sum(map(abs, deltas), Decimal(0))

    sums, verdicts = variance(rows), [each.verdict for each in gates(rows, Close())]

    assert (pipeline, booked, pipeline - booked, gross) == (sums.pipeline, sums.ledger, sums.net, sums.gross)
    assert ("pass" if abs(pipeline - booked) <= CENT * abs(booked) else "FAIL") == verdicts[1]
    assert ("pass" if gross <= CENT * abs(booked) else "FAIL") == verdicts[2]
