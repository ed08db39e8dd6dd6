"""Multiple testing: Holm, Benjamini-Hochberg, the confidence set of the best, reachable p."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from harness.stats.distributions import Array
from harness.stats.pairing import Design, Pairs, Scores
from harness.stats.t_tests import t_test

LEAST_PAIRS = 5
"""Number of complete pairs that a star needs; where seeds do not pair, of runs of each arm."""


def least_reachable_p(num_seeds: int, family_size: int = 1, num_strata: int = 1, design: Design = Pairs) -> float:
    """Returns the least p that the exact test can give after the first Holm step.

    min(1, family_size x 2 / patterns), with 2^(n K) patterns of the sign flip over n pairs in each of K strata, which
    the exact Wilcoxon test shares; and (2n choose n)^K where runs are exchanged between arms of n seeds.
    """
    return min(1.0, family_size * 2 / design.num_patterns(num_seeds, num_seeds) ** num_strata)


def seeds_to_reach(alpha: float = 0.05, family_size: int = 1, num_strata: int = 1, design: Design = Pairs) -> int:
    """Returns the least number of seeds at which the exact test can pass the first Holm step."""
    num_seeds = 1
    while least_reachable_p(num_seeds, family_size, num_strata, design) > alpha:
        num_seeds += 1
    return num_seeds


def why_no_star(num_pairs: int, paired: bool = True) -> str:
    """Returns why so few complete pairs, or runs of an arm, get no star whatever their scores; empty where they may."""
    if num_pairs >= LEAST_PAIRS:
        return ""
    what = f"complete {'pair' if num_pairs == 1 else 'pairs'}" if paired else "comparable runs in the smaller arm"
    return f"{num_pairs} {what}; a star needs at least {LEAST_PAIRS}"


def holm(p: Sequence[float], size: int) -> list[float]:
    """Holm-adjusted p-values, which control the family-wise error under any dependence.

    The i-th smallest of m becomes max over j <= i of (m - j + 1) p_(j), at most 1.

    Args:
        p: Raw p-values; NaN counts as 1 and stays NaN in the answer.
        size: Planned size m of the family; planned tests that are not in `p` count as 1.

    Source:
        Holm 1979, A simple sequentially rejective multiple test procedure.
    """
    return _adjust(p, size, lambda ranked: np.maximum.accumulate(ranked * (size - np.arange(ranked.size))))


def benjamini_hochberg(p: Sequence[float], size: int) -> list[float]:
    """Benjamini-Hochberg q-values, of what `holm` takes: the i-th smallest of m becomes min over j >= i of m p_(j) / j.

    Source:
        Benjamini & Hochberg 1995, Controlling the false discovery rate.
    """
    return _adjust(
        p, size, lambda ranked: np.minimum.accumulate((ranked * size / np.arange(1, ranked.size + 1))[::-1])[::-1]
    )


def _adjust(p: Sequence[float], size: int, step: Callable[[Array], Array]) -> list[float]:
    assert len(p) <= size, "more tests than planned"
    raw = np.asarray(p, dtype=float)
    filled = np.where(np.isnan(raw), 1.0, raw)
    order = np.argsort(filled, kind="stable")
    adjusted = np.empty_like(filled)
    adjusted[order] = np.minimum(step(filled[order]), 1.0)
    return np.where(np.isnan(raw), math.nan, adjusted).tolist()


def star_levels(alpha: float) -> list[float]:
    """Returns the levels of one, two and three stars: alpha, and those of .01 and .001 below it."""
    return [alpha, *(level for level in (0.01, 0.001) if level < alpha)]


def confidence_set(members: Sequence[Sequence[Scores]], size: int, design: Design = Pairs) -> list[bool]:
    """Tells for each member of a group whether it may be the best one.

    A member leaves if some other beats it in a one-sided (stratified) t test at .05 / (size - 1). The truly best one is
    dropped with a probability of at most 5 %, whichever is numerically best.

    Args:
        members: Scores of each member, one mapping per stratum; an empty one can neither beat nor be beaten.
        size: Planned number of members.
        design: How the runs of two members go together.

    Source:
        Hsu 1984, Constrained simultaneous confidence intervals for multiple comparisons with the best;
        Gupta 1965, On some multiple decision (selection and ranking) rules.
    """

    def beaten(loser: Sequence[Scores], winner: Sequence[Scores]) -> bool:
        test = t_test([design.of(better, worse) for better, worse in zip(winner, loser, strict=True)])
        return test.status == "tested" and test.statistic > 0 and test.p / 2 < 0.05 / (size - 1)

    return [not any(beaten(one, other) for other in members if other is not one) for one in members]


def were_compared(members: Sequence[Sequence[Scores]], design: Design = Pairs) -> list[bool]:
    """Tells for each member of a group whether it was tested against any other: two pairs or more in every stratum."""

    def is_tested(one: Sequence[Scores], other: Sequence[Scores]) -> bool:
        return all(design.of(*both).size > 1 for both in zip(one, other, strict=True))

    return [any(is_tested(one, other) for other in members if other is not one) for one in members]
