"""T5's decoder without its encoder, and the search that its constraint keeps among allowed tokens."""

from pathlib import Path

import pytest

from datasets.storage.hierarchy import Hierarchy
from harness.core.errors import ConfigError
from harness.training.estimate import unallocated
from models.structure_encoders.seq2seq.seq2seq import Seq2Seq
from tests.models.hierarchies import head_on
from tests.models.tiny_models import save_t5

NAMED = Hierarchy.from_names([("Root", "Bio"), ("Bio", "Bio 1/a"), ("Root", "Law"), ("Law", "the-cat"), ("Law", "x")])


@pytest.fixture(scope="module")
def tiny_t5(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_t5(tmp_path_factory.mktemp("t5"))


def test_a_pretrained_decoder_is_counted_without_its_weights(tiny_t5: str) -> None:
    build = lambda: Seq2Seq([head_on(NAMED)], 5, model=tiny_t5)  # noqa: E731
    ghost, real = (dict(one.named_parameters()) for one in (unallocated(build), build()))
    assert {name: one.shape for name, one in ghost.items()} == {name: one.shape for name, one in real.items()}
    assert all(one.is_meta for one in ghost.values()) and not any("encoder." in name for name in real)


def test_other_models_and_labels_that_t5_cannot_tell_are_refused(tiny_t5: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(ConfigError, match="is a bert, not a T5. Name a T5"):
        Seq2Seq([head_on(NAMED)], 5, model=str(tmp_path))
    twins = Hierarchy(["x y", "x-y"], [])
    with pytest.raises(ValueError, match="cannot write the label 'x.y': .* are also those of 'x.y'"):
        Seq2Seq([head_on(twins)], 5, model=tiny_t5)
