"""Flows in this process: one Prefect server for all tests, one Ray, a home of its own for each test."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from prefect.testing.utilities import prefect_test_harness

from compute.contracts.feeds import ENGAGEMENT_FEEDS
from storage.lake import Lake
from tests.integration.broker import Kafka, running_broker
from tests.integration.closed import FEB, JAN, Company, copied, drafted_company
from tests.integration.object_store import ObjectStore, running_object_store
from tests.integration.postgres import Postgres, running_postgres
from tests.property.lakes import plain_flows


@pytest.fixture(scope="session")
def prefect_api() -> Iterator[None]:
    # Without heartbeats a flow ends at once instead of up to a second later.
    with (
        prefect_test_harness(server_startup_timeout=180),
        temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}),
    ):
        yield


@pytest.fixture(scope="session")
def ray_session() -> Iterator[None]:
    yield
    import ray

    ray.shutdown()


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """A broker of the tests' own: topics come and go, the broker stays."""
    yield from running_broker(tmp_path_factory.mktemp("kafka"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL of the tests' own; a test makes a schema for its ledger."""
    yield from running_postgres()


@pytest.fixture(scope="session")
def object_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    """An S3 server of the tests' own, with a bucket `lake`; a test takes a prefix."""
    yield from running_object_store(tmp_path_factory.mktemp("objects"))


@pytest.fixture
def lake(tmp_path: Path, golden: Path, prefect_api: None, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """The lake of a home whose landing area is the golden company's."""
    for name in ("TECHFLOW_LANDING", "TECHFLOW_LEDGER", "TECHFLOW_COMPANY", "KAFKA_BOOTSTRAP_SERVERS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TECHFLOW_HOME", str(tmp_path))
    monkeypatch.setenv("TECHFLOW_LANDING", str(golden / "landing"))
    monkeypatch.setenv("TECHFLOW_LEDGER", str(golden / "ledger.sqlite"))
    monkeypatch.setenv("TECHFLOW_EXECUTOR", "inline")
    monkeypatch.chdir(tmp_path)
    return Lake(str(tmp_path / "lake"))


@pytest.fixture
def topics(broker: Kafka) -> Iterator[Kafka]:
    """The three topics of the feeds, empty; clicks in two partitions."""
    names = [contract.dataset for contract in ENGAGEMENT_FEEDS]
    broker.create(names[0], partitions=2)
    broker.create(*names[1:])
    yield broker
    broker.delete(*names)


@pytest.fixture
def late_bill(lake: Lake, golden: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Let a bill of an eighth account arrive in February, of January, in a landing area of the test's own."""
    landing = tmp_path / "landing"
    shutil.copytree(golden / "landing", landing)
    monkeypatch.setenv("TECHFLOW_LANDING", str(landing))
    bill = {
        "account_id": "ACC_008", "subscription_tier": "Starter", "monthly_revenue": 100.00, "user_licenses": 5,
        "additional_features": [], "feature_revenue": 0.00, "total_monthly_revenue": 100.00,
        "billing_date": "2024-01-20", "payment_status": "Paid",
    }  # fmt: skip
    file = landing / "revenue" / "revenue-20240203T000000Z.ndjson"

    def arrive() -> None:
        file.write_text(json.dumps(bill), encoding="utf-8")

    return arrive


@pytest.fixture(scope="session")
def validated(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """January and February drafted and validated."""
    with plain_flows():
        return drafted_company(tmp_path_factory.mktemp("validated"))


@pytest.fixture(scope="session")
def certified(validated: Company, tmp_path_factory: pytest.TempPathFactory) -> Company:
    """Both months certified."""
    home = copied(validated, tmp_path_factory.mktemp("certified"))
    with plain_flows():
        home.sign_all(JAN)
        home.sign_all(FEB)
    return home


@pytest.fixture
def before(validated: Company, tmp_path: Path) -> Company:
    """A company whose months wait for signatures."""
    return copied(validated, tmp_path)


@pytest.fixture
def closed(certified: Company, tmp_path: Path) -> Company:
    """A company whose months are certified."""
    return copied(certified, tmp_path)
