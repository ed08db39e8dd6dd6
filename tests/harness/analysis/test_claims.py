"""Table 1's fourteen claims on sweeps whose truth is known."""

import dataclasses
import math

import numpy as np
import pytest
import scipy.stats

from harness.config.literature import Claim
from harness.config.load import load
from harness.core.errors import ConfigError
from harness.reporting.markdown import markdown
from tests.harness.fake_sweep import DATASETS, noisy, results, scores, summary_of, sweep
from tests.shared import ROOT

TABLE_1 = load(ROOT / "sweeps" / "table1.yaml")
CLAIMS = TABLE_1.claims


def verdicts(gain, sd=0.05, base=90):
    """Verdicts of every claim where `gain(model, merge, dataset, metric)` is true, with ten seeds."""
    rng = np.random.default_rng(2)
    found = results(
        TABLE_1,
        lambda model, merge, dataset, seed, metric: base + gain(model, merge, dataset, metric) + rng.normal(0, sd),
    )
    return {claim.name: claim.verdict for claim in summary_of(TABLE_1, found).claims}


def as_claimed(model, merge, dataset, metric):
    """A world in which the paper is right."""
    if merge == "none":
        return 0.0
    if dataset == "nyt":
        return -0.3 if metric == "micro_f1" else 0.4 * (merge == "projection") + 0.1
    if model in ("hiagm", "flat"):
        return 1.2 if merge == "masking" else 0.8
    return 0.6 * (dataset == "wos" and merge == "masking") - 0.9 * (dataset == "rcv1") - 0.1 * (merge == "projection")


def test_all_fourteen_are_registered():
    assert list(CLAIMS) == [f"C{number}" for number in range(1, 15)]


def test_a_world_in_which_the_paper_is_right():
    found = verdicts(as_claimed)
    del found["C8"]  # No times differ here.
    assert set(found.values()) == {"supported"}


def test_a_world_in_which_nothing_happens():
    found = verdicts(lambda *place: 0.0)
    assert {name: found[name] for name in ("C2", "C6", "C7", "C11")} == dict.fromkeys(
        ("C2", "C6", "C7", "C11"), "not supported"
    ), "all parts are negligible"
    assert found["C5"] == found["C10"] == "supported"
    assert found["C8"] == "not tested", "all times are alike"


def test_a_world_that_is_the_other_way_round():
    def gain(model, *place):
        return (-2 * as_claimed(model, *place) - 2.0 * (place[0] != "none")) * (model != "flat")

    found = verdicts(gain, base=60)
    names = ("C1", "C2", "C3", "C4", "C9", "C10", "C11", "C12", "C13", "C14")
    assert {found[name] for name in names} == {"not supported"}


def test_too_much_noise_leaves_everything_open():
    found = verdicts(as_claimed, sd=8.0)
    assert {found[name] for name in ("C2", "C6", "C7", "C9", "C10", "C11", "C12")} == {"inconclusive"}


@pytest.mark.parametrize(("factors", "verdict"), [((1.28, 1.32), "supported"), ((1.9, 2.1), "not supported")])
def test_training_time(factors, verdict):
    table = sweep(claims={"C8": CLAIMS["C8"].model_dump()})
    found = [
        dataclasses.replace(
            one,
            num_epochs=one.seed,
            train_seconds=100.0 * one.seed * (factors[one.seed % 2] if one.merge != "none" else 1),
        )
        for one in noisy(table)
    ]
    (claim,) = summary_of(table, found).claims
    assert claim.verdict == verdict and len(claim.parts) == 12
    assert claim.parts[0].ours.startswith(f"x {math.sqrt(factors[0] * factors[1]):.2f} [")


def alike(found, model, merge, dataset="wos"):
    """The same, but for one cell whose seeds make no difference."""
    return [
        dataclasses.replace(one, predictions_sha256="alike")
        if (one.model, one.merge, one.dataset) == (model, merge, dataset)
        else one
        for one in found
    ]


