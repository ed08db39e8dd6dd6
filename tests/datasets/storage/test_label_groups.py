"""Groups of labels by training documents: bounds, and a partition."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from datasets.storage.label_groups import GROUPS, label_groups


def test_frequent_labels_have_fifty_training_documents() -> None:
    groups = label_groups(np.array([0, 1, 49, 50, 51]))
    assert {name: np.flatnonzero(group).tolist() for name, group in groups.items()} == {
        "frequent": [3, 4],
        "few": [1, 2],
        "zero": [0],
    }
    assert label_groups(np.array([50, 60])).keys() == {"frequent"}


@given(st.lists(st.integers(0, 120), min_size=1, max_size=30))
def test_every_label_is_in_the_one_group_of_its_count(counts: list[int]) -> None:
    groups = label_groups(np.array(counts))
    expected = ["zero" if count == 0 else "few" if count < 50 else "frequent" for count in counts]
    assert [[name for name, group in groups.items() if group[label]] for label in range(len(counts))] == [
        [name] for name in expected
    ]
    assert list(groups) == [name for name in GROUPS if name in expected]
