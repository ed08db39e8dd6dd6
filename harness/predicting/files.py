"""Predictions of a file of texts: in batches, in bounded memory, going on after an interruption.

Each batch becomes a file in `.NAME.parts/` beside the output, put there whole; the last step joins them. The same
command goes on after the last whole one. A folder that is of another input, model or rule starts anew.
"""

import csv
import io
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from harness.core.errors import ConfigError
from harness.core.files import sha256, whole_file, write_atomically
from harness.predicting.documents import Text, stream
from models import saved
from models.load import Predictor
from models.sources import stamp

ENDINGS = (".jsonl", ".csv", ".parquet")
_AT_ONCE = 4096


@dataclass(frozen=True)
class Asked:
    """What is predicted of the texts of a file; see `Predictor.predict`."""

    column: str = "text"
    rule: str = "0.5"
    threshold: float | None = None
    top: int | None = None


def predict_file(
    predictor: Predictor, source: Path, output: Path, asked: Asked, bar: Any = lambda texts: texts
) -> tuple[int, int]:
    """Writes the predictions of every text of a file: id, labels and their values.

    Args:
        predictor: The model.
        source: File of texts, see `documents.stream`.
        output: `.jsonl`, `.csv` (labels and values as JSON lists in a cell) or `.parquet` to make.
        asked: What is predicted.
        bar: Wraps the stream of documents, to show how far it is.

    Returns:
        Number of texts, and of those that are empty, which have no labels.

    Raises:
        UserError: If the input cannot be read, the output is of no known kind, or what is asked cannot be.
    """
    if output.suffix.lower() not in ENDINGS:
        raise ConfigError(f"{output} is none of {', '.join(ENDINGS)} by its name. Name the output otherwise.")
    predictor.check(asked.rule, asked.threshold, asked.top)
    parts = output.with_name(f".{output.name}.parts")
    num_done = _resume(parts, _task(predictor, source, asked))
    documents = iter(bar(stream(source, asked.column)))
    for _ in islice(documents, num_done * _AT_ONCE):
        pass
    while some := list(islice(documents, _AT_ONCE)):
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows_of(predictor, some, asked)]
        write_atomically(parts / f"{num_done:06}.jsonl", "".join(lines).encode())
        num_done += 1
    counts = _join(parts, output)
    shutil.rmtree(parts)
    return counts


def rows_of(predictor: Predictor, documents: Sequence[Text], asked: Asked) -> list[dict[str, Any]]:
    """Returns the id, the labels and the values of some documents; an empty text has no labels."""
    texts = [one.text for one in documents]
    found = predictor.predict(texts, asked.rule, asked.threshold, asked.top)
    said = [one if text.strip() else {} for text, one in zip(texts, found, strict=True)]
    return [
        {
            "id": one.doc_id,
            "labels": list(labels),
            "values": [round(value, 6) for value in labels.values()],
            **_empty(one),
        }
        for one, labels in zip(documents, said, strict=True)
    ]


def _empty(document: Text) -> dict[str, bool]:
    return {} if document.text.strip() else {"empty": True}


def _task(predictor: Predictor, source: Path, asked: Asked) -> dict[str, Any]:
    """Returns all that decides the output."""
    if not source.is_file():
        return {}
    model = sha256(predictor.folder / saved.SUMS)
    return {"input": [str(source.absolute()), *stamp(source)], "model": model, **asdict(asked)}


def _resume(parts: Path, task: dict[str, Any]) -> int:
    """Returns the number of batches that are there already, of this very task."""
    said = parts / "task.json"
    try:
        is_same = json.loads(said.read_text("utf-8")) == task
    except (OSError, ValueError):
        is_same = False
    if not is_same:
        shutil.rmtree(parts, ignore_errors=True)
        parts.mkdir(parents=True)
        write_atomically(said, json.dumps(task).encode())
    num = 0
    while (parts / f"{num:06}.jsonl").exists():
        num += 1
    return num


def _rows(parts: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(parts.glob("*.jsonl")):
        with path.open(encoding="utf-8") as lines:
            yield from map(json.loads, lines)


def _join(parts: Path, output: Path) -> tuple[int, int]:
    """Writes the output from its batches; returns the number of texts and of empty ones."""
    num = num_empty = 0
    columns = ("id", "labels", "values")
    with whole_file(output) as file:
        write = _writer(file, output.suffix.lower())
        rows = _rows(parts)
        while some := list(islice(rows, _AT_ONCE)):
            num, num_empty = num + len(some), num_empty + sum(row.get("empty", False) for row in some)
            write([{name: row[name] for name in columns} for row in some])
        write(None)
    return num, num_empty


def _writer(file: Any, ending: str) -> Any:
    """Returns a function that writes rows, and closes what is written when it is given None."""
    if ending == ".parquet":
        return _parquet_writer(file)
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


def _parquet_writer(file: Any) -> Any:
    import pyarrow as pa
    from pyarrow import parquet

    schema = pa.schema({"id": pa.string(), "labels": pa.list_(pa.string()), "values": pa.list_(pa.float32())})
    writer = parquet.ParquetWriter(file, schema, compression="zstd")

    def write(rows: list[dict[str, Any]] | None) -> None:
        if rows is None:
            writer.close()
        else:
            writer.write_table(pa.Table.from_pylist(rows, schema))

    return write
