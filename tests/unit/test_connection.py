"""Ways onto a cluster that are refused before Ray is asked."""

import sys

import pytest

from compute.connection import ClusterRefused, connect


def test_a_python_in_a_path_with_a_space_is_refused_before_ray_waits_for_its_workers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "executable", "/home/an analyst/.venv/bin/python")

    with pytest.raises(ClusterRefused, match=r"path with a space .*an analyst.*--executor inline"):
        connect()
