"""Planned comparisons of a sweep: contrasts, columns, families, design, and the least p that the seeds can reach."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

from harness.config.schema import SweepFile
from harness.core.metric_names import Headline
from harness.stats.multiple_testing import LEAST_PAIRS, least_reachable_p, seeds_to_reach, star_levels
from harness.stats.pairing import Arms, Design, Pairs, Role

FAMILIES = {"averages": "A", "datasets": "B"}
"""Families of tests that are corrected together, with the letters that reports and plans give them."""
MOST_PAIRS_LISTED = 15
"""Number of pairs, those of six rows, up to which all pairs are listed."""


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


class RowKey(NamedTuple):
    """What tells the rows of a table apart."""

    model: str
    merge: str

    def __str__(self) -> str:
        """Its name in sweep files, CSV and MLflow."""
        return "/".join(self)


class Contrast(NamedTuple):
    """A row and the one that it is compared with: a positive difference says that the first scores higher."""

    row: RowKey
    against: RowKey


def planned_contrasts(sweep: SweepFile) -> list[Contrast]:
    """Returns everything that is tested and corrected for: what `compare` stands for, then the single contrasts.

    Two rows that both of them name are compared once, in the single contrast's order.
    """
    single = [Contrast(*(RowKey(*sweep.named_rows[name]) for name in pair)) for pair in sweep.contrasts]
    named = {frozenset(contrast) for contrast in single}
    rows = compared_rows(sweep)
    if sweep.comparing.rule == "pairs":
        # The later one against the earlier one, as a base model stands above its variants.
        found = [Contrast(later, earlier) for earlier, later in combinations(rows, 2)]
    else:
        found = list(_against_references(sweep, rows))
    return [contrast for contrast in found if frozenset(contrast) not in named] + single


def listed_contrasts(sweep: SweepFile) -> list[Contrast]:
    """Returns the planned contrasts that are shown one by one: all but those of many pairs, which have matrices."""
    found, single = planned_contrasts(sweep), len(sweep.contrasts)
    is_long = sweep.comparing.rule == "pairs" and len(found) - single > MOST_PAIRS_LISTED
    return found[len(found) - single :] if is_long else found


def control_contrasts(sweep: SweepFile) -> list[Contrast]:
    """Returns what is shown of the controls, and not corrected: each against its reference."""
    controls = (RowKey(*row) for row in sweep.rows if sweep.models[row[0]].control)
    planned = {frozenset(contrast) for contrast in planned_contrasts(sweep)}
    return [one for one in _against_references(sweep, controls) if frozenset(one) not in planned]


def _against_references(sweep: SweepFile, rows: Iterable[RowKey]) -> Iterable[Contrast]:
    for row in rows:
        reference = reference_of(sweep, row)
        if reference and reference != row:
            yield Contrast(row, reference)


def compared_rows(sweep: SweepFile) -> list[RowKey]:
    """Returns the rows that are not controls."""
    return [RowKey(*row) for row in sweep.rows if not sweep.models[row[0]].control]


def reference_of(sweep: SweepFile, row: RowKey) -> RowKey | None:
    """Returns the row that a row's marks compare with; None under pairs and contrasts, or without a base merge."""
    rule, base = sweep.comparing, sweep.statistics.base
    if rule.rule == "against":
        return RowKey(*sweep.named_rows[rule.against])
    # Controls are shown beside their base model whatever is tested.
    shows_base = rule.rule == "base" or sweep.models[row.model].control
    return RowKey(row.model, base) if shows_base and base in sweep.merges_of(row.model) else None


def best_groups(sweep: SweepFile) -> list[list[RowKey]]:
    """Returns the groups of rows among which the best is sought: a model's merges, or all where rows are compared."""
    rows = compared_rows(sweep)
    if sweep.comparing.rule != "base":
        return [rows]
    return [[row for row in rows if row.model == model] for model in dict.fromkeys(row.model for row in rows)]