@pytest.mark.parametrize(("gap", "verdict"), [(0.37, "inconclusive"), (0.45, "not supported")])
def test_one_of_several_best_places_that_is_lost_counts_after_holm_over_them(gap, verdict):
    table = sweep(claims={"C3": CLAIMS["C3"].model_dump()}, datasets={"wos": {}}, published=None)
    rng = np.random.default_rng(3)
    ahead = {("none", "macro_f1"): gap, ("masking", "micro_f1"): 1.0, ("projection", "macro_f1"): -1.0}
    found = results(table, lambda _, merge, __, ___, metric: 80 + ahead.get((merge, metric), 0) + rng.normal(0, 0.2))
    (claim,) = summary_of(table, found).claims
    micro, macro = (part.judged for part in claim.parts)
    assert (micro.verdict, macro.verdict, macro.level) == ("supported", "contradicted", 0.05)
    assert (0.025 < macro.p < 0.05) == (verdict == "inconclusive") and claim.verdict == verdict


@pytest.mark.parametrize("damage", ["alike", "missing"])
def test_the_best_is_open_while_a_rival_was_never_compared(damage):
    table = sweep(claims={"C3": CLAIMS["C3"].model_dump(), "C4": CLAIMS["C4"].model_dump()})
    rng = np.random.default_rng(3)
    better = {"none": 0.0, "masking": 1.0, "projection": 2.0}
    found = results(table, lambda model, merge, *place: 80 + better[merge] + rng.normal(0, 0.05))
    if damage == "alike":
        found = alike(found, "hiagm", "projection")
    else:
        found = [one for one in found if (one.model, one.merge) != ("hiagm", "projection") or one.seed == 1]
    assert [claim.verdict for claim in summary_of(table, found).claims] == ["not tested", "not supported"]


def test_a_contrast_needs_seeds_that_differ_in_every_cell():
    table = sweep(claims={"C9": CLAIMS["C9"].model_dump()})
    gain = {"hiagm": 2.0, "hitin": 0.0}
    rng = np.random.default_rng(3)
    found = results(table, lambda model, merge, *place: 80 + gain[model] * (merge != "none") + rng.normal(0, 0.1))
    assert summary_of(table, found).claims[0].verdict == "supported"
    for model, merge in (("hiagm", "none"), ("hitin", "projection")):
        assert summary_of(table, alike(found, model, merge)).claims[0].verdict == "not tested"
    steady = results(
        table,
        lambda model, merge, dataset, seed, metric: (
            80 + seed + gain[model] * (merge != "none") + (dataset != "wos") * rng.normal(0, 0.1)
        ),
    )
    assert summary_of(table, steady).claims[0].verdict == "not tested", "on WOS all seeds gain the same 2 points"


def test_larger_gain_is_a_stratified_contrast_by_hand():
    table = sweep(claims={"C9": CLAIMS["C9"].model_dump()})
    found = noisy(table)
    score_of = {(one.model, one.merge, one.dataset, one.seed): one.scores["micro_f1"] for one in found}
    gains = {
        (model, dataset): np.array(
            [
                (score_of[model, "masking", dataset, seed] + score_of[model, "projection", dataset, seed]) / 2
                - score_of[model, "none", dataset, seed]
                for seed in table.seeds
            ]
        )
        for model in ("hiagm", "hitin")
        for dataset in DATASETS
    }
    value = sum(gains["hiagm", d].mean() - gains["hitin", d].mean() for d in DATASETS) / 3
    part = summary_of(table, found).claims[0].parts[0]
    assert part.ours.startswith(f"{value:+.2f} [") and not part.with_documents
    # ((84.71 + 84.41) / 2 - 84.66) - ((85.27 + 85.25) / 2 - 85.27)
    assert part.published == f"{(84.71 + 84.41) / 2 - 84.66 - ((85.27 + 85.25) / 2 - 85.27):+.2f}"


