"""Your own corpus: JSON lines with texts and labels, and a taxonomy file.

The source is a folder with

    taxonomy.tsv or *.taxonomy    lines `parent TAB child TAB child ...`, the first parent is `Root`;
                                  or a table with the header `parent TAB child`
    train, val and test .jsonl    one object a line (also named NAME_train.json, as in the literature;
                                  `dev` and `valid` mean `val`)
    or documents.jsonl            the same with a `split` in every object

An object has its text under `text`, `token` or `doc_token` (a string, or a list of words that are joined
by spaces), its labels under `labels`, `label` or `doc_label` (a list of names, or one name; commas are
part of a name), and may have an `id`. Ancestors of labels may be left out.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from datasets.card import Card
from datasets.raw import Document, Raw, Split
from datasets.textfiles import read_records, read_taxonomy
from harness.errors import DataError

CARD = Card(
    name="jsonl",
    title="Any corpus in JSON lines",
    summary=(__doc__ or "").partition("\n")[0],
    language="any",
    licence="yours",
    citation="",
    obtain="Put your taxonomy and documents into one folder; the files are described below.",
    splits="As the files, or the field `split`, say.",
    counts="Printed after preparation.",
    traps=(
        "A folder holds one corpus under the name `jsonl`; give each of several its own `title`.",
        "Labels are never split on commas; one label as a string is one label.",
        "Documents without labels are kept and counted.",
    ),
    files=(
        "a folder with taxonomy.tsv or one *.taxonomy (`parent TAB child TAB child ...`, from `Root`) and either "
        "train.jsonl, val.jsonl, test.jsonl or documents.jsonl with a `split` in every object; an object has "
        "`text` and `labels`, and may have `id`"
    ),
)

_SPLITS: dict[str, Split] = {
    "train": "train", "val": "val", "dev": "val", "valid": "val", "validation": "val", "test": "test",
}  # fmt: skip
_TEXT, _LABELS = ("text", "token", "doc_token"), ("labels", "label", "doc_label")


def read(source: Path | None, *, title: str = "") -> Raw:
    """Reads a folder of JSON lines.

    Args:
        source: The folder.
        title: A short name that keeps several corpora of yours apart.

    Raises:
        DataError: When a file is missing, not UTF-8, or a line is not as described; with its place.
    """
    folder = CARD.need(source)
    if not folder.is_dir():
        raise DataError(f"{folder} is a file; --source is {CARD.files}.")
    return Raw(read_taxonomy(_taxonomy(folder)), _documents(folder))


def _taxonomy(folder: Path) -> Path:
    found = sorted({*folder.glob("taxonomy.tsv"), *folder.glob("*.taxonomy")})
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise DataError(f"{folder} has to hold one taxonomy.tsv or *.taxonomy; found: {names}.")
    return found[0]


def _documents(folder: Path) -> Iterator[Document]:
    single = folder / "documents.jsonl"
    files = [single] if single.exists() else _split_files(folder)
    for path in files:
        for number, (place, record) in enumerate(read_records(path)):
            yield Document(
                doc_id=str(record.get("id", f"{path.stem}-{number}")),
                text=_text(record, place),
                labels=_labels(record, place),
                split=_split(record.get("split"), place) if path == single else _SPLITS[_part(path)],
            )


def _part(path: Path) -> str:
    match = re.fullmatch(r"(?:.*_)?([a-z]+)\.jsonl?", path.name)
    return match[1] if match else ""


def _split_files(folder: Path) -> list[Path]:
    files: dict[Split, Path] = {}
    for path in sorted(folder.iterdir()):
        split = _SPLITS.get(_part(path))
        if split and split in files:
            raise DataError(f"{files[split].name} and {path.name} in {folder} are both {split} files; keep one.")
        if split:
            files[split] = path
    missing = [split for split in ("train", "val", "test") if split not in files]
    if missing:
        raise DataError(
            f"{folder} has no {' and no '.join(f'{split}.jsonl' for split in missing)}, and no documents.jsonl."
        )
    return [files["train"], files["val"], files["test"]]


def _field(record: dict[str, Any], keys: tuple[str, ...], place: str) -> Any:
    present = [key for key in keys if key in record]
    if len(present) != 1:
        raise DataError(f"{place}: one of {', '.join(keys)} is needed; the object has {', '.join(record) or 'none'}.")
    value = record[present[0]]
    if not isinstance(value, str) and not (isinstance(value, list) and all(isinstance(item, str) for item in value)):
        raise DataError(f"{place}: {present[0]} has to be a string or a list of strings.")
    return value


def _text(record: dict[str, Any], place: str) -> str:
    value = _field(record, _TEXT, place)
    return value if isinstance(value, str) else " ".join(value)


def _labels(record: dict[str, Any], place: str) -> tuple[str, ...]:
    value = _field(record, _LABELS, place)
    return (value,) if isinstance(value, str) else tuple(value)


def _split(value: object, place: str) -> Split:
    if value not in _SPLITS:
        raise DataError(f"{place}: split is {value!r}; it has to be train, val or test.")
    return _SPLITS[str(value)]
