"""Ray on this machine or a cluster: started, left, and told where there is none."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from harness.core.errors import UserError
from harness.scheduling import ray_cluster
from harness.scheduling.ray_cluster import cluster, ray
from tests.harness.scheduling.clusters import free_port
from tests.shared import ROOT

pytestmark = pytest.mark.xdist_group("ray")  # One Ray at a time: each takes both cores.


def test_it_lives_as_long_as_the_work_and_an_interruption_ends_it() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), cluster():
        assert ray.is_initialized() and ray.cluster_resources()["CPU"] == os.cpu_count()
        os.kill(os.getpid(), signal.SIGTERM)
        signal.pause()
    assert not ray.is_initialized() and signal.getsignal(signal.SIGTERM) == before


@pytest.mark.parametrize("scheme", ["", "ray://"])
def test_a_cluster_that_does_not_answer_is_told_at_once(scheme: str) -> None:
    address = f"{scheme}127.0.0.1:{free_port()}"
    with pytest.raises(UserError, match=f"No Ray cluster answers at '{address}'"), cluster(address):
        pass
    with pytest.raises(UserError, match="No Ray cluster answers at 'head:port'"), cluster("head:port"):
        pass


def test_the_code_travels_without_what_every_node_sees(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(ray_cluster.ray, "init", lambda **said: asked.append(said))
    with cluster("auto", [ROOT / "my-model", tmp_path / "texts"]):
        pass
    (said,) = asked
    assert said["address"] == "auto" and said["runtime_env"]["working_dir"] == str(ROOT)
    assert "/my-model" in said["runtime_env"]["excludes"] and ".git" in said["runtime_env"]["excludes"]
    assert not any("texts" in one for one in said["runtime_env"]["excludes"])


def test_a_mute_one_says_nothing(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_cluster, "_connect", lambda *_: os.write(2, b"Set ray log level\n"))
    monkeypatch.delenv("RAY_BACKEND_LOG_LEVEL", raising=False)
    with cluster(is_mute=True):
        assert os.environ["RAY_BACKEND_LOG_LEVEL"] == "fatal"
        os.write(2, b"heard\n")
    assert capfd.readouterr().err == "heard\n"
