"""`techflow status`: what is in force, fresh, held and drafted. It imports neither Prefect nor Ray."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import polars as pl
import typer

from compute.contracts.feeds import FEEDS
from flows.commands.export import write
from flows.commands.screen import screen, show_table
from flows.settings import PREFIX, Settings, load_settings
from storage.catalog import BRONZE, COMPLETENESS_ROW, DISPOSITIONS, LANDED_FILE, RECONCILIATION_GATE, SNAPSHOT
from storage.lake import Lake
from storage.ledger import shown
from storage.runs import runs

_PLACES = ("home", "landing", "lake", "ledger", "company", "executor")


def status(
    context: typer.Context,
    form: Annotated[
        Literal["table", "json"], typer.Option("--format", help="table or json (the feeds alone).")
    ] = "table",
) -> None:
    """Print settings and their origin, the feeds, the drafts, and the last runs.

    Example: techflow status
    """
    settings = load_settings()
    lake = Lake(settings.lake_place)
    if form == "json":
        write(feeds(lake), "json", None)
        return
    console = screen()
    given = context.obj or frozenset()
    show_table(console, ("setting", "value", "from"), _settings(settings, given), title="settings")
    arrived = feeds(lake).select(
        "dataset", "last_arrival", "accepted", "superseded", "duplicate", "quarantined", "rejected"
    )
    console.print()
    show_table(console, arrived.columns, arrived.rows(), title="feeds", least=("superseded", "duplicate"))
    console.print()
    heads = ("month", "draft", "held", "missing", "reconciliation", "as of")
    show_table(console, heads, _drafts(lake), title="drafts", least=("as of",))
    last = runs(lake).tail(5).select("finished_at", "dataset", "month", "rows", "seconds", "executor", "flow")
    console.print()
    show_table(console, last.columns, last.rows(), title="last writes", least=("flow", "executor", "month"))


def feeds(lake: Lake) -> pl.DataFrame:
    """Return a row per feed: when it last arrived, what became of its rows."""
    seen = lake.read(LANDED_FILE, pl.col("problem") == "")
    latest = seen.group_by("dataset").agg(last_arrival=pl.col("arrival").max())
    # A broker's topics have no files that were seen.
    topics = (contract.dataset for contract in FEEDS if contract.is_topic and contract.dataset not in latest["dataset"])
    newest = {
        topic: lake.open(BRONZE[topic]).scan().select(pl.col("_arrival").max()).collect().item() for topic in topics
    }
    drained = pl.DataFrame([*newest.items()], schema=latest.schema, orient="row")
    counts = lake.read(DISPOSITIONS, pl.col("code") == "").group_by("dataset").agg(
        *(pl.col("rows").filter(pl.col("disposition") == name).sum().alias(name)
          for name in ("accepted", "superseded", "duplicate", "quarantined", "rejected"))
    )  # fmt: skip
    known = pl.DataFrame({"dataset": [contract.dataset for contract in FEEDS]})
    rows = known.join(pl.concat([latest, drained]), on="dataset", how="left").join(counts, on="dataset", how="left")
    age = (pl.lit(datetime.now(UTC)) - pl.col("last_arrival")).dt.total_hours()
    return rows.with_columns(age_hours=age, last_arrival=pl.col("last_arrival").dt.strftime("%Y-%m-%dT%H:%MZ"))


def _settings(settings: Settings, given: frozenset[str]) -> list[tuple[str, str, str]]:
    values = {name: getattr(settings, f"{name}_place", getattr(settings, name)) for name in _PLACES}
    values["ledger"] = shown(settings.ledger_place)
    rows = [(name, str(values[name]), _origin(name, f"{PREFIX}{name.upper()}", given)) for name in _PLACES]
    topics = settings.kafka or f"{settings.landing_place}/topics"
    rows.append(("ray", settings.ray_address or "started here when needed", _origin("ray", "RAY_ADDRESS", given)))
    return [*rows, ("topics", topics, _origin("kafka", "KAFKA_BOOTSTRAP_SERVERS", given))]


def _origin(name: str, variable: str, given: frozenset[str]) -> str:
    if name in given:
        return f"--{name}"
    if variable in os.environ:
        return variable
    dotenv = Path(".env")
    if dotenv.is_file() and variable in dotenv.read_text(encoding="utf-8"):
        return ".env"
    return "default"


def _drafts(lake: Lake) -> list[tuple[Any, ...]]:
    drafts = lake.read(SNAPSHOT).sort("month", "draft").unique("month", keep="last", maintain_order=True)
    held = lake.read(COMPLETENESS_ROW).group_by("month").agg(pl.col("quarantined", "missing").sum())
    failed = lake.read(RECONCILIATION_GATE, pl.col("verdict") != "pass").group_by("month").agg(
        gates=(pl.col("gate") + " " + pl.col("verdict")).sort().str.join(", ")
    )  # fmt: skip
    rows = drafts.join(held, on="month", how="left").join(failed, on="month", how="left").sort("month")
    return rows.select(
        "month", "draft", "quarantined", "missing", pl.col("gates").fill_null("all pass"),
        pl.col("as_of").dt.strftime("%Y-%m-%dT%H:%MZ"),
    ).rows()  # fmt: skip
