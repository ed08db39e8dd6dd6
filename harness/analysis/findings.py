"""What a report prints, as frozen records: what was found in the outcomes of trials.

A *row* is a model under a merge, a *column* a metric on one dataset or its average over all. Two
families of comparisons with the base merge are corrected apart: A holds the averages, B the single
datasets; a sweep may join them as AB. NaN stands for a number that does not exist.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from harness.analysis.inputs import Facts, TrialResult
from harness.config.schema import SweepFile
from harness.core.resampling import Resampling
from harness.stats.claim_rules import Judged, Verdict
from harness.stats.effect_sizes import Effect
from harness.stats.prediction_interval import NOT_COMPARABLE, Prediction
from harness.stats.t_tests import Estimate, TTest


@dataclass(frozen=True)
class Column:
    """A metric on one dataset, or its average over several.

    Attributes:
        title: Heading.
        metric: Key of the scores.
        datasets: One key, or all of them for an average.
    """

    title: str
    metric: str
    datasets: tuple[str, ...]

    @property
    def average(self) -> bool:
        """Whether it spans several datasets."""
        return len(self.datasets) > 1


@dataclass(frozen=True)
class TableCell:
    """One row in one column.

    Attributes:
        mean: Over seeds, in points; NaN where a dataset has no finished trial.
        sd: Standard deviation (ddof 1) over seeds; NaN below two.
        num_done: Finished trials with this score, per dataset of the column.
        num_failed: Failed trials, all datasets together.
        num_planned: Planned trials, all datasets together.
        num_collapsed: Suspiciously low runs, and those that predict the same for every document; they stay in the mean.
        one_seed: All seeds made the same predictions or scores, so they count as one.
        published: Score from the literature.
        prediction: Judgement of that score; `not comparable` where trained on fewer documents, or tested on others
            whose error is not known.
        half_width: Half-width of the 95 % prediction interval.
        p_published: Two-sided p of the published score as a further run.
        quartiles: Lower quartile, median and upper quartile over seeds; NaN for averages.
        marks: Arrow and stars of the comparison with the base merge.
        bold: In the confidence set of the best of its model, when that excludes someone.
        underlined: Highest mean of its model.
        num_cut: Finished trials whose batches were cut into parts.
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
    quartiles: tuple[float, float, float]
    marks: str = ""
    bold: bool = False
    underlined: bool = False
    num_cut: int = 0


@dataclass(frozen=True)
class DocumentLevel:
    """A comparison that also counts the documents as a sample.

    Attributes:
        crossed: The difference with the error of seeds and of documents.
        share: Of its variance, what is due to documents: whether more seeds or more documents would help.
        p_swap: Approximate randomisation over documents, conditional on the trained models; NaN for averages.
        ratio: Of the variance over documents, bootstrap over delta method, furthest from 1 of all datasets.
    """

    crossed: Estimate
    share: float
    p_swap: float
    ratio: float


@dataclass(frozen=True)
class Comparison:
    """A merge against the base merge of the same model.

    Attributes:
        model: Key of the sweep file.
        merge: The variant.
        base: What it is compared with.
        title: The variant's row label.
        column: Where.
        family: The family that it is corrected in.
        test: The t test.
        seeds: Of each dataset, those of the variant and of the base that count.
        differences: Of each dataset, by seed; empty where seeds do not pair.
        dropped: Seeds that only one arm finished, as `dataset/seed`.
        mixed: Seeds whose runs differ in commit or hardware from those of the other arm, likewise; not compared.
        p_sign_flip: Exact sign flip; NaN where seeds do not pair.
        p_exchange: Exchange of runs between the arms; NaN where seeds pair.
        least_p: Least p that this exact test of so many runs can give; NaN where the seed had no effect.
        correlation: r between the arms over seeds; NaN for averages.
        effect: Its size in other units; None for averages.
        published: Difference of the published scores.
        judged: That difference against the prediction interval of ours; None where there is neither.
        power: Power at that difference with the observed sd; NaN for averages, and where it is 0 or not comparable.
        detectable: Difference that so many pairs with such an sd find with a power of .8; NaN for averages.
        obstacle: Why no star is possible, whatever the scores; empty where one is.
        documents: The same with documents as a sample; None without predictions or without a test.
        p_holm: Adjusted within the family.
        q_bh: Likewise.
        p_star: The one that the stars are made of.
        marks: Arrow and stars, and a dagger where the crossed interval excludes 0 too.
        flags: `U`, underpowered at the published difference; `P`, the exact test cannot reach its level,
            corrected; `D`, seeds dropped; `M`, mixed seeds; `T`, t and an exact test that can reach it disagree,
            unadjusted; `V`, bootstrap and delta method disagree on the variance over documents.
    """

    model: str
    merge: str
    base: str
    title: str
    column: Column
    family: str
    test: TTest
    seeds: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]
    differences: tuple[Mapping[int, float], ...]
    dropped: tuple[str, ...]
    mixed: tuple[str, ...]
    p_sign_flip: float
    p_exchange: float
    least_p: float
    correlation: float
    effect: Effect | None
    published: float | None
    judged: Prediction | None
    power: float
    detectable: float
    obstacle: str
    documents: DocumentLevel | None = None
    p_holm: float = math.nan
    q_bh: float = math.nan
    p_star: float = math.nan
    marks: str = ""
    flags: tuple[str, ...] = ()

    @property
    def p_exact(self) -> float:
        """Of the exact test beside the t test, whichever there is."""
        return self.p_exchange if math.isnan(self.p_sign_flip) else self.p_sign_flip

    @property
    def comparable(self) -> float | None:
        """The published difference, unless it is of other documents."""
        return None if self.judged is NOT_COMPARABLE else self.published

    @property
    def estimate(self) -> Estimate | None:
        """What a claim is judged by: over seeds, or over seeds and documents, wherever that is less sure."""
        over_seeds = self.test.estimate
        return over_seeds.guarded(self.documents.crossed) if over_seeds and self.documents else over_seeds