def two_rows(**claim):
    """HiAGM and a flat classifier under projection, and a claim about them."""
    models = {"hiagm": {"label": "HiAGM"}, "flat": {"label": "Flat", "merges": ("none", "projection"), "control": True}}
    rows = ("hiagm/projection", "flat/projection")
    return sweep(
        models=models, published=None, claims={"C": {"text": "x", "kind": "equivalent", "rows": rows, **claim}}
    )


def test_equivalence_of_two_rows_is_that_of_their_differences_by_seed():
    table = two_rows(data=("wos",), metrics=("micro_f1",), bounds=(-0.5, 0.5))
    rng = np.random.default_rng(4)
    common = rng.normal(0, 5.0, 10)  # Of a seed, in both rows: what only pairs take off.
    found = results(table, lambda model, merge, dataset, seed, metric: 80 + common[seed - 1] + rng.normal(0, 0.2))
    ours, flat = (np.array(scores(found, model, "projection", "wos", "micro_f1")) for model in ("hiagm", "flat"))
    difference = ours - flat
    error = difference.std(ddof=1) / math.sqrt(10)
    low, high = difference.mean() + scipy.stats.t.ppf([0.025, 0.975], 9) * error
    (claim,) = summary_of(table, found).claims
    (part,) = claim.parts
    assert part.title == "HiAGM+MTL (projection) - Flat+MTL (projection), WOS micro"
    assert part.ours == f"{difference.mean():+.2f} [{low:+.2f}, {high:+.2f}]" and claim.verdict == "supported"

    apart = [
        dataclasses.replace(one, scores={m: s + 1 * (one.model == "flat") for m, s in one.scores.items()})
        for one in found
    ]
    assert summary_of(table, apart).claims[0].verdict == "not supported"
    assert summary_of(table, alike(found, "flat", "projection")).claims[0].verdict == "not tested"


@pytest.mark.parametrize(("gain", "verdict"), [(1.0, "supported"), (-1.0, "not supported")])
def test_a_row_is_above_another_of_any_kind(gain, verdict):
    models = {"hiagm": {"label": "HiAGM"}, "linear": {"control": True}}
    rows = ("hiagm/projection", "linear")
    claim = {"text": "x", "kind": "above", "rows": rows, "data": ("wos",), "metrics": ("micro_f1",)}
    table = sweep(models=models, published=None, claims={"C": claim})
    rng = np.random.default_rng(4)
    height = {"hiagm": gain, "linear": 0.0}
    found = results(table, lambda model, *_: 80 + height[model] + rng.normal(0, 0.2) * (model != "linear"))
    ours = np.array(scores(found, "hiagm", "projection", "wos", "micro_f1")) - 80
    low, high = ours.mean() + scipy.stats.t.ppf([0.025, 0.975], 9) * ours.std(ddof=1) / math.sqrt(10)
    (result,) = summary_of(table, found).claims
    assert result.parts[0].title == "HiAGM+MTL (projection) - linear, WOS micro" and result.verdict == verdict
    assert result.parts[0].ours == f"{ours.mean():+.2f} [{low:+.2f}, {high:+.2f}]"


def test_equivalence_of_averages():
    table = two_rows(bounds=(-0.5, 0.5))
    rng = np.random.default_rng(5)
    off = {"wos": 0.6, "rcv1": -0.6, "nyt": 0.0}
    found = results(table, lambda model, merge, dataset, *_: 80 + off[dataset] * (model == "flat") + rng.normal(0, 0.1))
    assert summary_of(table, found).claims[0].verdict == "supported", "the average is, no dataset"


def exceeding(score, data=("wos",)):
    """A claim that HiAGM's WOS score exceeds one of a second source."""
    published = {
        "own": {"source": "own", "scores": {"hiagm/none": {"wos": {"micro_f1": 81.0}}}},
        "other": {"source": "other", "scores": {"hiagm/none": {key: {"micro_f1": score} for key in data}}},
    }
    claim = {"text": "x", "kind": "exceeds", "source": "other", "rows": ("hiagm/none",), "data": data}
    return sweep(published=published, claims={"C": claim | {"metrics": ("micro_f1",)}})


