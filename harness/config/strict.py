"""Frozen settings without surprises: the base of every section of a sweep file, and the types that sections share."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from harness.core.metric_names import Headline

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+-]*$")]
Positive = Annotated[int, Field(gt=0)]
Seeds = Annotated[tuple[Annotated[int, Field(ge=0, lt=2**32)], ...], Field(min_length=1)]
NonNegativeFloat = Annotated[float, Field(ge=0)]
Metrics = Annotated[tuple[Headline, ...], Field(min_length=1)]


class Strict(BaseModel):
    """Frozen, without conversion between types, unknown keys, infinities and NaN."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )
