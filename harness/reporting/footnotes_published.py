"""Footnotes on published scores: how ours are judged against them, which are not, how many lie outside."""

from collections.abc import Iterator

from harness.analysis.findings import Findings
from harness.core.text import listed
from harness.stats.prediction_interval import JUDGED, WIDEST

_UNJUDGED = {
    "uninformative": f"fewer than 3 seeds, or a half-width above {WIDEST:g} points",
    "degenerate": "no spread over seeds",
    "n/a": "fewer than 2 seeds",
    "not comparable": "trained on fewer documents than the published run",
}


def published_scores(findings: Findings) -> Iterator[str]:
    """Explains the published scores in brackets and their comparison with ours."""
    published = findings.sweep.published
    if published is None:
        return
    agreements = {cell.prediction for row in findings.rows for cell in row.cells}
    agreements |= {item.judged.agreement for item in findings.comparisons if item.judged}
    is_judged = bool(agreements & {*JUDGED})
    judgement = (
        ", and ours against it: ≈ agrees, > is higher, < is lower, by the 95 % prediction interval of one further run, "
        "widened by the rounding of the published score"
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
        if not column.average and cell.prediction in JUDGED
    ]
    if judged:
        yield (
            f"{sum(cell.prediction != '≈' for cell in judged)} of {len(judged)} published scores lie outside their "
            f"interval (averages not counted); about {0.05 * len(judged):.2g} would by chance. The widest interval is "
            f"± {max(cell.half_width for cell in judged):.2f} points."
        )
