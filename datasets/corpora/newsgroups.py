"""20 Newsgroups by date: 18,846 messages, 20 groups in a tree of two levels, 7 branches.

Messages (Latin-1) are read in place from `20news-bydate.tar.gz` or its unpacked folders, and sorted by group and
number, so the corpus does not depend on its packing. The header, up to the first blank line, is left out, since it
reveals the group; a message without a body keeps its subject. Quoted lines and signatures stay.

The labels of a message are its group (`comp.graphics`) and the first part of the group's name (`comp`). Training and
test are those of the folders, split by date. No validation set is published: it is drawn from training with a seed.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from datasets.formats.archives import read_members
from datasets.storage.card import Card
from datasets.storage.counts import branch_counts, level_counts, split_counts
from datasets.storage.documents import CorpusSource, Document, SplitName
from datasets.storage.hierarchy import ROOT, Hierarchy
from datasets.storage.progress import track
from datasets.storage.random_splits import RandomSplit
from harness.core.errors import DataError
from harness.core.registry import NonNegative, Share

CARD = Card(
    name="newsgroups",
    title="20 Newsgroups, by date",
    summary=(__doc__ or "").partition("\n")[0],
    language="English",
    licence="none stated; public messages of their authors, passed on freely for research since 1995",
    citation="Lang, NewsWeeder: Learning to Filter Netnews, ICML 1995",
    obtain="Get 20news-bydate.tar.gz from qwone.com/~jason/20Newsgroups, free of charge; it need not be unpacked.",
    splits="11,314 / 7,532 train / test by date, as published; of the former 10% are drawn for validation.",
    counts="18,846 messages, 27 labels in a tree of 2 levels (7/20), 7 branches (6 labels, 5, 5, 5, 2, 2, 2).",
    traps=(
        "Only the by-date version is split; 20news-19997 and 20news-18828 are not, and hold other messages.",
        "Headers name the group or its users: scores with them are far higher. They are left out here; the quoted "
        "lines and signatures that some published numbers leave out as well are kept.",
        "alt, misc and soc have one group each, so the root of these branches determines the group.",
        "Published numbers for the hierarchy were made with several trees; this one is that of the groups' names.",
    ),
    files=(
        "20news-bydate.tar.gz, a folder with it, or the folder that holds 20news-bydate-train and 20news-bydate-test"
    ),
)

RECIPE = 1
_FOLDERS: dict[str, SplitName] = {"20news-bydate-train": "train", "20news-bydate-test": "test"}
_NUM_TRAIN, _NUM_TEST = 11_314, 7_532
_BRANCHES = {
    "alt": (2, 480, 319), "comp": (6, 2_936, 1_955), "misc": (2, 585, 390), "rec": (5, 2_389, 1_590),
    "sci": (5, 2_373, 1_579), "soc": (2, 599, 398), "talk": (5, 1_952, 1_301),
}  # fmt: skip
"""Labels, training and test messages."""

_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_SUBJECT = re.compile(r"^Subject:(.*)$", re.MULTILINE | re.IGNORECASE)


class _Message(NamedTuple):
    group: str
    number: int
    split: SplitName
    content: bytes


def read(source: Path | None, *, val_share: Share = 0.1, seed: NonNegative = 0) -> CorpusSource:
    """Reads the messages of the by-date version.

    Args:
        source: The archive or a folder, see the card.
        val_share: Share of training messages to draw for validation.
        seed: Seed of the draw.

    Raises:
        DataError: When the source is another version, or its archive is damaged.
    """
    given = CARD.require_source(source)
    messages = sorted(track(_messages(_folder_or_archive(given)), "messages"), key=lambda one: one[:2])
    for split in _FOLDERS.values():
        if not any(message.split == split for message in messages):
            raise DataError(
                f"{given} holds no messages 20news-bydate-{split}/GROUP/NUMBER; the versions 20news-19997 and "
                f"20news-18828 are not split. --source is {CARD.files}."
            )
    groups = dict.fromkeys(message.group for message in messages)
    hierarchy = Hierarchy.from_names(edge for group in groups for edge in ((ROOT, _top(group)), (_top(group), group)))
    num_train = sum(message.split == "train" for message in messages)
    notes = [f"Validation: {val_share:.0%} of the training messages, drawn with seed {seed}."]
    if (num_train, len(messages) - num_train, len(groups)) != (_NUM_TRAIN, _NUM_TEST, 20):
        notes.append(
            f"The source has {num_train:,} / {len(messages) - num_train:,} messages to {len(groups)} groups "
            f"(train / test) instead of {_NUM_TRAIN:,} / {_NUM_TEST:,} to 20."
        )
    drawn = RandomSplit(val_share, 0.0, seed).assign(num_train)
    return CorpusSource(hierarchy, _documents(messages, drawn, notes), notes, num_documents=len(messages))


def published(options: Mapping[str, Any]) -> dict[str, int]:
    """Returns the counts of the by-date version."""
    num_val = round(options["val_share"] * _NUM_TRAIN)
    counts = split_counts(_NUM_TRAIN - num_val, num_val, _NUM_TEST) | level_counts(7, 20) | {"branches": 7}
    for column, what in enumerate(("labels", "train+val", "test")):
        counts |= branch_counts({name: sizes[column] for name, sizes in _BRANCHES.items()}, what)
    return counts


def _top(group: str) -> str:
    return group.partition(".")[0]


def _folder_or_archive(source: Path) -> Path:
    """Returns the archive, or the folder with the two unpacked folders."""
    if source.is_file():
        return source
    folders = sorted(path.parent for path in source.rglob("20news-bydate-train") if path.is_dir())
    found = folders or sorted(path for path in source.rglob("20news-bydate*.tar*") if path.is_file())
    if not found:
        raise DataError(f"{source} holds neither 20news-bydate.tar.gz nor its folders; --source is {CARD.files}.")
    return found[0]


def _messages(origin: Path) -> Iterator[_Message]:
    """Yields the messages in their order on disk; the last three parts of a name identify one."""
    for name, content in read_members(origin, [f"{folder}/*/*" for folder in _FOLDERS], _is_message):
        folder, group, number = PurePosixPath(name).parts[-3:]
        if folder in _FOLDERS:
            yield _Message(group, int(number), _FOLDERS[folder], content)


def _is_message(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return len(parts) >= 3 and parts[-1].isdigit() and parts[-1].isascii()


def _documents(messages: list[_Message], drawn: list[SplitName], notes: list[str]) -> Iterator[Document]:
    splits = iter(drawn)
    num_bodiless = 0
    for group, number, given, content in messages:
        text, has_body = _text(content)
        num_bodiless += not has_body
        split = next(splits) if given == "train" else given
        yield Document(f"{group}/{number}", text, (_top(group), group), split)
    if num_bodiless:
        notes.append(f"{num_bodiless:,} messages without a body keep their subject.")


def _text(content: bytes) -> tuple[str, bool]:
    """Returns the body of a message, or its subject if it has none, and whether it has one."""
    parts = _BLANK_LINE.split(content, 1)
    header, body = (part.decode("latin-1").strip() for part in (parts[0], b"".join(parts[1:])))
    if body:
        return body, True
    subject = _SUBJECT.search(header)
    return (subject[1].strip() if subject else "") or header, False