@pytest.mark.parametrize(
    ("score", "variance", "sizes"),
    [
        (80.5, lambda v: [v * (1 + 1 / 10)], [10]),
        ({"mean": 80.5, "n": 4}, lambda v: [v * (1 / 4 + 1 / 10)], [10]),
        ({"mean": 80.5, "sd": 0.4, "n": 4}, lambda v: [v / 10, 0.16 / 4], [10, 4]),
        ({"mean": 80.5, "sd": 0.4}, lambda v: [v / 10, 0.16 / 2], [10, 2]),
    ],
    ids=["a run", "a mean without sd", "a mean", "a mean over an unknown number"],
)
def test_a_published_score_is_exceeded_with_the_error_of_both(score, variance, sizes):
    table = exceeding(score)
    found = noisy(table)
    runs = np.array(scores(found, "hiagm", "none", "wos", "micro_f1"))
    parts = variance(runs.var(ddof=1))
    df = sum(parts) ** 2 / sum(part**2 / (n - 1) for part, n in zip(parts, sizes, strict=True))
    low, high = runs.mean() - 80.5 + scipy.stats.t.ppf([0.025, 0.975], df) * math.sqrt(sum(parts))
    (claim,) = summary_of(table, found).claims
    (part,) = claim.parts
    assert part.title == "HiAGM over 80.50, WOS micro" and part.published == "+0.50" and not part.with_documents
    assert part.ours == f"{runs.mean() - 80.5:+.2f} [{low:+.2f}, {high:+.2f}]" and claim.verdict == "supported"


def test_the_report_says_what_error_a_published_score_has():
    table = exceeding(80.5)
    assert "of a single run as that of a further run of ours" in markdown(summary_of(table, noisy(table)))
    rising = sweep(claims={"C2": CLAIMS["C2"].model_dump()})
    assert "A difference from a published score" not in markdown(summary_of(rising, noisy(rising)))


def test_an_average_exceeds_a_published_average():
    table = exceeding({"mean": 80.0, "sd": 0.5, "n": 5}, DATASETS)
    table = table.model_copy(update={"claims": {"C": table.claims["C"].model_copy(update={"data": ("average",)})}})
    found = noisy(table)
    runs = [np.array(scores(found, "hiagm", "none", dataset, "micro_f1")) for dataset in DATASETS]
    parts, sizes = [*(one.var(ddof=1) / 10 for one in runs), *[0.05] * 3], [10] * 3 + [5] * 3
    df = sum(parts) ** 2 / sum(part**2 / (n - 1) for part, n in zip(parts, sizes, strict=True))
    difference = np.mean([one.mean() for one in runs]) - 80
    low, high = difference + scipy.stats.t.ppf([0.025, 0.975], df) * math.sqrt(sum(parts)) / 3
    (part,) = summary_of(table, found).claims[0].parts
    assert part.ours == f"{difference:+.2f} [{low:+.2f}, {high:+.2f}]"


def test_seeds_that_make_no_difference_exceed_nothing():
    table = exceeding(80.5)
    assert summary_of(table, alike(noisy(table), "hiagm", "none")).claims[0].verdict == "not tested"


def test_the_papers_own_table_contradicts_one_part_of_its_sentence():
    parts = {part.title: part.published for part in summary_of(TABLE_1, []).claims[12].parts}
    assert parts["HiTIN over 86.71, RCV1-v2 micro"] == "+1.97" and parts["HiTIN over 69.31, NYT macro"] == "-0.10"


