"""The numbers of draws are as exact as their documentation says."""

import re

import pytest

from harness.core.resampling import Resampling


def test_draws_and_swaps_are_as_exact_as_they_say() -> None:
    plan, said = Resampling(), Resampling.__doc__ or ""
    # Of n normal draws the standard error is known to 1 / sqrt(2 n), a share p to sqrt(p (1 - p) / n).
    assert 100 / (2 * plan.draws) ** 0.5 == pytest.approx(float(re.search(r"([\d.]+) %", said)[1]), abs=0.05)  # type: ignore[index]
    assert (0.05 * 0.95 / plan.swaps) ** 0.5 == pytest.approx(0.005, abs=0.0005) and "to .005" in said
    assert 199 / (1 + plan.confirming) < 0.01 < 201 / (1 + plan.confirming) and "over 199 tests" in said
