"""The made-up files have the layout that the readers want, and the page says what was measured."""

from pathlib import Path

import pytest

from datasets.prepare import prepare
from tests.bench import corpora


def test_both_packings_are_the_same_stories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpora, "STORIES", 400)
    made = [
        prepare("rcv1", corpora.stories(tmp_path / packing, packing), {}, tmp_path / f"data {packing}")
        for packing in ("zip", "tar.xz")
    ]
    assert made[0].fingerprint == made[1].fingerprint
    assert made[0].meta["counts"]["splits"] == {"train": 18, "val": 2, "test": 380}


def test_articles_and_abstracts_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpora, "NYT", 300)
    monkeypatch.setattr(corpora, "WOS", 100)
    nyt = prepare("nyt", corpora.articles(tmp_path / "nyt"), {}, tmp_path / "data")
    wos = prepare("wos", corpora.abstracts(tmp_path / "wos"), {}, tmp_path / "data")
    assert nyt.num_documents == 30 and wos.num_documents == 100
    assert nyt.meta["counts"]["labels_per_document"] == 2


def test_the_page_says_what_was_measured_and_whether_goals_are_met() -> None:
    names = ["EURLEX57K: a", "EURLEX57K: b", "EURLEX57K: c", "EURLEX57K: second use", "RCV1-v2 in daily zips"]
    page = corpora.page([corpora.Stage(name, 1000, 50.0, 4 * 10**9) for name in names])
    assert "| EURLEX57K: a | 1,000 | 50.00 | 20 | 4,000 |" in page
    assert "at most 3.00: met" in page and "at most 3.00: **missed** (4.00)" in page
    assert "at most 1.000: **missed** (50.000)" in page
    assert "take 670 minutes" in page
