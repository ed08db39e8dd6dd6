"""What goes along pairs of labels and ancestors, one label at a time; and coherence of what branches combine to."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from datasets.storage.hierarchy import Hierarchy
from models.layers.ancestors import Closure
from tests.models.hierarchies import dags


@given(st.lists(dags(5), min_size=1, max_size=3), st.integers(0, 2**16))
def test_largest_below_and_sums_above_label_by_label(graphs: list[Hierarchy], seed: int) -> None:
    closure = Closure([graph.ancestors for graph in graphs])
    parts = [np.random.default_rng([seed, i]).normal(size=(3, len(graph))) for i, graph in enumerate(graphs)]
    values = torch.from_numpy(np.concatenate(parts, axis=1))
    largest, sums = [], []
    for graph, part in zip(graphs, parts, strict=True):
        for label in range(len(graph)):
            largest.append(part[:, graph.ancestors[:, label]].max(1))
            sums.append(part[:, graph.ancestors[label]].sum(1))
    np.testing.assert_allclose(closure.max_below(values), np.stack(largest, 1))
    np.testing.assert_allclose(closure.sum_above(values), np.stack(sums, 1))
