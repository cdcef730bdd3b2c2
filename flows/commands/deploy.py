"""`techflow deploy`: work pool, deployments and automations on a Prefect server."""

from typing import Annotated

import typer

from flows.commands.run import quiet_prefect
from flows.commands.screen import screen


def deploy(
    pool: Annotated[str | None, typer.Option(help="The work pool; the one of prefect.yaml without it.")] = None,
) -> None:
    """Set up the work pool, the deployments with their schedules, and the automations on the server of PREFECT_API_URL.

    Can be run again: what is there is left, or brought up to date. Schedules begin switched off; switch them on in the
    Prefect pages, and later deploys leave them on.

    Example: PREFECT_API_URL=http://127.0.0.1:4200/api techflow deploy
    """
    quiet_prefect()
    from flows.deploy import deploy as set_up

    console = screen()
    told = set_up(pool)
    for kind, name, verdict in told:
        console.print(f"{verdict:<10} {kind} {name}", soft_wrap=True)
    if all(verdict == "unchanged" for *_, verdict in told):
        console.print("Nothing changed: the server holds all of it already.")
    workers = next(name for kind, name, _ in told if kind == "work pool")
    console.print(f"Runs wait for a worker: prefect worker start --pool {workers}", style="dim", soft_wrap=True)
