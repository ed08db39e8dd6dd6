"""Batches of predictions: kept for the same question alone, joined in order, and known again when joined."""

import os
from pathlib import Path

import pytest
from pyarrow import parquet

from harness.predicting.parts import Asked, Parts, task_of
from tests.harness.predicting.made_up import made_up
from tests.harness.predicting.test_documents import write

TASK = {"input": ["docs.parquet", 1], "model": "0"}


def row(number: int, **more: bool) -> dict[str, object]:
    return {"id": str(number), "labels": ["A"] * number, "values": [0.5] * number, **more}


def test_the_task_changes_with_input_model_and_question(tmp_path: Path) -> None:
    model, source = made_up(tmp_path / "model").folder, write(tmp_path, ".jsonl")
    task = task_of(model, source, Asked())
    assert task_of(model, source, Asked()) == task
    others = [Asked(rule="validation"), Asked(threshold=0.2), Asked(top=1), Asked(column="body")]
    assert all(task_of(model, source, one) != task for one in others)
    os.utime(source, ns=(0, 0))
    touched = task_of(model, source, Asked())
    (model / "SHA256SUMS").write_text("1  another\n", "utf-8")
    assert task != touched != task_of(model, source, Asked())


def test_batches_are_kept_until_the_task_is_another(tmp_path: Path) -> None:
    parts = Parts(tmp_path / "below" / "out.jsonl")
    assert parts.open(TASK) == set()
    parts.write(0, [row(0)])
    parts.write(2, [row(2)])
    (tmp_path / "below" / ".out.jsonl.parts" / ".000001.jsonl.77").write_text("{", "utf-8")  # Of a killed worker.
    assert Parts(parts.output).open(TASK) == {0, 2}
    assert Parts(parts.output).open({**TASK, "model": "1"}) == set()
    assert Parts(parts.output).open(TASK) == set(), "they are gone"


@pytest.mark.parametrize("ending", [".jsonl", ".csv", ".parquet"])
def test_they_are_joined_in_the_order_of_their_numbers(ending: str, tmp_path: Path) -> None:
    parts = Parts(tmp_path / f"out{ending}")
    parts.open(TASK)
    for number in (2, 0, 1):
        parts.write(number, [row(number), row(number + 3, empty=number == 1)])
    assert parts.join() == (6, 1)
    assert [path.name for path in tmp_path.iterdir()] == [f"out{ending}"], "the batches are gone"
    if ending == ".parquet":
        assert parquet.read_table(parts.output).to_pylist() == [row(number) for number in (0, 3, 1, 4, 2, 5)]
    if ending == ".csv":
        assert parts.output.read_text("utf-8").splitlines()[:2] == ["id,labels,values", "0,[],[]"]


def test_an_output_is_known_again_while_it_is_whole_and_of_the_same_task(tmp_path: Path) -> None:
    parts = Parts(tmp_path / "out.parquet")
    assert not parts.are_joined(TASK)
    parts.open(TASK)
    assert parts.join() == (0, 0), "a file without texts has an output without rows"
    assert parts.are_joined(TASK) and not parts.are_joined({**TASK, "model": "1"})
    parts.output.write_bytes(parts.output.read_bytes()[:-9])
    assert not parts.are_joined(TASK)


def test_tries_are_counted_by_batch_and_from_each_opening(tmp_path: Path) -> None:
    parts = Parts(tmp_path / "out.parquet")
    parts.open(TASK)
    assert [parts.begin(0), parts.begin(7), parts.begin(0), Parts(parts.output).begin(0)] == [1, 1, 2, 3]
    parts.open(TASK)
    assert parts.begin(0) == 1
