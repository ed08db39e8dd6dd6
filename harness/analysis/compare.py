"""Comparison of two rows: t tests, intervals, effect sizes, exact tests, documents."""

import math
from collections.abc import Iterable, Iterator

from harness.analysis.comparison import Comparison, DocumentLevel
from harness.analysis.design import Column, Contrast, has_seeds, listed_contrasts, planned_contrasts, reference_of
from harness.analysis.index import ResultsIndex
from harness.analysis.inputs import RunKey
from harness.analysis.published import is_subset, judge_published, published_number
from harness.stats import effect_sizes, multiple_testing, power
from harness.stats.document_variance import crossed
from harness.stats.effect_sizes import ProbabilityBetter
from harness.stats.estimate import MOST_DF, Estimate
from harness.stats.pairing import Arms, Pairs, least_p
from harness.stats.prediction_interval import NOT_COMPARABLE, ROUNDING, Prediction, PublishedNumber
from harness.stats.superiority import p_new_better
from harness.stats.t_tests import TTest, t_test

SWAPS = "approximate randomisation"


def compare(index: ResultsIndex, contrasts: Iterable[Contrast]) -> Iterator[Comparison]:
    """Compares rows in every column; what a family decides is for `marked`."""
    planned, listed = set(planned_contrasts(index.sweep)), set(listed_contrasts(index.sweep))
    for contrast in contrasts:
        for column in index.columns:
            family = column.family if contrast in planned else None
            yield _Compared(index, contrast, column).comparison(family, swaps=contrast in listed)


def comparison(index: ResultsIndex, contrast: Contrast, column: Column) -> Comparison:
    """Compares two rows in one column, outside every family."""
    return _Compared(index, contrast, column).comparison(None)


def difference(index: ResultsIndex, contrast: Contrast, column: Column) -> Estimate | None:
    """Returns the difference of two rows with the wider of both errors alone; None where it could have no star."""
    found = _Compared(index, contrast, column)
    over, crossed_over = found.test.estimate, found.crossed()
    return None if over is None or found.obstacle() else over.guarded(crossed_over) if crossed_over else over


