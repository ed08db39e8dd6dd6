"""Claims of the literature, judged part by part by what the sweep found."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from harness.analysis.compare import comparison
from harness.analysis.comparison import Comparison, ComparisonKey
from harness.analysis.design import Column, Contrast, RowKey, best_groups
from harness.analysis.findings import ClaimPart, ClaimResult
from harness.analysis.index import ResultsIndex
from harness.analysis.inputs import RunKey
from harness.analysis.published import above_published, first_source, published_number
from harness.config.literature import Claim
from harness.stats import claim_rules
from harness.stats.distributions import Array
from harness.stats.document_variance import crossed
from harness.stats.estimate import Estimate
from harness.stats.multiple_testing import BEST_LEVEL, LEAST_PAIRS, p_not_best
from harness.stats.pairing import is_constant
from harness.stats.t_tests import spread

SENSITIVITY = (0.5, 2.0)
"""Multiples of the smallest effect of interest by which a claim is judged as well."""


def judge_claims(index: ResultsIndex, comparisons: Sequence[Comparison]) -> Iterator[ClaimResult]:
    """Judges every claim of the sweep file, by the comparisons that are there and by those that only a claim asks for.

    Claims are not corrected across each other, since each is a statement of its own; within a claim by the rules of a
    conjunction. Where predictions are known, an interval counts documents as a sample too, unless that over seeds alone
    is wider. Three are over seeds: differences from a published score of the same test documents; times, which have no
    documents; and the confidence set of the best, which is the one that the table prints in bold: what documents do to
    a one-sided bound of it has not been worked out.
    """
    known = {item.key: item for item in comparisons}
    for name, claim in index.sweep.claims.items():
        smallest = index.sweep.statistics.smallest_effect
        sizes = (smallest, *(k * smallest for k in SENSITIVITY))
        parts = {size: tuple(_parts(index, known, claim, size)) for size in sizes}
        verdicts = {size: claim_rules.conjunction([one.judged for one in found]) for size, found in parts.items()}
        datasets = index.sweep.datasets if "average" in claim.data else claim.data
        if any(index.sweep.datasets[key].train_documents for key in datasets):
            unjudged = (replace(one, judged=claim_rules.Judged("not comparable")) for one in parts[smallest])
            yield ClaimResult(name, claim.text, tuple(unjudged), "not comparable", {})
        else:
            improving = tuple(index.title(*row) for row in _rows_behind(index, claim) if index.still_improving(*row))
            yield ClaimResult(name, claim.text, parts[smallest], verdicts.pop(smallest), verdicts, improving)


def _rows_behind(index: ResultsIndex, claim: Claim) -> Iterable[RowKey]:
    """Returns the rows whose scores a claim is judged by; none where it is of times per epoch."""
    merges_of, base = index.sweep.merges_of, index.sweep.statistics.base
    if claim.kind == "time_ratio":
        return ()
    if claim.kind == "larger_gain":
        first, second = claim.rows
        shared = [merge for merge in merges_of(first) if merge in merges_of(second)]
        return [RowKey(model, merge) for model in claim.rows for merge in shared]
    rows = _rows(index, claim)
    if claim.kind == "best":
        rows += [rival for row in rows for rival in _rivals(index, row)]
    elif claim.kind in ("rises", "falls", "no_gain", "within"):
        rows += [RowKey(row.model, base) for row in rows]
    return dict.fromkeys(rows)


def _rows(index: ResultsIndex, claim: Claim) -> list[RowKey]:
    return [RowKey(*index.sweep.named_rows[row]) for row in claim.rows]


def _rivals(index: ResultsIndex, row: RowKey) -> list[RowKey]:
    """Returns the rows among which one may be the best: those of the table's bold type, of a control its merges."""
    own = [RowKey(row.model, merge) for merge in index.sweep.merges_of(row.model)]
    return next((group for group in best_groups(index.sweep) if row in group), own)


