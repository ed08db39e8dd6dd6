"""Random splits: the frozen permutation, exact sizes, and nested draws."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.storage.random_splits import RandomSplit


def test_the_first_of_the_frozen_permutation_are_test_then_validation():
    order = np.random.RandomState(3).permutation(20).tolist()
    splits = RandomSplit(0.1, 0.25, 3).assign(20)
    assert [splits[number] for number in order] == ["test"] * 5 + ["val"] * 2 + ["train"] * 13
    # The stream is frozen: these numbers hold on every machine.
    assert [number for number, split in enumerate(splits) if split == "val"] == [6, 16]


@given(st.floats(0, 0.5), st.floats(0, 0.49), st.integers(0, 2**31), st.integers(1, 300))
def test_sizes_are_the_rounded_shares(val_share, test_share, seed, size):
    splits = RandomSplit(val_share, test_share, seed).assign(size)
    num_val, num_test = round(val_share * size), round(test_share * size)
    assert len(splits) == size
    assert Counter(splits) == Counter({"val": num_val, "test": num_test, "train": size - num_val - num_test})


@pytest.mark.parametrize(
    ("val_share", "test_share", "held_out"), [(0, 0, set()), (0.1, 0, {"val"}), (0, 0.2, {"test"})]
)
def test_only_splits_with_a_share_are_held_out(val_share, test_share, held_out):
    random_split = RandomSplit(val_share, test_share, 0)
    assert random_split.held_out == held_out == set(random_split.assign(50)) - {"train"}


def test_another_seed_draws_other_documents_of_the_same_number():
    one, two = (RandomSplit(0.2, 0.2, seed).assign(100) for seed in (0, 1))
    assert one != two and Counter(one) == Counter(two)
    # Two independent draws of a fifth share a twenty-fifth of all documents, give or take.
    shared = sum(a == b == "val" for a, b in zip(one, two, strict=True))
    assert shared == pytest.approx(4, abs=4)
