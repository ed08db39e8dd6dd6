"""What a sweep compares, and what its seeds can reach: known before anything has run."""

from harness.config import SweepFile
from harness.stats.families import least_reachable_p, pairs_to_reach


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
    sizes = {"A": tests if num_datasets > 1 else 0, "B": tests * num_datasets}
    return sizes if sweep.statistics.families == "two" else {"AB": sum(sizes.values())}


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
    what = "every model is a control" if all(one.control for one in sweep.models.values()) else "no model has both"
    return f"No comparisons: {what}."


def corrected_size(sweep: SweepFile, family: str) -> int:
    """Returns the factor on the least p that a family can have: its size under Holm.

    Benjamini-Hochberg multiplies by size / rank, which is 1 where all tests are at their least.
    """
    return num_comparisons(sweep)[family] if sweep.statistics.correction == "holm" else 1


def reachable(sweep: SweepFile, family: str) -> tuple[float, int]:
    """Returns the least corrected p of the exact sign flip over the planned seeds, and how many seeds reach alpha."""
    # The sign flip of an average flips every dataset's seeds on their own.
    strata = len(sweep.datasets) if family == "A" else 1
    size = corrected_size(sweep, family)
    needed = pairs_to_reach(sweep.statistics.alpha, size)
    return least_reachable_p(strata * len(sweep.seeds), size), max(-(-needed // strata), 2)
