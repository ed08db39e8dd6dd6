"""Planned comparisons of a sweep: columns, families, design, and the least p that the seeds can reach."""

from dataclasses import dataclass

from harness.config.schema import SweepFile
from harness.core.metric_names import Headline
from harness.stats.multiple_testing import LEAST_PAIRS, least_reachable_p, seeds_to_reach, star_levels
from harness.stats.pairing import Arms, Design, Pairs

FAMILIES = {"averages": "A", "datasets": "B"}
"""Families of tests that are corrected together, with the letters that reports and plans give them."""


@dataclass(frozen=True)
class Column:
    """A metric on one dataset, or its average over several; `title` is its heading."""

    title: str
    metric: Headline
    datasets: tuple[str, ...]

    @property
    def average(self) -> bool:
        """Whether it spans several datasets."""
        return len(self.datasets) > 1

    @property
    def family(self) -> str:
        """The family that comparisons in this column are corrected in."""
        return "averages" if self.average else "datasets"


def num_comparisons(sweep: SweepFile) -> dict[str, int]:
    """Returns the planned sizes of the families."""
    base = sweep.statistics.base
    variants = [
        sum(merge != base for merge in sweep.merges_of(model))
        for model, entry in sweep.models.items()
        if not entry.control and base in sweep.merges_of(model)
    ]
    tests = sum(variants) * len(sweep.statistics.star_metrics)
    num_datasets = len(sweep.datasets)
    return {"averages": tests if num_datasets > 1 else 0, "datasets": tests * num_datasets}


def why_no_comparisons(sweep: SweepFile) -> str:
    """Returns why a sweep compares nothing; empty where it does."""
    base = sweep.statistics.base
    if any(num_comparisons(sweep).values()):
        return ""
    merges = {merge for _, merge in sweep.rows}
    if base not in merges:
        return f"No comparisons: the base merge {base!r} is not among the sweep's merges."
    if len(merges) == 1:
        return f"No comparisons: there is no merge but the base merge {base!r}."
    if all(one.control for one in sweep.models.values()):
        return "No comparisons: every model is a control."
    return f"No comparisons: no model that is not a control has the base merge {base!r} and another."


def design_of(sweep: SweepFile) -> Design:
    """Returns how the runs of a variant and of its base go together."""
    return Pairs if sweep.statistics.paired else Arms


def reachable(sweep: SweepFile, family: str) -> tuple[float, int]:
    """Returns the least p of the exact test after Holm over the planned seeds, and how many seeds reach alpha."""
    size, strata, design = _exact_design(sweep, family)
    needed = seeds_to_reach(sweep.statistics.alpha, size, strata, design)
    return least_reachable_p(len(sweep.seeds), size, strata, design), max(needed, 2)


def seeds_for_full_stars(sweep: SweepFile, family: str) -> list[int]:
    """Returns the seeds at which the exact test can confirm one, two and three stars after Holm over a family."""
    return [
        max(LEAST_PAIRS, seeds_to_reach(level, *_exact_design(sweep, family)))
        for level in star_levels(sweep.statistics.alpha)
    ]


def _exact_design(sweep: SweepFile, family: str) -> tuple[int, int, Design]:
    """Returns the size of a family, the strata of each of its comparisons, and the design of the runs."""
    # The exact test of an average treats every dataset's seeds on their own.
    strata = len(sweep.datasets) if family == "averages" else 1
    return num_comparisons(sweep)[family], strata, design_of(sweep)


def seed_test(sweep: SweepFile) -> str:
    """Returns the name of the t test that makes the stars of single datasets."""
    return design_of(sweep).seed_test


def exact_test(sweep: SweepFile) -> str:
    """Returns the name of the exact test that makes stars full."""
    return design_of(sweep).exact_test
