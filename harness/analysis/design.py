"""What a sweep compares, at which level, and what its seeds can reach: known before anything has run."""

from harness.config.schema import SweepFile
from harness.stats.multiple_testing import least_reachable_p, seeds_to_reach


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
    return {"A": tests if num_datasets > 1 else 0, "B": tests * num_datasets}


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


def reachable(sweep: SweepFile, family: str) -> tuple[float, int]:
    """Returns the least corrected p of the exact test over the planned seeds, and how many seeds reach the level."""
    # The exact test of an average treats every dataset's seeds on their own.
    strata = len(sweep.datasets) if family == "A" else 1
    size, paired = num_comparisons(sweep)[family], sweep.statistics.paired
    needed = seeds_to_reach(sweep.statistics.alpha, size, strata, paired)
    return least_reachable_p(len(sweep.seeds), size, strata, paired), max(needed, 2)


def seed_test(sweep: SweepFile) -> str:
    """Returns the name of the t test that makes the stars of single datasets."""
    return "paired t" if sweep.statistics.paired else "Welch's t"


def exact_test(sweep: SweepFile) -> str:
    """Returns the name of the exact test that stands beside the t test."""
    return "sign flip" if sweep.statistics.paired else "exchange of runs"
