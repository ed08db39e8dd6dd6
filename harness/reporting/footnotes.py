"""Footnotes under the main table of a report: how to read it, published scores, protocol, flags, unusual trials.

Those on stars have a file of their own.
"""

import math
from collections.abc import Callable, Iterator

from harness.analysis.design import exact_test
from harness.analysis.findings import Column, Findings, TableCell
from harness.analysis.flags import Flag
from harness.analysis.published import first_source
from harness.core.text import listed
from harness.reporting.captions_scores import MEANINGS
from harness.reporting.footnotes_stars import stars
from harness.reporting.notation import CUT, IMPROVING, RECONSTRUCTED, explained, level
from harness.stats.collapse import FAR
from harness.stats.multiple_testing import LEAST_PAIRS
from harness.stats.permutation_tests import MOST_EXACT, RESAMPLES
from harness.stats.prediction_interval import JUDGED, WIDEST
from harness.stats.t_tests import TINY

BEST_EPOCH = {
    "per_metric": "micro F from the epoch with the best validation micro F, macro F from the one with the best "
    "validation macro F; other metrics from the former",
    "micro": "every metric from the epoch with the best validation micro F",
    "macro": "every metric from the epoch with the best validation macro F",
}
"""What each rule of `trainer: {select: ...}` takes from which epoch."""

_UNJUDGED = {
    "uninformative": f"inside an interval of fewer than 3 seeds, or of a half-width above {WIDEST:g} points",
    "degenerate": "no spread over seeds",
    "n/a": "fewer than 2 seeds",
    "not comparable": "trained on fewer documents than the published run",
}


def footnotes(findings: Findings) -> list[str]:
    """Returns everything that a reader needs in order to read the main table, sentence by sentence."""
    parts: list[Callable[[Findings], Iterator[str]]] = [
        _reading,
        _decision,
        _reconstructions,
        published_scores,
        stars,
        best_epoch,
        convergence,
        looks,
        pre_registration,
        _flags,
        unusual_trials,
    ]
    return [sentence for part in parts for sentence in part(findings)]


def _decision(findings: Findings) -> Iterator[str]:
    if (rule := findings.sweep.decision) != "0.5":
        yield f"A label is predicted {MEANINGS[rule]} (`decision: {rule}`)."


def _reading(findings: Findings) -> Iterator[str]:
    sweep = findings.sweep
    numbers = {len(sweep.seeds_of(model)) for model in sweep.models if not sweep.has_one_run(model)}
    if not numbers:
        yield "F in points."
    elif numbers == {1}:
        yield "One seed: F in points, without spread or test over seeds."
    else:
        over = f"{max(numbers)} seeds" if len(numbers) == 1 else f"each row's seeds, {min(numbers)} to {max(numbers)}"
        yield f"Mean ± sd (ddof 1) over {over}, F in points; n = k where only k of them count."
    if any(column.average for column in findings.columns):
        yield "Avg is the mean over datasets, where all have a result; its sd is sqrt(sum of variances) / datasets."
    cells = [cell for row in findings.rows if not row.control for cell in row.cells]
    texts, is_base = [], findings.sweep.comparing.rule == "base"
    group, within = ("merges of one model", "a model's merges") if is_base else ("rows", "the rows")
    if any(cell.bold for cell in cells):
        texts.append(
            "bold is the 95 % confidence set of the best, where it excludes any (one-sided t tests over "
            f"{LEAST_PAIRS} runs or more, documents not counted; corrected within {within}, not across columns)"
        )
    if any(cell.underlined for cell in cells):
        texts.append("underlined is the highest mean")
    if texts:
        yield f"Among the {group}, {'; '.join(texts)}."
    alone = [row for row in findings.rows if sweep.has_one_run(row.model)]
    if alone:
        yield (
            f"There is one run each of {listed([row.title for row in alone])}: n = 1, no sd. In comparisons such a row "
            "is a constant, whose error is that of the test documents alone."
        )
    if imported := [row.title for row in alone if sweep.name_of(row.model) == "imported"]:
        yield f"How far another run of {listed(imported)} would differ is not known, and not counted in any p."


def _reconstructions(findings: Findings) -> Iterator[str]:
    sweep = findings.sweep
    reasons = {model: sweep.reconstruction_of(model) for model in sweep.models}
    found = [f"{sweep.models[model].label or model} ({reason})" for model, reason in reasons.items() if reason]
    if found:
        yield f"{explained(RECONSTRUCTED)}. {'; '.join(found)}."


