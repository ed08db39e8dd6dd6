"""Footnotes under the main table of a report: their order, how to read the table, and the flags.

Stars, published scores, the protocol (best epoch, looks, pre-registration) and unusual trials have a file each.
"""

from collections.abc import Callable, Iterator

from harness.analysis.design import exact_test
from harness.analysis.findings import Findings
from harness.analysis.flags import Flag
from harness.core.text import listed
from harness.reporting.footnotes_protocol import best_epoch, looks, pre_registration
from harness.reporting.footnotes_published import published_scores
from harness.reporting.footnotes_stars import stars
from harness.reporting.footnotes_trials import unusual_trials
from harness.reporting.number_formats import level
from harness.reporting.symbols import RECONSTRUCTED, explained
from harness.stats.permutation_tests import MOST_EXACT, RESAMPLES


def footnotes(findings: Findings) -> list[str]:
    """Returns everything that a reader needs in order to read the main table, sentence by sentence."""
    parts: list[Callable[[Findings], Iterator[str]]] = [
        _reading,
        _reconstructions,
        published_scores,
        stars,
        best_epoch,
        looks,
        pre_registration,
        _flags,
        unusual_trials,
    ]
    return [sentence for part in parts for sentence in part(findings)]


def _reading(findings: Findings) -> Iterator[str]:
    num_seeds = len(findings.sweep.seeds)
    if num_seeds == 1:
        yield "One seed: F in points, without spread or test."
    else:
        yield f"Mean ± sd (ddof 1) over {num_seeds} seeds, F in points; n = k where only k of them count."
    if any(column.average for column in findings.columns):
        yield "Avg is the mean over datasets, where all have a result; its sd is sqrt(sum of variances) / datasets."
    cells = [cell for row in findings.rows if not row.control for cell in row.cells]
    texts = []
    if any(cell.bold for cell in cells):
        texts.append("bold is the 95 % confidence set of the best, where it excludes any")
    if any(cell.underlined for cell in cells):
        texts.append("underlined is the highest mean")
    if texts:
        yield f"Among the merges of one model, {'; '.join(texts)}."


def _reconstructions(findings: Findings) -> Iterator[str]:
    sweep = findings.sweep
    reasons = {model: sweep.reconstruction_of(model) for model in sweep.models}
    found = [f"{sweep.models[model].label or model} ({reason})" for model, reason in reasons.items() if reason]
    if found:
        yield f"{explained(RECONSTRUCTED)}. {'; '.join(found)}."


def _flags(findings: Findings) -> Iterator[str]:
    rule, exact = findings.sweep.statistics, exact_test(findings.sweep)
    alpha = level(rule.alpha)
    used = {flag for item in findings.comparisons for flag in item.flags}
    texts = [f"{flag.value}: {flag.meaning.format(alpha=alpha, exact=exact)}" for flag in Flag if flag in used]
    if texts:
        yield f"Flags of the comparisons. {'; '.join(texts)}."
    if rule.paired and any(sum(item.test.num_pairs) > MOST_EXACT for item in findings.comparisons):
        yield (
            f"The sign flip is exact up to {MOST_EXACT} differences; of more, as in an average over many seeds, it is "
            f"sampled ({RESAMPLES:,} draws)."
        )
    if not rule.paired and any(item.p_exact >= 0 and 2 / item.least_p > RESAMPLES for item in findings.comparisons):
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
