"""Every row of a table against its base: tests, intervals, sizes, and what the planned families make of them."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from harness.analysis.design import corrected_size, num_comparisons, significance_level
from harness.analysis.findings import Column, Comparison, DocumentLevel
from harness.analysis.index import ResultsIndex, RunKey
from harness.analysis.marks import marks_of
from harness.analysis.published import ROUNDING, is_subset, judge_published
from harness.config.schema import SweepFile
from harness.stats import effect_sizes, multiple_testing, permutation_tests, power, t_tests
from harness.stats.document_variance import crossed
from harness.stats.prediction_interval import NOT_COMPARABLE, Prediction


def compare(index: ResultsIndex, control: bool) -> Iterator[Comparison]:
    """Compares every row of the controls, or of the others, with its base, in every column."""
    sweep = index.sweep
    base = sweep.statistics.base
    for model, merge in sweep.rows:
        if base in sweep.merges_of(model) and merge != base and sweep.models[model].control == control:
            for column in index.columns:
                yield _Contrast(index, model, merge, column).comparison()


def starred(sweep: SweepFile, comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Adds what depends on the whole family: corrected p-values, stars and flags."""
    rule, at = sweep.statistics, significance_level(sweep)
    adjusted: dict[int, tuple[float, float]] = {}
    for family, size in num_comparisons(sweep).items():
        places = [place for place, item in enumerate(comparisons) if item.family == family]
        raw = [comparisons[place].test.p for place in places]
        corrected = zip(multiple_testing.holm(raw, size), multiple_testing.benjamini_hochberg(raw, size), strict=True)
        adjusted.update(zip(places, corrected, strict=True))
    answer = []
    for place, item in enumerate(comparisons):
        p_holm, q_bh = adjusted[place]
        p_star = {"holm": p_holm, "bh": q_bh, "none": item.test.p}[rule.correction]
        marks = "" if item.obstacle else marks_of(item, p_star, at)
        flags = _flags(item, at, corrected_size(sweep, item.family))
        answer.append(replace(item, p_holm=p_holm, q_bh=q_bh, p_star=p_star, marks=marks, flags=flags))
    return answer


