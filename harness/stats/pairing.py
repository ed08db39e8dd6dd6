"""Paired and unpaired designs: runs of two arms matched by seed, compared as wholes, or held against a constant.

Which of them holds is planned and never chosen after a look: pairing keeps its level at any correlation between the
arms, loses a little power at none and gains from about .3 on.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

import numpy as np

from harness.stats.distributions import Array
from harness.stats.permutation_tests import exchange, sign_flip

Role = Literal["paired", "unpaired", "constant"]
"""What a run's seed means to the runs of other arms.

`paired`: runs of one seed belong together; `unpaired`: the seeds of this arm are its own; `constant`: one run stands
for the arm, as no seed changes it.
"""


class SeedKey(NamedTuple):
    """What decides with which runs of the other arm a run may be compared.

    Attributes:
        made_on: Commit and hardware of the run; empty where it is compared whatever made the other.
        role: What its seed means, the same for all runs of an arm.
    """

    seed: int
    made_on: str = ""
    role: Role = "paired"


Scores = Mapping[SeedKey, float]
"""Scores of one arm on one dataset; NaN and infinities count as missing."""


@dataclass(frozen=True)
class Arms:
    """A stratum whose arms are compared as wholes: seeds mean nothing across arms.

    Attributes:
        seeds: Seeds of the variant's runs, and those of the base's, in rising order; of a constant arm its one.
        variant: One score per run of the variant.
        base: One score per run of the base. A constant arm has its score as often as the other has runs.
        dropped: Seeds that only one arm finished; none where seeds do not pair.
        mixed: Seeds whose runs were made on something else than those of the other arm.
    """

    seeds: tuple[tuple[int, ...], tuple[int, ...]]
    variant: tuple[float, ...]
    base: tuple[float, ...]
    dropped: tuple[int, ...]
    mixed: tuple[int, ...]

    seed_test: ClassVar[str] = "Welch's t"
    exact_test: ClassVar[str] = "exchange of runs"

    @classmethod
    def suited(cls, roles: Collection[Role]) -> "Design":
        """Returns the design of arms of these roles: this one, unless one of them has no partners."""
        return Constant if "constant" in roles else Arms if "unpaired" in roles else cls

    @classmethod
    def of(cls, variant: Scores, base: Scores) -> "Arms":
        """Puts two arms together, by the design that suits them; never imputes."""
        design = cls.suited([key.role for key in (*variant, *base)])
        arms = _finite(variant), _finite(base)
        shared = design.shared(arms)
        kept = [arm if both and is_constant(arm) else both for arm, both in zip(arms, shared, strict=True)]
        left_out = [key.seed for arm, some in zip(arms, kept, strict=True) for key in arm.keys() - some.keys()]
        seeds = tuple(key.seed for key in kept[0]), tuple(key.seed for key in kept[1])
        one, other = (tuple(both.values()) for both in shared)
        return design(seeds, one, other, *design._parted(left_out, all(arms)))

    @staticmethod
    def _parted(left_out: Sequence[int], has_both: bool) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Parts the seeds of runs that were left out into dropped and mixed ones."""
        return (), tuple(sorted(set(left_out))) if has_both else ()

    @staticmethod
    def shared(arms: Sequence[Scores]) -> list[dict[SeedKey, float]]:
        """Returns the finite scores of several arms that can be compared with each other, sorted.

        Those are the runs that were made on one thing: the one that leaves most in the smallest arm. Runs without
        partners can only be compared as whole arms, and arms of different mixtures of hardware differ by that.
        """
        found = [_finite(arm) for arm in arms]
        kinds = sorted({key.made_on for arm in found for key in arm} - {""}) or [""]
        kept = [[{key: arm[key] for key in arm if key.made_on in (kind, "")} for arm in found] for kind in kinds]
        best = max(kept, key=lambda choice: min(map(len, choice)), default=found)
        return best if min(map(len, best)) else [{} for _ in found]

    @staticmethod
    def combined(samples: Sequence[Array]) -> tuple[Array, ...]:
        """Returns independent samples whose means add up to the sum of the means of some arms."""
        return tuple(samples)

    @staticmethod
    def exact_p(strata: "Sequence[Arms]") -> float:
        """Returns the two-sided p of the exact test of no mean difference over some strata."""
        return exchange([(one.variant, one.base) for one in strata])

    @staticmethod
    def num_patterns(num_variant: int, num_base: int) -> int:
        """Returns the number of outcomes that the exact test of arms of these sizes looks at."""
        return math.comb(num_variant + num_base, num_base)

    @property
    def samples(self) -> tuple[Array, ...]:
        """Independent samples whose means add up to the mean difference."""
        return self.combined([np.asarray(self.variant, dtype=float), -np.asarray(self.base, dtype=float)])

    @property
    def differences(self) -> dict[int, float]:
        """Variant minus base by seed; empty where seeds do not pair."""
        return {}

    @property
    def size(self) -> int:
        """Number of pairs, or of runs of the smaller arm."""
        return min(len(self.variant), len(self.base))


