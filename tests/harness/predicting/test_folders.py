"""Predictions of a folder: those of the single file for each, made once, whatever becomes of the others."""

import errno
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from harness.core.errors import ConfigError, DataError, StoreError
from harness.predicting import folders
from harness.predicting.files import predict_file
from harness.predicting.folders import Outcome, predict_folder
from harness.predicting.parts import Asked, Parts
from models.load import Predictor
from tests.harness.predicting.made_up import made_up

TEXTS = ["Art Music", "", "Law", "nothing", "Opera Art Contracts", "Music", "Law Contracts"]
SIZES = {"a.parquet": 7, "b.parquet": 0, "c.parquet": 1, "below/d.parquet": 4, "below/E.PARQUET": 3}


def in_turn(pieces: Sequence[Any], build: Any) -> Generator[Any, None, None]:
    """One worker that does everything, the last piece first."""
    worker = build()
    return (worker(piece) for piece in reversed(pieces))


def none(pieces: Sequence[Any], build: Any) -> Generator[Any, None, None]:
    raise AssertionError("there is nothing to do")


@pytest.fixture
def predictor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Predictor:
    monkeypatch.setattr(folders, "load", made_up)
    monkeypatch.setattr(Parts, "size", 2)
    return made_up(tmp_path / "model")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "texts"
    for name, size in SIZES.items():
        save(folder / name, TEXTS[:size])
    for name in (".hidden.parquet", "_temporary/x.parquet", "notes.txt"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("no texts", "utf-8")
    return folder


def save(path: Path, texts: list[str], column: str = "text") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = {"id": [f"{path.stem}{i}" for i in range(len(texts))], column: pa.array(texts, pa.string())}
    parquet.write_table(pa.table(rows), path, row_group_size=3)


def times(folder: Path) -> dict[str, int]:
    """Returns when each file of a folder was written."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.stat().st_mtime_ns for path in paths}


def test_each_file_has_the_bytes_that_it_has_alone(predictor: Predictor, source: Path, tmp_path: Path) -> None:
    output, heard = tmp_path / "labels", []
    outcome = predict_folder(
        predictor, source, output, Asked(), in_turn, lambda done, total: heard.append((done, total))
    )
    assert outcome == Outcome(5, num_texts=15, num_empty=3)
    assert set(times(output)) == set(SIZES)
    assert [done for done, _ in heard] == [1, 3, 5, 6, 8, 9, 11, 13, 15] and {total for _, total in heard} == {15}
    for name in SIZES:
        alone = tmp_path / "alone.parquet"
        predict_file(predictor, source / name, alone, Asked())
        assert (output / name).read_bytes() == alone.read_bytes()


def test_what_is_there_is_not_made_again(predictor: Predictor, source: Path, tmp_path: Path) -> None:
    output = tmp_path / "labels"
    predict_folder(predictor, source, output, Asked(), in_turn)
    before = times(output)
    assert predict_folder(predictor, source, output, Asked(), none) == Outcome(5, num_there=5)
    assert times(output) == before
    (output / "a.parquet").unlink()
    (output / ".a.parquet.4711").write_text("what a killed one was writing", "utf-8")
    assert predict_folder(predictor, source, output, Asked(), in_turn) == Outcome(5, 4, 7, 1)
    assert parquet.read_table(output / "a.parquet").num_rows == 7
    assert {name: time for name, time in times(output).items() if before.get(name) != time}.keys() == {
        "a.parquet",
        ".a.parquet.4711",
    }
    save(source / "c.parquet", ["Law"])
    assert predict_folder(predictor, source, output, Asked(), in_turn) == Outcome(5, 4, 1, 0), "of another input"
    assert predict_folder(predictor, source, output, Asked(top=1), in_turn).num_there == 0, "another question"


def test_an_interrupted_one_goes_on_with_what_is_missing(predictor: Predictor, source: Path, tmp_path: Path) -> None:
    done: list[Any] = []

    def cut(pieces: Sequence[Any], build: Any) -> Generator[Any, None, None]:
        for answer in in_turn(pieces, build):
            done.append(answer)
            yield answer
            if len(done) == 3:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        predict_folder(predictor, source, tmp_path / "labels", Asked(), cut)

    def rest(pieces: Sequence[Any], build: Any) -> Generator[Any, None, None]:
        done.extend(pieces)
        return in_turn(pieces, build)

    predict_folder(predictor, source, tmp_path / "labels", Asked(), rest)
    numbers = [(one["name"], one["number"]) for one in done]
    assert len(numbers) == len(set(numbers)) == 9, "each batch once"


def test_a_bad_file_costs_the_others_nothing(predictor: Predictor, source: Path, tmp_path: Path) -> None:
    (source / "no.parquet").write_text("no Parquet", "utf-8")
    save(source / "other.parquet", TEXTS, column="body")
    parquet.write_table(pa.table({"text": [1, 2, 3]}), source / "numbers.parquet")
    outcome = predict_folder(predictor, source, tmp_path / "labels", Asked(), in_turn)
    assert (outcome.num_files, outcome.num_texts) == (8, 15)
    assert parquet.read_table(tmp_path / "labels" / "a.parquet").num_rows == 7
    assert not any((tmp_path / "labels" / name).exists() for name in outcome.failed)
    said = {name: message.replace(f"{source}/", "") for name, message in outcome.failed.items()}
    assert said["no.parquet"].startswith("no.parquet cannot be read to its end")
    assert said["other.parquet"] == "other.parquet has no column 'text'. Known: body, id. See --column."
    assert said["numbers.parquet"].startswith("numbers.parquet, row 3: 'text' is no text.")


def test_a_text_that_workers_die_of_is_given_up(
    predictor: Predictor, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deadly(texts: list[str]) -> Any:
        if "Law" in texts:
            raise SystemExit
        return values(texts)

    values = predictor._batch_values
    monkeypatch.setattr(predictor, "_batch_values", deadly)
    monkeypatch.setattr(folders, "load", lambda folder: predictor)

    def reborn(pieces: Sequence[Any], build: Any) -> Generator[Any, None, None]:
        for piece in pieces:
            for _ in range(9):
                try:
                    yield build()(piece)
                    break
                except SystemExit:
                    continue

    outcome = predict_folder(predictor, source, tmp_path / "labels", Asked(), reborn)
    assert set(outcome.failed) == {"a.parquet", "below/d.parquet", "below/E.PARQUET"} and outcome.num_texts == 1
    assert "a.parquet, rows 3 to 4: 3 workers died at them" in outcome.failed["a.parquet"]


def test_a_lack_of_memory_is_told_with_its_place(
    predictor: Predictor, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def greedy(texts: list[str]) -> Any:
        raise RuntimeError("not enough memory")

    monkeypatch.setattr(predictor, "_batch_values", greedy)
    monkeypatch.setattr(folders, "load", lambda folder: predictor)
    outcome = predict_folder(predictor, source, tmp_path / "labels", Asked(), in_turn)
    assert outcome.failed["c.parquet"] == f"{source}/c.parquet, rows 1 to 1: RuntimeError: not enough memory."
    assert len(outcome.failed) == 4 and (tmp_path / "labels" / "b.parquet").exists()


def test_what_holds_for_all_files_ends_it(
    predictor: Predictor, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Parts, "write", full)
        with pytest.raises(StoreError, match="labels is on a full disk"):
            predict_folder(predictor, source, tmp_path / "labels", Asked(), in_turn)

    def unseen(folder: Path) -> Predictor:
        raise DataError(f"There is no folder {folder}.")

    monkeypatch.setattr(folders, "load", unseen)
    with pytest.raises(ConfigError, match="There is no folder"):
        predict_folder(predictor, source, tmp_path / "labels", Asked(), in_turn)


def test_folders_that_cannot_be_meant_are_refused(predictor: Predictor, source: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="lies in the folder of the texts"):
        predict_folder(predictor, source, source / "labels", Asked(), none)
    with pytest.raises(ConfigError, match=r"notes.txt is a file"):
        predict_folder(predictor, source, source / "notes.txt", Asked(), none)
    with pytest.raises(ConfigError, match="highest 99 cannot be shown"):
        predict_folder(predictor, source, tmp_path / "labels", Asked(top=99), none)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no Parquet file in"):
        predict_folder(predictor, tmp_path / "empty", tmp_path / "labels", Asked(), none)
    assert not (tmp_path / "labels").exists()
