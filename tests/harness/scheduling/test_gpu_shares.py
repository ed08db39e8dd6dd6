"""The arithmetic of packing trials onto a GPU."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.scheduling import gpu_shares

GIB = 2**30


@given(st.integers(GIB // 4, 200 * GIB), st.integers(8 * GIB, 200 * GIB))
def test_as_many_trials_share_a_gpu_as_fit_with_the_margin(needed: int, there: int) -> None:
    share = gpu_shares.gpu_share(needed, there)
    parts = round(share * 10_000)  # Ray's unit.
    num = 10_000 // parts  # That Ray puts on one GPU.
    assert 1 <= num <= 99 and parts == 10_000 // num
    assert num == 1 or num * gpu_shares.MEMORY_MARGIN * needed <= there
    assert num == 99 or (num + 1) * gpu_shares.MEMORY_MARGIN * needed > there


@pytest.mark.parametrize(
    ("needed", "share"), [(81, 1.0), (66, 1.0), (39, 1.0), (33, 0.5), (22, 0.3333), (13, 0.2), (11, 0.1666)]
)
def test_shares_of_80_gib_by_hand(needed: int, share: float) -> None:
    """With the margin 39 GiB become 46.8, of which 80 hold one; 33 become 39.6, of which they hold two."""
    assert gpu_shares.gpu_share(needed * GIB, 80 * GIB) == share