def _parts(
    index: ResultsIndex, known: Mapping[ComparisonKey, Comparison], claim: Claim, smallest: float
) -> Iterable[ClaimPart]:
    if claim.kind == "time_ratio":
        return [_time(index, row, data, claim) for row in _rows(index, claim) for data in claim.data]
    columns = [
        column
        for data in claim.data
        for column in index.columns
        if column.metric in claim.metrics and (column.average if data == "average" else column.datasets == (data,))
    ]
    if claim.kind == "larger_gain":
        return [_larger_gain(index, (claim.rows[0], claim.rows[1]), column, smallest) for column in columns]
    rows = _rows(index, claim)
    if claim.kind == "exceeds":
        return [_exceeds(index, *row, column, claim, smallest) for row in rows for column in columns]
    if claim.kind == "best":
        return [_best(index, row, column) for row in rows for column in columns]
    if claim.kind in ("above", "equivalent"):
        contrasts = [Contrast(*rows)]
    else:
        contrasts = [Contrast(row, RowKey(row.model, index.sweep.statistics.base)) for row in rows]
    return [
        _difference(index, known.get(ComparisonKey(contrast, column)), contrast, column, claim, smallest)
        for contrast in contrasts
        for column in columns
    ]


def _difference(
    index: ResultsIndex, known: Comparison | None, contrast: Contrast, column: Column, claim: Claim, smallest: float
) -> ClaimPart:
    item = known or comparison(index, contrast, column)
    found = item.estimate
    if claim.kind == "no_gain":
        judged = claim_rules.no_gain(found, smallest)
    elif claim.kind in ("within", "equivalent"):
        judged = claim_rules.within(found, *claim.bounds)
    else:
        judged = claim_rules.direction(found, -1 if claim.kind == "falls" else 1, smallest)
    published = "" if item.published is None else f"{item.published:+z.2f}"
    rows = contrast if claim.kind in ("above", "equivalent") else contrast[:1]
    title = f"{' - '.join(index.title(*row) for row in rows)}, {column.title}"
    return ClaimPart(title, _words(found), published, item.documents is not None, judged)


def _words(found: Estimate | None) -> str:
    if found is None:
        return "n/a"
    return f"{found.value:+z.2f} [{', '.join(f'{end:+z.2f}' for end in found.interval())}]"


def _best(index: ResultsIndex, row: RowKey, column: Column) -> ClaimPart:
    rivals = _rivals(index, row)
    is_one_model = {rival.model for rival in rivals} == {row.model}
    names = [rival.merge if is_one_model else index.title(*rival) for rival in rivals]
    members = [index.arms(*rival, column) for rival in rivals]
    title = f"{index.title(*row)}, {column.title}"
    numbers = [published_number(index.sweep, *rival, column) for rival in rivals]
    ranked = sorted((number.value for number in numbers if number), reverse=True)
    published = " > ".join(f"{score:.2f}" for score in ranked)
    # A rival that cannot be compared may be the better one.
    is_open = any(index.one_seed(*rival, column) for rival in rivals)
    sizes = [math.inf if is_constant(arm) else len(arm) for member in members for arm in member]
    if is_open or min(sizes) < LEAST_PAIRS:
        return ClaimPart(title, "n/a", published, False, claim_rules.Judged("not tested"))
    found = dict(zip(names, p_not_best(members, len(rivals), index.design), strict=True))
    ours = f"best may be {', '.join(one for one in names if found[one] >= BEST_LEVEL)}"
    return ClaimPart(title, ours, published, False, claim_rules.best(found, names[rivals.index(row)]))


def _time(index: ResultsIndex, row: RowKey, dataset: str, claim: Claim) -> ClaimPart:
    found = index.time_test(*row, dataset).estimate
    low, high = claim.bounds
    judged = claim_rules.within(found, math.log(low), math.log(high))
    ours = "n/a"
    if found is not None:
        ends = ", ".join(f"{math.exp(end):.2f}" for end in found.interval())
        ours = f"x {math.exp(found.value):.2f} [{ends}]"
    title = f"{index.title(*row)}, {index.titles[dataset]}"
    return ClaimPart(title, ours, f"x {low:g} to {high:g}", False, judged)