def test_other_smallest_effects_and_subsets_of_the_documents():
    table = sweep(claims={"C2": CLAIMS["C2"].model_dump()})
    rng = np.random.default_rng(1)
    found = results(table, lambda model, merge, *place: 80 + rng.normal(0, 0.5))
    (claim,) = summary_of(table, found).claims
    assert set(claim.sensitivity) == {0.25, 1.0}
    assert claim.verdict == claim.sensitivity[1.0] == "not supported"
    subset = sweep(
        claims={"C2": CLAIMS["C2"].model_dump()}, datasets={"wos": {"train_documents": 100}, "rcv1": {}, "nyt": {}}
    )
    assert summary_of(subset, found).claims[0].verdict == "not comparable"


def test_claims_are_printed_with_every_part():
    table = sweep(claims={"C2": CLAIMS["C2"].model_dump()})
    text = markdown(summary_of(table, noisy(table)))
    assert (
        "| C2 | both variants raise HiAGM's average macro F | +0.40<br>+0.39 | HiAGM+MTL (masking), Avg macro: +"
        in text
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rows": ["hiagm/maskin"]}, "maskin.*hiagm/masking"),
        ({"rows": ["hiagm/none"]}, "hiagm/none"),
        ({"data": ["woss"]}, "woss.*wos"),
        ({"kind": "larger_gain", "rows": ["hiagm"]}, "compares two models"),
        ({"kind": "equivalent", "rows": ["hiagm/none"]}, "equivalent compares two rows"),
        ({"kind": "equivalent", "rows": ["hiagm/none", "flat/masking"]}, "flat/masking"),
        ({"kind": "exceeds", "rows": ["hiagm/none"]}, "unknown source ''"),
        ({"kind": "exceeds", "source": "zhu", "rows": ["hitin/none"]}, "zhu.*zhu2023"),
        ({"kind": "exceeds", "source": "zhu2023", "rows": ["hiagm/none"]}, "hiagm/none.*hitin/none"),
        (
            {"kind": "exceeds", "source": "zhu2023", "rows": ["hitin/none"], "data": ["average"]},
            "zhu2023 has no macro_f1 of hitin/none on wos to be exceeded",
        ),
        ({"kind": "raises"}, "kind"),
        ({"metrics": []}, "claims.C1.metrics: .* at least 1"),
        ({"kind": "time_ratio", "data": ["wos"]}, "bounds -1 and 1 must rise, and above 0"),
        ({"kind": "within", "bounds": [1.0, -1.0]}, "bounds 1 and -1 must rise"),
        ({"kind": "within", "bounds": [1.0, 1.0]}, "bounds 1 and 1 must rise"),
    ],
)
def test_an_impossible_claim_is_refused_with_its_place(tmp_path, change, words):
    refuses(tmp_path, change, words)


@pytest.mark.parametrize(
    ("merges", "change"),
    [
        (["masking", "projection"], {"rows": ["hiagm/masking"]}),
        (
            ["masking", "projection"],
            {"kind": "time_ratio", "rows": ["hiagm/masking"], "data": ["wos"], "bounds": [1, 2]},
        ),
        (["masking", "projection"], {"kind": "larger_gain", "rows": ["hiagm", "hitin"]}),
        (["none"], {"kind": "larger_gain", "rows": ["hiagm", "hitin"]}),
    ],
)
def test_a_claim_about_a_difference_needs_the_base_and_another_merge(tmp_path, merges, change):
    refuses(
        tmp_path,
        change,
        "merges with the base merge 'none'",
        merges=merges,
        published={},
        models={"hiagm": {}, "hitin": {}},
    )


def test_a_table_has_metrics(tmp_path):
    refuses(tmp_path, {}, "star_metrics: .* at least 1", statistics={"star_metrics": []})


def refuses(tmp_path, change, words, **changes):
    import yaml

    source = yaml.safe_load((ROOT / "sweeps" / "table1.yaml").read_text()) | changes
    source["claims"] = {"C1": source["claims"]["C2"] | change}
    path = tmp_path / "bad.yaml"
    path.write_text(yaml.safe_dump(source))
    with pytest.raises(ConfigError, match=f"(?s){words}"):
        load(path)


