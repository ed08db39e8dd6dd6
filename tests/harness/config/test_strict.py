"""A section of a sweep file: frozen, and nothing is converted."""

import math

import pytest
from pydantic import ValidationError

from harness.config.strict import NonNegativeFloat, Strict


class Section(Strict):
    size: NonNegativeFloat = 0.0


@pytest.mark.parametrize("size", ["1.0", math.inf, math.nan, -0.1, True])
def test_only_finite_numbers_are_numbers(size: object) -> None:
    with pytest.raises(ValidationError):
        Section(size=size)  # type: ignore[arg-type]


def test_a_section_stays_as_it_was_read_and_knows_no_other_field() -> None:
    section = Section(size=2.0)
    with pytest.raises(ValidationError, match="frozen"):
        section.size = 3.0  # type: ignore[misc]
    with pytest.raises(ValidationError, match="not permitted"):
        Section(sise=1.0)  # type: ignore[call-arg]