def _exceeds(index: ResultsIndex, model: str, merge: str, column: Column, claim: Claim, smallest: float) -> ClaimPart:
    """How far a row lies above a published score; documents count only where that is of others than ours."""
    number = published_number(index.sweep, model, merge, column, claim.source)
    assert number, "a claim that exceeds nothing is refused when it is read"
    found = above_published(index, model, merge, column, number)
    held = published_number(index.sweep, model, merge, column)
    published = f"{held.value - number.value:+z.2f}" if held and claim.source != first_source(index.sweep) else ""
    with_documents = set(column.datasets) <= set(index.sweep.statistics.other_test_documents)
    title = f"{index.title(model, merge)} over {number.value:.2f}, {column.title}"
    return ClaimPart(title, _words(found), published, with_documents, claim_rules.direction(found, 1, smallest))


RowWeights = Mapping[tuple[str, str], float]
"""Weights of rows, by model and merge, in a weighted sum of their scores."""


def _larger_gain(index: ResultsIndex, models: tuple[str, str], column: Column, smallest: float) -> ClaimPart:
    """How much more the first model gains than the second, each averaged over their common merges and over datasets."""
    own, shared = (index.sweep.merges_of(model) for model in models)
    base = index.sweep.statistics.base
    merges = [merge for merge in own if merge in shared and merge != base]
    gains: list[RowWeights] = [
        {**{(model, merge): sign / len(merges) for merge in merges}, (model, base): -sign}
        for model, sign in zip(models, (1.0, -1.0), strict=True)
    ]
    found, with_documents = _contrast(index, gains, column)
    title = f"{index.model_title(models[0])} over {index.model_title(models[1])}, {column.title}"
    published = _published_contrast(index, models, merges, column)
    return ClaimPart(title, _words(found), published, with_documents, claim_rules.direction(found, 1, smallest))


def _contrast(index: ResultsIndex, groups: Sequence[RowWeights], column: Column) -> tuple[Estimate | None, bool]:
    """Returns a weighted sum of rows' scores on average over datasets, and whether documents count as a sample in it.

    Rows of one group go together by seed, if the sweep's runs do; groups are independent samples.
    """
    strata: list[tuple[Array, ...]] = []
    variances: list[float] = []
    with_documents = True
    for dataset in column.datasets:
        runs: dict[RunKey, float] = {}
        for weights in groups:
            samples, weighted = _weighted(index, weights, Column("", column.metric, (dataset,)))
            strata.append(samples)
            variances += [0.0] * len(samples)
            runs |= weighted
        variance = index.document_variance(dataset, column.metric, runs)
        with_documents &= variance is not None
        # Weighted by 1 / K^2 as the last sample's: all rows share documents, so this is the variance of all of them.
        variances[-1] = variance or 0.0
    flat = [sample for samples in strata for sample in samples]
    if any(index.one_seed(*row, column) for weights in groups for row in weights) or min(map(len, flat)) < 2:
        return None, with_documents
    if spread(strata) != "tested":
        return None, with_documents
    shares = [1 / len(column.datasets)] * len(flat)
    over_seeds = crossed(flat, [0.0] * len(flat), shares)
    return over_seeds.guarded(crossed(flat, variances, shares)) if with_documents else over_seeds, with_documents


def _weighted(
    index: ResultsIndex, weights: RowWeights, column: Column
) -> tuple[tuple[Array, ...], dict[RunKey, float]]:
    """Returns a weighted sum of rows' scores on one dataset, by runs that can be compared.

    The answer is independent samples whose means add up to it, and the runs whose weighted sum it is.
    """
    scores = index.design.shared([index.arms(model, merge, column)[0] for model, merge in weights])
    weighted = [weight * np.array(list(found.values())) for weight, found in zip(weights.values(), scores, strict=True)]
    runs = {
        RunKey(model, merge, key.seed): weight / len(found)
        for ((model, merge), weight), found in zip(weights.items(), scores, strict=True)
        for key in found
    }
    return index.design.combined(weighted), runs


def _published_contrast(index: ResultsIndex, models: tuple[str, str], merges: Sequence[str], column: Column) -> str:
    gains = []
    for model in models:
        arms = (index.sweep.statistics.base, *merges)
        known = [number.value for arm in arms if (number := published_number(index.sweep, model, arm, column))]
        if len(known) < len(arms):
            return ""
        gains.append(np.mean(known[1:]) - known[0])
    return f"{gains[0] - gains[1]:+z.2f}"
