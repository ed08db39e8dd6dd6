"""Your own corpus: JSON lines with texts and labels, and a taxonomy file.

The source is a folder with

    taxonomy.tsv or *.taxonomy    lines `parent TAB child TAB child ...`, the first parent is `Root`;
                                  or a table with the header `parent TAB child`
    or taxonomy.json              a list of edges `[["parent", "child"], ...]`
    train, val and test .jsonl    one object a line (also named NAME_train.json, as in the literature;
                                  `dev` and `valid` mean `val`)
    or documents.jsonl            the same with a `split` in every object, or without, to be drawn

With `val_share` or `test_share`, these splits are drawn from documents.jsonl, or from train.jsonl if the split has no
file. If every object of documents.jsonl has a `split`, they are drawn from its training documents. The random stream
is NumPy's frozen legacy one, so draws are the same on every machine.

An object has its text under `text`, `token` or `doc_token` (a string, or a list of words that are joined by spaces),
its labels under `labels`, `label` or `doc_label` (a list of names, or one name; commas are part of a name), and may
have an `id`. Ancestors of labels may be left out.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from datasets.formats.textfiles import is_json_array, open_bytes, read_records, read_taxonomy
from datasets.storage.card import Card
from datasets.storage.documents import SPLITS, CorpusSource, Document, SplitName
from datasets.storage.random_splits import RandomSplit
from harness.core.errors import DataError
from harness.core.registry import NonNegative, Share

CARD = Card(
    name="jsonl",
    title="Any corpus in JSON lines",
    summary=(__doc__ or "").partition("\n")[0],
    language="any",
    licence="yours",
    citation="",
    obtain="Put your taxonomy and documents into one folder; the files are described below.",
    splits="As the files or a field say, or drawn with a seed.",
    counts="Printed after preparation.",
    traps=(
        "A folder holds one corpus under the name `jsonl`; give each of several its own `title`.",
        "Labels are never split on commas; one label as a string is one label.",
        "Documents without labels are kept and counted.",
    ),
    files=(
        "a folder with taxonomy.tsv or one *.taxonomy (`parent TAB child TAB child ...`, from `Root`) or taxonomy.json "
        "(a list of edges), and either train.jsonl, val.jsonl, test.jsonl or documents.jsonl with a `split` in every "
        "object; an object has `text` and `labels`, and may have `id`"
    ),
)

RECIPE = 1
_SPLITS: dict[str, SplitName] = {
    "train": "train", "val": "val", "dev": "val", "valid": "val", "validation": "val", "test": "test",
}  # fmt: skip
_SINGLE = "documents.jsonl"
_BEGINNING = 100
_TEXT, _LABELS = ("text", "token", "doc_token"), ("labels", "label", "doc_label")


def read(
    source: Path | None,
    *,
    title: str = "",
    split_field: str = "split",
    val_share: Share = 0.0,
    test_share: Share = 0.0,
    seed: NonNegative = 0,
) -> CorpusSource:
    """Reads a folder of JSON lines.

    Args:
        source: The folder.
        title: Short name that distinguishes several corpora of yours.
        split_field: Field of documents.jsonl with the split of a document.
        val_share: Share of documents to draw for validation; 0 if files or the field define the split.
        test_share: Share of documents to draw for test; 0 if files or the field define the split.
        seed: Seed of the draw.

    Raises:
        DataError: When a file is missing or not UTF-8, or a line is malformed, with its place.
    """
    folder = CARD.require_source(source)
    if not folder.is_dir():
        raise DataError(f"{folder} is a file; --source is {CARD.files}.")
    if val_share + test_share >= 1:
        raise DataError(f"jsonl: val_share {val_share} and test_share {test_share} leave nothing to train on.")
    random_split = RandomSplit(val_share, test_share, seed)
    hierarchy = read_taxonomy(_taxonomy(folder))
    drawn = f"Drawn with seed {seed}: {val_share:.0%} validation, {test_share:.0%} test."
    notes = [drawn] if random_split.held_out else []
    return CorpusSource(hierarchy, _documents(folder, split_field, random_split), notes)


def _taxonomy(folder: Path) -> Path:
    found = sorted({*folder.glob("taxonomy.tsv"), *folder.glob("taxonomy.json"), *folder.glob("*.taxonomy")})
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise DataError(f"{folder} has to hold one taxonomy.tsv, taxonomy.json or *.taxonomy; found: {names}.")
    return found[0]


def _documents(folder: Path, split_field: str, random_split: RandomSplit) -> Iterator[Document]:
    for path, given in _files(folder, random_split):
        _refuse_array(path)
        drawn = _drawn(path, split_field, random_split) if given == "drawn" else []
        for number, (place, record) in enumerate(read_records(path)):
            if given == "field":
                split = _split(record.get(split_field), split_field, place)
            else:
                split = drawn[number] if given == "drawn" else given
            doc_id = str(record.get("id", f"{path.stem}-{number}"))
            yield Document(doc_id, _text(record, place), _labels(record, place), split)


def _refuse_array(path: Path) -> None:
    with open_bytes(path) as file:
        if is_json_array(file.read(_BEGINNING)):
            raise DataError(
                f"{path} is a JSON array, one list of all objects; the reader jsonl wants one object a line. The "
                f"reader table reads arrays: `python -m datasets.prepare table --source {path.parent} --look`."
            )


def _drawn(path: Path, split_field: str, random_split: RandomSplit) -> list[SplitName]:
    """Returns the split of each document of a file to draw from.

    If every document of documents.jsonl has a split, only its training documents are drawn from.

    Raises:
        DataError: When a split that is to be drawn has documents already.
    """
    given = [record.get(split_field) for _, record in read_records(path)]
    official = [_SPLITS[str(split)] for split in given if _is_split(split)]
    if path.name != _SINGLE or len(official) < len(given):
        return random_split.assign(len(given))
    if taken := random_split.held_out & set(official):
        shares = " and ".join(f"{split}_share" for split in sorted(taken, reverse=True))
        raise DataError(
            f"{path} defines in {split_field!r} which documents are {' and '.join(sorted(taken, reverse=True))}; leave "
            f"{shares} out, or that field."
        )
    drawn = iter(random_split.assign(official.count("train")))
    return [next(drawn) if split == "train" else split for split in official]


def _files(folder: Path, random_split: RandomSplit) -> list[tuple[Path, SplitName | Literal["field", "drawn"]]]:
    """Returns the files to read, each with its split or the way to find the splits of its documents."""
    held_out = random_split.held_out
    single = folder / _SINGLE
    if single.exists():
        return [(single, "drawn" if held_out else "field")]
    files = _split_files(folder)
    both = held_out & files.keys()
    if both:
        raise DataError(f"{folder} has a file for {' and '.join(sorted(both))}; leave its share out, or the file.")
    missing = [split for split in SPLITS if split not in files and split not in held_out]
    if missing:
        raise DataError(
            f"{folder} has no {' and no '.join(f'{split}.jsonl' for split in missing)}, and no documents.jsonl. Splits "
            "can be drawn: `--set val_share=0.1 --set test_share=0.2`."
        )
    return [(files[split], "drawn" if split == "train" and held_out else split) for split in SPLITS if split in files]


def _part(path: Path) -> str:
    match = re.fullmatch(r"(?:.*_)?([a-z]+)\.jsonl?", path.name)
    return match[1] if match else ""


def _split_files(folder: Path) -> dict[SplitName, Path]:
    files: dict[SplitName, Path] = {}
    for path in sorted(folder.iterdir()):
        split = _SPLITS.get(_part(path))
        if split and split in files:
            raise DataError(f"{files[split].name} and {path.name} in {folder} are both {split} files; keep one.")
        if split:
            files[split] = path
    return files


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


def _is_split(value: object) -> bool:
    return isinstance(value, str) and value in _SPLITS


def _split(value: object, field: str, place: str) -> SplitName:
    if not _is_split(value):
        raise DataError(
            f"{place}: {field} is {value!r}; it has to be train, val or test. Splits can be drawn instead: "
            "`--set val_share=0.1 --set test_share=0.2`."
        )
    return _SPLITS[str(value)]
