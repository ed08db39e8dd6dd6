"""From trial results to findings: the one object that every report file is rendered from.

Rows and columns, what is compared with what, and in which family, follow from the sweep file alone,
never from what has finished: a comparison that is missing counts with p = 1.
"""

import math
from collections.abc import Iterable, Sequence

from harness.analysis.cells import table_rows
from harness.analysis.claims import judge_claims
from harness.analysis.compare import compare
from harness.analysis.decisions import Judged, decision_rules
from harness.analysis.design import control_contrasts, planned_contrasts
from harness.analysis.details import cell_details, label_differences, label_groups
from harness.analysis.findings import Findings
from harness.analysis.index import ResultsIndex
from harness.analysis.inputs import Facts, Samples, SearchInputs, TrialResult
from harness.analysis.marks import marked
from harness.analysis.published import literature
from harness.analysis.ranking import distances, ranks
from harness.analysis.tuning import tuning
from harness.config.schema import SweepFile
from harness.core.metric_names import Decision


def find(
    sweep: SweepFile,
    results: Sequence[TrialResult],
    facts: Facts,
    samples: Samples | None = None,
    others: Iterable[tuple[Decision, Sequence[TrialResult], Samples]] = (),
    search: SearchInputs | None = None,
) -> Findings:
    """Computes everything that a report prints from what `Inputs` describes.

    Raises:
        ValueError: On two results of one trial, or one that is not of the sweep.
    """
    index = ResultsIndex(sweep, results, samples or {})
    judged = _judged(index)
    comparisons = judged.comparisons
    elsewhere = ((rule, ResultsIndex(sweep, found, known)) for rule, found, known in others)
    rules = decision_rules(index, judged, ((rule, other, _judged(other)) for rule, other in elsewhere))
    marks = {item.key: item.marks for item in comparisons}
    scores = [score for one in results for score in (one.scores or {}).values()]
    return Findings(
        sweep=sweep,
        facts=facts,
        dataset_titles=index.titles,
        columns=index.columns,
        rows=tuple(table_rows(index, marks)),
        comparisons=comparisons,
        control_comparisons=judged.controls,
        distances=tuple(distances(index)),
        ranks=tuple(tuple(ranks(index, column)) for column in index.columns),
        details=tuple(cell_details(index)),
        label_groups=tuple(label_groups(index)),
        results=tuple(index.results.values()),
        label_differences=tuple(label_differences(index, comparisons)),
        claims=judged.claims,
        literature=tuple(literature(index)),
        labels_without_gold={
            index.titles[key]: int((sample.support_L == 0).sum()) for key, sample in index.samples.items()
        },
        resampling=next((sample.how for sample in index.samples.values()), None),
        num_odd_scores=sum(not math.isfinite(score) for score in scores),
        decisions=rules,
        tuning=tuning(index, judged, search, _judged) if search else None,
    )


def _judged(index: ResultsIndex) -> Judged:
    comparisons = marked(index.sweep, list(compare(index, planned_contrasts(index.sweep))))
    controls = tuple(compare(index, control_contrasts(index.sweep)))
    return Judged(comparisons, controls, tuple(judge_claims(index, (*comparisons, *controls))))
