"""The claims of a sweep file, judged part by part."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from harness.analysis.findings import ClaimPart, ClaimResult, Column, Comparison
from harness.analysis.index import ResultsIndex
from harness.analysis.inputs import RunKey
from harness.config.schema import Claim
from harness.stats import claim_rules
from harness.stats.document_variance import crossed
from harness.stats.multiple_testing import confidence_set
from harness.stats.t_tests import Array, Estimate, spread

SENSITIVITY = (0.5, 2.0)
"""Of a verdict: multiples of the smallest effect at which it is judged as well."""

_ELSE = claim_rules.Judged("not comparable")

Part = Callable[[float], ClaimPart]
"""A part of a claim, given the smallest effect of interest."""


def judge_claims(index: ResultsIndex, comparisons: Sequence[Comparison]) -> Iterator[ClaimResult]:
    """Judges every claim of the sweep file.

    Claims are not corrected across each other, since each is a statement of its own; within a claim by the rules
    of a conjunction. Where predictions are known, an interval counts documents as a sample too, unless that over seeds
    alone is wider. Two are over seeds: times, which have no documents, and the confidence set of the best, which is the
    one that the table prints in bold; what documents do to a one-sided bound of it has not been worked out.

    Args:
        index: What trials answered.
        comparisons: Of every row with its base, controls included.
    """
    known = {(item.model, item.merge, item.column): item for item in comparisons}
    for name, claim in index.sweep.claims.items():
        parts = list(_parts(index, known, claim))
        smallest = index.sweep.statistics.smallest_effect
        by_size = {size: [part(size) for part in parts] for size in (smallest, *(k * smallest for k in SENSITIVITY))}
        verdict = {size: claim_rules.conjunction([one.judged for one in found]) for size, found in by_size.items()}
        subset = any(index.sweep.datasets[key].train_documents for key in _datasets(index, claim))
        yield ClaimResult(
            name=name,
            text=claim.text,
            parts=tuple(replace(one, judged=_ELSE) if subset else one for one in by_size[smallest]),
            verdict="not comparable" if subset else verdict.pop(smallest),
            sensitivity={} if subset else verdict,
        )


def _datasets(index: ResultsIndex, claim: Claim) -> set[str]:
    return set(index.sweep.datasets) if "average" in claim.data else set(claim.data)


def _columns(index: ResultsIndex, claim: Claim) -> Iterator[Column]:
    for data in claim.data:
        for column in index.columns:
            is_there = column.average if data == "average" else column.datasets == (data,)
            if is_there and column.metric in claim.metrics:
                yield column


def _parts(index: ResultsIndex, known: dict[tuple[str, str, Column], Comparison], claim: Claim) -> Iterable[Part]:
    rows = [tuple(row.split("/")) for row in claim.rows]
    if claim.kind == "time_ratio":
        return [_time(index, model, merge, data, claim) for model, merge in rows for data in claim.data]
    columns = list(_columns(index, claim))
    if claim.kind == "larger_gain":
        return [_contrast(index, claim.rows[0], claim.rows[1], column) for column in columns]
    if claim.kind == "best":
        return [_best(index, model, merge, column) for model, merge in rows for column in columns]
    return [_difference(known[model, merge, column], claim) for model, merge in rows for column in columns]


def _difference(item: Comparison, claim: Claim) -> Part:
    def part(smallest: float) -> ClaimPart:
        found = item.estimate
        if claim.kind == "no_gain":
            judged = claim_rules.no_gain(found, smallest)
        elif claim.kind == "within":
            judged = claim_rules.within(found, *claim.bounds)
        else:
            judged = claim_rules.direction(found, 1 if claim.kind == "rises" else -1, smallest)
        published = "" if item.published is None else f"{item.published:+z.2f}"
        label = f"{item.title}, {item.column.title}"
        return ClaimPart(label, _words(found, "+"), published, item.documents is not None, judged)

    return part


def _words(found: Estimate | None, sign: str = "") -> str:
    if found is None:
        return "n/a"
    return f"{found.value:{sign}z.2f} [{', '.join(f'{end:{sign}z.2f}' for end in found.interval())}]"


def _best(index: ResultsIndex, model: str, merge: str, column: Column) -> Part:
    merges = index.sweep.merges_of(model)
    members = [index.coded_scores(model, one, column) for one in merges]
    label = f"{index.title(model, merge)}, {column.title}"
    scores = {one: index.published(model, one, column) for one in merges}
    ranked = sorted((score for score in scores.values() if score is not None), reverse=True)
    published = " > ".join(f"{score:.2f}" for score in ranked)
    # A rival that cannot be compared may be the better one.
    is_open = any(index.one_seed(model, one, column) for one in merges)
    if is_open or min(len(arm) for member in members for arm in member) < 2:
        return lambda smallest: ClaimPart(label, "n/a", published, False, claim_rules.Judged("not tested"))
    inside: dict[str, bool] = dict(zip(merges, confidence_set(members, len(merges), index.join), strict=True))
    ours = f"best may be {', '.join(one for one in merges if inside[one])}"
    return lambda smallest: ClaimPart(label, ours, published, False, claim_rules.best(inside, merge))


def _time(index: ResultsIndex, model: str, merge: str, dataset: str, claim: Claim) -> Part:
    found = index.time_test(model, merge, dataset).estimate
    low, high = claim.bounds
    judged = claim_rules.within(found, math.log(low), math.log(high))
    ours = "n/a"
    if found is not None:
        ends = ", ".join(f"{math.exp(end):.2f}" for end in found.interval())
        ours = f"x {math.exp(found.value):.2f} [{ends}]"
    label = f"{index.title(model, merge)}, {index.titles[dataset]}"
    return lambda smallest: ClaimPart(label, ours, f"x {low:g} to {high:g}", False, judged)


def _contrast(index: ResultsIndex, one: str, other: str, column: Column) -> Part:
    """How much more the first model gains than the second, each averaged over their common merges and over datasets."""
    merges = _common_variants(index, one, other)
    strata: list[list[Array]] = []
    variances: list[float] = []
    signs: list[float] = []
    with_documents = True
    for dataset in column.datasets:
        place = Column("", column.metric, (dataset,))
        runs: dict[RunKey, float] = {}
        for model, sign in ((one, 1.0), (other, -1.0)):
            samples, weights = _gain(index, model, merges, place)
            strata.append(samples)
            signs += [sign / len(column.datasets)] * len(samples)
            variances += [0.0] * len(samples)
            runs |= {run: sign * weight for run, weight in weights.items()}
        sample = index.samples.get(dataset)
        if sample is None or not runs or not sample.has(list(runs)):
            with_documents = False
        else:
            # Weighted by 1 / K^2 as the last sample's: the models share documents, so this is the variance of both.
            variances[-1] = sample.variance(column.metric, runs)[0]
    found = None
    arms = [(model, merge) for model in (one, other) for merge in (*merges, index.sweep.statistics.base)]
    is_varied = not any(index.one_seed(model, merge, column) for model, merge in arms)
    flat = [sample for samples in strata for sample in samples]
    if is_varied and min(sample.size for sample in flat) > 1 and spread(strata) == "tested":
        over_seeds = crossed(flat, [0.0] * len(flat), signs)
        found = over_seeds.guarded(crossed(flat, variances, signs)) if with_documents else over_seeds
    label = f"{index.model_title(one)} over {index.model_title(other)}, {column.title}"
    published = _published_contrast(index, one, other, merges, column)
    return lambda smallest: ClaimPart(
        label, _words(found, "+"), published, with_documents, claim_rules.direction(found, 1, smallest)
    )


def _common_variants(index: ResultsIndex, one: str, other: str) -> list[str]:
    shared = index.sweep.merges_of(other)
    return [merge for merge in index.sweep.merges_of(one) if merge in shared and merge != index.sweep.statistics.base]


def _gain(
    index: ResultsIndex, model: str, merges: Sequence[str], column: Column
) -> tuple[list[Array], dict[RunKey, float]]:
    """Returns the mean over merges of the difference to the base on one dataset, over runs that can be compared.

    Returns:
        Independent samples whose means add up to it; the runs whose weighted sum it is.
    """
    arms = (*merges, index.sweep.statistics.base)
    weights = (*[1 / len(merges)] * len(merges), -1.0)
    scores = index.shared([index.coded_scores(model, arm, column)[0] for arm in arms])
    weighted = [weight * np.array(list(found.values())) for weight, found in zip(weights, scores, strict=True)]
    samples = [np.sum(weighted, axis=0)] if index.sweep.statistics.paired else weighted
    runs: dict[RunKey, float] = {
        (model, arm, seed): weight / len(found)
        for arm, weight, found in zip(arms, weights, scores, strict=True)
        for seed in index.seeds(found)
    }
    return samples, runs


def _published_contrast(index: ResultsIndex, one: str, other: str, merges: Sequence[str], column: Column) -> str:
    gains = []
    for model in (one, other):
        scores = [index.published(model, merge, column) for merge in (index.sweep.statistics.base, *merges)]
        known = [score for score in scores if score is not None]
        if len(known) < len(scores):
            return ""
        gains.append(np.mean(known[1:]) - known[0])
    return f"{gains[0] - gains[1]:+z.2f}"
