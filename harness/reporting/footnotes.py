"""The sentences under the tables, made from the tests that were really run."""

import math
from collections.abc import Callable, Iterator

from harness.analysis.design import exact_test, seed_test, why_no_comparisons
from harness.analysis.findings import Column, Comparison, Findings, Row, TableCell
from harness.analysis.index import METRIC_TITLES, RECONSTRUCTED
from harness.core.text import listed
from harness.reporting.tables import CUT
from harness.stats.effect_sizes import LEAST_DEVIATION
from harness.stats.multiple_testing import star_levels
from harness.stats.permutation_tests import MOST_EXACT, RESAMPLES
from harness.stats.prediction_interval import JUDGED, WIDEST
from harness.trials.preregistration import Registration

_UNJUDGED = {
    "uninformative": f"fewer than 3 seeds, or a half-width above {WIDEST:g} points",
    "degenerate": "no spread over seeds",
    "n/a": "fewer than 2 seeds",
    "not comparable": "trained on fewer documents than the published run",
}
_PAIRING = {
    True: "complete pairs of runs with the same seed",
    False: "runs of each arm, whose seeds do not pair, as the sweep file says",
}
_SWAPPED = " p swap is approximate randomisation over documents, of these trained models only; it makes no stars."


def footnotes(findings: Findings) -> list[str]:
    """Returns everything that a reader needs in order to read the main table, sentence by sentence."""
    parts: list[Callable[[Findings], Iterator[str]]] = [
        _reading,
        _reconstructions,
        _published,
        _stars,
        _protocol,
        _flags,
        _oddities,
    ]
    return [sentence for part in parts for sentence in part(findings)]


def _reading(findings: Findings) -> Iterator[str]:
    num_seeds = len(findings.sweep.seeds)
    if num_seeds == 1:
        yield "One seed: F in points, without spread and without test."
    else:
        yield f"Mean ± sd (ddof 1) over {num_seeds} seeds, F in points; n = k where only k of them count."
    if any(column.average for column in findings.columns):
        yield "Avg is the mean over datasets where each has a result; its sd is sqrt(sum of variances) / datasets."
    cells = [cell for row in findings.rows if not row.control for cell in row.cells]
    texts = []
    if any(cell.bold for cell in cells):
        texts.append("bold is the 95 % confidence set of the best, where it excludes one")
    if any(cell.underlined for cell in cells):
        texts.append("underlined is the highest mean")
    if texts:
        yield f"Among the merges of one model, {'; '.join(texts)}."


def _reconstructions(findings: Findings) -> Iterator[str]:
    sweep = findings.sweep
    reasons = {model: sweep.reconstruction_of(model) for model in sweep.models}
    found = [f"{sweep.models[model].label or model} ({reason})" for model, reason in reasons.items() if reason]
    if found:
        text = f"{RECONSTRUCTED}: a reconstruction, whose scores are not those of the published model."
        yield f"{text} {'; '.join(found)}."


def _published(findings: Findings) -> Iterator[str]:
    published = findings.sweep.published
    if published is None:
        return
    labels = {cell.prediction for row in findings.rows for cell in row.cells}
    labels |= {item.judged.agreement for item in findings.comparisons if item.judged}
    text = "In brackets the published score"
    if labels & {*JUDGED}:
        text += (
            ", and ours ≈ it, > it or < it by the 95 % prediction interval of one further run, widened by its rounding"
        )
    yield f"{text}. Published: {published.source.rstrip('.')}."
    others = findings.sweep.statistics.other_test_documents
    if others and labels & {*JUDGED}:
        yield (
            f"Published scores on {listed([findings.dataset_titles[key] for key in others])} are of other test "
            "documents than ours: those intervals count the error of both samples (twice the variance over our "
            "documents)."
        )
    unjudged = dict(_UNJUDGED)
    if others:
        unjudged["not comparable"] += ", or tested on others without predictions kept"
    meanings = [f"{label}: {meaning}" for label, meaning in unjudged.items() if label in labels]
    if meanings:
        yield f"Published numbers that are not judged. {'; '.join(meanings)}."
    singles = [cell for _, column, cell in _cells(findings) if not column.average]
    judged = [cell for cell in singles if cell.prediction in JUDGED]
    if judged:
        outside = sum(cell.prediction != "≈" for cell in judged)
        yield (
            f"{outside} of {len(judged)} published scores lie outside (averages not counted); about "
            f"{0.05 * len(judged):.2g} would by chance. The widest interval is ± "
            f"{max(cell.half_width for cell in judged):.2f} points."
        )


