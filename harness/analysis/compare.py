"""Comparison of each model variant with its base: t tests, intervals, effect sizes, exact tests, documents."""

import math
from collections.abc import Iterator

from harness.analysis.comparison import Comparison, DocumentLevel
from harness.analysis.design import Column
from harness.analysis.index import ResultsIndex
from harness.analysis.inputs import RunKey
from harness.analysis.published import is_subset, judge_published, published_number
from harness.stats import effect_sizes, multiple_testing, power
from harness.stats.document_variance import crossed
from harness.stats.effect_sizes import ProbabilityBetter
from harness.stats.pairing import Arms, least_p
from harness.stats.prediction_interval import NOT_COMPARABLE, ROUNDING, Prediction, PublishedNumber
from harness.stats.superiority import p_new_better
from harness.stats.t_tests import TTest, t_test


def compare(index: ResultsIndex, control: bool) -> Iterator[Comparison]:
    """Compares every row of the controls, or of the others, with its base; what a family decides is for `marked`."""
    sweep = index.sweep
    base = sweep.statistics.base
    for model, merge in sweep.rows:
        if base in sweep.merges_of(model) and merge != base and sweep.models[model].control == control:
            for column in index.columns:
                yield _Contrast(index, model, merge, column).comparison()


class _Contrast:
    """A row and its base in one column."""

    def __init__(self, index: ResultsIndex, model: str, merge: str, column: Column):
        self.index = index
        self.sweep = index.sweep
        self.rule = index.sweep.statistics
        self.model = model
        self.merges = (merge, self.rule.base)
        self.column = column
        self.strata = index.strata(model, merge, column)
        self.runs = [self._runs(one) for one in self.strata]
        self.samples = [sample for one in self.strata for sample in one.samples]
        self.weights = [1 / len(self.strata)] * len(self.samples)
        self.variances = self._variances()
        self.one_seed = any(index.one_seed(model, arm, column) for arm in self.merges)
        tested = t_test(self.strata)
        # Runs that count as one have a difference, and no test.
        self.test = TTest("one seed", tested.num_pairs, tested.difference, tested.sd) if self.one_seed else tested

    def _runs(self, stratum: Arms) -> dict[RunKey, float]:
        """Returns the runs whose weighted sum is the mean difference in a stratum."""
        return {
            RunKey(self.model, arm, seed): sign / len(seeds)
            for arm, seeds, sign in zip(self.merges, stratum.seeds, (1, -1), strict=True)
            for seed in seeds
        }

    def _variances(self) -> list[float] | None:
        """Returns the variance over documents of each sample's mean; None where a run's predictions are not known."""
        variances: list[float] = []
        for dataset, stratum, runs in zip(self.column.datasets, self.strata, self.runs, strict=True):
            variance = self.index.document_variance(dataset, self.column.metric, runs)
            if variance is None:
                return None
            # A stratum's samples share its documents, so that its variance counts once.
            variances += [variance, *[0.0] * (len(stratum.samples) - 1)]
        return variances

    def comparison(self) -> Comparison:
        test, strata, average = self.test, self.strata, self.column.average
        variant, base = (published_number(self.sweep, self.model, arm, self.column) for arm in self.merges)
        number = variant.minus(base) if variant and base else None
        published, judged = number.value if number else None, self._judged(number)
        power_at, detectable = self._power(math.nan if judged is NOT_COMPARABLE else published or math.nan)
        placed = list(zip(self.column.datasets, strata, strict=True))
        mixed = tuple(f"{dataset}/{seed}" for dataset, one in placed for seed in one.mixed)
        arms = ((), ()) if average or self.one_seed else (strata[0].variant, strata[0].base)
        return Comparison(
            model=self.model,
            merge=self.merges[0],
            base=self.merges[1],
            title=self.index.title(self.model, self.merges[0]),
            column=self.column,
            family=None if self.sweep.models[self.model].control else self.column.family,
            test=test,
            seeds=tuple(one.seeds for one in strata),
            differences=tuple(one.differences for one in strata),
            dropped=tuple(f"{dataset}/{seed}" for dataset, one in placed for seed in one.dropped),
            mixed=mixed,
            exact_test=self.index.design.exact_test,
            p_exact=self.index.design.exact_p(strata) if test.has_p else math.nan,
            least_p=math.nan if self.one_seed else least_p(strata),
            correlation=math.nan if average else effect_sizes.correlation(strata[0]),
            better=effect_sizes.p_better(*arms),
            new_better=self._new_better(),
            published=published,
            judged=judged,
            power=power_at,
            detectable=detectable,
            obstacle=_obstacle(test, bool(mixed), self.rule.paired),
            documents=self._documents(),
        )

    def _judged(self, published: PublishedNumber | None) -> Prediction | None:
        if published is None or not (is_subset(self.sweep, self.column) or self.test.status == "tested"):
            return None
        return judge_published(self.index, self.column, self.samples, published, 2 * ROUNDING, self.runs)

    def _power(self, difference: float) -> tuple[float, float]:
        """Returns the power at a difference, and the one that is detectable; NaN for averages and from few pairs."""
        if self.column.average or self.test.status != "tested":
            return math.nan, math.nan
        num_pairs = self.test.num_pairs[0]
        sd = power.upper_sd(self.test.sd, num_pairs)
        shares = tuple(float(sample.var(ddof=1)) for sample in self.strata[0].samples)
        detectable = power.detectable(sd, num_pairs, self.rule.alpha, shares=shares)
        if math.isnan(difference):
            return math.nan, detectable
        return power.power(difference, sd, num_pairs, self.rule.alpha, shares), detectable

    def _documents(self) -> DocumentLevel | None:
        """Returns the same with documents as a sample; None where a run's predictions are not known."""
        if self.test.status != "tested" or self.variances is None:
            return None
        found = crossed(self.samples, self.variances, self.weights)
        share = sum(self.variances) / len(self.strata) ** 2 / found.error**2
        return DocumentLevel(found, share, self._p_swap())

    def _new_better(self) -> ProbabilityBetter:
        if self.test.status != "tested":
            return ProbabilityBetter()
        return p_new_better(self.samples, self.variances or [0.0] * len(self.samples), self.weights)

    def _p_swap(self) -> float:
        """Swaps whole predictions between the two runs of a seed; of single datasets, and not of controls."""
        seeds = self.strata[0].differences
        if self.column.average or self.sweep.models[self.model].control or not seeds:
            return math.nan
        merge, base = self.merges
        both = [(RunKey(self.model, merge, seed), RunKey(self.model, base, seed)) for seed in seeds]
        sample = self.index.samples[self.column.datasets[0]]
        return sample.p_swap(self.column.metric, f"{self.model}/{merge}", both)


def _obstacle(test: TTest, is_mixed: bool, paired: bool) -> str:
    """Returns why this test can have no star, in words."""
    if test.status == "one seed":
        return "the seed had no effect, so all seeds count as one"
    if test.status == "degenerate":
        where = " of a dataset" if len(test.num_pairs) > 1 else ""
        return f"all seeds{where} differ by the same number, so there is no spread to test against"
    few = multiple_testing.why_no_star(min(test.num_pairs), paired)
    if few and is_mixed:
        return f"{few}, and runs of different commits or hardware are not compared (`statistics: allow_mixed`)"
    return few
