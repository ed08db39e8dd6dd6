"""Random train, validation and test splits, drawn with a seed from NumPy's frozen legacy stream."""

from dataclasses import dataclass

import numpy as np

from datasets.storage.documents import SplitName


@dataclass(frozen=True)
class RandomSplit:
    """Shares of documents to hold out at random; the same documents on every machine.

    Attributes:
        val_share: Share of documents for validation.
        test_share: Share of documents for test.
        seed: Seed of the permutation.
    """

    val_share: float
    test_share: float
    seed: int

    @property
    def held_out(self) -> set[SplitName]:
        """The splits with a share above 0."""
        shares: tuple[tuple[SplitName, float], ...] = (("val", self.val_share), ("test", self.test_share))
        return {split for split, share in shares if share}

    def assign(self, num_documents: int) -> list[SplitName]:
        """Returns the split of each document."""
        splits: list[SplitName] = ["train"] * num_documents
        num_test, num_val = round(self.test_share * num_documents), round(self.val_share * num_documents)
        order = np.random.RandomState(self.seed).permutation(num_documents)
        for rank, document in enumerate(order[: num_test + num_val].tolist()):
            splits[document] = "test" if rank < num_test else "val"
        return splits
