"""Planned trials follow from the sweep file, results from what has run."""

from tests.harness.fake_sweep import noisy, result, summary_of, sweep, without

TABLE = sweep()
FOUND = noisy(TABLE)


def test_results_are_those_that_ran_in_the_order_of_the_plan():
    found = [
        *without(FOUND, model="hiagm", merge="masking", dataset="rcv1"),
        result("hiagm", "masking", "rcv1", 3, None),
    ]
    findings = summary_of(TABLE, found[::-1])
    assert len(findings.planned) == len(set(findings.planned)) == 180 and len(findings.results) == 171
    places = [one.place for one in findings.results]
    assert places == [place for place in findings.planned if place in set(places)]
    assert findings.planned[0] == ("hiagm", "none", "wos", 1) and findings.planned[-1].seed == 10


def test_rows_have_titles_by_model_and_merge():
    titles = summary_of(TABLE, []).row_titles
    assert titles["hiagm", "none"] == "HiAGM" and titles["hitin", "masking"] == "HiTIN+MTL (masking)"
    assert len(titles) == 6
