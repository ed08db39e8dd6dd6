"""Batches of training documents: shuffled by a seed, and of similar length, so that little is padded."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

NUMERICS = {"batches": 1}

_BATCHES_SORTED_TOGETHER = 50

Places = npt.NDArray[np.int64]


def shuffle_into_batches(lengths: npt.NDArray[np.integer], size: int, seed: Sequence[int]) -> list[Places]:
    """Returns the documents of each batch: shuffled, then of similar length within stretches of batches.

    The last batch takes a lone remaining document in, since batch statistics need two.

    Args:
        lengths: Tokens of each document.
        size: Documents of a batch.
        seed: Whole numbers that fix the order, such as a trial's seed and an epoch.
    """
    generator = np.random.default_rng(seed)
    shuffled = generator.permutation(len(lengths))
    stretch = size * _BATCHES_SORTED_TOGETHER
    made: list[Places] = []
    for start in range(0, len(shuffled), stretch):
        part = shuffled[start : start + stretch]
        part = part[np.argsort(lengths[part], kind="stable")]
        made += [part[i : i + size] for i in range(0, len(part), size)]
    if len(made) > 1 and len(made[-1]) == 1:
        made[-2:] = [np.concatenate(made[-2:])]
    return [made[i] for i in generator.permutation(len(made))]
