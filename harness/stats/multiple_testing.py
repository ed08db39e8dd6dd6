"""Multiple testing: Holm, Benjamini-Hochberg, the confidence set of the best, reachable p."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from harness.stats.distributions import Array
from harness.stats.pairing import Design, Pairs, Scores
from harness.stats.t_tests import t_test

LEAST_PAIRS = 5
"""Number of complete pairs that a star, or bold type, needs; where seeds do not pair, of runs of each arm."""
BEST_LEVEL = 0.05
"""Level at which a member leaves the confidence set of the best."""


def least_reachable_p(num_seeds: int, family_size: int = 1, num_strata: int = 1, design: Design = Pairs) -> float:
    """Returns the least p that the exact test can give after the first Holm step.

    min(1, family_size x 2 / patterns), with 2^(n K) patterns of the sign flip over n pairs in each of K strata, which
    the exact Wilcoxon test shares; and (2n choose n)^K where runs are exchanged between arms of n seeds.
    """
    return min(1.0, family_size * 2 / design.num_patterns(num_seeds, num_seeds) ** num_strata)


def seeds_to_reach(alpha: float = 0.05, family_size: int = 1, num_strata: int = 1, design: Design = Pairs) -> int:
    """Returns the least number of seeds at which the exact test can pass the first Holm step.

    From there on every comparison whose seeds all point one way is confirmed by it, as all of them share that least p.
    """
    num_seeds = 1
    while least_reachable_p(num_seeds, family_size, num_strata, design) >= alpha:
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


def p_not_best(members: Sequence[Sequence[Scores]], size: int, design: Design = Pairs) -> list[float]:
    """Returns for each member of a group the p of the hypothesis that it is the best one.

    The least one-sided p of a (stratified) t test by which another member beats it, times size - 1 (Bonferroni), at
    most 1. A test needs as many runs as a star: below `LEAST_PAIRS` in some stratum it counts as 1, like one
    that is not possible.

    Args:
        members: Scores of each member, one mapping per stratum; an empty one can neither beat nor be beaten.
        size: Planned number of members.
        design: How the runs of two members go together.

    Source:
        Hsu 1984, Constrained simultaneous confidence intervals for multiple comparisons with the best;
        Gupta 1965, On some multiple decision (selection and ranking) rules.
    """

    def p_beaten(loser: Sequence[Scores], winner: Sequence[Scores]) -> float:
        test = t_test([design.of(better, worse) for better, worse in zip(winner, loser, strict=True)])
        is_tested = test.status == "tested" and min(test.num_pairs) >= LEAST_PAIRS
        return test.p / 2 if is_tested and test.statistic > 0 else 1.0

    return [
        min(1.0, (size - 1) * min((p_beaten(one, other) for other in members if other is not one), default=1.0))
        if size > 1
        else 1.0
        for one in members
    ]


def confidence_set(members: Sequence[Sequence[Scores]], size: int, design: Design = Pairs) -> list[bool]:
    """Tells for each member of a group, as `p_not_best` takes it, whether it may be the best one: p of .05 or more.

    The truly best one is dropped with a probability of at most 5 %, whichever is numerically best. It is
    corrected within the group, and not across groups.
    """
    return [p >= BEST_LEVEL for p in p_not_best(members, size, design)]


def were_compared(members: Sequence[Sequence[Scores]], design: Design = Pairs) -> list[bool]:
    """Tells for each member of a group whether it was tested against any other: enough pairs in every stratum."""

    def is_tested(one: Sequence[Scores], other: Sequence[Scores]) -> bool:
        return all(design.of(*both).size >= LEAST_PAIRS for both in zip(one, other, strict=True))

    return [any(is_tested(one, other) for other in members if other is not one) for one in members]
