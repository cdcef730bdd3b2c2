"""The revenue join by other engines: the files of each table, month being a part of their paths, to one Parquet file."""

from os.path import commonpath
from pathlib import Path
from typing import Any

from tests.benchmarks.peers.spark import start_spark

NEEDED = {
    "bills": ("account_id", "billing_date", "payment_status", "subscription_tier", "user_licenses",
              "total_monthly_revenue"),
    "changes": ("account_id",),
    "steps": ("account_id", "step", "change_date", "status"),
    "licences": ("account_id", "change_date", "effective_date", "new_licenses"),
    "renewals": ("account_id",),
    "expenses": ("account_id", "expense_category", "monthly_cost"),
}  # fmt: skip


def floor(spec: dict[str, Any]) -> None:
    """Decode the needed columns, a file at a time."""
    import polars as pl

    for table, files in spec["tables"].items():
        for file in files:
            pl.read_parquet(file, columns=list(NEEDED[table]), hive_partitioning=False)


def polars(spec: dict[str, Any]) -> None:
    """Polars by itself, streaming."""
    from tests.benchmarks.peers.join_polars import joined

    joined(spec).sink_parquet(f"{spec['out']}/joined.parquet", engine="streaming")


def duckdb(spec: dict[str, Any]) -> None:
    """DuckDB on its two threads."""
    import duckdb as engine

    with engine.connect() as database:
        for table, files in spec["tables"].items():
            read = f"read_parquet({files}, hive_partitioning=true, hive_types_autocast=false)"
            database.execute(f"CREATE VIEW {table} AS SELECT * FROM {read}")
        query = select(spec, "strftime({}, '%Y-%m')", "last_value({} IGNORE NULLS)")
        database.execute(f"COPY ({query}) TO '{spec['out']}/joined.parquet' (FORMAT parquet, COMPRESSION zstd)")


def spark(spec: dict[str, Any]) -> None:
    """PySpark, local."""
    session = start_spark()
    for table, files in spec["tables"].items():
        folder = commonpath([str(Path(file).parent) for file in files])
        root = folder.partition("/month=")[0]
        session.read.option("basePath", root).parquet(*files).createOrReplaceTempView(table)
    query = select(spec, "date_format({}, 'yyyy-MM')", "last_value({}) IGNORE NULLS")
    session.sql(query).write.parquet(f"{spec['out']}/joined.parquet", mode="overwrite", compression="zstd")


def select(spec: dict[str, Any], month_of: str, last_known: str) -> str:
    """Return the query; `month_of` makes a month of a date, `last_known` is the window's last value that is not null."""
    month = month_of.format
    last = last_known.format
    known = (*spec["paying"], spec["unknown"])
    return f"""
        WITH months AS (SELECT * FROM (VALUES {", ".join(f"('{each}')" for each in spec["months"])}) AS m(month)),
        billed AS (SELECT account_id, month, max_by(total_monthly_revenue, billing_date) AS bill_total,
                          max_by(payment_status, billing_date) AS payment_status,
                          max_by(subscription_tier, billing_date) AS bill_tier,
                          max_by(user_licenses, billing_date) AS bill_seats, max(billing_date) AS billed_on
                   FROM bills WHERE payment_status <> '{spec["void"]}' GROUP BY account_id, month),
        stepped AS (SELECT account_id, {month("change_date")} AS month, max_by(status, step) AS new_status
                    FROM steps GROUP BY account_id, {month("change_date")}),
        seated AS (SELECT account_id, {month("effective_date")} AS month,
                          max_by(new_licenses, effective_date) AS new_seats, max(effective_date) AS seated_on
                   FROM licences GROUP BY account_id, {month("effective_date")}),
        spent AS (SELECT account_id, month, sum(monthly_cost) AS cost,
                         sum(CASE WHEN expense_category IN {_list(spec["cogs"])} THEN monthly_cost ELSE 0 END) AS cogs
                  FROM expenses WHERE account_id <> '{spec["shared"]}' GROUP BY account_id, month),
        births AS (SELECT account_id, min(birth) AS birth FROM (
                     SELECT account_id, month AS birth FROM bills UNION ALL SELECT account_id, month FROM changes
                     UNION ALL SELECT account_id, {month("least(change_date, effective_date)")} FROM licences
                     UNION ALL SELECT account_id, month FROM renewals) AS evidence GROUP BY account_id),
        grid AS (SELECT account_id, month FROM births JOIN months ON birth <= month),
        filled AS (SELECT account_id, month, bill_total, payment_status, cost, cogs,
                          coalesce({last("new_status")} OVER w, '{spec["unknown"]}') AS status,
                          coalesce({last("bill_tier")} OVER w, '{spec["unknown"]}') AS tier,
                          {last("CASE WHEN billed_on IS NULL OR seated_on > billed_on THEN new_seats ELSE bill_seats END")}
                            OVER w AS seats
                   FROM grid LEFT JOIN billed USING (account_id, month) LEFT JOIN stepped USING (account_id, month)
                        LEFT JOIN seated USING (account_id, month) LEFT JOIN spent USING (account_id, month)
                   WINDOW w AS (PARTITION BY account_id ORDER BY month ROWS UNBOUNDED PRECEDING)),
        valued AS (SELECT *, CASE WHEN status NOT IN {_list(known)} THEN 0 ELSE bill_total END AS mrr,
                          CASE WHEN status NOT IN {_list(known)} THEN 0 ELSE seats END AS licences FROM filled),
        moved AS (SELECT *, coalesce(lag(mrr) OVER (PARTITION BY account_id ORDER BY month), 0) AS prior_mrr,
                         coalesce(max(CASE WHEN mrr > 0 THEN 1 ELSE 0 END) OVER (PARTITION BY account_id ORDER BY month
                                  ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS has_paid FROM valued)
        SELECT account_id, month, status, payment_status, tier, licences, bill_total, mrr, prior_mrr,
               CASE WHEN mrr IS NULL THEN 'unknown'
                    WHEN month = '{spec["months"][0]}' THEN CASE WHEN mrr > 0 THEN 'first_observed' ELSE 'none' END
                    WHEN prior_mrr = mrr THEN 'none' WHEN prior_mrr = 0 AND has_paid = 1 THEN 'reactivation'
                    WHEN prior_mrr = 0 THEN 'new' WHEN mrr = 0 THEN 'churn' WHEN prior_mrr < mrr THEN 'expansion'
                    ELSE 'contraction' END AS movement,
               abs(mrr - prior_mrr) AS movement_amount,
               CASE WHEN payment_status IN {_list(spec["earning"])} THEN bill_total
                    WHEN bill_total IS NOT NULL OR mrr = 0 THEN 0 END AS revenue,
               CASE WHEN payment_status = 'Paid' THEN bill_total
                    WHEN bill_total IS NOT NULL OR mrr = 0 THEN 0 END AS collected,
               coalesce(cost, CASE WHEN bill_total IS NULL THEN 0 END) AS direct_cost,
               coalesce(cogs, CASE WHEN bill_total IS NULL THEN 0 END) AS direct_cogs
        FROM moved"""


def _list(texts: Any) -> str:
    return "(" + ", ".join(f"'{text}'" for text in texts) + ")"
