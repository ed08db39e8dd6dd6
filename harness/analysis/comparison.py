"""Comparison of two rows: the record, and its one vocabulary in CSV, JSON and MLflow."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from harness.analysis.design import FAMILIES, Column, Contrast
from harness.stats.effect_sizes import ProbabilityBetter
from harness.stats.estimate import Estimate
from harness.stats.prediction_interval import NOT_COMPARABLE, Prediction
from harness.stats.t_tests import TTest

_OF_DOCUMENTS = (
    *("crossed_low_95", "crossed_high_95", "crossed_se", "crossed_df", "p_crossed"),
    *("share_of_documents", "p_swap"),
)


class ComparisonKey(NamedTuple):
    """What tells the comparisons of a sweep apart."""

    contrast: Contrast
    column: Column


@dataclass(frozen=True)
class DocumentLevel:
    """A comparison that also counts the test documents as a sample.

    Attributes:
        crossed: Difference with the error of seeds and of documents.
        share: Share of its variance that is due to documents: whether more seeds or more documents would help.
        p_swap: p of approximate randomisation over documents, conditional on the trained models; NaN for averages.
    """

    crossed: Estimate
    share: float
    p_swap: float

    @property
    def numbers(self) -> tuple[float, ...]:
        """Everything that a row tells of it, in the order of `_OF_DOCUMENTS`."""
        found = self.crossed
        return *found.interval(), found.error, found.df, found.p_two_sided(), self.share, self.p_swap


@dataclass(frozen=True)
class Comparison:
    """A row, the variant, against another one, the base: by default a merge against the base merge of its model.

    Attributes:
        title: Row title of the variant, with that of the base where this is not the reference of the variant's cells.
        family: Family of tests in which it is corrected; None where it is not planned, as of controls.
        seeds: Seeds of the variant and of the base that count, for each dataset.
        differences: Seed to difference, for each dataset; empty where seeds do not pair.
        dropped: Seeds that only one arm finished, as `dataset/seed`.
        mixed: Seeds whose runs differ in commit or hardware from those of the other arm, as `dataset/seed`; they are
            not compared.
        exact_test: Name of the exact test, which fills stars. Where no seed changes either row it is approximate
            randomisation over documents; empty for averages of these.
        p_exact: Its p; where there is none, that of `test`.
        least_p: Least p that the exact test of runs of this number can give; NaN where the seed had no effect.
        correlation: Pearson's r between the arms over seeds; NaN for averages, and below 5 pairs.
        better: Probability that a run of the variant scores above one of the base; NaN for averages.
        new_better: Probability that a new run of the variant scores above a new one of the base on new test documents;
            on the fixed ones where predictions are not known. NaN without a test.
        published: Difference of the published scores.
        judged: That difference against the prediction interval of ours; None where there is neither.
        power: Power at that difference with the upper 80 % limit of the observed sd, as it is planned with; NaN for
            averages, below 3 pairs, and where the difference is 0 or not comparable.
        detectable: Difference that as many pairs with such an sd find with a power of .8; NaN for averages and below 3
            pairs.
        obstacle: Why no star is possible, whatever the scores; empty where one is.
        documents: The same with documents as a sample; None without predictions or without a test.
        p_holm: p after Holm over the family.
        q_bh: q of Benjamini-Hochberg over the family.
        p_exact_holm: p of the exact test after Holm over the family.
        p_wider_holm: `p_wider` after Holm over the family.
        simultaneous: Ends of the interval that holds together with those of the whole family; NaN where no star is
            possible. An end of 0 is excluded.
        marks: Arrow and stars, and a dagger: see `harness.analysis.marks`.
        flags: Letters of `harness.analysis.flags.Flag`.
    """

    contrast: Contrast
    title: str
    column: Column
    family: str | None
    test: TTest
    seeds: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]
    differences: tuple[Mapping[int, float], ...]
    dropped: tuple[str, ...]
    mixed: tuple[str, ...]
    exact_test: str
    p_exact: float
    least_p: float
    correlation: float
    better: ProbabilityBetter
    new_better: ProbabilityBetter
    published: float | None
    judged: Prediction | None
    power: float
    detectable: float
    obstacle: str
    documents: DocumentLevel | None = None
    p_holm: float = math.nan
    q_bh: float = math.nan
    p_exact_holm: float = math.nan
    p_wider_holm: float = math.nan
    simultaneous: tuple[float, float] = (math.nan, math.nan)
    marks: str = ""
    flags: tuple[str, ...] = ()

    @property
    def key(self) -> ComparisonKey:
        """Its rows and column."""
        return ComparisonKey(self.contrast, self.column)

    @property
    def comparable(self) -> float | None:
        """The published difference, unless it is of other documents."""
        return None if self.judged is NOT_COMPARABLE else self.published

    @property
    def estimate(self) -> Estimate | None:
        """What tables, figures, daggers and claims go by: over seeds, or seeds and documents, whatever is less sure."""
        over_seeds = self.test.estimate
        return over_seeds.guarded(self.documents.crossed) if over_seeds and self.documents else over_seeds

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the estimate; NaN without a test."""
        return self.estimate.interval() if self.estimate else (math.nan, math.nan)

    @property
    def p_wider(self) -> float:
        """The larger of the two-sided p over seeds and that over seeds and documents; NaN without predictions."""
        return self.estimate.p_two_sided() if self.estimate and self.documents else math.nan

    def as_row(self) -> dict[str, Any]:
        """Returns every number by the name that it has in CSV, JSON and MLflow; NaN where it does not exist."""
        test, judged, documents = self.test, self.judged, self.documents
        dataset = "average" if self.column.average else self.column.datasets[0]
        row: dict[str, Any] = {"row": str(self.contrast.row), "against": str(self.contrast.against)}
        row |= {"dataset": dataset}
        row |= {"metric": self.column.metric, "family": FAMILIES[self.family] if self.family else "uncorrected"}
        row |= {"status": test.status, "num_pairs": "/".join(map(str, test.num_pairs))}
        row |= {"dropped": " ".join(self.dropped), "mixed": " ".join(self.mixed)}
        row |= {"published_delta": self.published, "published_judged": judged.agreement if judged else None}
        row |= {"published_half_width": judged.half_width if judged else math.nan}
        row |= {"published_p": judged.p if judged else math.nan}
        row |= {"delta": test.difference, "low_95": test.low, "high_95": test.high, "sd": test.sd, "se": test.error}
        row |= {"t": test.statistic, "df": test.df, "p": test.p, "p_holm": self.p_holm, "q_bh": self.q_bh}
        row |= {"exact_test": self.exact_test, "p_exact": self.p_exact, "least_p_exact": self.least_p}
        row |= {"p_exact_holm": self.p_exact_holm}
        row |= dict.fromkeys(_OF_DOCUMENTS, math.nan)
        row |= dict(zip(_OF_DOCUMENTS, documents.numbers, strict=True)) if documents else {}
        row |= dict(zip(("wider_low_95", "wider_high_95"), self.interval, strict=True))
        row |= {"p_wider": self.p_wider, "p_wider_holm": self.p_wider_holm}
        row |= dict(zip(("simultaneous_low", "simultaneous_high"), self.simultaneous, strict=True))
        new = self.new_better
        row |= {"p_new_better": new.value, "p_new_better_low_95": new.low, "p_new_better_high_95": new.high}
        row |= {"p_better": self.better.value, "p_better_low_95": self.better.low, "p_better_high_95": self.better.high}
        row |= {"correlation": self.correlation}
        row |= {"power_at_published_delta": self.power, "detectable_delta": self.detectable}
        return row | {"marks": self.marks, "flags": " ".join(self.flags), "no_star_because": self.obstacle}


@dataclass(frozen=True)
class ChangedVerdict:
    """A verdict that is another one by another decision rule, or with other settings, in words."""

    subject: str
    shown: str
    other: str