def published_scores(findings: Findings) -> Iterator[str]:
    """Explains the published scores in brackets and their comparison with ours."""
    if not findings.sweep.published:
        return
    published = findings.sweep.published[first_source(findings.sweep)]
    scores = [score for row in published.scores.values() for cells in row.values() for score in cells.values()]
    agreements = {cell.prediction for row in findings.rows for cell in row.cells}
    agreements |= {item.judged.agreement for item in findings.comparisons if item.judged}
    is_judged = bool(agreements & {*JUDGED})
    judgement = (
        ", and ours against it: ≈ agrees, > is higher, < is lower, by the 95 % prediction interval of one further run, "
        "widened by the rounding of the published score"
    )
    if is_judged and any(score.sd is not None or score.n for score in scores):
        judgement += (
            "; where that is a mean over runs, by the 95 % interval of the difference between the two means (Welch's t "
            "where its sd is known, else with ours for both; as of 2 runs where the number of runs is not stated)"
        )
    yield f"In brackets the published score{judgement if is_judged else ''}. Published: {published.source.rstrip('.')}."
    others = findings.sweep.statistics.other_test_documents
    if others and is_judged:
        yield (
            f"Published scores on {listed([findings.dataset_titles[key] for key in others])} are of other test "
            "documents than ours: those intervals count the error of both samples (twice the variance over our "
            "documents)."
        )
    unjudged = dict(_UNJUDGED)
    if others:
        unjudged["not comparable"] += ", or tested on others without predictions kept"
    meanings = [f"{agreement}: {meaning}" for agreement, meaning in unjudged.items() if agreement in agreements]
    if meanings:
        yield f"Published numbers that are not judged. {'; '.join(meanings)}."
    yield from _outside(findings)


def _outside(findings: Findings) -> Iterator[str]:
    judged = [
        cell
        for row in findings.rows
        for column, cell in zip(findings.columns, row.cells, strict=True)
        if not column.average and cell.prediction in (*JUDGED, "uninformative")
    ]
    if judged:
        yield (
            f"{sum(cell.prediction in '<>' for cell in judged)} of {len(judged)} published scores lie outside their "
            f"interval (averages not counted); about {0.05 * len(judged):.2g} would by chance. The widest interval is "
            f"± {max(cell.half_width for cell in judged):.2f} points."
        )


def best_epoch_rules(findings: Findings) -> str:
    """Returns in words the rules that chose the epochs of the test scores."""
    return " / ".join(BEST_EPOCH[rule] for rule in findings.facts.selection)


def best_epoch(findings: Findings) -> Iterator[str]:
    """Names the rule that chose the epoch of the test scores."""
    if findings.facts.selection:
        yield f"Best epoch: {best_epoch_rules(findings)}."


def convergence(findings: Findings) -> Iterator[str]:
    """Counts the runs that more training might change, and explains the sign of rows with many of them."""
    known = [one.still_improving for one in findings.results if one.still_improving is not None]
    if known:
        yield f"Convergence: in {sum(known)} of {len(known)} runs a best epoch is the last one allowed."
    if any(row.still_improving for row in findings.rows):
        yield f"{explained(IMPROVING)}."


def looks(findings: Findings) -> Iterator[str]:
    """Counts the looks at the results, of which one is planned."""
    yield f"Planned n = {findings.facts.registration.num_seeds}, looks = {findings.facts.looks}."
    if findings.facts.looks > 1:
        yield "More looks than the planned one: the results were tested before they were complete, or extended after."


def pre_registration(findings: Findings) -> Iterator[str]:
    """Reports whether the plan was frozen before the first trial, and followed."""
    found = findings.facts.registration
    plan = f"plan {found.sha256[:12]}, frozen {found.frozen}"
    if not found.frozen:
        yield "Pre-registered: no; no plan was frozen before the first trial."
    elif found.num_older:
        yield f"Pre-registered: no; {found.num_older} results are older than the {plan}."
    elif found.changes:
        yield f"Pre-registered: yes ({plan}), and not followed: {listed(found.changes)}."
    else:
        yield f"Pre-registered: yes ({plan}), and followed."


