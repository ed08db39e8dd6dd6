"""Footnotes on stars and comparisons: tests, correction, hollow stars, † for documents, intervals, no star."""

from collections.abc import Iterator, Sequence

from harness.analysis.design import (
    designs,
    exact_test,
    has_seeds,
    num_comparisons,
    seed_test,
    seeds_for_full_stars,
    why_no_comparisons,
)
from harness.analysis.findings import Comparison, Findings
from harness.analysis.index import METRIC_TITLES
from harness.core.text import listed
from harness.reporting.contrasts import reference_words
from harness.reporting.notation import BETTER, DAGGER, HOLLOW, STAR, WORSE, explained, explained_stars, level
from harness.stats.multiple_testing import star_levels
from harness.stats.pairing import Arms, Constant, Design, Pairs

_FAMILIES = {"averages": "averages", "datasets": "single datasets"}
_PAIRING: dict[Design, str] = {
    Pairs: "complete pairs of runs with the same seed",
    Arms: "runs of each arm, whose seeds do not pair",
    Constant: "runs against the one run that stands for a row",
}


def stars(findings: Findings) -> Iterator[str]:
    """Explains the stars and daggers of the main table."""
    if not findings.comparisons:
        yield why_no_comparisons(findings.sweep)
        return
    possible = [item for item in findings.comparisons if not item.obstacle]
    if possible:
        yield from _tests(findings, possible)
        yield from _hollow(findings)
        yield from _documents(findings, possible)
        if any(item.column.average for item in findings.comparisons):
            alpha = findings.sweep.statistics.alpha
            yield (
                f"Holm holds the family-wise error of each of the two families at {level(alpha)}, so that of both "
                f"together is at most {level(2 * alpha)}."
            )
    yield from _obstacles(findings)
    yield from _detectable(possible)


def _tests(findings: Findings, possible: Sequence[Comparison]) -> Iterator[str]:
    rule = findings.sweep.statistics
    legend = explained_stars([level(p) for p in star_levels(rule.alpha)])
    seeded = [item for item in possible if has_seeds(findings.sweep, item.contrast)]
    than = reference_words(findings)
    if than and findings.sweep.contrasts:
        than += ", or, in a single contrast, than the row named second"
    num_averages = sum(item.column.average for item in findings.comparisons)
    by = f"{seed_test(findings.sweep)}, " if seeded else ""
    families = f"{by}Holm over {len(findings.comparisons) - num_averages} tests"
    if num_averages:
        by = "stratified t (Satterthwaite), " if seeded else ""
        families = f"single datasets: {families}; averages: {by}Holm over {num_averages} tests"
    yield (
        f"{explained(BETTER)}, {explained(WORSE)} than {than or 'the row named second'}: {legend}, by a two-sided "
        f"{_over_runs(findings, seeded) if seeded else 'test'}; {families}. No star does not mean no effect."
    )
    if len(seeded) < len(possible):
        yield _of_one_run(findings)


def _of_one_run(findings: Findings) -> str:
    how = findings.resampling
    hollow = f"; a star of theirs is hollow where {how.confirming:,} random swaps do not confirm it" if how else ""
    return f"Two rows of one run each are compared by the normal distribution over test documents{hollow}."


def _over_runs(findings: Findings, seeded: Sequence[Comparison]) -> str:
    counts = {count for item in seeded for count in item.test.num_pairs}
    num_pairs = str(min(counts)) if len(counts) == 1 else f"{min(counts)} to {max(counts)}"
    pairing = " or ".join(_PAIRING[design] for design in designs(findings.sweep))
    unpaired = "" if findings.sweep.statistics.paired else ", as the sweep file says"
    return f"t test over {num_pairs} {pairing}{unpaired}"


def _hollow(findings: Findings) -> Iterator[str]:
    if not any(HOLLOW in item.marks for item in findings.comparisons):
        return
    needed = []
    for family, size in num_comparisons(findings.sweep).items():
        if size:
            seeds = enumerate(seeds_for_full_stars(findings.sweep, family), 1)
            needed.append(f"{listed([f'{STAR * num} {least}' for num, least in seeds])} ({_FAMILIES[family]})")
    yield (
        f"{explained(HOLLOW)}, as few runs leave the t test leaning on the tail of the normal distribution. The exact "
        f"test is the {exact_test(findings.sweep)}; where all seeds agree, it fills stars from these numbers of seeds "
        f"on: {'; '.join(needed)}."
    )


def comparisons_note(findings: Findings) -> str:
    """Returns how to read the table of comparisons."""
    if not findings.comparisons:
        return ""
    exact = " or ".join(dict.fromkeys(item.exact_test for item in findings.comparisons if item.exact_test))
    with_documents = any(item.documents for item in findings.comparisons)
    over = "over seeds and test documents, or over seeds alone where that is wider" if with_documents else "over seeds"
    new = "on a new draw of as many test documents" if with_documents else "on the same test documents"
    if with_documents and not all(item.documents for item in findings.comparisons if item.test.estimate):
        new += "; (runs): on the same ones, as predictions are not known"
    return (
        f"95 % CI: {over}, unadjusted. Simultaneous: over seeds, for all differences of a family at once; it excludes "
        "0 only where Holm rejects, and there always if all that Holm rejects have one sign. An end in a round bracket "
        f"is excluded. P(new run is better): of one new run of each {new}, by a normal model. The CSV has more: p of "
        f"the {exact}, q, both intervals, correlation over seeds, power, flags."
    )


def _documents(findings: Findings, possible: Sequence[Comparison]) -> Iterator[str]:
    how = findings.resampling
    if how is None or not any(item.documents for item in possible):
        return
    swapped = swaps = ""
    if findings.sweep.statistics.paired:
        swapped = " p_swap in the CSV is approximate randomisation over documents, of these trained models only."
        swaps = f", {how.swaps:,} swaps"
    yield (
        f"{explained(DAGGER)}.{swapped} {how.draws:,} draws of documents for the variance of macro F{swaps}, from root "
        f"seed {how.root}."
    )


def _obstacles(findings: Findings) -> Iterator[str]:
    reasons: dict[str, list[Comparison]] = {}
    for item in findings.comparisons:
        if item.obstacle:
            reasons.setdefault(item.obstacle, []).append(item)
    for reason, items in reasons.items():
        if len(items) == len(findings.comparisons):
            where = "s"
        elif len(items) > 4:
            where = f" in {len(items)} of {len(findings.comparisons)} comparisons"
        else:
            where = " for " + ", ".join(f"{item.title} on {item.column.title}" for item in items)
        yield f"No star{where}: {reason}."


def _detectable(possible: Sequence[Comparison]) -> Iterator[str]:
    ranges = []
    for metric, title in METRIC_TITLES.items():
        found = [item.detectable for item in possible if item.column.metric == metric and item.detectable > 0]
        if found:
            ranges.append(f"{min(found):.2f} to {max(found):.2f} points of {title} F")
    if ranges:
        yield (
            f"With 80 % power, these seeds detect differences of {' and '.join(ranges)} on a single dataset "
            "(two-sided, uncorrected, by the upper 80 % limit of the observed sd)."
        )