def _stars(findings: Findings) -> Iterator[str]:
    rule = findings.sweep.statistics
    if not findings.comparisons:
        yield why_no_comparisons(findings.sweep)
        return
    possible = [item for item in findings.comparisons if not item.obstacle]
    if possible:
        levels = ", ".join(f"{'*' * (i + 1)} p<{_number(p)}" for i, p in enumerate(star_levels(rule.alpha)))
        yield (
            f"▲ better, ▼ worse than the same model with merge {rule.base}: {levels}, by a two-sided t test over "
            f"{_pair_counts(possible)} {_PAIRING[rule.paired]}; {_families(findings)}. No star does not mean no effect."
        )
        how = findings.resampling
        if how and any(item.documents for item in possible):
            swapped, swaps = ("", "") if not rule.paired else (_SWAPPED, f", {how.swaps:,} swaps")
            yield (
                "† the 95 % interval over seeds and test documents together (crossed; documents drawn once for all "
                f"seeds) excludes 0 as well.{swapped} {how.draws:,} draws of documents for the variance of macro F"
                f"{swaps}, from root seed {how.root}."
            )
        if any(item.column.average for item in findings.comparisons):
            yield (
                f"Each of the two families holds its error at {_number(rule.alpha)}, so both together at most "
                f"{_number(2 * rule.alpha)}."
            )
    yield from _obstacles(findings)
    for metric, label in METRIC_TITLES.items():
        found = [item.detectable for item in possible if item.column.metric == metric and item.detectable > 0]
        if found:
            yield (
                f"So many seeds detect {min(found):.2f} to {max(found):.2f} points of {label} F on a single dataset "
                "with 80 % power (two-sided, uncorrected, by the observed sd)."
            )
    if findings.replications:
        texts = [
            f"{item.title} {METRIC_TITLES[item.metric]} {item.num_effects}/{item.num_datasets}"
            for item in findings.replications
        ]
        yield f"Datasets with an effect, at least (Bonferroni partial conjunction): {', '.join(texts)}."


def _families(findings: Findings) -> str:
    num_averages = sum(item.column.average for item in findings.comparisons)
    single = f"{seed_test(findings.sweep)}, Holm over {len(findings.comparisons) - num_averages} tests"
    if not num_averages:
        return single
    return f"single datasets: {single}; averages: stratified t (Satterthwaite), Holm over {num_averages} tests"


def _pair_counts(items: list[Comparison]) -> str:
    counts = {count for item in items for count in item.test.num_pairs}
    return str(min(counts)) if len(counts) == 1 else f"{min(counts)} to {max(counts)}"


def _obstacles(findings: Findings) -> Iterator[str]:
    reasons: dict[str, list[Comparison]] = {}
    for item in findings.comparisons:
        if item.obstacle:
            reasons.setdefault(item.obstacle, []).append(item)
    for reason, items in reasons.items():
        yield f"No star{_whom(items, findings)}: {reason}."


def _whom(items: list[Comparison], findings: Findings) -> str:
    if len(items) == len(findings.comparisons):
        return "s"
    if len(items) > 4:
        return f" in {len(items)} of {len(findings.comparisons)} comparisons"
    return " for " + ", ".join(_place(item) for item in items)


def _place(item: Comparison) -> str:
    return f"{item.title} on {item.column.title}"


def _protocol(findings: Findings) -> Iterator[str]:
    yield f"Best epoch: {findings.facts.selection.rstrip('.')}."
    looks = findings.facts.looks
    yield f"Planned n = {findings.facts.registration.num_seeds}, looks = {looks}."
    if looks > 1:
        yield "More looks than the planned one: the results were tested before they were complete, or extended after."
    yield _registered(findings.facts.registration)


def _registered(found: Registration) -> str:
    if not found.frozen:
        return "Pre-registered: no; no plan was frozen before the first trial."
    plan = f"plan {found.sha256[:12]}, frozen {found.frozen}"
    if found.num_older:
        return f"Pre-registered: no; {found.num_older} results are older than the {plan}."
    if found.changes:
        return f"Pre-registered: yes ({plan}), and not followed: {listed(list(found.changes))}."
    return f"Pre-registered: yes ({plan}), and followed."


