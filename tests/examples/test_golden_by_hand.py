"""The golden company, figure by figure, as a finance person adds it up. Source: `metrics.md` §11 (AT-10)."""

from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

import polars as pl
import pytest

from compute.months import Month
from tests.company import Books, read_landing

JANUARY = {
    # MRR bridge: 46166.67 + 1250.00 + 2000.00 + 1500.00 - 1000.00 - 2500.00 = 47416.67
    "M-02.opening": "46166.67",  # 28000 + 10000 + 1666.67 + 4000 + 2500
    "M-02.new": "1250.00",  # ACC_002 converts its trial: 15000 / 12 is what it is billed
    "M-02.expansion": "2000.00",  # ACC_001: 28000 → 30000
    "M-02.reactivation": "1500.00",  # ACC_007 comes back
    "M-02.contraction": "1000.00",  # ACC_005: 4000 → 3000
    "M-02.churn": "2500.00",  # ACC_006 cancels on the 12th
    "M-02.net_new": "1250.00",  # 47416.67 - 46166.67
    "M-01": "47416.67",  # 30000 + 1250 + 10000 + 1666.67 + 3000 + 0 + 1500
    "M-01.known": "47416.67",
    "M-01.at_risk": "3000.00",  # ACC_005's bill failed
    "M-03": "569000.04",  # 12 × 47416.67
    "M-04": "52833.33",  # 47416.67 + 5000.00 (ACC_003) + 2083.33 - 1666.67 (ACC_004)
    "M-05.opening": "5",
    "M-05": "6",  # 5 + 1 new + 1 back - 1 churned
    "M-06": "7902.78",  # 47416.67 / 6
    "M-08": "0.967509",  # (46166.67 + 2000 - 1000 - 2500) / 46166.67
    "M-09": "0.924188",  # (46166.67 - 1000 - 2500) / 46166.67
    "M-12": "0.075812",  # 3500 / 46166.67
    "M-13": "0.000000",  # (3500 - 2000 - 1500) / 46166.67
    "M-14": "0.200000",  # 1 / 5
    "M-15": "1.357143",  # (1250 + 2000 + 1500) / 3500
    "M-15.baremetrics": "0.928571",  # (1250 + 2000) / 3500
    "M-20": "47416.67",
    "M-21": "44416.67",  # 47416.67 - 3000.00 that failed
    "M-22": "12550.00",  # 8000 + 300 + 2500 + 400 + 900 + 100 + 350
    "M-23": "34866.67",  # 47416.67 - 12550.00
    "M-26": "125.87",  # 34866.67 / 277
    "M-27.cogs": "21550.00",  # 12550.00 + 9000.00 Support
    "M-27.gross_profit": "25866.67",  # 47416.67 - 21550.00
    "M-27": "0.545518",  # 25866.67 / 47416.67
    "M-29": "-19133.33",  # 47416.67 - 12550.00 - 54000.00
    "M-29.collected": "-22133.33",  # 44416.67 - 66550.00
    "M-30": "-0.403515",  # -19133.33 / 47416.67
    "M-31": "142250.01",  # 569000.04 / 4 engineers
    "M-33.proxy": "1.475555",  # 22133.33 / (12 × 1250.00)
    "M-49.top1": "0.632689",  # 30000 / 47416.67
    "M-49.hhi": "0.451707",
    "M-50": "1",
    "M-51.opening": "270",
    "M-51.new": "27",  # 12 + 15
    "M-51.upgrades": "0",
    "M-51.downgrades": "10",  # ACC_005: 40 → 30
    "M-51.churned": "10",  # ACC_006
    "M-51.closing": "277",  # 270 + 27 + 0 - 10 - 10
    **dict.fromkeys(("M-10", "M-11", "M-16", "M-32", "M-34"), "insufficient_history"),
    **dict.fromkeys(("M-17", "M-18"), "zero_denominator"),
    **dict.fromkeys(("M-33", "M-35", "M-36", "M-19.net"), "not_computable_from_sources"),
}
FEBRUARY = {
    "M-02.expansion": "5416.66",  # 5000.00 + 416.66
    **dict.fromkeys(("M-02.new", "M-02.reactivation", "M-02.contraction", "M-02.churn"), "0.00"),
    "M-01": "52833.33",
    "M-15": "no_losses",
    "M-18": "1.25",  # 25000 / 20000
    "M-51.closing": "302",  # 277 + 25
    **dict.fromkeys(("M-22", "M-23", "M-25", "M-26", "M-27", "M-29", "M-30", "M-31"), "missing_input"),
}
DECEMBER = {
    "M-02.opening": "0.00",
    **dict.fromkeys(("M-08", "M-09", "M-12", "M-13", "M-14", "M-31"), "zero_denominator"),
    "M-02.new": "46166.67",
    "M-17": "0",  # one trial starts, none converts
}
# contribution, share of 45000.00 R&D, share of 9000.00 Support, fully loaded, per licence, loaded per licence
ALLOCATION = {
    "ACC_001": ("22000.00", "28471.00", "5694.20", "-12165.20", "146.67", "-81.10"),
    "ACC_002": ("950.00", "1186.29", "237.26", "-473.55", "79.17", "-39.46"),
    "ACC_003": ("7500.00", "9490.33", "1898.07", "-3888.40", "150.00", "-77.77"),
    "ACC_004": ("1266.67", "1581.73", "316.34", "-631.40", "63.33", "-31.57"),
    "ACC_005": ("2100.00", "2847.10", "569.42", "-1316.52", "70.00", "-43.88"),
    "ACC_006": ("-100.00", "0.00", "0.00", "-100.00", "zero_denominator", "zero_denominator"),
    "ACC_007": ("1150.00", "1423.55", "284.71", "-558.26", "76.67", "-37.22"),
}


