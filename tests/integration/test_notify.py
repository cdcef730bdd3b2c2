"""People are told through Prefect's own blocks: once, never lost, and by nobody who hangs. Source: `operations.md` I-1, I-6."""

import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import polars as pl
import pytest
from prefect.blocks.notifications import CustomWebhookNotificationBlock, MattermostWebhook, SlackWebhook
from prefect.blocks.system import Secret
from prefect.blocks.webhook import Webhook

import flows.notify
from compute.incidents import Incident, move
from flows.notify import PATIENCE_SECONDS, Message, deliver
from flows.watch import watch
from storage.catalog import RECONCILIATION_GATE
from storage.incidents import append_events, current_incidents, events_of
from storage.lake import Lake
from storage.watched import INCIDENT_EVENT
from storage.work import Work
from tests.integration.receivers import Web, mail, web

pytestmark = pytest.mark.integration
NOW = datetime.now(UTC)
SECRET = "Kq7dWx2TzP"


@pytest.fixture
def people() -> Iterator[Web]:
    with web() as told:
        yield told


@pytest.fixture
def gross(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """A lake whose ledger fails RC-3 in January: one incident at the first evaluation."""
    monkeypatch.setattr(flows.notify, "PATIENCE_SECONDS", 2.0)
    judge(lake, "FAIL")
    return lake


def judge(lake: Lake, verdict: str) -> None:
    rows = pl.DataFrame(
        [{"month": "2024-01", "gate": "RC-3", "verdict": verdict}], schema=dict(RECONCILIATION_GATE.schema)
    )
    work = Work(flow="test", dataset=RECONCILIATION_GATE.name)
    lake.open(RECONCILIATION_GATE).replace(rows, {"2024-01": verdict}, work)


def later(minutes: int) -> str:
    return (NOW + timedelta(minutes=minutes)).isoformat()


def one(lake: Lake) -> Incident:
    (incident,) = current_incidents(lake.open(INCIDENT_EVENT)).values()
    return incident


def channel(name: str, people: Web, path: str) -> str:
    """Save a block that calls a path of the web server; its address holds a secret."""
    Webhook(url=f"http://127.0.0.1:{people.port}/{path}/{SECRET}").save(name, overwrite=True)
    return f"webhook/{name}"


def told_to(lake: Lake) -> list[tuple[int, str]]:
    notes = [event.note.split(" ") for event in events_of(lake.open(INCIDENT_EVENT)) if event.kind == "notified"]
    return [(int(sequence), name) for sequence, name in notes]


def test_a_message_that_is_not_taken_is_in_the_way_of_no_other(lake: Lake, people: Web) -> None:
    name = channel("machine", people, "ok")
    messages = [Message("s", "b", event) for event in ({"n": 1}, {"n": object()}, {"n": 3})]

    told = deliver({name: messages})[name]

    assert ([0, 2], f"{name} cannot be reached (TypeError)") == (told.taken, told.problem)
    assert [1, 3] == [each["n"] for each in people.bodies("ok")]


def test_a_block_that_tells_nobody_is_named(lake: Lake) -> None:
    Secret(value="x").save("vault", overwrite=True)

    told = deliver({"secret/vault": [Message("s", "b", {})]})["secret/vault"]

    assert told.problem.startswith("secret/vault is no block that tells people")


def test_ten_seconds_are_the_limit() -> None:
    assert PATIENCE_SECONDS <= 10


def test_an_incident_is_told_once_and_its_end_once(gross: Lake, people: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TECHFLOW_NOTIFY", channel("machine", people, "ok"))

    for minutes in (5, 10):
        watch(at=later(minutes))

    name = one(gross).incident_id
    (event,) = people.bodies("ok")
    assert ("1.0", f"{name}-1", "techflow.incident.opened", name) == tuple(
        event[key] for key in ("specversion", "id", "type", "subject")
    )
    assert (["2024-01"], "docs/runbook.md#reconciliation-fails") == (
        event["data"]["blocks_certification_of"], event["data"]["runbook_url"],
    )  # fmt: skip
    assert [(1, "prefect-events"), (1, "webhook/machine")] == told_to(gross)
    assert later(5) == one(gross).notified_at.isoformat()

    judge(gross, "pass")
    for minutes in (15, 20, 25):
        watch(at=later(minutes))

    assert ["techflow.incident.opened", "techflow.incident.resolved"] == [each["type"] for each in people.bodies("ok")]


def test_who_hangs_or_refuses_holds_nobody_up_and_is_told_by_a_later_watch(
    gross: Lake,
    people: Web,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    for name in ("", "httpx", "httpcore", "urllib3", "apprise"):
        caplog.set_level(logging.DEBUG, logger=name)
    CustomWebhookNotificationBlock(
        name="refuses", url=f"http://127.0.0.1:{people.port}/bad/{{{{token}}}}", json_data={"text": "{{body}}"},
        secrets={"token": SECRET},
    ).save("refuses", overwrite=True)  # fmt: skip
    names = [
        channel("fine", people, "ok"),
        channel("hangs", people, "hang"),
        "custom-webhook/refuses",
        "slack-webhook/none",
    ]
    monkeypatch.setenv("TECHFLOW_NOTIFY", ", ".join(names))

    begun = time.monotonic()
    counts = watch(at=later(5))

    assert time.monotonic() - begun < 30, "who hangs does so for a minute"
    assert {"failing": 1, "opened": 1, "resolved": 0} == counts
    assert [(1, "prefect-events"), (1, "webhook/fine")] == told_to(gross)
    said = [record.getMessage() for record in caplog.records if "for the next watch" in record.getMessage()]
    assert {
        "webhook/hangs did not answer within 2 s; 1 notice waits for the next watch.",
        "custom-webhook/refuses answered 500; 1 notice waits for the next watch.",
        "slack-webhook/none is no block of the Prefect server: make it there, or correct TECHFLOW_NOTIFY; "
        "1 notice waits for the next watch.",
    } == set(said)

    people.mood.update(hang="ok", bad="ok")
    watch(at=later(10))

    assert [1, 1, 1] == [len(people.bodies(path)) for path in ("ok", "hang", "bad")]
    assert {(1, name) for name in ("prefect-events", *names[:3])} == set(told_to(gross))
    captured = capfd.readouterr()
    assert SECRET not in caplog.text + captured.out + captured.err


def test_what_a_person_resolves_is_told_too(gross: Lake, people: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TECHFLOW_NOTIFY", channel("machine", people, "ok"))
    watch(at=later(5))
    log = gross.open(INCIDENT_EVENT)
    act = move(one(gross), "resolved", at=NOW + timedelta(minutes=6), by="p1", note="posted again")
    append_events(log, [act], Work(flow="test", dataset=""))
    people.taken.clear()

    watch(at=later(10))  # its check fails still: it opens again, and that is what people hear

    assert ["techflow.incident.reopened"] == [each["type"] for each in people.bodies("ok")]


def test_a_watch_that_died_between_telling_and_recording_tells_again_by_the_same_id(
    gross: Lake, people: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TECHFLOW_NOTIFY", channel("machine", people, "ok"))
    with monkeypatch.context() as dying:
        dying.setattr("flows.notices.record_told", _die)
        with pytest.raises(KeyboardInterrupt):
            watch(at=later(5))

    watch(at=later(10))
    watch(at=later(15))

    first, again = people.bodies("ok")
    assert first["id"] == again["id"]
    assert [(1, "prefect-events"), (1, "webhook/machine")] == told_to(gross)


def _die(*_: object) -> None:
    raise KeyboardInterrupt


def test_people_read_it_in_a_chat_and_in_a_mail(gross: Lake, people: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    with mail() as (port, boxes):
        MattermostWebhook(hostname="127.0.0.1", port=people.port, token=SECRET * 3).save("chat", overwrite=True)
        # Prefect has no block for a mail server of one's own; the address of any block for Slack may be one.
        address = f"mailto://127.0.0.1:{port}?from=watch@example.com&to=ada@example.com&mode=insecure&format=text"
        SlackWebhook(url=address).save("mail", overwrite=True)
        monkeypatch.setenv("TECHFLOW_NOTIFY", "mattermost-webhook/chat,slack-webhook/mail")

        watch(at=later(5))

        name = one(gross).incident_id
        (letter,) = boxes
        assert ("New incident [investor report]: RC-3 fails for 2024-01.", "ada@example.com") == (
            letter["Subject"], letter["To"],
        )  # fmt: skip
        (chat,) = people.bodies("hooks")
        for text in (content(letter), chat["text"]):
            assert f"I am on it: techflow incidents ack {name}" in text.splitlines()
            assert "Blocks: certification of 2024-01" in text.splitlines()


def content(letter: EmailMessage) -> str:
    part = letter.get_body(("plain",))
    assert part is not None
    return str(part.get_content())
