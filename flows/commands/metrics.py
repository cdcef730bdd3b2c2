"""`techflow metrics`: what monitoring reads, as a text, a file or an endpoint; without Prefect and Ray.

Source: `operations.md` D.4.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from prometheus_client import CollectorRegistry, start_http_server

from compute.errors import BadSetting
from compute.exposition import Exposition, Gauges, exposition
from flows.commands.screen import screen
from flows.settings import Settings, load_company, load_settings
from storage.gauges import gauges, write_gauges
from storage.lake import Lake


def metrics(
    out: Annotated[Path | None, typer.Option(help="A file, replaced at once; standard output without it.")] = None,
    serve: Annotated[
        int | None, typer.Option(help="Answer on this port until Ctrl-C, as of each question.", min=0, max=65535)
    ] = None,
    host: Annotated[str, typer.Option(help="The address to listen on; this machine alone by default.")] = "127.0.0.1",
) -> None:
    """Print freshness, lag, rows, durations, variance, completeness, incidents and heartbeat as OpenMetrics.

    The watch writes the same after each evaluation to metrics/techflow.prom of the home.

    Example: techflow metrics --serve 9464
    """
    settings = load_settings()
    if serve is not None:
        _serve(settings, host, serve)
    elif out is not None:
        write_gauges(_now(settings), out)
    else:
        typer.echo(exposition(_now(settings)), nl=False)


def _now(settings: Settings) -> Gauges:
    return gauges(Lake(settings.lake_place), load_company(settings), datetime.now(UTC))


def _serve(settings: Settings, host: str, port: int) -> None:
    registry = CollectorRegistry()
    registry.register(Exposition(lambda: _now(settings)))
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        raise BadSetting(f"{host}:{port} cannot be listened on ({error.strerror}): choose another --serve.") from error
    screen().print(f"http://{host}:{server.server_port}/metrics until Ctrl-C", soft_wrap=True)
    try:
        thread.join()
    except KeyboardInterrupt:
        server.shutdown()