@pytest.fixture(scope="module")
def books() -> Books:
    folder = Path(__file__).parent / "golden" / "landing"
    return Books(read_landing(folder), Month(2023, 12).until(Month(2024, 2)))


def displayed(value: Decimal | str, like: str) -> str:
    """Round a stored figure to the places in which the specification shows it."""
    if isinstance(value, str):
        return value
    places = Decimal(1).scaleb(-len(like.partition(".")[2])) if like[-1].isdigit() else Decimal(1)
    return str(value.quantize(places, rounding=ROUND_HALF_EVEN) + 0)


@pytest.mark.parametrize(("month", "expected"), [("2023-12", DECEMBER), ("2024-01", JANUARY), ("2024-02", FEBRUARY)])
def test_company_figures(books: Books, month: str, expected: dict[str, str]) -> None:
    figures = books.figures(month)

    shown = {name: displayed(figures[name, "company"], value) for name, value in expected.items()}
    assert expected == shown


def test_classes_of_the_accounts(books: Books) -> None:
    january = books.rows.filter(pl.col("month") == "2024-01").sort("account_id")

    classes = ["expansion", "new", "none", "none", "contraction", "churn", "reactivation"]
    assert classes == january.get_column("movement").to_list()


def test_cohorts(books: Books) -> None:
    figures = books.figures("2024-01")

    cohorts = {"2023-10": ("1", "1"), "2023-12": ("0.8", "0.967509"), "2024-01": ("1", "1")}
    for cohort, (logo, net) in cohorts.items():
        assert logo == displayed(figures["M-48.logo", f"company|{cohort}"], logo)
        assert net == displayed(figures["M-48.net", f"company|{cohort}"], net)


def test_allocation_to_the_cent(books: Books) -> None:
    figures = books.figures("2024-01")
    shares = {(row["source"], row["account_id"]): row["amount"] for row in books.ledger(Month(2024, 1)).to_dicts()}

    for account, (contribution, research, support, loaded, per_licence, loaded_per_licence) in ALLOCATION.items():
        assert research == str(shares.get(("ENG_001", account), Decimal("0.00")))
        assert support == str(shares.get(("SUP_001", account), Decimal("0.00")))
        assert contribution == displayed(figures["M-23", account], contribution)
        assert loaded == displayed(figures["M-25", account], loaded)
        assert per_licence == displayed(figures["M-26", account], per_licence)
        assert loaded_per_licence == displayed(figures["M-26.loaded", account], loaded_per_licence)


def test_a_day_of_a_conversion(books: Books) -> None:
    figures = books.figures("2024-01")

    # 1250.00 over the 12 days from the 20th on: 104.17 on 8 days, then 104.16 on 4.
    days = [figures["M-20", f"ACC_002|2024-01-{day:02d}"] for day in range(1, 32)]
    assert [Decimal("0.00")] * 19 + [Decimal("104.17")] * 8 + [Decimal("104.16")] * 4 == days
