"""What a model server calls: labels with paths and values, and sentences for what cannot be answered."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from mlflow.exceptions import MlflowException

from harness.trackers.served import Served
from tests.harness.predicting.made_up import made_up


def test_a_text_gets_labels_with_their_paths_and_values(tmp_path: Path) -> None:
    served = Served(made_up(tmp_path / "model"))
    found = served.predict(pd.DataFrame({"text": ["Opera Law", "", "nothing"]}))
    assert found["labels"].tolist() == [["Law", "Opera"], [], []]
    assert found["paths"].tolist()[0] == ["Law", "Art > Music > Opera"]
    assert found["values"].tolist()[0] == pytest.approx([0.9, 0.9])
    (top,) = served.predict(pd.DataFrame({"text": ["nothing"]}), {"top": 2})["labels"]
    assert len(top) == 2
    (low,) = served.predict(pd.DataFrame({"text": ["nothing"]}), {"threshold": 0.05})["labels"]
    assert len(low) == 5


@pytest.mark.parametrize(
    ("text", "params", "said"),
    [
        (3, {}, "column `text`, and 3 is none"),
        (None, {}, "and None is none"),
        ("x", {"top": 1000}, "highest 1000 cannot be shown"),
        ("x", {"rule": "no"}, "no thresholds by the rule 'no'"),
    ],
)
def test_what_cannot_be_answered_is_told_as_the_callers_mistake(
    text: Any, params: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(MlflowException, match=said) as raised:
        Served(made_up(tmp_path / "model")).predict(pd.DataFrame({"text": [text]}), params)
    assert raised.value.get_http_status_code() == 400
