"""What a sweep can show, asked before any GPU hour is spent.

    python -m harness.plan sweeps/table1.yaml --sd 0.3 --hours 2
    python -m harness.plan sweeps/table1.yaml            # sd and hours of the trials that are finished already

The standard deviation is of the difference between a variant and its base over seeds. A pilot's own is too small
in about half of all studies, so its upper 80 % limit is planned with. Every difference is tested two-sided by the
paired t test, or Welch's where seeds do not pair (averages: the stratified one); the first step of the correction over
the planned family is the level.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.analysis.design import exact_test, num_comparisons, reachable, why_no_comparisons
from harness.analysis.findings import Comparison, Findings
from harness.config.schema import SweepFile
from harness.core.errors import ConfigError
from harness.reporting.collect import collect
from harness.reporting.number_formats import points
from harness.stats.multiple_testing import LEAST_PAIRS
from harness.stats.power import MOST_PAIRS, detectable, power, seeds_needed, upper_sd
from harness.trials.plan import Plan, by_identity

LEAST_PILOT = 3
"""Pairs of a comparison from which its spread is taken; fewer say next to nothing."""
MOST_SEEDS = 30
"""Where a recommended number of seeds is capped."""
_WANTED = 0.8


@dataclass(frozen=True)
class Target:
    """A comparison to be planned.

    Attributes:
        name: Row and column.
        family: That it is corrected in.
        published: Difference of the literature, or None where there is none to be found.
        sd: To plan with; of an average, sqrt(sum of variances) / K.
        average: Whether it is one over datasets.
        num_samples: Of independent runs behind it: its degrees of freedom are so many times n - 1.
    """

    name: str
    family: str
    published: float | None
    sd: float
    average: bool
    num_samples: int


def targets(findings: Findings, sd: float | None) -> list[Target]:
    """Returns what is to be planned.

    Args:
        findings: Of the pilot; its plan says what is compared.
        sd: Of every single dataset's difference, in place of the pilot's.

    Raises:
        ConfigError: Where neither is there.
    """
    single = {(one.model, one.merge, one.column.metric, one.column.datasets): one for one in findings.comparisons}
    found = []
    for item in findings.comparisons:
        parts = [single[item.model, item.merge, item.column.metric, (dataset,)] for dataset in item.column.datasets]
        deviations = [_planned_sd(part) if sd is None else sd for part in parts]
        spread = math.sqrt(sum(value**2 for value in deviations)) / len(parts)
        if math.isnan(spread):
            why = next(_why_no_sd(part) for part in parts if math.isnan(_planned_sd(part)))
            raise ConfigError(
                f"There is no spread to plan with for {item.title}, {item.column.title}: {why}. Give the standard "
                "deviation of the differences over seeds by --sd (0.3 points is common), or run a pilot: the sweep "
                "itself with --filter seed=1 and so on."
            )
        name, average = f"{item.title}, {item.column.title}", item.column.average
        num_samples = len(parts) * (1 if findings.sweep.statistics.paired else 2)
        found.append(Target(name, item.family, item.comparable, spread, average, num_samples))
    return found


def _planned_sd(item: Comparison) -> float:
    enough = item.test.status == "tested" and item.test.num_pairs[0] >= LEAST_PILOT
    return upper_sd(item.test.sd, item.test.num_pairs[0]) if enough else math.nan


def _why_no_sd(item: Comparison) -> str:
    place = f"on {item.column.title} "
    if item.test.status == "identical":
        return f"{place}every finished seed scores the same as its base"
    if item.obstacle and item.test.status in ("degenerate", "one seed"):
        return f"{place}{item.obstacle}"
    return f"a pilot needs {LEAST_PILOT} finished seeds of both of its merges"


def describe(plan: Plan, sd: float | None = None, hours: float | None = None) -> str:
    """Returns what the planned seeds detect, what more would need, and what it costs.

    Args:
        plan: The whole sweep.
        sd: As in `targets`.
        hours: GPU hours of one trial; by default those of finished ones.
    """
    sweep = plan.sweep
    if why := why_no_comparisons(sweep):
        return why
    findings = collect(plan, is_interim=True)
    chosen = targets(findings, sd)
    sizes = {family: size for family, size in num_comparisons(sweep).items() if size}
    source = f"{sd:g} points on every dataset" if sd is not None else "the upper 80 % limit of the finished trials' own"
    lines = [f"Standard deviation of a difference over seeds: {source}. Planned seeds: {len(sweep.seeds)}.", ""]
    lines += [*_table(sweep, chosen, sizes), ""]
    lines += [*_families(sweep, sizes), ""]
    needed = _seeds_for(sweep, chosen, sizes)
    recommended = min(needed, MOST_SEEDS)
    lines += _recommendation(sweep, chosen, needed, recommended)
    lines += _cost(plan, hours, recommended)
    return "\n".join(lines)


def _table(sweep: SweepFile, chosen: Sequence[Target], sizes: dict[str, int]) -> Iterator[str]:
    num_seeds, alpha = len(sweep.seeds), sweep.statistics.alpha
    head = ("comparison", "sd", "detects", "corrected", "published", "power", "seeds", "corrected")
    yield f"{head[0]:<38}{head[1]:>6}{head[2]:>9}{head[3]:>12}{head[4]:>11}{head[5]:>7}{head[6]:>7}{head[7]:>12}"
    for one in chosen:
        strict = alpha / sizes[one.family]
        least = [detectable(one.sd, num_seeds, at, _WANTED, one.num_samples) for at in (alpha, strict)]
        row = f"{one.name:<38}{one.sd:>6.2f}{points(least[0]):>9}{points(least[1]):>12}"
        if one.published:
            needed = [seeds_needed(one.published, one.sd, at, _WANTED, one.num_samples) for at in (alpha, strict)]
            chance = power(one.published, one.sd, num_seeds, alpha, one.num_samples)
            row += f"{one.published:>+11.2f}{points(chance):>7}{_seeds(needed[0]):>7}{_seeds(needed[1]):>12}"
        yield row.rstrip()
    yield (
        f"detects: least difference found with {_WANTED:.0%} power at {alpha:.3g}, and corrected, at the first step of "
        "Holm; seeds: for the published difference, likewise."
    )


def _seeds(needed: int | None) -> str:
    return f">{MOST_PAIRS}" if needed is None else str(needed)


def _families(sweep: SweepFile, sizes: dict[str, int]) -> Iterator[str]:
    for family, size in sizes.items():
        least, needed = reachable(sweep, family)
        yield (
            f"Family {family} ({size} tests): the least p of the exact {exact_test(sweep)} after Holm is {least:.2g} "
            f"with {len(sweep.seeds)} seeds; {needed} seeds reach {sweep.statistics.alpha:.3g}."
        )


def _primary(chosen: Sequence[Target]) -> list[Target]:
    """Returns the averages, or where there are none all comparisons."""
    return [one for one in chosen if one.average] or list(chosen)


def _seeds_for(sweep: SweepFile, chosen: Sequence[Target], sizes: dict[str, int]) -> int:
    """Returns the seeds with which all primary comparisons find what is wanted of them."""
    wanted = {one: max(sweep.statistics.smallest_effect, abs(one.published or 0.0)) for one in _primary(chosen)}
    needed = [
        seeds_needed(size, one.sd, sweep.statistics.alpha / sizes[one.family], _WANTED, one.num_samples) or MOST_PAIRS
        for one, size in wanted.items()
    ]
    return max(LEAST_PAIRS, *needed)


def _recommendation(sweep: SweepFile, chosen: Sequence[Target], needed: int, seeds: int) -> Iterator[str]:
    rule = sweep.statistics
    what = "averages" if _primary(chosen)[0].average else "comparisons"
    yield (
        f"Recommended: {seeds} seeds (planned: {len(sweep.seeds)}), so that all {what} find a difference of "
        f"{rule.smallest_effect:g} points, or the published one where it is larger, with {_WANTED:.0%} power "
        f"after Holm{f'; capped, {needed} would be needed' if needed > seeds else ''}."
    )
    chances = {one: power(one.published, one.sd, seeds, rule.alpha, one.num_samples) for one in chosen if one.published}
    weak = [one for one, chance in chances.items() if chance < _WANTED]
    if weak:
        yield (
            f"Even then {len(weak)} of {len(chances)} published differences stay undetectable (power below "
            f"{_WANTED:.0%} uncorrected); no star will not mean no effect."
        )


def _cost(plan: Plan, hours: float | None, recommended: int) -> Iterator[str]:
    trials, seeds = by_identity(plan.trials).values(), len(plan.sweep.seeds)
    num = len(trials) // seeds
    measured = plan.seconds_left(1)
    left = sum(one.state == "new" for one in trials)
    seconds = [one.record.seconds for one in trials if one.record]
    if hours is not None:
        each, source = hours, "as given"
    elif seconds:
        each, source = sum(seconds) / len(seconds) / 3600, "mean of finished trials"
    else:
        yield "Cost: no finished trial to go by; give the hours of one trial by --hours."
        return
    to_go = left * each if hours is not None else (measured or 0.0) / 3600
    yield (
        f"Cost: {num} trials a seed, {each:.3g} hours each ({source}): {num * each:.3g} hours a seed, "
        f"{num * seeds * each:.3g} hours for all {seeds}, {to_go:.3g} hours of it to go; "
        f"{num * recommended * each:.3g} hours for the recommended {recommended}."
    )
