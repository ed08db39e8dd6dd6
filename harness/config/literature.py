"""Statements and scores of the literature, as a sweep file quotes them."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from harness.config.strict import Metrics, NonNegativeFloat, Strict
from harness.core.metric_names import HEADLINE, Headline

ClaimKind = Literal[
    "best", "rises", "falls", "no_gain", "within", "larger_gain", "time_ratio", "equivalent", "exceeds", "above"
]


class Claim(Strict):
    """A statement of the literature, judged in the report: a conjunction over rows, data and metrics."""

    text: str
    """The statement, as it is printed."""
    kind: ClaimKind
    """best of its model's merges, or of all rows where `compare` is not base; rises or falls against the base merge; no
    gain over it; a difference within bounds; the first model gains more than the second, over the merges that both
    have; training time over the base's within bounds; the first row's difference from the second within bounds; above
    a published score (exceeds); the first row above the second."""
    rows: Annotated[tuple[str, ...], Field(min_length=1)]
    """`model key/merge`, or the key of a model with one merge; of larger_gain the two model keys."""
    source: str = ""
    """Of exceeds: the source of `published` whose scores are exceeded."""
    data: Annotated[tuple[str, ...], Field(min_length=1)] = ("average",)
    """Dataset keys, or `average`."""
    metrics: Metrics = HEADLINE
    """Metrics of the table."""
    bounds: tuple[float, float] = (-1.0, 1.0)
    """The lower and the higher: of within and equivalent, in points; of time_ratio, ratios above 0."""


class PublishedScore(Strict):
    """F in points: a number, which is one run's, or a mean over runs."""

    mean: Annotated[float, Field(ge=0, le=100)]
    """The number, or the mean."""
    sd: NonNegativeFloat | None = None
    """Standard deviation over runs."""
    n: Annotated[int, Field(gt=1)] | None = None
    """Number of runs. A mean without it counts as one run's score or, with an sd, as that of the fewest, 2."""

    @model_validator(mode="before")
    @classmethod
    def _of_number(cls, given: Any) -> Any:
        return given if isinstance(given, dict) else {"mean": given}


PublishedRows = dict[str, dict[str, dict[Headline, PublishedScore]]]
"""Row or system to dataset key to metric to score."""


class Published(Strict):
    """Scores from the literature. Those of the first source are held against ours, others are shown beside them."""

    source: str
    """Where the numbers stand."""
    scores: PublishedRows = {}
    """`model key/merge` to dataset key to metric to F in points, or to `{mean: ..., sd: ..., n: ...}`."""
    literature: PublishedRows = {}
    """The same of systems that are no rows of this sweep, by name."""
