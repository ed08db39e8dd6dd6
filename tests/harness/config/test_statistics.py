"""What is compared, as it may be written in a sweep file."""

from typing import Any

import pytest
from pydantic import ValidationError

from harness.config.statistics import Compare


@pytest.mark.parametrize(
    ("given", "rule", "against"), [("pairs", "pairs", ""), ({"against": "flat/none"}, "against", "flat/none")]
)
def test_a_comparison_is_a_word_or_names_a_row(given: Any, rule: str, against: str) -> None:
    found = Compare.model_validate(given)
    assert (found.rule, found.against) == (rule, against)


@pytest.mark.parametrize("given", ["against", {"against": ""}, "all"])
def test_a_comparison_without_a_row_or_of_another_name_is_refused(given: Any) -> None:
    with pytest.raises(ValidationError, match=r"base|write `compare"):
        Compare.model_validate(given)
