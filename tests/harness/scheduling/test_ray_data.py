"""Work on Ray Data: each piece answered once, by workers that were built once, whatever becomes of a worker."""

import os
import signal
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from harness.core.errors import UserError
from harness.scheduling import ray_data
from harness.scheduling.ray_data import Piece

pytestmark = pytest.mark.xdist_group("ray")  # One Ray at a time: each takes both cores.


def squares(log: Path) -> Callable[[Piece], Piece]:
    """Builds what squares numbers, dies of the first 13 that it meets, and minds 99; notes where it was built."""

    def work(piece: Piece) -> Piece:
        from harness.core.errors import UserError

        if piece["number"] == 99:
            raise UserError("99 is too much.")
        died = log / "died"
        if piece["number"] == 13 and not died.exists():
            died.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return {"number": piece["number"], "square": piece["number"] ** 2, "process": os.getpid()}

    with (log / "built").open("a") as lines:
        lines.write(f"{os.getpid()}\n")
    return work


def run(numbers: range, log: Path) -> list[Any]:
    return list(ray_data.run([{"number": number} for number in numbers], partial(squares, log)))


def test_each_piece_is_answered_once_and_a_dead_worker_is_replaced(tmp_path: Path) -> None:
    answers = run(range(40), tmp_path)
    assert {one["number"]: one["square"] for one in answers} == {number: number**2 for number in range(40)}
    assert len(answers) == 40 and (tmp_path / "died").exists()
    built = Counter((tmp_path / "built").read_text().split())
    assert set(built.values()) == {1}, "once per process"
    assert len(built) == min(os.cpu_count() or 1, 40) + 1, "one per core, and the one that died"


def test_what_only_the_user_can_mend_ends_it_with_its_words(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^99 is too much\.$"):
        run(range(90, 110), tmp_path)


def test_an_error_of_the_work_itself_is_told_in_a_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^A worker failed at {'no': 'number'}: KeyError: 'number'\.$"):
        list(ray_data.run([{"no": "number"}], partial(squares, tmp_path)))


def test_a_cluster_that_is_lost_is_told_with_the_way_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*_: Any) -> Any:
        raise ray_data.ray.exceptions.RaySystemError("The head node\n is gone.")

    monkeypatch.setattr(ray_data, "cluster", lambda *_, **__: nullcontext())
    monkeypatch.setattr(ray_data, "_answers", lost)
    with pytest.raises(
        UserError, match=r"Ray gave up \(System error: The head node is gone\.\).*the same command goes on"
    ):
        list(ray_data.run([{}], int))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("nodes", "uses_gpu", "workers"),
    [
        ([{"CPU": 8.0}, {"CPU": 4.0}], True, (12, 1, 0)),
        ([{"CPU": 8.0, "GPU": 2.0}, {"CPU": 16.0, "GPU": 1.0}, {"CPU": 4.0}], True, (3, 4, 1)),
        ([{"CPU": 8.0, "GPU": 2.0}, {"CPU": 4.0}], False, (12, 1, 0)),
        ([{"CPU": 1.0, "GPU": 2.0}], True, (2, 1, 1)),
        ([{}], False, (1, 1, 0)),
    ],
)
def test_a_worker_has_a_gpu_with_its_share_of_cores_where_it_is_of_use_and_else_a_core(
    nodes: list[dict[str, float]], uses_gpu: bool, workers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = {"Alive": False, "Resources": {"CPU": 99.0, "GPU": 9.0}}
    alive = [{"Alive": True, "Resources": node} for node in nodes]
    monkeypatch.setattr(ray_data.ray, "nodes", lambda: [dead, *alive])
    assert ray_data._workers(uses_gpu) == workers
