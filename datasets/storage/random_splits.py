"""Splits that nobody published, drawn with a seed from NumPy's frozen legacy stream: the same everywhere."""

from dataclasses import dataclass

import numpy as np

from datasets.storage.documents import Split


@dataclass(frozen=True)
class Draw:
    """Which splits to draw from some documents, and how.

    Attributes:
        val_share: The share of documents for validation.
        test_share: The share of documents for test.
        seed: Of the draw.
    """

    val_share: float
    test_share: float
    seed: int

    @property
    def wanted(self) -> set[Split]:
        """What is drawn at all."""
        shares: tuple[tuple[Split, float], ...] = (("val", self.val_share), ("test", self.test_share))
        return {split for split, share in shares if share}

    def splits(self, num: int) -> list[Split]:
        """Returns the split of each of `num` documents."""
        splits: list[Split] = ["train"] * num
        num_test, num_val = round(self.test_share * num), round(self.val_share * num)
        order = np.random.RandomState(self.seed).permutation(num)
        for place, number in enumerate(order[: num_test + num_val].tolist()):
            splits[number] = "test" if place < num_test else "val"
        return splits
