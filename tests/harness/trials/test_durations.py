"""Durations of trials that are to come, by those of the nearest finished ones."""

import random
import statistics
from collections import Counter
from collections.abc import Callable, Sequence

import pytest

from harness.trials.durations import Durations
from harness.trials.settings import CellKey


def test_time_left_is_the_sum_of_medians_of_the_nearest() -> None:
    def brute(todo: Sequence[CellKey], finished: Sequence[tuple[CellKey, float]]) -> float:
        total = 0.0
        for cell in todo:
            near: list[Callable[[CellKey], bool]] = [
                lambda other: other == cell,  # noqa: B023
                lambda other: (other[0], other[2]) == (cell[0], cell[2]),  # noqa: B023
                lambda other: other[2] == cell[2],  # noqa: B023
                lambda other: True,
            ]
            groups = ([seconds for other, seconds in finished if is_near(other)] for is_near in near)
            total += statistics.median(next(group for group in groups if group))
        return total

    generator = random.Random(0)
    cells = [CellKey(model, merge, dataset) for model in "ab" for merge in ("none", "masking") for dataset in "xyz"]
    for _ in range(50):
        known = generator.sample(cells, 4)
        finished = [(generator.choice(known), generator.uniform(1, 100)) for _ in range(12)]
        todo = generator.choices(cells, k=20)
        durations = Durations()
        for cell, seconds in finished:
            durations.add(cell, seconds)
        assert durations.estimate(Counter(todo), 3) == pytest.approx(brute(todo, finished) / 3)
