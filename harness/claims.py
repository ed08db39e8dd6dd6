"""The claims of a sweep file, judged part by part."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from harness.config import Claim
from harness.lookup import Lookup, Run
from harness.results import ClaimPart, ClaimResult, Column, Comparison
from harness.stats import verdicts
from harness.stats.documents import crossed
from harness.stats.families import confidence_set
from harness.stats.seeds import Array, Estimate, has_spread

SENSITIVITY = (0.5, 2.0)
"""Of a verdict: multiples of the smallest effect at which it is judged as well."""

_ELSE = verdicts.Judged("not comparable")

Part = Callable[[float], ClaimPart]
"""A part of a claim, given the smallest effect of interest."""


def judge(lookup: Lookup, comparisons: Sequence[Comparison]) -> Iterator[ClaimResult]:
    """Judges every claim of the sweep file.

    Claims are not corrected across each other, since each is a statement of its own; within a claim by the rules
    of a conjunction. Where predictions are known, an interval counts documents as a sample too, but for the
    confidence set of the best and for times, which are over seeds.

    Args:
        lookup: What trials answered.
        comparisons: Of every row with its base, controls included.
    """
    known = {(item.model, item.merge, item.column): item for item in comparisons}
    for name, claim in lookup.sweep.claims.items():
        parts = list(_parts(lookup, known, claim))
        smallest = lookup.sweep.statistics.smallest_effect
        by_size = {size: [part(size) for part in parts] for size in (smallest, *(k * smallest for k in SENSITIVITY))}
        verdict = {size: verdicts.conjunction([one.judged for one in found]) for size, found in by_size.items()}
        subset = any(lookup.sweep.datasets[key].train_documents for key in _datasets(lookup, claim))
        yield ClaimResult(
            name=name,
            text=claim.text,
            parts=tuple(replace(one, judged=_ELSE) if subset else one for one in by_size[smallest]),
            verdict="not comparable" if subset else verdict.pop(smallest),
            sensitivity={} if subset else verdict,
        )


def _datasets(lookup: Lookup, claim: Claim) -> set[str]:
    return set(lookup.sweep.datasets) if "average" in claim.data else set(claim.data)


def _columns(lookup: Lookup, claim: Claim) -> Iterator[Column]:
    for data in claim.data:
        for column in lookup.columns:
            is_there = column.average if data == "average" else column.datasets == (data,)
            if is_there and column.metric in claim.metrics:
                yield column


def _parts(lookup: Lookup, known: dict[tuple[str, str, Column], Comparison], claim: Claim) -> Iterable[Part]:
    rows = [tuple(row.split("/")) for row in claim.rows]
    if claim.kind == "time_ratio":
        return [_time(lookup, model, merge, data, claim) for model, merge in rows for data in claim.data]
    columns = list(_columns(lookup, claim))
    if claim.kind == "larger_gain":
        return [_contrast(lookup, claim.rows[0], claim.rows[1], column) for column in columns]
    if claim.kind == "best":
        return [_best(lookup, model, merge, column) for model, merge in rows for column in columns]
    return [_difference(known[model, merge, column], claim) for model, merge in rows for column in columns]


def _difference(item: Comparison, claim: Claim) -> Part:
    def part(smallest: float) -> ClaimPart:
        found = item.estimate
        if claim.kind == "no_gain":
            judged = verdicts.no_gain(found, smallest)
        elif claim.kind == "within":
            judged = verdicts.within(found, *claim.bounds)
        else:
            judged = verdicts.direction(found, 1 if claim.kind == "rises" else -1, smallest)
        published = "" if item.published is None else f"{item.published:+z.2f}"
        label = f"{item.label}, {item.column.label}"
        return ClaimPart(label, _words(found, "+"), published, item.documents is not None, judged)

    return part


def _words(found: Estimate | None, sign: str = "") -> str:
    if found is None:
        return "n/a"
    return f"{found.value:{sign}z.2f} [{', '.join(f'{end:{sign}z.2f}' for end in found.interval())}]"


def _best(lookup: Lookup, model: str, merge: str, column: Column) -> Part:
    merges = lookup.sweep.merges_of(model)
    members = [lookup.coded_scores(model, one, column) for one in merges]
    label = f"{lookup.label(model, merge)}, {column.label}"
    scores = {one: lookup.published(model, one, column) for one in merges}
    ranked = sorted((score for score in scores.values() if score is not None), reverse=True)
    published = " > ".join(f"{score:.2f}" for score in ranked)
    # A rival that cannot be compared may be the better one.
    is_open = any(lookup.one_seed(model, one, column) for one in merges)
    if is_open or min(len(arm) for member in members for arm in member) < 2:
        return lambda smallest: ClaimPart(label, "n/a", published, False, verdicts.Judged("not tested"))
    inside: dict[str, bool] = dict(zip(merges, confidence_set(members, len(merges)), strict=True))
    ours = f"best may be {', '.join(one for one in merges if inside[one])}"
    return lambda smallest: ClaimPart(label, ours, published, False, verdicts.best(inside, merge))


def _time(lookup: Lookup, model: str, merge: str, dataset: str, claim: Claim) -> Part:
    found = lookup.time_test(model, merge, dataset).estimate
    low, high = claim.bounds
    judged = verdicts.within(found, math.log(low), math.log(high))
    ours = "n/a"
    if found is not None:
        ends = ", ".join(f"{math.exp(end):.2f}" for end in found.interval())
        ours = f"x {math.exp(found.value):.2f} [{ends}]"
    label = f"{lookup.label(model, merge)}, {lookup.labels[dataset]}"
    return lambda smallest: ClaimPart(label, ours, f"x {low:g} to {high:g}", False, judged)


def _contrast(lookup: Lookup, one: str, other: str, column: Column) -> Part:
    """How much more the first model gains than the second, each averaged over its merges and over datasets."""
    strata: list[Array] = []
    variances: list[float] = []
    with_documents = True
    for dataset in column.datasets:
        place = Column("", column.metric, (dataset,))
        gains = [_gains(lookup, model, place) for model in (one, other)]
        strata += [np.array(list(gain.values())) for gain in gains]
        variance = _contrast_variance(lookup, dataset, (one, other), place, gains)
        with_documents &= variance is not None
        variances += [variance or 0.0, 0.0]  # The models share documents: one variance for both.
    found = None
    arms = [(model, merge) for model in (one, other) for merge in lookup.sweep.merges_of(model)]
    is_varied = not any(lookup.one_seed(model, merge, column) for model, merge in arms)
    if is_varied and min(values.size for values in strata) > 1 and has_spread(strata):
        signs = [sign / len(column.datasets) for _ in column.datasets for sign in (1.0, -1.0)]
        found = crossed(strata, variances if with_documents else [0.0] * len(strata), signs)
    models = lookup.sweep.models
    label = f"{models[one].label or one} over {models[other].label or other}, {column.label}"
    published = _published_contrast(lookup, one, other, column)
    return lambda smallest: ClaimPart(
        label, _words(found, "+"), published, with_documents, verdicts.direction(found, 1, smallest)
    )


def _variants(lookup: Lookup, model: str) -> list[str]:
    return [merge for merge in lookup.sweep.merges_of(model) if merge != lookup.sweep.statistics.base]


def _gains(lookup: Lookup, model: str, column: Column) -> dict[int, float]:
    """Returns the mean over merges of the difference to the base, by seed, where all of them have it."""
    base = lookup.sweep.statistics.base
    found = []
    for merge in _variants(lookup, model):
        pairs = lookup.pairs(model, merge, base, column)[0]
        found.append(dict(zip(pairs.seeds, pairs.differences, strict=True)))
    shared = sorted(set(found[0]).intersection(*found[1:]))
    return {code: float(np.mean([one[code] for one in found])) for code in shared}


def _contrast_variance(
    lookup: Lookup, dataset: str, models: tuple[str, str], column: Column, gains: Sequence[dict[int, float]]
) -> float | None:
    sample = lookup.samples.get(dataset)
    weights: dict[Run, float] = {}
    for model, gain, sign in zip(models, gains, (1.0, -1.0), strict=True):
        merges = _variants(lookup, model)
        for seed in lookup.seeds(list(gain)):
            weights |= {(model, merge, seed): sign / len(gain) / len(merges) for merge in merges}
            weights[model, lookup.sweep.statistics.base, seed] = -sign / len(gain)
    if sample is None or not weights or not sample.has(list(weights)):
        return None
    # Weights of the strata are applied to whole differences, as the models' signs are in these already.
    return sample.variance(column.metric, weights)[0]  # type: ignore[arg-type]


def _published_contrast(lookup: Lookup, one: str, other: str, column: Column) -> str:
    gains = []
    for model in (one, other):
        scores = [
            lookup.published(model, merge, column)
            for merge in (lookup.sweep.statistics.base, *_variants(lookup, model))
        ]
        known = [score for score in scores if score is not None]
        if len(known) < len(scores):
            return ""
        gains.append(np.mean(known[1:]) - known[0])
    return f"{gains[0] - gains[1]:+z.2f}"