def _flags(findings: Findings) -> Iterator[str]:
    rule, exact = findings.sweep.statistics, exact_test(findings.sweep)
    alpha = _number(rule.alpha)
    meanings = {
        "U": f"power at the published Δ with the observed sd is below .8 (two-sided, {alpha}), "
        "so no star is no evidence of no effect",
        "P": f"with so few seeds the exact {exact} cannot reach {alpha} after Holm",
        "D": "seeds that only one of the two finished are left out",
        "M": "runs made by different commits or on different hardware are not compared",
    }
    used = {flag for item in findings.comparisons for flag in item.flags}
    texts = [f"{flag}: {meaning}" for flag, meaning in meanings.items() if flag in used]
    if texts:
        yield f"Flags of the comparisons. {'; '.join(texts)}."
    if any(sum(item.test.num_pairs) > MOST_EXACT for item in findings.comparisons):
        yield (
            f"The sign flip is exact up to {MOST_EXACT} differences; of more, as in an average over many seeds, it is "
            f"sampled ({RESAMPLES:,} draws)."
        )
    if any(item.p_exchange >= 0 and 2 / item.least_p > RESAMPLES for item in findings.comparisons):
        yield f"The exchange of runs is exact up to {RESAMPLES:,} ways; of more it is sampled, as often."
    dropped = dict.fromkeys(seed for item in findings.comparisons if "D" in item.flags for seed in item.dropped)
    if dropped:
        yield f"Seeds left out of some comparison: {listed(list(dropped))}."
    mixed = dict.fromkeys(seed for item in findings.comparisons for seed in item.mixed)
    if mixed:
        yield (
            f"Seeds whose runs mix commits or hardware: {listed(list(mixed))}; `statistics: {{allow_mixed: true}}` "
            "would compare them."
        )
    elif rule.allow_mixed:
        yield "Runs of one seed are compared also where commits or hardware differ, as the sweep file says."


def _oddities(findings: Findings) -> Iterator[str]:
    same = [_spot(row, column) for row, column, cell in _cells(findings) if cell.one_seed and not column.average]
    if same:
        yield f"The seed had no effect (equal predictions or scores), so all seeds count as one: {listed(same)}."
    low = [
        f"{_spot(row, column)} {cell.num_collapsed}/{cell.num_done[0]}"
        for row, column, cell in _cells(findings)
        if cell.num_collapsed and not column.average
    ]
    if low:
        yield (
            f"Collapsed runs (below median - 10 x max(MAD, {LEAST_DEVIATION}), or one set of labels for every "
            f"document; they stay in every number): {listed(low)}."
        )
    failed = [
        f"{_spot(row, column)} {cell.num_failed}/{cell.num_planned}"
        for row, column, cell in _cells(findings)
        if cell.num_failed and column.metric == findings.sweep.statistics.star_metrics[0] and not column.average
    ]
    if failed:
        yield (
            f"Failed runs have no score and are in no mean, which flatters a row whose runs diverge: {listed(failed)}."
        )
    cut = [
        f"{trial.title} on {findings.dataset_titles[trial.dataset]} seed {trial.seed} ({trial.result.micro_batches})"
        for trial in findings.trials
        if trial.result and trial.result.micro_batches > 1
    ]
    if cut:
        yield (
            f"{CUT}: out of memory, so trained on batches cut into parts whose gradients are added up: statistics and "
            f"dropout are those of the parts. Trials, and parts a batch: {listed(cut)}."
        )
    if findings.num_odd_scores:
        yield f"Scores that are NaN or infinite, and count as missing: {findings.num_odd_scores}."
    unused = [f"{label} {number}" for label, number in findings.labels_without_gold.items() if number]
    if unused:
        yield f"Labels that no test document has, and that stay in the denominator of macro F: {', '.join(unused)}."
    same_as_base = [_place(item) for item in findings.comparisons if item.test.status == "identical"]
    if same_as_base:
        yield f"Equal to the base on every seed: {listed(same_as_base)}."


def _cells(findings: Findings) -> Iterator[tuple[Row, Column, TableCell]]:
    for row in findings.rows:
        for column, cell in zip(findings.columns, row.cells, strict=True):
            if not math.isnan(cell.mean):
                yield row, column, cell


def _spot(row: Row, column: Column) -> str:
    return f"{row.title} on {column.title}"


def _number(level: float) -> str:
    return f"{level:.3g}".removeprefix("0")
