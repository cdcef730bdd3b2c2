"""The hand-over as a page and as messages, and what the watch leaves for others to see. Source: `operations.md` I-8, D.1."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.blocks.webhook import Webhook
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey

import flows.digest
from flows.digest import digest
from flows.notify import NotTold
from flows.watch import watch
from storage.lake import Lake
from tests.conftest import environment, techflow
from tests.integration.receivers import Web, web

pytestmark = pytest.mark.integration
MONDAY, TUESDAY = "2024-02-05T07:00:00Z", "2024-02-06T07:00:00Z"


@pytest.fixture
def people(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    with web() as told:
        Webhook(url=f"http://127.0.0.1:{told.port}/desk").save("desk", overwrite=True)
        CustomWebhookNotificationBlock(
            name="chat", url=f"http://127.0.0.1:{told.port}/chat", json_data={"text": "{{subject}}\n{{body}}"}
        ).save("chat", overwrite=True)
        monkeypatch.setenv("TECHFLOW_NOTIFY", "webhook/desk,custom-webhook/chat")
        yield told


def artifacts(key: str) -> list[Any]:
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])))
    return sorted(found, key=lambda each: each.created)


def test_on_a_monday_it_is_a_page_and_every_channel_has_it(people: Web, tmp_path: Path) -> None:
    (tmp_path / "company.toml").write_text('[roles]\noperations = ["ada"]\n', encoding="utf-8")

    assert {"days": 7, "waiting": 0} == digest(at=MONDAY)

    page = artifacts("digest")[-1]
    assert page.data.startswith("# Operations digest, 2024-W06, Monday 5 February 2024\n")
    assert "On call: ada." in page.data
    (event,), (chat,) = people.bodies("desk"), people.bodies("chat")
    assert ("techflow.digest", 7, "ada") == (event["type"], event["data"]["days"], event["data"]["on_call"])
    assert chat["text"].endswith(page.data)


def test_on_another_day_there_is_none_unless_it_is_asked_for(people: Web) -> None:
    assert {"days": 0, "waiting": 0} == digest(at=TUESDAY)
    assert [] == people.taken

    assert {"days": 3, "waiting": 0} == digest(at=TUESDAY, days=3)
    assert 2 == len(people.taken)


def test_a_channel_that_refuses_fails_the_run_and_the_others_have_it(
    people: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flows.digest, "tell", flows.digest.tell.with_options(retries=0))
    people.mood["chat"] = "bad"

    with pytest.raises(NotTold, match=r"^custom-webhook/chat answered 500\.$"):
        digest(at=MONDAY)

    assert 1 == len(people.bodies("desk"))


def test_the_command_prints_the_same_to_a_file_and_as_json(
    lake: Lake, golden: Path, tmp_path: Path, prefect_home: Path
) -> None:
    env = environment(tmp_path, golden / "landing", prefect_home)
    file = tmp_path / "digest.md"

    techflow("digest", "--at", MONDAY, "--out", str(file), env=env)
    told = json.loads(techflow("digest", "--at", MONDAY, "--format", "json", env=env).stdout)

    assert told["summary"] in file.read_text(encoding="utf-8")
    assert 7 == told["days"]


def test_the_weeks_to_come_are_a_table(lake: Lake, golden: Path, tmp_path: Path, prefect_home: Path) -> None:
    (tmp_path / "company.toml").write_text(
        '[roles]\noperations = ["ada", "ben"]\n[calendar]\nholidays = [2024-02-12]\n', encoding="utf-8"
    )
    env = environment(tmp_path, golden / "landing", prefect_home)

    told = techflow("on-call", "--weeks", "2", "--at", MONDAY, "--format", "csv", env=env).stdout

    # 2024-02-05 begins a round of two; nobody had a holiday before, so everybody keeps their turn.
    assert [
        "week,from,to,person,holidays",
        "2024-W06,2024-02-05,2024-02-11,ada,",
        "2024-W07,2024-02-12,2024-02-18,ben,2024-02-12",
    ] == told.splitlines()


def test_the_scoreboard_is_a_page_when_something_happened_and_once_an_hour(lake: Lake) -> None:
    before = len(artifacts("service-levels"))

    for at in ("2024-02-05T07:02:00Z", "2024-02-05T07:07:00Z", "2024-02-05T08:04:59Z"):
        watch(at=at)

    # The watch was silent between the last two, which is an incident; 08:04 is the first of its hour too.
    pages = artifacts("service-levels")[before:]
    assert ["2024-02-05 07:02Z", "2024-02-05 08:04Z"] == [page.description[21:38] for page in pages]
    rows = json.loads(pages[-1].data)
    assert {"sla", "name", "target", "measured", "verdict", "since", "next_due"} == set(rows[0])
    verdicts = [row["verdict"] for row in rows]
    assert verdicts == sorted(verdicts, key=["breached", "open", "no_data", "met"].index)
    assert "⌊N × (1 − rate)⌋" in pages[-1].description