@pytest.mark.parametrize(
    ("models", "change", "words"),
    [
        ({"hiagm": {"merges": ["masking"]}}, {"kind": "best", "rows": ["hiagm/masking"]}, "hiagm/masking"),
        (
            {"hiagm": {"merges": ["none", "masking"]}, "hitin": {"merges": ["none", "projection"]}},
            {"kind": "larger_gain", "rows": ["hiagm", "hitin"]},
            "hiagm and hitin share no merge but the base",
        ),
        ({"hiagm": {"merges": ["masking", "projection"]}, "hitin": {}}, {"rows": ["hiagm/masking"]}, "hitin/masking"),
        ({"hiagm": {}, "hitin": {}}, {"kind": "larger_gain", "rows": ["hiagm", "hiagm"]}, "rows repeats hiagm"),
    ],
)
def test_claims_follow_the_merges_of_each_model(tmp_path, models, change, words):
    refuses(tmp_path, change, words, models=models, published={})


@pytest.mark.parametrize(
    ("statistics", "words"),
    [
        ({"first_look": 5}, r"bad.yaml:\d+: .*first_look"),
        ({"other_test_documents": ["wso"]}, r"bad.yaml:\d+: unknown dataset 'wso'. Did you mean 'wos'"),
    ],
)
def test_impossible_statistics_are_refused_with_their_place(tmp_path, statistics, words):
    refuses(tmp_path, {}, words, statistics=statistics)


def test_claim_defaults():
    assert Claim(text="x", kind="rises", rows=("hiagm/masking",)).data == ("average",)


@pytest.mark.parametrize(
    ("kind", "rows", "improving", "told"),
    [
        ("rises", ["hiagm/masking"], ("hiagm", "masking"), ["HiAGM+MTL (masking)"]),
        ("rises", ["hiagm/masking"], ("hiagm", "none"), ["HiAGM"]),
        ("rises", ["hiagm/masking"], ("hiagm", "projection"), []),
        ("best", ["hiagm/masking"], ("hiagm", "projection"), ["HiAGM+MTL (projection)"]),
        ("best", ["hiagm/masking"], ("hitin", "masking"), []),
        ("larger_gain", ["hiagm", "hitin"], ("hitin", "projection"), ["HiTIN+MTL (projection)"]),
        ("larger_gain", ["hiagm", "hitin"], ("hitin", "none"), ["HiTIN"]),
        ("time_ratio", ["hiagm/masking"], ("hiagm", "masking"), []),
    ],
)
def test_a_verdict_says_where_most_runs_of_a_row_behind_it_were_still_improving(kind, rows, improving, told):
    claim = {"text": "it is so", "kind": kind, "rows": tuple(rows), "data": ("wos",), "bounds": (0.5, 2.0)}
    table = sweep(claims={"C": claim}, published=None)
    rng = np.random.default_rng(3)
    found = results(
        table, lambda model, merge, *place: 80 + 2 * (merge == "masking") * (model == "hiagm") + rng.normal(0, 0.1)
    )
    found = [
        dataclasses.replace(one, still_improving=(one.model, one.merge) == improving, train_seconds=100 + rng.random())
        for one in found
    ]
    findings = summary_of(table, found)
    (judged,) = findings.claims
    assert judged.verdict == "supported" and judged.still_improving == tuple(told)
    words = "**supported (rows still improving)**" if told else "**supported**"
    assert f"{words} |" in (text := markdown(findings))
    assert ("Rows still improving: most runs of a row behind the claim had their best epoch last" in text) == bool(told)


def test_a_claim_that_was_not_tested_says_nothing_of_convergence():
    table = sweep(claims={"C": {"text": "it is so", "kind": "rises", "rows": ("hiagm/masking",)}}, seeds=(1,))
    found = [dataclasses.replace(one, still_improving=True) for one in noisy(table)]
    assert "**not tested** |" in markdown(summary_of(table, found))
