"""Data cards: what they print, and what they ask for when a source is missing."""

from pathlib import Path

import pytest

from datasets.storage.card import Card
from harness.core.errors import DataError

FIELDS = {
    "name": "toy", "title": "Toy corpus", "summary": "A summary.", "language": "Latin", "licence": "free",
    "citation": "", "obtain": "Ask " + "the owner " * 30, "splits": "1 / 1 / 1.", "counts": "3 documents.",
}  # fmt: skip
CARD = Card(**FIELDS, traps=("It " + "bites " * 30 + "often.", "Twice."), files="a folder")


def test_a_card_is_wrapped_at_100_columns_with_every_word():
    lines = CARD.render().splitlines()
    assert lines[0] == "toy: Toy corpus" and max(map(len, lines)) <= 100
    words = CARD.render().split()
    assert words.count("owner") == 30 and words.count("bites") == 30
    wrapped = [line for line in lines if line.startswith(" " * 10)]
    assert len(wrapped) >= 3 and "  - Twice." in lines
    assert "Prepare:  python -m datasets.prepare toy --source PATH" in lines


def test_empty_fields_and_traps_are_left_out():
    built_in = Card(**FIELDS | {"obtain": "Nothing."}, builtin=True)
    said = built_in.render()
    assert "Cite:" not in said and "Files:" not in said and "Beware:" not in said
    assert said.endswith("Prepare:  python -m datasets.prepare toy")


def test_a_source_is_required_and_has_to_exist(tmp_path):
    assert CARD.require_source(tmp_path) == tmp_path
    with pytest.raises(
        DataError, match="'toy' is not shipped. Ask the owner .* run `python -m datasets.prepare toy --s"
    ):
        CARD.require_source(None)
    with pytest.raises(DataError, match="There is nothing at nowhere. For 'toy', --source is: a folder"):
        CARD.require_source(Path("nowhere"))
