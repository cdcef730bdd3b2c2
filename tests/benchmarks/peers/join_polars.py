"""The revenue join in Polars alone: one lazy query over all files."""

from typing import Any

import polars as pl

BY = ["account_id", "month"]


def joined(spec: dict[str, Any]) -> pl.LazyFrame:
    """Return the account-months."""
    tables = {
        name: pl.scan_parquet(files, hive_schema={"month": pl.String} if "/month=" in files[0] else None)
        for name, files in spec["tables"].items()
    }
    grid = _grid(tables, spec)
    for rows in (_billed(tables["bills"], spec), _stepped(tables["steps"]), _seated(tables["licences"]),
                 _spent(tables["expenses"], spec)):  # fmt: skip
        grid = grid.join(rows, on=BY, how="left")
    return _moved(_valued(grid.sort(BY), spec), spec)


def _month(date: pl.Expr) -> pl.Expr:
    return date.dt.strftime("%Y-%m").alias("month")


def _last(name: str, by: str) -> pl.Expr:
    return pl.col(name).sort_by(by).last()


def _billed(bills: pl.LazyFrame, spec: dict[str, Any]) -> pl.LazyFrame:
    valid = bills.filter(pl.col("payment_status") != spec["void"])
    on = "billing_date"
    return valid.group_by(BY).agg(
        bill_total=_last("total_monthly_revenue", on), payment_status=_last("payment_status", on),
        bill_tier=_last("subscription_tier", on), bill_seats=_last("user_licenses", on), billed_on=pl.col(on).max(),
    )  # fmt: skip


def _stepped(steps: pl.LazyFrame) -> pl.LazyFrame:
    rows = steps.select("account_id", "step", "status", _month(pl.col("change_date")))
    return rows.group_by(BY).agg(new_status=_last("status", "step"))


def _seated(licences: pl.LazyFrame) -> pl.LazyFrame:
    rows = licences.select("account_id", "effective_date", "new_licenses", _month(pl.col("effective_date")))
    return rows.group_by(BY).agg(
        new_seats=_last("new_licenses", "effective_date"), seated_on=pl.col("effective_date").max()
    )


def _spent(expenses: pl.LazyFrame, spec: dict[str, Any]) -> pl.LazyFrame:
    cost = pl.col("monthly_cost")
    own = expenses.filter(pl.col("account_id") != spec["shared"])
    is_cogs = pl.col("expense_category").is_in(spec["cogs"])
    return own.group_by(BY).agg(cost=cost.sum(), cogs=pl.when(is_cogs).then(cost).otherwise(0).sum())


def _grid(tables: dict[str, pl.LazyFrame], spec: dict[str, Any]) -> pl.LazyFrame:
    agreed = _month(pl.min_horizontal("change_date", "effective_date"))
    evidence = [tables[name].select(BY) for name in ("bills", "changes", "renewals")]
    born = pl.concat([*evidence, tables["licences"].select("account_id", agreed)])
    births = born.group_by("account_id").agg(birth=pl.col("month").min())
    months = pl.LazyFrame({"month": spec["months"]})
    return births.join(months, how="cross").filter(pl.col("birth") <= pl.col("month")).drop("birth")


def _valued(grid: pl.LazyFrame, spec: dict[str, Any]) -> pl.LazyFrame:
    """Carry forward what holds until something else is said; rows lie by account and month."""
    is_changed = pl.col("billed_on").is_null() | (pl.col("seated_on") > pl.col("billed_on")).fill_null(value=False)
    seats = pl.when(is_changed).then("new_seats").otherwise("bill_seats")
    filled = grid.with_columns(
        status=pl.col("new_status").forward_fill().over("account_id").fill_null(spec["unknown"]),
        tier=pl.col("bill_tier").forward_fill().over("account_id").fill_null(spec["unknown"]),
        seats=seats.forward_fill().over("account_id"),
    )
    is_gone = ~pl.col("status").is_in([*spec["paying"], spec["unknown"]])
    return filled.with_columns(
        mrr=pl.when(is_gone).then(0).otherwise("bill_total"), licences=pl.when(is_gone).then(0).otherwise("seats")
    )


def _moved(rows: pl.LazyFrame, spec: dict[str, Any]) -> pl.LazyFrame:
    mrr, prior, account = pl.col("mrr"), pl.col("prior_mrr"), "account_id"
    has_paid = (mrr > 0).fill_null(value=False).cast(pl.Int8).cum_max().shift().over(account).fill_null(0) == 1
    known = rows.with_columns(prior_mrr=mrr.shift().over(account).fill_null(0), has_paid=has_paid)
    first = pl.when(mrr > 0).then(pl.lit("first_observed")).otherwise(pl.lit("none"))
    movement = (
        pl.when(mrr.is_null()).then(pl.lit("unknown")).when(pl.col("month") == spec["months"][0]).then(first)
        .when(prior == mrr).then(pl.lit("none")).when((prior == 0) & pl.col("has_paid")).then(pl.lit("reactivation"))
        .when(prior == 0).then(pl.lit("new")).when(mrr == 0).then(pl.lit("churn"))
        .when(prior < mrr).then(pl.lit("expansion")).otherwise(pl.lit("contraction"))
    )  # fmt: skip
    no_bill = pl.when(pl.col("bill_total").is_null()).then(0)
    return known.select(
        *BY, "status", "payment_status", "tier", "licences", "bill_total", "mrr", "prior_mrr",
        movement=movement, movement_amount=(mrr - prior).abs(), revenue=_counted(spec["earning"]),
        collected=_counted(["Paid"]), direct_cost=pl.coalesce("cost", no_bill), direct_cogs=pl.coalesce("cogs", no_bill),
    )  # fmt: skip


def _counted(statuses: list[str]) -> pl.Expr:
    total = pl.col("bill_total")
    return (
        pl.when(pl.col("payment_status").is_in(statuses)).then(total)
        .when(total.is_not_null() | (pl.col("mrr") == 0)).then(0)
    )  # fmt: skip