class _Contrast:
    """A row and its base in one column."""

    def __init__(self, index: ResultsIndex, model: str, merge: str, column: Column):
        self.index = index
        self.sweep = index.sweep
        self.rule = index.sweep.statistics
        self.model = model
        self.merges = (merge, self.rule.base)
        self.column = column
        self.strata = index.strata(model, merge, self.rule.base, column)
        self.one_seed = any(index.one_seed(model, arm, column) for arm in self.merges)
        self.test = t_tests.t_test(self.strata)
        if self.one_seed:
            n = math.nan
            self.test = replace(self.test, status="one seed", error=n, statistic=n, df=n, p=n, low=n, high=n)

    def comparison(self) -> Comparison:
        index, test, strata = self.index, self.test, self.strata
        merge, base = self.merges
        average = self.column.average
        published = self._published()
        judged = self._judged(published)
        dropped, mixed = self._left_out()
        usable = _usable(test)
        pairs = [one for one in strata if isinstance(one, t_tests.Pairs)]
        comparable = published if judged is not NOT_COMPARABLE else None
        return Comparison(
            model=self.model,
            merge=merge,
            base=base,
            title=index.title(self.model, merge),
            column=self.column,
            family="AB" if self.rule.families == "joint" else "A" if average else "B",
            test=test,
            seeds=tuple((tuple(index.seeds(one.arms[0])), tuple(index.seeds(one.arms[1]))) for one in strata),
            differences=tuple(
                dict(zip(index.seeds(one.seeds), one.differences.tolist(), strict=True)) for one in pairs
            ),
            dropped=dropped,
            mixed=mixed,
            p_sign_flip=permutation_tests.sign_flip([one.differences for one in pairs]) if usable else math.nan,
            p_exchange=permutation_tests.exchange([one for one in strata if isinstance(one, t_tests.Arms)])
            if usable
            else math.nan,
            least_p=math.nan if self.one_seed else permutation_tests.least_p(strata),
            correlation=math.nan if average else effect_sizes.correlation(strata[0]),
            effect=None if average or self.one_seed else effect_sizes.effect(strata[0]),
            published=published,
            judged=judged,
            power=self._power(comparable) if comparable else math.nan,
            detectable=self._detectable(),
            obstacle=_obstacle(test, len(mixed), self.rule.paired),
            documents=self._documents(),
        )

    def _published(self) -> float | None:
        variant, base = (self.index.published(self.model, arm, self.column) for arm in self.merges)
        return None if variant is None or base is None else round(variant - base, 10)

    def _judged(self, published: float | None) -> Prediction | None:
        if published is None or not (is_subset(self.sweep, self.column) or self.test.status == "tested"):
            return None
        samples = [sample for one in self.strata for sample in one.samples]
        runs = [self._weights(one) for one in self.strata]
        return judge_published(self.index, self.column, samples, published, 2 * ROUNDING, runs)

    def _power(self, difference: float) -> float:
        if self.column.average or self.test.status != "tested":
            return math.nan
        return power.power(
            difference, self.test.sd, self.test.num_pairs[0], significance_level(self.sweep), self._num_samples
        )

    def _detectable(self) -> float:
        if self.column.average or self.test.status != "tested":
            return math.nan
        at = significance_level(self.sweep)
        return power.detectable(self.test.sd, self.test.num_pairs[0], at, num_strata=self._num_samples)

    @property
    def _num_samples(self) -> int:
        return len(self.strata[0].samples)

    def _weights(self, stratum: t_tests.Stratum) -> dict[RunKey, float]:
        """Returns the runs whose weighted sum is the mean difference in a stratum."""
        return {
            (self.model, arm, seed): sign / len(codes)
            for arm, codes, sign in zip(self.merges, stratum.arms, (1, -1), strict=True)
            for seed in self.index.seeds(codes)
        }

    def _left_out(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Returns the seeds that one arm lacks, and those whose runs were made on different things."""
        dropped: list[str] = []
        mixed: list[str] = []
        for dataset, stratum in zip(self.column.datasets, self.strata, strict=True):
            left = self.index.seeds(stratum.dropped)
            for seed in sorted(set(left)):
                is_mixed = left.count(seed) > 1 or isinstance(stratum, t_tests.Arms)
                (mixed if is_mixed else dropped).append(f"{dataset}/{seed}")
        return tuple(dropped), tuple(mixed)

    def _documents(self) -> DocumentLevel | None:
        """Adds the documents' share of the error; nothing where a run's predictions are not known."""
        if self.test.status != "tested":
            return None
        samples: list[t_tests.Array] = []
        variances: list[float] = []
        ratios = []
        for dataset, stratum in zip(self.column.datasets, self.strata, strict=True):
            weights = self._weights(stratum)
            sample = self.index.samples.get(dataset)
            if sample is None or not sample.has(list(weights)):
                return None
            variance, ratio = sample.variance(self.column.metric, weights)
            # A stratum's samples share its documents, so that its variance counts once.
            samples += stratum.samples
            variances += [variance, *[0.0] * (len(stratum.samples) - 1)]
            ratios.append(ratio)
        found = crossed(samples, variances, [1 / len(self.strata)] * len(samples))
        share = sum(variances) / len(self.strata) ** 2 / found.error**2
        furthest = max(ratios, key=lambda ratio: abs(math.log(ratio or 1e-300)))
        return DocumentLevel(found, share, self._p_swap(), furthest)

    def _p_swap(self) -> float:
        """Swaps whole predictions between the two runs of a seed; of single datasets, and not of controls."""
        stratum = self.strata[0]
        if self.column.average or self.sweep.models[self.model].control or isinstance(stratum, t_tests.Arms):
            return math.nan
        merge, base = self.merges
        both = [((self.model, merge, seed), (self.model, base, seed)) for seed in self.index.seeds(stratum.seeds)]
        sample = self.index.samples[self.column.datasets[0]]
        return sample.p_swap(self.column.metric, f"{self.model}/{merge}", both)


def _obstacle(test: t_tests.TTest, num_mixed: int, paired: bool) -> str:
    """Says in words why this test can have no star."""
    if test.status == "one seed":
        return "the seed had no effect, so all seeds count as one"
    if test.status == "degenerate":
        where = " of a dataset" if len(test.num_pairs) > 1 else ""
        return f"all seeds{where} differ by the same number, so there is no spread to test against"
    few = multiple_testing.why_no_star(min(test.num_pairs), paired)
    if few and num_mixed:
        return f"{few}, and runs of different commits or hardware are not compared (`statistics: allow_mixed`)"
    return few


def _usable(test: t_tests.TTest) -> bool:
    return test.status in ("tested", "identical")


def _flags(item: Comparison, at: float, size: int) -> tuple[str, ...]:
    tested = item.test.status == "tested"
    facts = {
        "U": item.power < 0.8,
        "P": _usable(item.test) and size * item.least_p > at,
        "D": bool(item.dropped) and min(item.test.num_pairs) > 0,
        "M": bool(item.mixed),
        "T": tested and item.least_p <= at and (item.test.p < at) != (item.p_exact < at),
        "V": item.documents is not None and not 0.8 <= item.documents.ratio <= 1.25,
    }
    return tuple(flag for flag, holds in facts.items() if holds)
