"""The close workbook's accounts, a row each, and the MRR bridge, whose every amount is a sum over those rows.

Source: `metrics.md` §4.2, §4.3.
"""

from decimal import Decimal

import polars as pl

from compute.book_figures import Figures, against, places
from compute.movements import MOVING
from compute.sheets import Check, Column, Sheet

_GAINS, _LOSSES = ("first_observed", "new", "expansion", "reactivation"), ("contraction", "churn")
_UNTIERED = "(none)"
_STEP = (
    'IF([movement]="unknown",0,'
    'ROUND([prior_mrr]+IF(OR([movement]="contraction",[movement]="churn"),-1,1)*[movement_amount]-[mrr],2))'
)
_COLUMNS = (
    Column("account_id", head="account"),
    Column("birth", head="first seen"),
    Column("status"),
    Column("status_source", head="status from"),
    Column("tier"),
    Column("billing_date", "day", head="billed on"),
    Column("payment_status", head="payment"),
    Column("bill_total", "money", head="bill", is_summed=True),
    Column("licences", "count", is_summed=True),
    Column("prior_mrr", "money", head="MRR before", is_summed=True),
    Column("movement"),
    Column("movement_amount", "money", head="moved by"),
    Column("mrr", "money", head="MRR", is_summed=True),
    Column("mrr_quality", head="MRR known by"),
    Column("step", "money", _STEP, is_check=True, head="before ± moved − MRR"),
    Column("revenue", "money", is_summed=True),
    Column("collected", "money", is_summed=True),
    Column("direct_cost", "money", head="direct cost", is_summed=True),
    Column("contribution", "money", "[revenue]-[direct_cost]", is_summed=True),
    Column("allocated", "money", "Shares!B[place]", is_summed=True),
    Column("profit", "money", "[contribution]-[allocated]", head="fully loaded profit", is_summed=True),
)
_OF_FIGURES = {
    "mrr": "M-01", "revenue": "M-20", "collected": "M-21", "direct_cost": "M-22", "contribution": "M-23",
    "allocated": "M-24", "profit": "M-25",
}  # fmt: skip


def account_sheet(rows: pl.DataFrame, shares: Sheet) -> Sheet:
    """Return the sheet of accounts.

    Args:
        rows: ACCOUNT_MONTH rows of the month.
        shares: where what each account carries stands.
    """
    placed = rows.join(places(shares.rows), on="account_id", how="left", maintain_order="left")
    told = "An account by row, as the figures of the month were made from it."
    return Sheet("Accounts", told, _COLUMNS, placed.with_columns(pl.col("tier").fill_null(_UNTIERED)))


def bridge_sheet(accounts: Sheet) -> Sheet:
    """Return the sheet of the MRR bridge, a row per tier."""

    def of_tier(column: str, movement: str = "") -> str:
        which = f',{accounts.span("movement")},"{movement}"' if movement else ""
        return f"SUMIFS({accounts.span(column)},{accounts.span('tier')},[tier]{which})"

    closing = "".join((*(f"+[{name}]" for name in _GAINS), *(f"-[{name}]" for name in _LOSSES)))
    columns = (
        Column("tier"),
        Column("opening", "money", of_tier("prior_mrr"), is_summed=True),
        *(
            Column(name, "money", of_tier("movement_amount", name), is_summed=True, head=name.replace("_", " "))
            for name in (*_GAINS, *_LOSSES)
        ),
        Column("unknown", "money", f"{of_tier('mrr', 'unknown')}-{of_tier('prior_mrr', 'unknown')}", is_summed=True),
        Column("closing", "money", f"[opening]{closing}+[unknown]", is_summed=True),
        Column("mrr", "money", of_tier("mrr"), is_summed=True, head="MRR of its accounts"),
        Column("left", "money", "ROUND([closing]-[mrr],2)", is_check=True, head="difference"),
    )
    told = "From the MRR before to that of the month. Each amount is a sum of account rows; losses are positive."
    return Sheet("Bridge", told, columns, accounts.rows.select(pl.col("tier").unique().sort()))


def account_checks(accounts: Sheet, figures: Figures) -> list[Check]:
    """Return the checks of the sheet of accounts."""
    heads = {column.name: column.head or column.name for column in accounts.columns}
    sums = [
        against(figures, f"{heads[name]} of all accounts", accounts.total(name), accounts.total(name), metric)
        for name, metric in _OF_FIGURES.items()
    ]
    paying = f'COUNTIF({accounts.span("mrr")},">0")'
    steps = "each account's movement leads from its MRR before to its MRR"
    return [
        *sums,
        against(figures, "accounts with MRR", accounts.total("mrr"), paying, "M-05"),
        Check(steps, accounts.total("step"), accounts.total("step"), Decimal(0)),
    ]


def bridge_checks(bridge: Sheet, accounts: Sheet, figures: Figures) -> list[Check]:
    """Return the checks of the bridge: it closes tier by tier, it is the signed one, and paying accounts have one."""
    closes = "opening and movements of each tier are the MRR of its accounts"
    moved, before = accounts.span("movement"), accounts.span("prior_mrr")
    gained = "".join(f'+COUNTIF({moved},"{name}")' for name in _GAINS if name != "expansion")
    paying = f'COUNTIF({before},">0"){gained}-COUNTIF({moved},"churn")'
    return [
        Check(closes, bridge.total("left"), bridge.total("left"), Decimal(0)),
        *(
            against(figures, f"{name} of the bridge", bridge.total(name), bridge.total(name), f"M-02.{name}")
            for name in ("opening", *MOVING)
        ),
        against(figures, "closing of the bridge", bridge.total("closing"), bridge.total("closing"), "M-01"),
        against(
            figures, "accounts paying before + new + reactivated − churned", accounts.total("movement"), paying, "M-05"
        ),
    ]
