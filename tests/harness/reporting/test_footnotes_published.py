"""Footnotes on published scores count those outside, and say why others are not judged."""

from harness.reporting.footnotes_published import published_scores
from tests.harness.fake_sweep import TABLE_1, noisy, sweep
from tests.harness.reporting.reports import TABLE, fixed, summary_of


def text_of(table, found):
    return " ".join(published_scores(summary_of(table, found)))


def test_scores_outside_their_interval_are_counted():
    text = text_of(TABLE, fixed(TABLE))
    published = [(81 if "masking" in row else 80, score) for row, scores in TABLE_1.items() for score in scores]
    outside = sum(abs(score - mean) > 0.8 for mean, score in published)
    assert f"{outside} of 36 published scores lie outside their interval (averages not counted); about 1.8" in text
    assert "≈ agrees, > is higher, < is lower, by the 95 % prediction interval" in text
    assert "Published: HiMTL, Table 1, one run." in text


def test_too_few_seeds_judge_nothing():
    for seeds, words in (((1,), "n/a: fewer than 2 seeds."), ((1, 2), "uninformative: fewer than 3 seeds, or a half-")):
        few = sweep(seeds=seeds)
        text = text_of(few, noisy(few))
        assert f"Published numbers that are not judged. {words}" in text and "prediction interval" not in text


def test_a_subset_of_the_documents_is_not_compared():
    subset = sweep(datasets={key: {"train_documents": 9} for key in ("wos", "rcv1", "nyt")})
    text = text_of(subset, noisy(subset))
    assert "not comparable: trained on fewer documents than the published run." in text
    assert "prediction interval" not in text


def test_without_published_scores_there_is_nothing_to_say():
    bare = sweep(published=None)
    assert text_of(bare, fixed(bare)) == ""
