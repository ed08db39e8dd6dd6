"""Published scores: a number alone is a mean of unknown spread."""

import pytest
from pydantic import ValidationError

from harness.config.literature import PublishedScore


def test_a_number_is_a_mean_of_unknown_spread() -> None:
    assert PublishedScore.model_validate(84.5) == PublishedScore(mean=84.5, sd=None, n=None)
    assert PublishedScore.model_validate({"mean": 84.5, "sd": 0.2, "n": 10}) == PublishedScore(mean=84.5, sd=0.2, n=10)


@pytest.mark.parametrize("given", [100.1, -1.0, {"mean": 50.0, "n": 1}, {"mean": 50.0, "sd": -0.1}])
def test_what_is_no_score_in_points_is_refused(given: object) -> None:
    with pytest.raises(ValidationError):
        PublishedScore.model_validate(given)
