"""Batches: every document once, never alone, similar lengths together, and an order that the seed fixes."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from datasets.storage.batches import shuffle_into_batches


@given(st.integers(2, 2000), st.integers(2, 40), st.integers(0, 5), st.integers(0, 5))
def test_every_document_once_an_epoch_and_never_alone(num: int, size: int, seed: int, epoch: int) -> None:
    lengths = np.random.default_rng(num).integers(1, 50, size=num)
    made = shuffle_into_batches(lengths, size, [seed, epoch])
    assert sorted(np.concatenate(made)) == list(range(num))
    assert min(map(len, made)) >= 2 and max(map(len, made)) <= size + 1
    again = shuffle_into_batches(lengths, size, [seed, epoch])
    assert all(np.array_equal(one, other) for one, other in zip(made, again, strict=True))


def test_batches_hold_documents_of_similar_length() -> None:
    lengths = np.random.default_rng(0).integers(1, 1000, size=4000)
    padded = sum(len(batch) * lengths[batch].max() for batch in shuffle_into_batches(lengths, 8, [1, 0]))
    assert padded < 1.05 * lengths.sum()
    first, second = (shuffle_into_batches(lengths, 8, [1, epoch])[0] for epoch in (0, 1))
    assert not np.array_equal(first, second)
