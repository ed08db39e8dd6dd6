"""How rows are compared, as a sweep file says it: what is tested, against what, and by which rules."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from harness.config.strict import Metrics, Name, Strict
from harness.core.metric_names import HEADLINE
from models import Merge


class Statistics(Strict):
    """How rows are compared (see the footnote of every report)."""

    base: Merge = "none"
    """The merge that every other merge of the same model is compared with under `compare: base`, paired by seed."""
    alpha: Annotated[float, Field(gt=0, lt=1)] = 0.05
    """Family-wise error rate of the stars, by Holm in each of two families: averages, and single datasets."""
    star_metrics: Metrics = HEADLINE
    """Metrics of the table."""
    paired: bool = True
    """Runs of one seed are pairs. false where seeds mean nothing across merges: arms are then compared as wholes, by
    Welch's t. To be decided before the first run, never by what the results look like."""
    smallest_effect: Annotated[float, Field(gt=0)] = 0.5
    """Smallest difference of interest, in points: what is surely smaller is negligible."""
    allow_mixed: bool = False
    """Compare scores of one seed also where the two runs were made by different commits or on different hardware;
    times never."""
    other_test_documents: tuple[Name, ...] = ()
    """Datasets whose published scores are of another draw of test documents than ours: their sampling error, and that
    of ours, is then counted in where the two are compared."""


class Compare(Strict):
    """What is tested, and corrected together: a word, or `{against: ROW}`. Controls are left out."""

    rule: Literal["base", "against", "pairs", "contrasts"]
    """Every merge against the base merge of its model (base), every row against one, each two rows (pairs), or the
    single `contrasts` alone."""
    against: str = ""
    """The row of against: `model key/merge`, or the key of a model with one merge."""

    @model_validator(mode="before")
    @classmethod
    def _of_word(cls, given: Any) -> Any:
        return {"rule": "against", **given} if isinstance(given, dict) else {"rule": given}

    @model_validator(mode="after")
    def _names_a_row_where_one_is_meant(self) -> "Compare":
        if (self.rule == "against") != bool(self.against):
            raise ValueError("write `compare: {against: ROW}`, or one of base, pairs and contrasts")
        return self
