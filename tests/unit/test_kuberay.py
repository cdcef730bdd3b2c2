"""The manifests of deployments/kuberay are what KubeRay's custom resource definitions take, to the last field."""

import json
import lzma
import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

ROOT = Path(__file__).parents[2]
KUBERAY = ROOT / "deployments" / "kuberay"
SCHEMAS = json.loads(lzma.decompress((Path(__file__).parent / "kuberay.json.xz").read_bytes()))


def strict(schema: Any) -> Any:
    """Let nothing pass that is not named: Kubernetes would drop it in silence."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: strict(each) for name, each in schema.items()}
    is_open = made.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in made
    if isinstance(made.get("properties"), dict) and made.get("type") == "object" and not is_open:
        made["additionalProperties"] = False
    return made


def mistakes(manifest: dict[str, Any]) -> list[str]:
    schema = deepcopy(SCHEMAS[manifest["kind"]])
    schema["properties"]["metadata"] = {"type": "object", "additionalProperties": True, "properties": {}}
    return [
        f"{error.json_path}: {error.message}" for error in Draft202012Validator(strict(schema)).iter_errors(manifest)
    ]


def manifest(name: str) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((KUBERAY / name).read_text(encoding="utf-8"))
    return read


@pytest.mark.parametrize("name", ["cluster.yaml", "job.yaml"])
def test_a_manifest_is_what_the_operator_takes(name: str) -> None:
    assert [] == mistakes(manifest(name))


@pytest.mark.parametrize(
    ("place", "wrong"),
    [
        (("spec",), {"rayVersions": "2.60.0"}),
        (("spec", "workerGroupSpecs", 0), {"minReplicas": "1"}),
        (("spec", "headGroupSpec", "template", "spec", "containers", 0), {"envfrom": []}),
        (("spec", "headGroupSpec", "template", "spec", "containers", 0, "resources"), {"request": {}}),
    ],
)
def test_a_mistake_is_seen_however_deep_it_lies(place: tuple[Any, ...], wrong: dict[str, Any]) -> None:
    cluster = manifest("cluster.yaml")
    at: Any = cluster
    for step in place:
        at = at[step]
    at.update(wrong)

    assert 1 == len(mistakes(cluster))


def test_the_cluster_is_of_the_version_that_the_driver_has() -> None:
    pinned = re.search(r'"ray\[default\]==([\d.]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))

    assert pinned
    assert manifest("cluster.yaml")["spec"]["rayVersion"] == pinned[1]
    assert manifest("job.yaml")["spec"]["clusterSelector"] == {
        "ray.io/cluster": manifest("cluster.yaml")["metadata"]["name"]
    }


def test_every_container_has_the_token_without_which_the_cluster_lets_nobody_in() -> None:
    cluster, job = manifest("cluster.yaml")["spec"], manifest("job.yaml")["spec"]
    pods = [cluster["headGroupSpec"]["template"], *(group["template"] for group in cluster["workerGroupSpecs"]),
            job["submitterPodTemplate"]]  # fmt: skip

    given = [cluster["autoscalerOptions"]["env"], *(each["env"] for pod in pods for each in pod["spec"]["containers"])]
    assert 4 == len(given)
    assert all({"RAY_AUTH_MODE", "RAY_AUTH_TOKEN"} <= {each["name"] for each in env} for env in given)