@dataclass(frozen=True)
class ClaimPart:
    """One part of a claim.

    Attributes:
        title: Row and column.
        ours: What was found, in words.
        published: What the literature has, in words.
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
        name: Key of the sweep file.
        text: The statement.
        parts: Its parts, by the planned smallest effect.
        verdict: By that effect; `not comparable` where trained on fewer documents.
        sensitivity: The verdict by other smallest effects.
    """

    name: str
    text: str
    parts: tuple[ClaimPart, ...]
    verdict: Verdict | Literal["not comparable"]
    sensitivity: Mapping[float, Verdict]


@dataclass(frozen=True)
class Replication:
    """In how many datasets at least a variant has an effect, by the partial conjunction.

    Attributes:
        title: The variant's row label.
        metric: Key of the scores.
        num_effects: At least so many.
        num_datasets: Of so many.
    """

    title: str
    metric: str
    num_effects: int
    num_datasets: int


@dataclass(frozen=True)
class Row:
    """A model under a merge; its cells are aligned with the summary's columns."""

    model: str
    merge: str
    title: str
    control: bool
    cells: tuple[TableCell, ...]


@dataclass(frozen=True)
class Detail:
    """What one cell cost, and its other metrics.

    Attributes:
        title: Row label.
        dataset: Dataset label.
        metrics: Metric to mean and standard deviation.
        seconds: Mean and standard deviation of the training time.
        num_parameters: Trainable parameters.
        ratio: Geometric mean over paired seeds of the time per epoch over the base merge's, and the ends of its
            95 % interval.
        ratio_to_best: Likewise of the time to the best epoch, which early stopping confounds.
    """

    title: str
    dataset: str
    metrics: Mapping[str, tuple[float, float]]
    seconds: tuple[float, float]
    num_parameters: int | None
    ratio: tuple[float, float, float]
    ratio_to_best: tuple[float, float, float]


@dataclass(frozen=True)
class LabelGroup:
    """One cell's scores on a group of labels.

    Attributes:
        title: Row label.
        dataset: Dataset label.
        group: Of `datasets.storage.label_groups.GROUPS`.
        micro: Mean and standard deviation over seeds of F pooled over the group's labels.
        macro: Likewise of the mean of F over those of them that a test document has.
        num_runs: Finished runs.
    """

    title: str
    dataset: str
    group: str
    micro: tuple[float, float]
    macro: tuple[float, float]
    num_runs: int


@dataclass(frozen=True)
class LabelDifference:
    """One label's F under a variant, minus that under its base.

    Attributes:
        row: The variant's row label.
        dataset: Dataset label.
        title: Name of the label.
        support: Test documents with it.
        difference: Mean over paired seeds, in points.
    """

    row: str
    dataset: str
    label: str
    support: int
    difference: float


@dataclass(frozen=True)
class Trial:
    """One planned trial, and its outcome if there is one."""

    model: str
    merge: str
    title: str
    dataset: str
    seed: int
    control: bool
    result: TrialResult | None


@dataclass(frozen=True)
class Findings:
    """Everything that a report prints.

    Attributes:
        sweep: The sweep file.
        facts: As given.
        dataset_titles: Dataset key to its name in the tables.
        columns: Single datasets first, then averages.
        rows: In the order of the sweep file.
        comparisons: Of the two families, in the order of rows and columns.
        control_comparisons: Of controls; uncorrected and unstarred.
        family_sizes: `A` and `B` to the planned number of tests; of `AB` where they are one.
        level: At which each look at a family is tested.
        details: One per row and dataset.
        label_groups: One per row, dataset and group, of datasets with labels of few training documents or none.
        trials: Every planned trial.
        label_differences: One per compared row, dataset and label, where predictions are known.
        claims: Verdicts on the statements of the literature.
        replications: One per variant and metric with a test, where there are several datasets.
        labels_without_gold: Dataset label to labels that no test document has, where predictions are known.
        resampling: How documents were resampled; None where no predictions are known.
        num_odd_scores: Scores that were NaN or infinite and count as missing.
    """

    sweep: SweepFile
    facts: Facts
    dataset_titles: Mapping[str, str]
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    comparisons: tuple[Comparison, ...]
    control_comparisons: tuple[Comparison, ...]
    family_sizes: Mapping[str, int]
    level: float
    details: tuple[Detail, ...]
    label_groups: tuple[LabelGroup, ...]
    trials: tuple[Trial, ...]
    label_differences: tuple[LabelDifference, ...]
    claims: tuple[ClaimResult, ...]
    replications: tuple[Replication, ...]
    labels_without_gold: Mapping[str, int]
    resampling: Resampling | None
    num_odd_scores: int
