"""Predictions in batches, each a file in `.NAME.parts/` beside the output, put there whole; the last step joins them.

The same command goes on with the batches that are missing. A folder that is of another input, model or rule starts
anew. A Parquet output says in its footer what it is of, so that it is known to be there.
"""

import csv
import io
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from harness.core.files import sha256, whole_file, write_atomically
from models import saved
from models.sources import stamp

_COLUMNS = ("id", "labels", "values")
_TASK = b"predictions_of"

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Asked:
    """What is predicted of the texts of a file; see `Predictor.predict`."""

    column: str = "text"
    rule: str = "0.5"
    threshold: float | None = None
    top: int | None = None


def task_of(model: Path, source: Path, asked: Asked) -> dict[str, Any]:
    """Returns all that decides the output for an input file.

    Args:
        model: Folder of the model.
        source: The input.
        asked: What is predicted.
    """
    return {"input": [source.name, *stamp(source)], "model": sha256(model / saved.SUMS), **asdict(asked)}


class Parts:
    """Batches of the predictions of one input file, by their numbers from 0.

    Attributes:
        output: The file to make.
        size: Number of documents of a batch; the last one may have fewer.
    """

    size = 4096

    def __init__(self, output: Path):
        self.output = output
        self._folder = output.with_name(f".{output.name}.parts")
        self._task = self._folder / "task.json"

    def are_joined(self, task: Mapping[str, Any]) -> bool:
        """Returns whether the output, a Parquet file, is there already, of this very task."""
        import pyarrow as pa
        from pyarrow import parquet

        try:
            said = parquet.read_schema(self.output).metadata or {}
        except (OSError, pa.ArrowException):
            return False
        return bool(said.get(_TASK) == json.dumps(task).encode())

    def open(self, task: Mapping[str, Any]) -> set[int]:
        """Returns the numbers of the batches that are there; makes the folder anew where it is of another task.

        Args:
            task: What decides the output, see `task_of`.
        """
        said = json.dumps(task)
        if not self._task.is_file() or self._task.read_text("utf-8") != said:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder.mkdir(parents=True)
            write_atomically(self._task, said.encode())
        for path in self._folder.glob("*.tried"):
            path.unlink()
        return {int(path.stem) for path in self._folder.glob("*.jsonl")}

    def begin(self, number: int) -> int:
        """Notes that a batch is begun with; returns how often it was since the last `open`, this time included."""
        with (self._folder / f"{number:06}.tried").open("ab") as tries:
            tries.write(b".")
            return tries.tell()

    def write(self, number: int, rows: Sequence[Row]) -> None:
        """Puts a batch there."""
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
        write_atomically(self._folder / f"{number:06}.jsonl", "".join(lines).encode())

    def join(self) -> tuple[int, int]:
        """Makes the output of all batches and removes them; returns the number of texts and of empty ones."""
        num = num_empty = 0
        with whole_file(self.output) as file:
            write = _writer(file, self.output.suffix.lower(), self._task.read_text("utf-8"))
            rows = self._rows()
            while some := list(islice(rows, self.size)):
                num, num_empty = num + len(some), num_empty + sum(row.get("empty", False) for row in some)
                write([{name: row[name] for name in _COLUMNS} for row in some])
            write(None)
        shutil.rmtree(self._folder)
        return num, num_empty

    def _rows(self) -> Iterator[Row]:
        for path in sorted(self._folder.glob("*.jsonl")):
            with path.open(encoding="utf-8") as lines:
                yield from map(json.loads, lines)


def _writer(file: Any, ending: str, task: str) -> Any:
    """Returns a function that writes rows, and closes what is written when it is given None."""
    if ending == ".parquet":
        return _parquet_writer(file, task)
    if ending == ".csv":
        file.write(b"id,labels,values\n")

    def write(rows: list[dict[str, Any]] | None) -> None:
        for row in rows or ():
            if ending == ".jsonl":
                file.write((json.dumps(row, ensure_ascii=False) + "\n").encode())
            else:
                line = io.StringIO()
                cells = [row["id"], json.dumps(row["labels"], ensure_ascii=False), json.dumps(row["values"])]
                csv.writer(line, lineterminator="\n").writerow(cells)
                file.write(line.getvalue().encode())

    return write


def _parquet_writer(file: Any, task: str) -> Any:
    import pyarrow as pa
    from pyarrow import parquet

    fields = {"id": pa.string(), "labels": pa.list_(pa.string()), "values": pa.list_(pa.float32())}
    schema = pa.schema(fields, metadata={_TASK: task})
    writer = parquet.ParquetWriter(file, schema, compression="zstd")

    def write(rows: list[dict[str, Any]] | None) -> None:
        if rows is None:
            writer.close()
        else:
            writer.write_table(pa.Table.from_pylist(rows, schema))

    return write
