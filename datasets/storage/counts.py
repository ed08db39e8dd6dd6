"""Countable facts of a prepared corpus, under names that a corpus's published numbers go by as well.

A module of a corpus may have two functions besides `read`:

* `published(options)` returns the literature's numbers for some facts, given all options of the reader;
* `convention(corpus)` says in a sentence which published split a prepared corpus equals.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from datasets.storage.documents import SPLITS
from harness.training.metrics import label_groups

if TYPE_CHECKING:
    from datasets.storage.corpus import Corpus


def facts(corpus: "Corpus") -> dict[str, int]:
    """Returns counts by name, such as `train documents`, `level 2 labels`, `branch CS test`."""
    counts, hierarchy = corpus.meta["counts"], corpus.hierarchy
    found = {"documents": counts["documents"], **{f"{split} documents": counts["splits"][split] for split in SPLITS}}
    found |= {"labels": len(hierarchy), "branches": len(counts["branches"])}
    found |= {f"level {depth} labels": level["labels"] for depth, level in enumerate(counts["levels"], 1)}
    for name, branch in counts["branches"].items():
        found |= {f"branch {name} {what}": branch[what] for what in ("labels", *SPLITS)}
        found[f"branch {name} train+val"] = branch["train"] + branch["val"]
    per_label = {split: corpus.labels(corpus.rows(split)).sum(axis=0) for split in SPLITS}
    found |= {f"labels without {split} documents": int((per_label[split] == 0).sum()) for split in ("train", "test")}
    found["labels without train+val documents"] = int((per_label["train"] + per_label["val"] == 0).sum())
    groups = label_groups(per_label["train"])
    found |= {f"labels of the group {name}": int(group.sum()) for name, group in groups.items()}
    found["labels with train and test documents"] = int(((per_label["train"] > 0) & (per_label["test"] > 0)).sum())
    found["labels with several parents"] = int((np.bincount(hierarchy.edges[:, 1], minlength=len(hierarchy)) > 1).sum())
    found["labels in several branches"] = int((np.bincount(np.concatenate(hierarchy.branches())) > 1).sum())
    found["documents that came not closed"] = counts["documents_not_closed"]
    found["documents without labels"] = counts["documents_without_labels"]
    return found


def by_branch(sizes: Mapping[str, int], what: str) -> dict[str, int]:
    """Returns the same fact of several branches under its names."""
    return {f"branch {name} {what}": size for name, size in sizes.items()}


def by_level(*sizes: int) -> dict[str, int]:
    """Returns the numbers of labels from the first level on, under their names, with their sum."""
    return {f"level {depth} labels": size for depth, size in enumerate(sizes, 1)} | {"labels": sum(sizes)}


def by_split(train: int, val: int, test: int) -> dict[str, int]:
    """Returns the sizes of the splits under their names, with their sum."""
    sizes = {"train documents": train, "val documents": val, "test documents": test}
    return sizes | {"documents": train + val + test}


def size_note(found: Iterable[int], published: Iterable[int], what: str) -> list[str]:
    """Returns a note where the source does not have its published numbers of documents in train, val and test."""
    here, there = (" / ".join(f"{size:,}" for size in sizes) for sizes in (found, published))
    return [] if here == there else [f"The source has {here} {what} (train / dev / test) instead of {there}."]
