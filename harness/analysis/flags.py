"""Flags of comparisons: letters for what a reader should know before believing a number."""

from collections.abc import Callable
from enum import StrEnum

from harness.analysis.comparison import Comparison

Rule = Callable[[Comparison, float, float], bool]


class Flag(StrEnum):
    """A letter beside a comparison.

    Attributes:
        meaning: Sentence under the table, with places for `alpha` and the name of the `exact` test.
        holds: Rule that decides it, by the comparison, alpha and the least p of the exact test after Holm.
    """

    meaning: str
    holds: Rule

    U = (
        "U",
        "power at the published Δ with the upper 80 % limit of the observed sd is below .8 (two-sided, {alpha}), so no "
        "star is no evidence of no effect",
        lambda item, alpha, least_p: item.power < 0.8,
    )
    P = (
        "P",
        "with so few seeds the exact {exact} cannot reach {alpha} after Holm",
        lambda item, alpha, least_p: item.test.has_p and least_p >= alpha,
    )
    D = (
        "D",
        "seeds that only one of the two finished are left out",
        lambda item, alpha, least_p: bool(item.dropped) and min(item.test.num_pairs) > 0,
    )
    M = (
        "M",
        "runs made by different commits or on different hardware are not compared",
        lambda item, alpha, least_p: bool(item.mixed),
    )

    def __new__(cls, letter: str, meaning: str, holds: Rule) -> "Flag":
        """Makes a letter that knows its meaning and its rule."""
        flag = str.__new__(cls, letter)
        flag._value_ = letter
        flag.meaning, flag.holds = meaning, holds
        return flag


def flags_of(item: Comparison, alpha: float, least_p: float) -> tuple[Flag, ...]:
    """Returns the flags of a comparison, whose exact test reaches `least_p` after Holm over its family at best."""
    return tuple(flag for flag in Flag if flag.holds(item, alpha, least_p))