class _Compared:
    """Two rows in one column."""

    def __init__(self, index: ResultsIndex, contrast: Contrast, column: Column):
        self.index = index
        self.sweep = index.sweep
        self.rule = index.sweep.statistics
        self.contrast = contrast
        self.column = column
        self.strata = index.strata(contrast, column)
        self.runs = [self._runs(one) for one in self.strata]
        self.samples = [sample for one in self.strata for sample in one.samples]
        self.weights = [1 / len(self.strata)] * len(self.samples)
        self.variances = self._variances()
        self.one_seed = any(index.one_seed(*row, column) for row in contrast)
        self.has_seeds = has_seeds(self.sweep, contrast)
        tested = t_test(self.strata) if self.has_seeds else self._over_documents()
        # Runs that count as one have a difference, and no test.
        self.test = TTest("one seed", tested.num_pairs, tested.difference, tested.sd) if self.one_seed else tested

    def _runs(self, stratum: Arms) -> dict[RunKey, float]:
        """Returns the runs whose weighted sum is the mean difference in a stratum."""
        return {
            RunKey(*row, seed): sign / len(seeds)
            for row, seeds, sign in zip(self.contrast, stratum.seeds, (1, -1), strict=True)
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

    def _over_documents(self) -> TTest:
        """Tests the difference of two rows that no seed changes, by the normal distribution over documents.

        Macro F of few documents is not normal: what fills a star is randomisation, of averages nothing more.
        """
        found = t_test(self.strata)  # Of one pair: no test.
        error = math.sqrt(sum(self.variances or ())) / len(self.strata)
        if not error or math.isnan(found.difference):
            return found
        over = Estimate(found.difference, error, MOST_DF)
        z, p = over.value / over.error, over.p_two_sided()
        return TTest("tested", found.num_pairs, over.value, math.nan, error, z, MOST_DF, p, *over.interval())

    def comparison(self, family: str | None, swaps: bool = False) -> Comparison:
        test, strata, average = self.test, self.strata, self.column.average
        variant, base = (published_number(self.sweep, *row, self.column) for row in self.contrast)
        number = variant.minus(base) if variant and base else None
        published, judged = number.value if number else None, self._judged(number)
        power_at, detectable = self._power(math.nan if judged is NOT_COMPARABLE else published or math.nan)
        placed = list(zip(self.column.datasets, strata, strict=True))
        mixed = tuple(f"{dataset}/{seed}" for dataset, one in placed for seed in one.mixed)
        # A constant arm is repeated in its stratum, and is one run.
        whole = ((), ()) if average or self.one_seed else (strata[0].variant, strata[0].base)
        arms = [arm[: len(seeds)] for arm, seeds in zip(whole, strata[0].seeds, strict=True)]
        return Comparison(
            contrast=self.contrast,
            title=self._title(),
            column=self.column,
            family=family,
            test=test,
            seeds=tuple(one.seeds for one in strata),
            differences=tuple(one.differences for one in strata),
            dropped=tuple(f"{dataset}/{seed}" for dataset, one in placed for seed in one.dropped),
            mixed=mixed,
            exact_test=self._exact_test,
            p_exact=self._p_exact(),
            least_p=math.nan if self.one_seed or not self.has_seeds else least_p(strata),
            correlation=math.nan if average else effect_sizes.correlation(strata[0]),
            better=effect_sizes.p_better(*arms),
            new_better=self._new_better(),
            published=published,
            judged=judged,
            power=power_at,
            detectable=detectable,
            obstacle=self.obstacle(),
            documents=self._documents(swaps),
        )

    def _title(self) -> str:
        row, against = (self.index.title(*row) for row in self.contrast)
        return row if reference_of(self.sweep, self.contrast.row) == self.contrast.against else f"{row} - {against}"

    @property
    def _exact_test(self) -> str:
        """Name of the test that fills stars, over seeds, or over one dataset's documents; empty where there is none."""
        if self.has_seeds:
            return self.strata[0].exact_test
        return "" if self.column.average or self.variances is None else SWAPS

    def _p_exact(self) -> float:
        if not self.test.has_p:
            return math.nan
        if self.has_seeds:
            return self.strata[0].exact_p(self.strata)
        return self._p_swap(confirms=True) if self._exact_test else self.test.p

    def _judged(self, published: PublishedNumber | None) -> Prediction | None:
        if published is None or not (is_subset(self.sweep, self.column) or self.test.status == "tested"):
            return None
        return judge_published(self.index, self.column, self.samples, published, 2 * ROUNDING, self.runs)

    def _power(self, difference: float) -> tuple[float, float]:
        """Returns the power at a difference, and the one that is detectable; NaN for averages and from few pairs."""
        if self.column.average or not self.has_seeds or self.test.status != "tested":
            return math.nan, math.nan
        num_pairs = self.test.num_pairs[0]
        sd = power.upper_sd(self.test.sd, num_pairs)
        shares = tuple(float(sample.var(ddof=1)) for sample in self.strata[0].samples)
        detectable = power.detectable(sd, num_pairs, self.rule.alpha, shares=shares)
        if math.isnan(difference):
            return math.nan, detectable
        return power.power(difference, sd, num_pairs, self.rule.alpha, shares), detectable

    def crossed(self) -> Estimate | None:
        """Returns the difference with documents as a sample; None where a run's predictions are not known."""
        over = self.test.estimate
        if over is None or self.variances is None:
            return None
        return crossed(self.samples, self.variances, self.weights) if self.has_seeds else over

    def _documents(self, swaps: bool) -> DocumentLevel | None:
        found = self.crossed()
        if found is None or self.variances is None:
            return None
        share = sum(self.variances) / len(self.strata) ** 2 / found.error**2
        return DocumentLevel(found, share, self._p_swap() if swaps else math.nan)

    def _new_better(self) -> ProbabilityBetter:
        if self.test.status != "tested":
            return ProbabilityBetter()
        return p_new_better(self.samples, self.variances or [0.0] * len(self.samples), self.weights)

    def _p_swap(self, confirms: bool = False) -> float:
        """Swaps whole predictions between the two runs of a seed; of single datasets."""
        seeds = self.strata[0].differences
        if self.column.average or not seeds:
            return math.nan
        # A constant row has one run for all seeds.
        runs = [
            [RunKey(*row, seed) for seed in (own * len(seeds) if len(own) == 1 else own)]
            for row, own in zip(self.contrast, self.strata[0].seeds, strict=True)
        ]
        sample = self.index.samples[self.column.datasets[0]]
        return sample.p_swap(self.column.metric, str(self.contrast.row), list(zip(*runs, strict=True)), confirms)

    def obstacle(self) -> str:
        """Returns why this test can have no star, in words."""
        test = self.test
        if not self.has_seeds:
            is_open = test.status != "tested"
            return "no seed changes either row, and their predictions are not known or are alike" if is_open else ""
        if test.status == "one seed":
            return "the seed had no effect, so all seeds count as one"
        if test.status == "degenerate":
            where = " of a dataset" if len(test.num_pairs) > 1 else ""
            return f"all seeds{where} differ by the same number, so there is no spread to test against"
        return self._too_few()

    def _too_few(self) -> str:
        few = multiple_testing.why_no_star(min(self.test.num_pairs), isinstance(self.strata[0], Pairs))
        if few and any(one.mixed for one in self.strata):
            return f"{few}, and runs of different commits or hardware are not compared (`statistics: allow_mixed`)"
        return few
