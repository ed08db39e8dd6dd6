"""Power analysis of a sweep before it runs: detectable differences, seeds needed, cost.

    python -m harness.plan sweeps/table1.yaml --sd 0.3 --hours 2
    python -m harness.plan sweeps/table1.yaml            # sd and hours from the trials that are finished already

The standard deviation is that of the difference between two rows over seeds. A pilot's own is too small
in about half of all studies, so the plan uses its upper 80 % limit. Every difference is tested two-sided by the paired
t test, or Welch's where seeds do not pair (averages: the stratified one), at alpha and at the first step of Holm, which
is alpha / size of the family. What is recommended, and what is counted as detectable, holds after Holm.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.analysis.design import (
    FAMILIES,
    NO_SEEDS,
    design_of,
    exact_test,
    has_seeds,
    num_comparisons,
    reachable,
    seeds_for_full_stars,
    why_no_comparisons,
)
from harness.analysis.findings import Comparison, Findings
from harness.analysis.summarise import find
from harness.config.schema import SweepFile
from harness.core.errors import ConfigError
from harness.reporting.collect import collect
from harness.reporting.cost import cost
from harness.reporting.notation import points
from harness.stats import power
from harness.stats.multiple_testing import LEAST_PAIRS
from harness.stats.pairing import Pairs
from harness.trials.plan import Plan

MOST_SEEDS = 30
"""Cap of the recommended number of seeds."""
SPARE_SEEDS = 1
"""Seeds on top of the least number: every row of a model loses a pair with one lost base run."""
_WANTED = 0.8


@dataclass(frozen=True)
class Target:
    """A comparison to be planned.

    Attributes:
        name: Row and column.
        published: Published difference, None where there is none to be found.
        sd: Standard deviation to plan with; of an average over K datasets, sqrt(sum of variances) / K.
        family: Family of tests in which the comparison is corrected.
        shares: How the variance is shared between independent samples of runs.
        levels: Levels of the test: alpha, and the first step of Holm.
    """

    name: str
    published: float | None
    sd: float
    family: str
    shares: power.Shares
    levels: tuple[float, float]

    def detectable(self, num_seeds: int) -> list[float]:
        """Returns the least difference that is found with the wanted power, at both levels."""
        return [power.detectable(self.sd, num_seeds, at, _WANTED, self.shares) for at in self.levels]

    def power(self, difference: float, num_seeds: int) -> list[float]:
        """Returns the power at a difference, at both levels."""
        return [power.power(difference, self.sd, num_seeds, at, self.shares) for at in self.levels]

    def seeds_needed(self, difference: float) -> list[int | None]:
        """Returns the seeds that find a difference with the wanted power, at both levels; None where too many."""
        return [power.seeds_needed(difference, self.sd, at, _WANTED, self.shares) for at in self.levels]


def targets(findings: Findings, sd: float | None) -> list[Target]:
    """Returns the comparisons to be planned.

    Args:
        findings: Findings of the pilot, which need not have run; its sweep file says what is compared.
        sd: Standard deviation of the difference on every single dataset, in place of the pilot's.

    Raises:
        ConfigError: If there is neither a pilot nor an `sd`.
    """
    rule, sizes = findings.sweep.statistics, num_comparisons(findings.sweep)
    single = {(one.contrast, one.column.metric, one.column.datasets): one for one in findings.comparisons}
    found = []
    for item in findings.comparisons:
        if not has_seeds(findings.sweep, item.contrast):
            continue
        parts = [single[item.contrast, item.column.metric, (dataset,)] for dataset in item.column.datasets]
        deviations = [_planned_sd(part) if sd is None else sd for part in parts]
        spread = math.sqrt(sum(value**2 for value in deviations)) / len(parts)
        name = f"{item.title}, {item.column.title}"
        if math.isnan(spread):
            why = next(_why_no_sd(part) for part in parts if math.isnan(_planned_sd(part)))
            raise ConfigError(
                f"There is no spread to plan with for {name}: {why}. Give the standard deviation of the differences "
                "over seeds by --sd (0.3 points is common), or run a pilot: the sweep itself with --filter seed=1 and "
                "so on."
            )
        levels = (rule.alpha, rule.alpha / sizes[item.column.family])
        num_samples = 1 if issubclass(design_of(findings.sweep, item.contrast), Pairs) else 2
        shares = tuple(value**2 for value in deviations for _ in range(num_samples))
        found.append(Target(name, item.comparable, spread, item.column.family, shares, levels))
    return found


def _planned_sd(item: Comparison) -> float:
    return power.upper_sd(item.test.sd, item.test.num_pairs[0]) if item.test.status == "tested" else math.nan


def _why_no_sd(item: Comparison) -> str:
    place = f"on {item.column.title} "
    if item.test.status == "identical":
        return f"{place}every finished seed of both rows scores the same"
    if item.obstacle and item.test.status in ("degenerate", "one seed"):
        return f"{place}{item.obstacle}"
    return f"a pilot needs {power.LEAST_PILOT} finished seeds of both of its rows"


def describe(plan: Plan, sd: float | None = None, hours: float | None = None) -> str:
    """Returns what the planned seeds detect, how many seeds are recommended, and what they cost.

    Args:
        plan: Plan of the whole sweep.
        sd: Standard deviation, as in `targets`.
        hours: GPU hours of one trial; by default the mean of the finished ones.
    """
    sweep = plan.sweep
    if why := why_no_comparisons(sweep):
        return why
    chosen = targets(find(*collect(plan, is_interim=True)), sd)
    if not chosen:
        return NO_SEEDS
    source = f"{sd:g} points on every dataset" if sd is not None else "the upper 80 % limit of the finished trials' own"
    lines = [f"Standard deviation of a difference over seeds: {source}. Planned seeds: {len(sweep.seeds)}.", ""]
    lines += [*_table(sweep, chosen), "", *_families(sweep), ""]
    families = [family for family in FAMILIES if any(one.family == family for one in chosen)]
    least = {family: _least_seeds(sweep, family, chosen) for family in families}
    recommended = min(least[families[0]] + SPARE_SEEDS, MOST_SEEDS)
    lines += [*_recommendation(sweep, least, recommended), *_published(sweep, chosen, recommended)]
    lines += cost(plan, hours, recommended)
    return "\n".join(lines)


def _least_seeds(sweep: SweepFile, family: str, chosen: Sequence[Target]) -> int:
    """Returns the seeds at which every comparison of a family has the wanted power, and can have a full star."""
    inside = [one for one in chosen if one.family == family]
    wanted = [max(sweep.statistics.smallest_effect, abs(one.published or 0.0)) for one in inside]
    needed = [one.seeds_needed(size)[1] or power.MOST_PAIRS for one, size in zip(inside, wanted, strict=True)]
    return max(seeds_for_full_stars(sweep, family)[0], *needed)


def _table(sweep: SweepFile, chosen: Sequence[Target]) -> Iterator[str]:
    alike: dict[str, list[str]] = {}
    for one in chosen:
        alike.setdefault(_numbers(one, len(sweep.seeds)), []).append(one.name)
    titles = {
        numbers: first + (f" and {len(others)} alike" if others else "") for numbers, (first, *others) in alike.items()
    }
    width = max(38, *(len(title) + 2 for title in titles.values()))
    yield f"{'comparison':<{width}}    sd  detects   corrected  published  power   corrected  seeds   corrected"
    for numbers, title in titles.items():
        yield f"{title:<{width}}{numbers}"
    yield (
        f"detects: least difference found with {_WANTED:.0%} power at {sweep.statistics.alpha:.3g}; power: that of "
        "finding the published difference; seeds: number that finds it with "
        f"{_WANTED:.0%} power; corrected: the same at the first step of Holm."
    )


def _numbers(one: Target, num_seeds: int) -> str:
    least, corrected = map(points, one.detectable(num_seeds))
    row = f"{one.sd:>6.2f}{least:>9}{corrected:>12}"
    if one.published:
        chance, strict = map(points, one.power(one.published, num_seeds))
        few, many = (str(needed or f">{power.MOST_PAIRS}") for needed in one.seeds_needed(one.published))
        row += f"{one.published:>+11.2f}{chance:>7}{strict:>12}{few:>7}{many:>12}"
    return row


def _families(sweep: SweepFile) -> Iterator[str]:
    for family, size in num_comparisons(sweep).items():
        if size:
            least, needed = reachable(sweep, family)
            yield (
                f"Family {FAMILIES[family]} ({size} tests): the least p of the exact {exact_test(sweep)} after Holm is "
                f"{least:.2g} with {len(sweep.seeds)} seeds; {needed} seeds reach {sweep.statistics.alpha:.3g}."
            )


_MEMBERS = {"averages": "averages", "datasets": "comparisons on single datasets"}


def _recommendation(sweep: SweepFile, least: Mapping[str, int], recommended: int) -> Iterator[str]:
    primary, *others = least
    aim = (
        f"all {_MEMBERS[primary]} find a difference of {sweep.statistics.smallest_effect:g} points, or the published "
        f"one where it is larger, with {_WANTED:.0%} power after Holm, and the exact {exact_test(sweep)} can confirm "
        f"a star ({sweep.statistics.alpha:.3g})"
    )
    is_base = sweep.comparing.rule == "base"
    lost, from_what = ("base run", "row of its model") if is_base else ("run", "comparison of its row")
    start = f"Recommended: {recommended} seeds (planned: {len(sweep.seeds)})"
    if recommended < least[primary] + SPARE_SEEDS:
        yield f"{start}, which is the cap. It takes {_number(least[primary])} until {aim}."
    else:
        yield f"{start}, of which {SPARE_SEEDS} is to spare. With {least[primary]} {aim}."
    yield (
        f"{SPARE_SEEDS} is to spare because a lost {lost} takes a pair from every {from_what}; below "
        f"{LEAST_PAIRS} pairs a row has no star at all."
    )
    for family in others:
        yield f"All {_MEMBERS[family]} take {_number(least[family])} for the same, and {SPARE_SEEDS} to spare."


def _number(seeds: int) -> str:
    return f"{power.MOST_PAIRS} or more" if seeds >= power.MOST_PAIRS else str(seeds)


def _published(sweep: SweepFile, chosen: Sequence[Target], recommended: int) -> Iterator[str]:
    """Counts the published differences that can be found with the planned and with the recommended seeds."""
    published = [one for one in chosen if one.published]
    if not published:
        return
    yield f"Published differences that are detectable, with {_WANTED:.0%} power after Holm:"
    for what, seeds in (("planned", len(sweep.seeds)), ("recommended", recommended)):
        num = sum(one.power(one.published or 0.0, seeds)[1] >= _WANTED for one in published)
        yield f"  {what} {seeds} seeds: {num} of {len(published)}; {len(published) - num} stay undetectable"
    yield "Where a difference stays undetectable, no star will not mean no effect."
