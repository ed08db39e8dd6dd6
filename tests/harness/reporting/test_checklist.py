"""The checklist says what was recorded, and keeps the sections of other sweeps."""

import dataclasses

from harness.analysis.summarise import find
from harness.reporting.checklist import updated
from tests.harness.fake_sweep import facts, noisy, sweep, without


def test_answers_are_the_recorded_facts():
    loss = {"coherence": "max_constraint", "objective": {"name": "champ", "options": {"beta": 0.3}}}
    table = sweep(
        models={"hiagm": {"label": "HiAGM", **loss}, "hitin": {"label": "HiTIN"}},
        encoder={"name": "bag", "options": {"width": 77}},
        notes=("Rates were found by hand.",),
    )
    found = without(noisy(table), model="hitin", merge="none", dataset="wos", seed=3)
    found = [dataclasses.replace(one, still_improving=one.seed == 1) for one in found]
    page = updated("", find(table, found, facts(table, provenance={"commit": "abc1234", "trial hours": "5.50"})))
    assert page.startswith("# Reproducibility\n") and page.count("\n## ") == 1
    for words in (
        "nothing is chosen on test data. Convergence: in 18 of 179 runs a best epoch is the last one allowed.\n",
        "commit abc1234",
        "trial hours: 5.50",
        "encoder: width 77",
        "hiagm: objective champ, coherence max_constraint, beta 0.3",
        "10 seeds (1, 2, 3, 4, 5, 6, 7, 8, 9, 10); 179 of 180 planned trials finished",
        "HiTIN+MTL (masking) on NYT 1,000",
        "WOS: 141 labels, train 30,070, val 7,518, test 9,397, fingerprint 0123456789ab",
        "Rates were found by hand.",
        "no record can say",
    ):
        assert words in page, words


def test_each_sweep_renews_its_own_section():
    first, second = sweep(name="b"), sweep(name="a", seeds=(1, 2))
    page = updated("", find(first, noisy(first), facts(first)))
    both = updated(page, find(second, noisy(second), facts(second)))
    assert [line for line in both.splitlines() if line.startswith("## ")] == ["## a", "## b"]
    assert page.partition("## b")[2] == both.partition("## b")[2]
    changed = sweep(name="a", seeds=(1, 2, 3))
    again = updated(both, find(changed, noisy(changed), facts(changed)))
    assert "3 seeds" in again and "2 seeds (1, 2)" not in again and again.count("## ") == 2
