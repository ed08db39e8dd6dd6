"""Flags of comparisons: letters for what a reader should know before believing a number."""

from collections.abc import Callable
from enum import StrEnum

from harness.analysis.comparison import Comparison

Rule = Callable[[Comparison, float, int], bool]
"""Whether a comparison has a flag, by alpha and the size of its family."""


def _is_underpowered(item: Comparison, alpha: float, size: int) -> bool:
    return item.power < 0.8


def _is_out_of_reach(item: Comparison, alpha: float, size: int) -> bool:
    return item.test.has_p and size * item.least_p > alpha


def _has_dropped_seeds(item: Comparison, alpha: float, size: int) -> bool:
    return bool(item.dropped) and min(item.test.num_pairs) > 0


def _has_mixed_seeds(item: Comparison, alpha: float, size: int) -> bool:
    return bool(item.mixed)


class Flag(StrEnum):
    """A letter beside a comparison.

    Attributes:
        meaning: Sentence under the table, with places for `alpha` and the name of the `exact` test.
        holds: Rule that decides it.
    """

    meaning: str
    holds: Rule

    U = (
        "U",
        "power at the published Δ with the observed sd is below .8 (two-sided, {alpha}), so no star is no evidence of "
        "no effect",
        _is_underpowered,
    )
    P = ("P", "with so few seeds the exact {exact} cannot reach {alpha} after Holm", _is_out_of_reach)
    D = ("D", "seeds that only one of the two finished are left out", _has_dropped_seeds)
    M = ("M", "runs made by different commits or on different hardware are not compared", _has_mixed_seeds)

    def __new__(cls, letter: str, meaning: str, holds: Rule) -> "Flag":
        """Makes a letter that knows its meaning and its rule."""
        flag = str.__new__(cls, letter)
        flag._value_ = letter
        flag.meaning, flag.holds = meaning, holds
        return flag


def flags_of(item: Comparison, alpha: float, size: int) -> tuple[Flag, ...]:
    """Returns the flags of a comparison in a family of a planned size."""
    return tuple(flag for flag in Flag if flag.holds(item, alpha, size))
