"""Counts of documents and labels of a prepared corpus, under the names that published numbers bear too.

Besides `read`, the module of a corpus may have two functions that `datasets.check` calls:

* `published(options)` returns the literature's numbers for some of these counts, given all options of the reader;
* `convention(corpus)` returns a sentence that names the published split which a prepared corpus equals.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from datasets.storage.documents import SPLITS
from datasets.storage.label_groups import label_groups

if TYPE_CHECKING:
    from datasets.storage.corpus import Corpus

_LEVELS = 12


def counts(corpus: "Corpus") -> dict[str, int]:
    """Returns counts by name, such as `train documents`, `level 2 labels`, `branch CS test`."""
    stored, hierarchy = corpus.meta["counts"], corpus.hierarchy
    found = {"documents": stored["documents"], **{f"{split} documents": stored["splits"][split] for split in SPLITS}}
    found |= {"labels": len(hierarchy), "branches": len(stored["branches"])}
    found |= level_counts(*(level["labels"] for level in stored["levels"]))
    for name, branch in stored["branches"].items():
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
    found |= _repeated_texts(corpus)
    found["documents that came not closed"] = stored["documents_not_closed"]
    found["documents without labels"] = stored["documents_without_labels"]
    return found


def _repeated_texts(corpus: "Corpus") -> dict[str, int]:
    """Returns the number of validation and test texts that an earlier split has too, character by character."""
    found: dict[str, int] = {}
    seen: set[bytes] = set()
    for split in SPLITS:
        digests = [hashlib.blake2b(text.encode(), digest_size=16).digest() for text in corpus.texts(corpus.rows(split))]
        found[f"{split} texts that an earlier split has"] = sum(digest in seen for digest in digests)
        seen.update(digests)
    del found["train texts that an earlier split has"]
    return found


def branch_counts(sizes: Mapping[str, int], what: str) -> dict[str, int]:
    """Returns one count of several branches; `what` is `labels`, a split or `train+val`."""
    return {f"branch {name} {what}": size for name, size in sizes.items()}


def level_counts(*sizes: int) -> dict[str, int]:
    """Returns the number of labels of each level, from level 1 on, and their sum."""
    return {f"level {level} labels": size for level, size in enumerate(sizes, 1)} | {"labels": sum(sizes)}


def level_sizes(sizes: Sequence[int]) -> str:
    """Returns the number of labels of each level, from level 1 on, such as `7/134`; of many levels, the first ones."""
    shown = "/".join(map(str, sizes[:_LEVELS]))
    return shown + (f"/... on {len(sizes):,} levels" if len(sizes) > _LEVELS else "")


def split_counts(train: int, val: int, test: int) -> dict[str, int]:
    """Returns the number of documents of each split, and their sum."""
    sizes = {"train documents": train, "val documents": val, "test documents": test}
    return sizes | {"documents": train + val + test}


def size_note(found: Iterable[int], published: Iterable[int], what: str) -> list[str]:
    """Returns a note if train, val and test differ from their published sizes; `what` is a plural noun for them."""
    here, there = (" / ".join(f"{size:,}" for size in sizes) for sizes in (found, published))
    return [] if here == there else [f"The source has {here} {what} (train / dev / test) instead of {there}."]
