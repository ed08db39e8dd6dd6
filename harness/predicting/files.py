"""Predictions of a file of texts: in batches, in bounded memory, going on after an interruption."""

from collections.abc import Iterable, Sequence
from itertools import count, islice
from pathlib import Path
from typing import Any

from harness.core.errors import ConfigError
from harness.predicting.documents import Text, check, stream
from harness.predicting.parts import Asked, Parts, task_of
from models.load import Predictor

ENDINGS = (".jsonl", ".csv", ".parquet")


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
    check(source)
    parts = Parts(output)
    there = parts.open(task_of(predictor.folder, source, asked))
    first = next(number for number in count() if number not in there)
    predict_parts(predictor, bar(stream(source, asked.column, first * parts.size)), asked, parts, count(first))
    return parts.join()


def predict_parts(
    predictor: Predictor, documents: Iterable[Text], asked: Asked, parts: Parts, numbers: Iterable[int]
) -> None:
    """Writes batches of predictions, until the numbers or the documents end.

    Args:
        predictor: The model.
        documents: Those of the first batch and the ones after it.
        asked: What is predicted.
        parts: Where to.
        numbers: Numbers of the batches.
    """
    coming = iter(documents)
    for number in numbers:
        if not (some := list(islice(coming, parts.size))):
            return
        parts.write(number, rows_of(predictor, some, asked))


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