class Pairs(Arms):
    """A stratum whose runs of one seed belong together, if they were made on the same thing."""

    seed_test = "paired t"
    exact_test = "sign flip"

    @staticmethod
    def _parted(left_out: Sequence[int], has_both: bool) -> tuple[tuple[int, ...], tuple[int, ...]]:
        # A seed that both arms finished and that does not pair was made on two things.
        alone = sorted(set(left_out))
        dropped = tuple(seed for seed in alone if left_out.count(seed) == 1)
        return dropped, tuple(seed for seed in alone if seed not in dropped)

    @staticmethod
    def shared(arms: Sequence[Scores]) -> list[dict[SeedKey, float]]:
        found = [_finite(arm) for arm in arms]
        keys = [key for key in found[0] if all(key in arm for arm in found)]
        return [{key: arm[key] for key in keys} for arm in found]

    @staticmethod
    def combined(samples: Sequence[Array]) -> tuple[Array, ...]:
        return (np.sum(samples, axis=0),)

    @staticmethod
    def exact_p(strata: Sequence[Arms]) -> float:
        return sign_flip([one.samples[0] for one in strata])

    @staticmethod
    def num_patterns(num_variant: int, num_base: int) -> int:
        return int(2**num_variant)

    @property
    def differences(self) -> dict[int, float]:
        return dict(zip(self.seeds[0], self.samples[0].tolist(), strict=True))


class Constant(Pairs):
    """A stratum with an arm that no seed changes: the other arm's runs are held against its one score.

    Where both are such arms there is one pair, and nothing to be learnt from seeds.
    """

    seed_test = "one-sample t"

    @staticmethod
    def _parted(left_out: Sequence[int], has_both: bool) -> tuple[tuple[int, ...], tuple[int, ...]]:
        return (), ()

    @staticmethod
    def shared(arms: Sequence[Scores]) -> list[dict[SeedKey, float]]:
        found = [_finite(arm) for arm in arms]
        if not all(found):
            return [{} for _ in found]
        keys = Pairs.shared([arm for arm in found if not is_constant(arm)] or found[:1])[0]
        return [
            dict.fromkeys(keys, next(iter(arm.values()))) if is_constant(arm) else {k: arm[k] for k in keys}
            for arm in found
        ]

    @property
    def differences(self) -> dict[int, float]:
        own = max(self.seeds, key=lambda seeds: len(seeds))
        return dict(zip(own, self.samples[0].tolist(), strict=True))


Design = type[Arms]
"""`Pairs`, `Arms` where seeds do not pair, or `Constant` where no seed changes an arm."""


def is_constant(arm: Scores) -> bool:
    """Returns whether an arm is the one run of what no seed changes."""
    return any(key.role == "constant" for key in arm)


def least_p(strata: Sequence[Arms]) -> float:
    """Returns the least two-sided p that the exact test of runs of these numbers can give.

    Arms of unequal sizes have an extreme pattern on one side only.
    """
    sizes = [(len(one.variant), len(one.base)) for one in strata]
    patterns = math.prod(one.num_patterns(*both) for one, both in zip(strata, sizes, strict=True))
    return min(1.0, (2 if all(n == m for n, m in sizes) else 1) / patterns)


def _finite(arm: Scores) -> dict[SeedKey, float]:
    return {key: arm[key] for key in sorted(arm) if math.isfinite(arm[key])}
