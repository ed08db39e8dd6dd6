"""Each flag stands where its rule holds, and has a sentence."""

import math

import numpy as np

from harness.analysis.flags import Flag
from harness.reporting.markdown import markdown
from tests.harness.fake_sweep import (
    noisy,
    results,
    summary_of,
    sweep,
    the,
    with_effect,
    without,
)

TABLE = sweep()
FOUND = noisy(TABLE)
SUMMARY = summary_of(TABLE, FOUND)


def test_flag_p_where_the_sign_flip_cannot_survive_holm():
    assert "P" in the(with_effect(1.0, seeds=9)[2], "hiagm", "masking", "WOS micro").flags
    assert "P" not in the(with_effect(1.0, seeds=10)[2], "hiagm", "masking", "WOS micro").flags
    assert "P" not in the(with_effect(1.0, seeds=9)[2], "hiagm", "masking", "Avg micro").flags


def test_flag_p_never_stands_beside_a_full_star():
    one = sweep(datasets={"wos": {}}, seeds=tuple(range(10)), published=None)
    rng = np.random.default_rng(0)
    found = results(one, lambda model, merge, *_: 80 + 2 * (merge != "none") + float(rng.normal(0, 0.2)))
    lost = [item for item in found if (item.model, item.merge) == ("hitin", "projection") and item.seed < 2]
    found = [item for item in found if item not in lost]
    item = the(summary_of(one, found), "hitin", "projection", "wos micro")
    assert item.test.num_pairs == (8,) and 8 * item.least_p > 0.05, "at the first step it could not"
    assert "*" in item.marks and item.p_exact_holm < 0.05
    assert "P" not in item.flags


def test_flag_u_follows_the_power_at_the_published_difference():
    for item in SUMMARY.comparisons:
        assert ("U" in item.flags) == (item.power < 0.8)
    assert the(SUMMARY, "hiagm", "projection", "RCV1 macro").power > 0.99
    assert the(SUMMARY, "hitin", "projection", "RCV1 micro").power < 0.2
    assert math.isnan(the(SUMMARY, "hiagm", "masking", "Avg micro").power)


def test_a_seed_that_one_arm_lacks_is_dropped_and_flagged():
    partial = summary_of(TABLE, without(FOUND, model="hiagm", merge="none", dataset="nyt", seed=4))
    item = the(partial, "hiagm", "masking", "NYT macro")
    assert (item.test.num_pairs, item.dropped) == ((9,), ("nyt/4",))
    assert "D" in item.flags
    assert the(partial, "hiagm", "masking", "Avg macro").test.num_pairs == (10, 10, 9)
    assert the(partial, "hiagm", "masking", "WOS macro").dropped == ()


def test_a_flag_is_its_letter_and_has_one_sentence():
    assert [*Flag] == ["U", "P", "D", "M"] and " ".join(Flag) == "U P D M"
    sentence = Flag.P.meaning.format(alpha=".05", exact="sign flip")
    assert sentence == "with so few seeds the exact sign flip cannot reach .05 after Holm"
    short = sweep(datasets={"wos": {}}, seeds=tuple(range(6)), published=None)
    text = markdown(summary_of(short, noisy(short)))
    assert f"Flags of the comparisons in the CSV. P: {sentence}." in text, "8 x 2 / 2^6 is .25"
