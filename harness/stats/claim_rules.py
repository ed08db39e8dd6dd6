"""Rules by which a claim is judged: direction, no gain, equivalence band, best of a group, conjunction.

A claim is a conjunction of parts. It is supported only where every part is, which needs no correction
(Berger 1982, Multiparameter hypothesis testing and acceptance sampling: the intersection-union test); it is not
supported where a part is contradicted after Holm over the parts, whatever their rule, or where all parts fail; else it
is open.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.stats.estimate import Estimate
from harness.stats.multiple_testing import BEST_LEVEL, holm

PartVerdict = Literal["supported", "contradicted", "negligible", "inconclusive", "not tested", "not comparable"]
Verdict = Literal["supported", "not supported", "inconclusive", "not tested"]
_ONE_SIDED = 0.025


@dataclass(frozen=True)
class Judged:
    """One part of a claim.

    Attributes:
        verdict: `negligible` where a claimed change is smaller than what anyone would care for; `not comparable`,
            set by a caller who knows that the claim is of something else.
        p: One-sided p of the contradiction, which is one below `level`; NaN where nothing was tested.
        level: Level of the rule.
    """

    verdict: PartVerdict
    p: float = math.nan
    level: float = _ONE_SIDED


_OPEN = Judged("not tested")


def direction(found: Estimate | None, sign: int, smallest: float) -> Judged:
    """Judges a claimed rise (sign 1) or fall (-1) by the 95 % interval, and by the 90 % one against +-smallest."""
    if found is None:
        return _OPEN
    low, high = found.interval()
    p = found.p_below() if sign > 0 else found.p_above()
    if low > 0 or high < 0:
        return Judged("supported" if (low > 0) == (sign > 0) else "contradicted", p)
    return Judged("negligible" if found.p_equivalent(-smallest, smallest) < 0.05 else "inconclusive", p)


def no_gain(found: Estimate | None, smallest: float) -> Judged:
    """Judges a claim that nothing is gained: contradicted above 0, supported surely below the smallest gain."""
    if found is None:
        return _OPEN
    if found.interval()[0] > 0:
        return Judged("contradicted", found.p_above())
    return Judged("supported" if found.p_below(smallest) < 0.05 else "inconclusive", found.p_above())


def within(found: Estimate | None, low: float, high: float) -> Judged:
    """Judges a claim that a value lies in a band: the 90 % interval inside, or the 95 % interval outside."""
    if found is None:
        return _OPEN
    p = min(found.p_above(high), found.p_below(low))
    if p < _ONE_SIDED:
        return Judged("contradicted", p)
    return Judged("supported" if found.p_equivalent(low, high) < 0.05 else "inconclusive", p)


def best(p_not_best: Mapping[str, float], member: str) -> Judged:
    """Judges a claim that a member is the best of its group by the confidence set of the best.

    Args:
        p_not_best: p of the hypothesis that a member is the best, by member: see `multiple_testing.p_not_best`.
        member: Member that is claimed to be the best.
    """
    p = p_not_best[member]
    if p < BEST_LEVEL:
        return Judged("contradicted", p, BEST_LEVEL)
    is_alone = all(other < BEST_LEVEL for name, other in p_not_best.items() if name != member)
    return Judged("supported" if is_alone else "inconclusive", p, BEST_LEVEL)


def conjunction(parts: Sequence[Judged]) -> Verdict:
    """Judges a claim by its parts."""
    assert parts, "a claim without parts would be supported by nothing"
    verdicts = [part.verdict for part in parts]
    if all(verdict == "supported" for verdict in verdicts):
        return "supported"
    adjusted = holm([part.p for part in parts], len(parts))
    for part, p in zip(parts, adjusted, strict=True):
        if part.verdict == "contradicted" and p < part.level:
            return "not supported"
    if all(verdict in ("contradicted", "negligible") for verdict in verdicts):
        return "not supported"
    return "not tested" if all(verdict == "not tested" for verdict in verdicts) else "inconclusive"
