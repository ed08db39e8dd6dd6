"""Decision rules against each other: scores by each, and the verdicts that depend on the one that was chosen."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from harness.analysis.comparison import ChangedVerdict, Comparison
from harness.analysis.findings import ClaimResult, DecisionRules, DecisionScores
from harness.analysis.index import ResultsIndex
from harness.core.metric_names import DECISIONS, Decision
from harness.stats.t_tests import mean_and_sd


@dataclass(frozen=True)
class Judged:
    """What a report concludes from the results by one decision rule."""

    comparisons: tuple[Comparison, ...]
    controls: tuple[Comparison, ...]
    claims: tuple[ClaimResult, ...]


def decision_rules(
    index: ResultsIndex, judged: Judged, others: Iterable[tuple[Decision, ResultsIndex, Judged]]
) -> DecisionRules | None:
    """Holds what the tables show against what they would show by other decision rules; None without any."""
    scores = {index.sweep.decision: _means(index)}
    changed: dict[Decision, tuple[ChangedVerdict, ...]] = {}
    for rule, other_index, other in others:
        scores[rule] = _means(other_index)
        changed[rule] = tuple(changes(judged, other))
    if not changed:
        return None
    cells = tuple(
        DecisionScores(
            index.title(model, merge),
            title,
            {
                (metric, rule): scores[rule][model, merge, dataset, metric]
                for metric in index.sweep.statistics.star_metrics
                for rule in DECISIONS
                if rule in scores
            },
        )
        for model, merge in index.sweep.rows
        for dataset, title in index.titles.items()
    )
    num_alike = sum(one.scores is not None and not one.has_decisions for one in index.results.values())
    return DecisionRules(cells, len(verdicts(judged)), changed, num_alike)


def _means(index: ResultsIndex) -> dict[tuple[str, str, str, str], tuple[float, float]]:
    return {
        (model, merge, dataset, metric): mean_and_sd(
            [[score for _, score in index.finite(model, merge, dataset, metric)]]
        )
        for model, merge in index.sweep.rows
        for dataset in index.titles
        for metric in index.sweep.statistics.star_metrics
    }


def verdicts(judged: Judged) -> dict[str, tuple[str, str]]:
    """Returns each verdict by its subject: what is compared, and the words in which it is told."""
    found = {}
    for item in judged.comparisons:
        where = f"{item.title}, {item.column.title}"
        found[where] = (item.marks[:1], f"{item.test.difference:+z.2f} {item.marks or 'without a star'}")
    for claim in judged.claims:
        found[f"claim {claim.name}"] = (claim.verdict, claim.verdict)
    return found


def changes(judged: Judged, other: Judged) -> Iterator[ChangedVerdict]:
    """Yields the verdicts of which another way to make the same report gives others."""
    found = verdicts(other)
    for subject, (verdict, words) in verdicts(judged).items():
        if subject in found and found[subject][0] != verdict:
            yield ChangedVerdict(subject, words, found[subject][1])