def num_comparisons(sweep: SweepFile) -> dict[str, int]:
    """Returns the planned sizes of the families."""
    tests = len(planned_contrasts(sweep)) * len(sweep.statistics.star_metrics)
    num_datasets = len(sweep.datasets)
    return {"averages": tests if num_datasets > 1 else 0, "datasets": tests * num_datasets}


def why_no_comparisons(sweep: SweepFile) -> str:
    """Returns why a sweep compares nothing; empty where it does."""
    base = sweep.statistics.base
    if planned_contrasts(sweep):
        return ""
    if all(one.control for one in sweep.models.values()):
        return "No comparisons: every model is a control."
    if sweep.comparing.rule != "base":
        return "No comparisons: there is one row that is not a control."
    merges = {merge for _, merge in sweep.rows}
    if base not in merges:
        return f"No comparisons: the base merge {base!r} is not among the sweep's merges."
    if len(merges) == 1:
        return f"No comparisons: there is no merge but the base merge {base!r}."
    return f"No comparisons: no model that is not a control has the base merge {base!r} and another."


def role_of(sweep: SweepFile, model: str) -> Role:
    """Returns what the seeds of a model's runs mean to those of others."""
    if sweep.has_one_run(model):
        return "constant"
    return "unpaired" if sweep.is_system(model) else "paired"


def design_of(sweep: SweepFile, contrast: Sequence[RowKey] = ()) -> Design:
    """Returns how the runs of some rows go together; those of trained rows without an argument."""
    trained: Design = Pairs if sweep.statistics.paired else Arms
    return trained.suited([role_of(sweep, row.model) for row in contrast])


def has_seeds(sweep: SweepFile, contrast: Contrast) -> bool:
    """Returns whether either row has several seeds: else documents alone can tell the two apart."""
    return any(role_of(sweep, row.model) != "constant" for row in contrast)


NO_SEEDS = "No seed changes any row that is compared: the test documents alone decide what can be found."
"""What is said in place of numbers of seeds where none counts, see `seeds_count`."""


def seeds_count(sweep: SweepFile) -> bool:
    """Returns whether a seed changes any row that is compared."""
    return any(has_seeds(sweep, contrast) for contrast in planned_contrasts(sweep))


def designs(sweep: SweepFile) -> list[Design]:
    """Returns how the runs of the planned contrasts go together, each design once."""
    found = (design_of(sweep, contrast) for contrast in planned_contrasts(sweep) if has_seeds(sweep, contrast))
    return list(dict.fromkeys(found)) or [design_of(sweep)]


def reachable(sweep: SweepFile, family: str) -> tuple[float, int]:
    """Returns the least p of the exact test after Holm over the planned seeds, and how many seeds reach alpha.

    Of several designs it is that of the one that reaches least.
    """
    size, strata = _exact_design(sweep, family)
    found = [
        (
            least_reachable_p(len(sweep.seeds), size, strata, design),
            max(2, seeds_to_reach(sweep.statistics.alpha, size, strata, design)),
        )
        for design in designs(sweep)
    ]
    return max(found)


def seeds_for_full_stars(sweep: SweepFile, family: str) -> list[int]:
    """Returns the seeds at which the exact test can confirm one, two and three stars after Holm over a family."""
    size, strata = _exact_design(sweep, family)
    return [
        max(LEAST_PAIRS, *(seeds_to_reach(level, size, strata, design) for design in designs(sweep)))
        for level in star_levels(sweep.statistics.alpha)
    ]


def _exact_design(sweep: SweepFile, family: str) -> tuple[int, int]:
    """Returns the size of a family, and the strata of each of its comparisons."""
    # The exact test of an average treats every dataset's seeds on their own.
    return num_comparisons(sweep)[family], len(sweep.datasets) if family == "averages" else 1


def seed_test(sweep: SweepFile) -> str:
    """Returns the names of the t tests that make the stars of single datasets."""
    return " or ".join(design.seed_test for design in designs(sweep))


def exact_test(sweep: SweepFile) -> str:
    """Returns the names of the exact tests that make stars full."""
    names = dict.fromkeys(design.exact_test for design in designs(sweep))
    return " or ".join(names)
