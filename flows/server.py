"""The Prefect server that is in force: it answers, or one sentence says that it does not."""

from prefect.client.orchestration import get_client
from prefect.settings import get_current_settings

from compute.errors import BadSetting


def server_url() -> str | None:
    """Return the address of the server that is set; None where each run has one of its own."""
    return get_current_settings().api.url


def require_answer() -> None:
    """See that the server that is set answers.

    Raises:
        BadSetting: when it does not.
    """
    with get_client(sync_client=True) as client:
        problem = client.api_healthcheck()
    if problem:
        raise BadSetting(
            f"No Prefect server answers at {server_url()} ({problem}): start it, or correct PREFECT_API_URL."
        )
