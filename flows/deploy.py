"""What `prefect.yaml` and `deployments/` declare, set up on the server of PREFECT_API_URL.

Prefect itself reads `prefect.yaml`, by `prefect deploy`. What has changed is told from the server's own answers before
and after, so nothing here knows what a deployment consists of.
"""

import contextlib
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from prefect.client.base import ServerType
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterName
from prefect.events.schemas.automations import AutomationCore
from prefect.exceptions import ObjectNotFound
from prefect.workers.process import ProcessWorker
from pydantic import BaseModel

from compute.errors import BadSetting, PermanentError
from flows.channels import with_channels
from flows.server import require_answer, server_url
from flows.settings import load_settings

ROOT = Path(__file__).parents[1]
Standing = Mapping[tuple[str, str], object]  # by kind and name, what the server holds
# What the server adds by itself, or counts.
_OWN = frozenset((
    "id", "created", "updated", "created_by", "updated_by", "deployment_id", "status", "last_polled", "active_slots",
    "flow_id", "work_queue_id", "default_queue_id", "version_id", "global_concurrency_limit", "owner_resource",
))  # fmt: skip


def deploy(pool: str | None = None) -> list[tuple[str, str, str]]:
    """Set up the work pool, the deployments and the automations; what is there already is left or brought up to date.

    Args:
        pool: the work pool; the one that `prefect.yaml` names without it.

    Returns:
        Kind, name, and new, changed or unchanged, of each.

    Raises:
        BadSetting: when no server is set or none answers, or the declarations are not there.
        PermanentError: when Prefect refuses a deployment.
    """
    declared, automations = _declared("prefect.yaml"), _declared("deployments/automations.yaml")["automations"]
    pool = pool or declared["deployments"][0]["work_pool"]["name"]
    channels = load_settings().channels
    _require_server()
    with get_client(sync_client=True) as client:
        if client.server_type == ServerType.CLOUD:
            add_levels(declared, _declared("deployments/service-levels.yaml")["service_levels"])
        wanted = [with_channels(each, channels, client) for each in automations]
        before = _standing(client, pool, declared, wanted)
        _put_pool(client, pool, before)
        _put_deployments(declared, pool, before)
        _put_automations(client, wanted, before)
        after = _standing(client, pool, declared, wanted)
    return [(*key, _verdict(before.get(key), content)) for key, content in after.items()]


def add_levels(declared: dict[str, Any], levels: Mapping[str, list[dict[str, Any]]]) -> None:
    """Add to the deployments of `prefect.yaml` what Prefect Cloud is to watch of them.

    Args:
        declared: `prefect.yaml`.
        levels: by deployment, as Prefect's `sla:` has them.
    """
    for deployment in declared["deployments"]:
        deployment["sla"] = levels.get(deployment["name"], [])


def _verdict(before: object, after: object) -> str:
    if before is None:
        return "new"
    return "unchanged" if before == after else "changed"


def _declared(name: str) -> dict[str, Any]:
    try:
        declared: dict[str, Any] = yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BadSetting(f"{ROOT / name} is not there: deploy from a checkout of the project.") from error
    return declared


def _require_server() -> None:
    if not server_url():
        raise BadSetting(
            "PREFECT_API_URL is not set: start a server with `prefect server start` and set it to "
            "http://127.0.0.1:4200/api, or to the address of the server that you have."
        )
    require_answer()


def _standing(
    client: SyncPrefectClient, pool: str, declared: dict[str, Any], automations: list[AutomationCore]
) -> Standing:
    """Return what the server holds of what is declared."""
    deployments = declared["deployments"]
    names = [each["name"] for each in deployments]
    triggers = [trigger["name"] for each in deployments for trigger in each.get("triggers", ())]
    standing: dict[tuple[str, str], object] = {}
    with contextlib.suppress(ObjectNotFound):
        standing["work pool", pool] = _content(client.read_work_pool(pool))
    of_names = DeploymentFilter(name=DeploymentFilterName(any_=names))
    for deployment in sorted(client.read_deployments(deployment_filter=of_names), key=lambda each: each.name):
        standing["deployment", deployment.name] = _content(deployment)
    for name in (*(each.name for each in automations), *triggers):
        for found in client.read_automations_by_name(name):
            standing["automation", name] = _content(found)
    return standing


def _content(model: BaseModel) -> object:
    return _told(model.model_dump(mode="json"))


def _told(value: object) -> object:
    """Return what people declare of a server's answer, in one order."""
    if isinstance(value, dict):
        return {name: _told(each) for name, each in value.items() if name not in _OWN}
    if isinstance(value, list):
        return sorted(map(_told, value), key=repr)
    return value


def _put_pool(client: SyncPrefectClient, pool: str, before: Standing) -> None:
    """Make the process pool, or bring it up to date; one of another type belongs to whoever made it."""
    given = _declared("deployments/work-pool.yaml")
    template = ProcessWorker.get_default_base_job_template()
    template["variables"]["properties"]["env"]["default"] = given.pop("env")
    queue_limit = given.pop("default_queue_limit")
    if ("work pool", pool) not in before:
        client.create_work_pool(WorkPoolCreate(name=pool, type=ProcessWorker.type, base_job_template=template, **given))
    elif client.read_work_pool(pool).type == ProcessWorker.type:
        client.update_work_pool(pool, WorkPoolUpdate(base_job_template=template, **given))
    else:
        return
    queue = client.read_work_queue_by_name("default", work_pool_name=pool)
    client.update_work_queue(queue.id, concurrency_limit=queue_limit)


def _put_deployments(declared: dict[str, Any], pool: str, before: Standing) -> None:
    """Have Prefect deploy what is declared, on the pool; whether a known schedule is on is the operator's to say."""
    for deployment in declared["deployments"]:
        deployment["work_pool"] = {**deployment["work_pool"], "name": pool}
        if ("deployment", deployment["name"]) in before and "schedules" in deployment:
            deployment["schedules"] = [
                {name: value for name, value in schedule.items() if name != "active"}
                for schedule in deployment["schedules"]
            ]
    with TemporaryDirectory() as folder:
        file = Path(folder, "prefect.yaml")
        file.write_text(yaml.safe_dump(declared), encoding="utf-8")
        _prefect("deploy", "--all", "--no-prompt", "--prefect-file", str(file))


def _prefect(*words: str) -> None:
    # The server that is in force here need not be in the environment: it may stand in a profile.
    env = {**os.environ, "PREFECT_API_URL": str(server_url())}
    done = subprocess.run(
        [sys.executable, "-m", "prefect", *words], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise PermanentError(f"`prefect {words[0]}` refuses ({''.join(last)}): correct prefect.yaml.")


def _put_automations(client: SyncPrefectClient, automations: list[AutomationCore], before: Standing) -> None:
    """Make the automations, or bring them up to date; their name is their identity."""
    for automation in automations:
        known = client.read_automations_by_name(automation.name)
        if not known:
            client.create_automation(automation)
        elif before["automation", automation.name] != _content(automation):
            client.update_automation(known[0].id, automation)
