"""A close in the Prefect pages: the run waits with a form, takes one sign-off at a time, and ends certified.

Source: `operations.md` F.2, S-10, S-11. The golden company, whose January 2024 passes every gate.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import techflow
from tests.integration.served import Served, serving, wait_until

pytestmark = pytest.mark.integration
MONTH = "2024-01"
ROLES = "[roles]\n" + "".join(
    f'{role} = ["{role}.lead"]\n' for role in ("finance", "accounts", "product", "analytics", "cfo")
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, free_port: int) -> Iterator[Served]:
    place = tmp_path_factory.mktemp("served")
    company = place / "company.toml"
    company.write_text(ROLES)
    with serving(place, free_port, TECHFLOW_COMPANY=str(company), TECHFLOW_EXECUTOR="inline") as served:
        yield served


def waiting(server: Served, run: str, last: str) -> dict[str, Any]:
    """Return the state in which the run waits, another one than the last."""

    def found() -> bool:
        state = server.ask(f"flow_runs/{run}")["state"]
        assert state["type"] not in ("FAILED", "CRASHED"), state["message"]
        return bool(state["type"] == "PAUSED" and state["id"] != last)

    wait_until(found, "the run to wait for a sign-off")
    state: dict[str, Any] = server.ask(f"flow_runs/{run}")["state"]
    return state


def test_a_month_is_certified_by_five_forms(server: Served) -> None:
    techflow("run", MONTH, env=server.env)
    with server.working():
        run, last = server.run("close", month=MONTH), ""
        told, hashes = [], set()
        for role, person in (
            ("accounts", "nobody"), ("finance", "finance.lead"), ("accounts", "accounts.lead"),
            ("product", "product.lead"), ("analytics", "analytics.lead"), ("cfo", "cfo.lead"),
        ):  # fmt: skip
            state = waiting(server, run, last)
            last, keys = state["id"], state["state_details"]["run_input_keyset"]
            told.append(server.ask(f"flow_runs/{run}/input/{keys['description']}"))
            schema = server.ask(f"flow_runs/{run}/input/{keys['schema']}")
            assert {"role", "person"} == set(schema["required"])
            seen = schema["properties"]["content_hash"]["default"]
            hashes.add(seen)
            given = {"role": role, "person": person, "content_hash": seen, "statement": "agreed"}
            server.ask(f"flow_runs/{run}/resume", {"run_input": given})
        assert ["COMPLETED"] == server.end(run)
        assert ["COMPLETED"] == server.end(server.run("close", month=MONTH))  # nothing waits any more

    assert 1 == len(hashes)
    assert "| Closing MRR | 47,416.67 |" in told[0]
    assert "**Not signed:** nobody is not among [roles] accounts of the company file." in told[1]
    assert "Signed: finance (finance.lead), accounts (accounts.lead), product (product.lead), analytics" in told[-1]
    page = next(each for each in server.listed("artifacts") if each["key"] == f"close-{MONTH}")
    assert page["data"].startswith(f"# {MONTH}: ")
    assert f"{MONTH}: CERTIFIED, revision 1" in techflow("close", MONTH, env=server.env).stdout