def _flags(findings: Findings) -> Iterator[str]:
    rule, exact = findings.sweep.statistics, exact_test(findings.sweep)
    alpha = level(rule.alpha)
    used = {flag for item in findings.comparisons for flag in item.flags}
    texts = [f"{flag.value}: {flag.meaning.format(alpha=alpha, exact=exact)}" for flag in Flag if flag in used]
    if texts:
        yield f"Flags of the comparisons in the CSV. {'; '.join(texts)}."
    if rule.paired and any(sum(item.test.num_pairs) > MOST_EXACT for item in findings.comparisons):
        yield (
            f"The sign flip is exact up to {MOST_EXACT} differences; of more, as in an average over many seeds, it is "
            f"sampled ({RESAMPLES:,} draws)."
        )
    if not rule.paired and any(item.p_exact >= 0 and 2 / item.least_p > RESAMPLES for item in findings.comparisons):
        yield f"The exchange of runs is exact up to {RESAMPLES:,} ways; of more it is sampled, as often."
    dropped = dict.fromkeys(seed for item in findings.comparisons if "D" in item.flags for seed in item.dropped)
    if dropped:
        yield f"Seeds left out of some comparison: {listed([*dropped])}."
    mixed = dict.fromkeys(seed for item in findings.comparisons for seed in item.mixed)
    if mixed:
        yield (
            f"Seeds whose runs mix commits or hardware: {listed([*mixed])}; `statistics: {{allow_mixed: true}}` "
            "would compare them."
        )
    elif rule.allow_mixed:
        yield "Runs of one seed are compared also where commits or hardware differ, as the sweep file says."


def unusual_trials(findings: Findings) -> Iterator[str]:
    """Lists what is unusual about the trials, labels and scores behind the tables."""
    first_metric = findings.sweep.statistics.star_metrics[0]
    same = [place for place, _ in _places(findings, lambda cell, _: cell.one_seed)]
    if same:
        yield f"The seed had no effect (equal predictions), so all seeds count as one: {listed(same)}."
    equal = [place for place, _ in _places(findings, lambda cell, _: cell.sd <= TINY and not cell.one_seed)]
    if equal:
        yield f"Equal scores on every seed, from predictions that differ, so that there is no spread: {listed(equal)}."
    collapsed = _places(findings, lambda cell, _: cell.num_collapsed > 0)
    if collapsed:
        counts = [f"{place} {cell.num_collapsed}/{cell.num_done[0]}" for place, cell in collapsed]
        yield (
            "Collapsed runs, which stay in every number (the same labels for every document, or no score as high as "
            f"that can have, or a score more than {FAR:g} points and {FAR:g} median absolute deviations below all "
            f"others): {listed(counts)}."
        )
    failed = _places(findings, lambda cell, column: cell.num_failed > 0 and column.metric == first_metric)
    if failed:
        counts = [f"{place} {cell.num_failed}/{cell.num_planned}" for place, cell in failed]
        yield (
            f"Failed runs have no score and enter no mean, which flatters a row whose runs diverge: {listed(counts)}."
        )
    cut = [
        f"{findings.row_titles[one.model, one.merge]} on {findings.dataset_titles[one.dataset]} seed {one.seed} "
        f"({one.micro_batches})"
        for one in findings.results
        if one.micro_batches > 1
    ]
    if cut:
        yield f"{explained(CUT)}. Trials, with the parts of a batch: {listed(cut)}."
    if findings.num_odd_scores:
        yield f"NaN or infinite scores, which count as missing: {findings.num_odd_scores}."
    unused = [f"{title} {number}" for title, number in findings.labels_without_gold.items() if number]
    if unused:
        yield f"Labels that no test document has, and that stay in the denominator of macro F: {', '.join(unused)}."
    identical = [f"{one.title} on {one.column.title}" for one in findings.comparisons if one.test.status == "identical"]
    if identical:
        yield f"Equal to the base on every seed: {listed(identical)}."


def _places(findings: Findings, holds: Callable[[TableCell, Column], bool]) -> list[tuple[str, TableCell]]:
    """Returns the cells with a score on a single dataset of which something holds, by row and column in words."""
    return [
        (f"{row.title} on {column.title}", cell)
        for row in findings.rows
        for column, cell in zip(findings.columns, row.cells, strict=True)
        if not column.average and not math.isnan(cell.mean) and holds(cell, column)
    ]
