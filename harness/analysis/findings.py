"""Findings of a sweep, as frozen records: everything that a report prints.

A *row* is a model under a merge, a *column* a metric on one dataset or its average over all. NaN stands for a number
that does not exist. `title` is that of a row and `dataset` that of a dataset, as the tables have them; a pair of
numbers is a mean over seeds with its standard deviation.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from harness.analysis.comparison import ChangedVerdict, Comparison
from harness.analysis.design import Column
from harness.analysis.index import planned_places
from harness.analysis.inputs import Facts, TrialPlace, TrialResult
from harness.analysis.published import LiteratureRow
from harness.analysis.ranking import Rank
from harness.analysis.tuned import Tuning
from harness.config.schema import SweepFile
from harness.core.metric_names import Decision
from harness.core.resampling import Resampling
from harness.stats.claim_rules import Judged, Verdict


@dataclass(frozen=True)
class TableCell:
    """One row in one column.

    Attributes:
        mean: Mean over seeds, in points; NaN where a dataset has no finished trial.
        sd: Standard deviation (ddof 1) over seeds; NaN below two.
        num_done: Number of finished trials with this score, per dataset of the column; the other numbers of trials
            are of all datasets together.
        num_collapsed: Number of runs that predict the same for every document, or have no score as high as that can
            have, or score far below all others; they stay in the mean.
        one_seed: Whether all seeds made the same predictions, so they count as one.
        published: Score from the literature.
        prediction: Judgement of that score; `not comparable` where trained on fewer documents, or tested on others
            whose error is not known.
        half_width: Half-width of the 95 % prediction interval.
        p_published: Two-sided p of the published score as a further run.
        marks: Arrow, stars and dagger of the comparison with the row's reference, by default its base merge.
        bold: Whether it is in the confidence set of the best of its group, when that excludes someone.
        underlined: Whether it is the highest mean of its group: by default its model's merges, else all rows.
        num_cut: Number of finished trials whose batches were cut into parts.
        num_improving: Number of finished trials that were still improving at their last epoch.
    """

    mean: float
    sd: float
    num_done: tuple[int, ...]
    num_failed: int
    num_planned: int
    num_collapsed: int
    one_seed: bool
    published: float | None
    prediction: str
    half_width: float
    p_published: float
    marks: str = ""
    bold: bool = False
    underlined: bool = False
    num_cut: int = 0
    num_improving: int = 0


@dataclass(frozen=True)
class ClaimPart:
    """One part of a claim, of one row and column: what was found, and what the literature has, in words.

    Attributes:
        with_documents: Whether documents count as a sample.
        judged: The verdict; `not comparable` where trained on fewer documents.
    """

    title: str
    ours: str
    published: str
    with_documents: bool
    judged: Judged


@dataclass(frozen=True)
class ClaimResult:
    """A claim of the literature and what became of it.

    Attributes:
        parts: Its parts, by the planned smallest effect.
        verdict: By that effect; `not comparable` where trained on fewer documents.
        sensitivity: Smallest effect to verdict, for others than the planned one.
        still_improving: Titles of the rows behind it of which most runs were still improving.
    """

    name: str
    text: str
    parts: tuple[ClaimPart, ...]
    verdict: Verdict | Literal["not comparable"]
    sensitivity: Mapping[float, Verdict]
    still_improving: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """A model under a merge; its cells are aligned with the columns of the findings.

    Attributes:
        still_improving: Whether most of its runs were still improving at the last epoch that was allowed.
    """

    model: str
    merge: str
    title: str
    control: bool
    still_improving: bool
    cells: tuple[TableCell, ...]


@dataclass(frozen=True)
class Detail:
    """What one cell cost in training, and its other metrics.

    Attributes:
        ratio: Geometric mean of the time per epoch over the base merge's, and the ends of its 95 % interval.
    """

    title: str
    dataset: str
    metrics: Mapping[str, tuple[float, float]]
    seconds: tuple[float, float]
    num_parameters: int | None
    ratio: tuple[float, float, float]


@dataclass(frozen=True)
class LabelGroup:
    """One cell's scores on a group of labels.

    Attributes:
        group: Name in `datasets.storage.label_groups.GROUPS`.
        micro: F pooled over the group's labels.
        macro: Mean F of those labels that a test document has.
    """

    title: str
    dataset: str
    group: str
    micro: tuple[float, float]
    macro: tuple[float, float]
    num_runs: int


@dataclass(frozen=True)
class LabelDifference:
    """Mean difference in F of a label between a variant and its base, in points.

    Attributes:
        row: Title of the variant's row.
        support: Number of test documents with the label.
    """

    row: str
    dataset: str
    label: str
    support: int
    difference: float


@dataclass(frozen=True)
class DecisionScores:
    """Scores of one cell, mean and standard deviation over seeds, by metric and decision rule."""

    title: str
    dataset: str
    scores: Mapping[tuple[str, Decision], tuple[float, float]]


@dataclass(frozen=True)
class DecisionRules:
    """What the decision rule decides.

    Attributes:
        scores: One per row and dataset.
        num_verdicts: Stars that can be had or not, and claims.
        changes: Verdicts that are others by a rule that the tables do not show, by that rule.
        num_alike: Finished trials whose labels are the same by every rule, as nothing but labels is known of them.
    """

    scores: tuple[DecisionScores, ...]
    num_verdicts: int
    changes: Mapping[Decision, tuple[ChangedVerdict, ...]]
    num_alike: int


@dataclass(frozen=True)
class Findings:
    """Everything that a report prints.

    Attributes:
        columns: Single datasets first, then averages.
        rows: In the order of the sweep file.
        comparisons: Comparisons of both families, in the order of rows and columns.
        control_comparisons: Comparisons of controls; uncorrected and unstarred.
        distances: Every other row against the first of the `linear` system, where there is one; likewise.
        ranks: Ranks of rows, the highest first, for each of `columns`; none where there are fewer than three rows.
        details: One per row and dataset.
        label_groups: One per row, dataset and group, of datasets with labels of few training documents or none.
        results: Finished and failed trials, in the order of the plan.
        label_differences: One per compared row, dataset and label, where predictions are known.
        literature: Published scores besides those in `rows`.
        labels_without_gold: Dataset title to number of labels that no test document has, where predictions are known.
        resampling: Numbers of resamples of documents; None where no predictions are known.
        num_odd_scores: Number of scores that were NaN or infinite and count as missing.
        decisions: What the decision rule decides; None where trials are known by one alone.
        tuning: What the search of settings did; None where nothing is searched.
    """

    sweep: SweepFile
    facts: Facts
    dataset_titles: Mapping[str, str]
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    comparisons: tuple[Comparison, ...]
    control_comparisons: tuple[Comparison, ...]
    distances: tuple[Comparison, ...]
    ranks: tuple[tuple[Rank, ...], ...]
    details: tuple[Detail, ...]
    label_groups: tuple[LabelGroup, ...]
    results: tuple[TrialResult, ...]
    label_differences: tuple[LabelDifference, ...]
    claims: tuple[ClaimResult, ...]
    literature: tuple[LiteratureRow, ...]
    labels_without_gold: Mapping[str, int]
    resampling: Resampling | None
    num_odd_scores: int
    decisions: DecisionRules | None = None
    tuning: Tuning | None = None

    @cached_property
    def planned(self) -> list[TrialPlace]:
        """Place of every planned trial, in the order of rows, datasets and seeds."""
        return planned_places(self.sweep)

    @cached_property
    def below_linear(self) -> set[tuple[str, str]]:
        """Model and merge of the rows whose mean is below that of `linear` in every column that both have."""
        ahead = {item.contrast.row for item in self.distances if item.test.difference >= 0}
        known = {item.contrast.row for item in self.distances if not math.isnan(item.test.difference)}
        return {*(known - ahead)}

    @cached_property
    def row_titles(self) -> dict[tuple[str, str], str]:
        """Model and merge to row title."""
        return {(row.model, row.merge): row.title for row in self.rows}
