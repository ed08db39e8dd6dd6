"""Predictions of a folder of Parquet files: a file for each, of the same name, made by many workers.

The pieces of work are the batches of `parts`: a worker reads one from its file, predicts it and writes it, and a file
is joined when its batches are all there. So a large file is shared among the workers, none of them holds more than a
batch, and what was finished once is not done again.
"""

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from harness.core.errors import ConfigError, DataError, StoreError, UserError
from harness.core.files import is_disk_full
from harness.core.text import one_line
from harness.predicting.documents import num_documents, stream
from harness.predicting.files import predict_parts
from harness.predicting.parts import Asked, Parts, task_of
from models.load import Predictor, load

Piece = Mapping[str, Any]
Build = Callable[[], Callable[[Piece], Piece]]
"""Makes a worker, which answers one piece after the other."""
Spread = Callable[[Sequence[Piece], Build], Generator[Piece, None, None]]
"""Lets workers answer pieces, until it is closed; see `harness.scheduling.ray_data.run`."""

TRIES = 3
"""Workers that may die of a batch before its file is given up."""


@dataclass(frozen=True)
class Job:
    """What is predicted, from where to where.

    Attributes:
        model: Folder of the model.
        source: Folder of Parquet files.
        output: Folder of theirs to make.
        asked: What is predicted of each text.
    """

    model: Path
    source: Path
    output: Path
    asked: Asked

    def pieces(self, name: str) -> list[Piece]:
        """Returns the batches of a file that are missing, and makes the place for them; see `Worker`.

        Raises:
            DataError: If the file is no Parquet file, or has no column of texts.
        """
        parts, size = Parts(self.output / name), Parts.size
        num = num_documents(self.source / name, self.asked.column)
        there = parts.open(self.task(name))
        starts = {number: number * size for number in range(-(-num // size)) if number not in there}
        return [{"name": name, "number": number, "num": min(size, num - start)} for number, start in starts.items()]

    def task(self, name: str) -> dict[str, Any]:
        """Returns all that decides the predictions of a file."""
        return task_of(self.model, self.source / name, self.asked)


@dataclass
class Outcome:
    """What came of a folder.

    Attributes:
        num_files: Number of Parquet files in it.
        num_there: Number of those whose predictions were there already.
        num_texts: Number of texts of those whose predictions were made.
        num_empty: Number of empty texts among these, which have no labels.
        failed: By file, why it has no predictions.
    """

    num_files: int
    num_there: int = 0
    num_texts: int = 0
    num_empty: int = 0
    failed: dict[str, str] = field(default_factory=dict)


def predict_folder(
    predictor: Predictor,
    source: Path,
    output: Path,
    asked: Asked,
    spread: Spread,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> Outcome:
    """Writes the predictions of every Parquet file of a folder, and of the folders in it, as `predict_file` does.

    A file that cannot be read costs the others nothing.

    Args:
        predictor: The model.
        source: The folder; files and folders whose names begin with a dot or an underscore do not count.
        output: Folder to make; a file has its input's name, and its place below the folder.
        asked: What is predicted.
        spread: Lets workers do it.
        progress: Hears of the number of texts that are done, and of all that are to be done.

    Raises:
        UserError: If the folder has no Parquet file, nothing can be written, or what is asked cannot be.
    """
    predictor.check(asked.rule, asked.threshold, asked.top)
    job = Job(predictor.folder.absolute(), source.absolute(), output.absolute(), asked)
    if output.is_file() or job.output.is_relative_to(job.source):
        raise ConfigError(f"{output} is a file, or lies in the folder of the texts. Name another folder with --output.")
    names = _names(job.source)
    outcome = Outcome(len(names))
    with _writing(job.output):
        pieces = _planned(job, names, outcome)
    if pieces:
        with closing(spread(pieces, partial(Worker, job))) as answers:
            _gather(answers, pieces, job, outcome, progress)
    return outcome


def _gather(
    answers: Iterable[Piece],
    pieces: Sequence[Piece],
    job: Job,
    outcome: Outcome,
    progress: Callable[[int, int], object],
) -> None:
    """Joins each file when its last batch is there, or notes why it cannot be."""
    left = Counter(piece["name"] for piece in pieces)
    done, total = 0, sum(piece["num"] for piece in pieces)
    for answer in answers:
        name = answer["name"]
        left[name] -= 1
        if answer["error"]:
            outcome.failed.setdefault(name, answer["error"])
        if not left[name] and name not in outcome.failed:
            with _writing(job.output):
                _join(job, name, outcome)
        done += answer["num"]
        progress(done, total)


def _names(folder: Path) -> list[str]:
    """Returns the Parquet files below a folder."""
    paths = [path.relative_to(folder) for path in folder.rglob("*") if path.suffix.lower() == ".parquet"]
    names = [
        path.as_posix()
        for path in sorted(paths)
        if (folder / path).is_file() and not any(part.startswith((".", "_")) for part in path.parts)
    ]
    if not names:
        raise DataError(f"There is no Parquet file in {folder}. Name a folder of .parquet files, or one file of texts.")
    return names


def _planned(job: Job, names: Sequence[str], outcome: Outcome) -> list[Piece]:
    """Returns the pieces of work; joins the files that need none."""
    todo: list[Piece] = []
    for name in names:
        try:
            if Parts(job.output / name).are_joined(job.task(name)):
                outcome.num_there += 1
            elif pieces := job.pieces(name):
                todo += pieces
            else:
                _join(job, name, outcome)
        except DataError as error:
            outcome.failed[name] = str(error)
    return todo


def _join(job: Job, name: str, outcome: Outcome) -> None:
    num, num_empty = Parts(job.output / name).join()
    outcome.num_texts += num
    outcome.num_empty += num_empty


class Worker:
    """Predicts batches, with a model that is loaded once.

    Args:
        job: What is predicted.
    """

    def __init__(self, job: Job):
        self._job = job

    @cached_property
    def _predictor(self) -> Predictor:
        try:
            return load(self._job.model)
        except UserError as error:
            raise ConfigError(str(error)) from None  # Of no single file.

    def __call__(self, piece: Piece) -> Piece:
        """Returns the piece, with an `error` where its file cannot be predicted.

        Args:
            piece: `name` of a file, the `number` of a batch, and the `num` of its texts.

        Raises:
            UserError: If the model cannot be loaded where the worker is, or nothing can be written.
        """
        try:
            with _writing(self._job.output):
                return {**piece, "error": self._tried(piece)}
        except DataError as error:
            return {**piece, "error": str(error)}

    def _tried(self, piece: Piece) -> str:
        """Predicts a batch, or returns why it cannot be."""
        name, number, asked = piece["name"], piece["number"], self._job.asked
        parts, path = Parts(self._job.output / name), self._job.source / name
        first = number * parts.size
        place = f"{path}, rows {first + 1:,} to {first + piece['num']:,}"
        # Before the model is loaded, which a worker may die of too.
        if parts.begin(number) > TRIES:
            return f"{place}: {TRIES} workers died at them. Look at the memory of the nodes, and at these texts."
        predictor = self._predictor
        try:
            predict_parts(predictor, stream(path, asked.column, first), asked, parts, [number])
        except (UserError, OSError):
            raise
        except Exception as error:  # Such as too little memory: other files may be fine.
            return f"{place}: {type(error).__name__}: {one_line(error, 300)}."
        return ""


@contextmanager
def _writing(output: Path) -> Iterator[None]:
    """Turns a full disk and missing permissions into StoreError."""
    try:
        yield
    except OSError as error:
        what = "is on a full disk" if is_disk_full(error) else f"cannot be written ({one_line(error, 300)})"
        raise StoreError(f"{output} {what}. Free some space or mend it; the same command goes on.") from None
