"""Tables hold every number of the findings, and mark what is missing."""

import csv
import dataclasses
import io
import json
import re

from harness.reporting import data_files
from harness.reporting.latex import latex
from harness.reporting.markdown import markdown
from harness.reporting.tables import Grid, Span, plain
from tests.harness.fake_sweep import facts, noisy, result, sweep, the, without
from tests.harness.reporting.reports import FOUND, TABLE, fixed, grid, summary_of


def test_main_table_of_markdown():
    text = markdown(summary_of(TABLE, fixed(TABLE)))
    rows = grid(text)
    assert rows[0] == ["Model"] + [f"{d} {m}" for d in ("WOS", "RCV1", "NYT", "Avg") for m in ("micro", "macro")]
    assert [row[0] for row in rows[2:]] == [
        "HiAGM",
        "HiAGM+MTL (masking)",
        "HiAGM+MTL (projection)",
        "HiTIN",
        "HiTIN+MTL (masking)",
        "HiTIN+MTL (projection)",
    ]
    assert rows[2][1] == "80.00 ± 0.32<br>[87.52 &lt;]"
    assert rows[3][1].startswith(r"<u>**81.00**</u>▲\*☆☆ ± 0.3")
    assert rows[3][1].endswith("<br>[87.61 &lt;]")
    assert text.startswith("# Table 1 (reproduction)\n")


def test_comparisons_show_intervals_and_the_probability_of_a_better_run():
    findings = summary_of(TABLE, FOUND)
    rows = grid(markdown(findings), "Comparisons")
    assert len(rows) == 2 + 32
    intervals = ("95 % CI", "simultaneous 95 % CI")
    assert rows[0] == ["Comparison", "Data, metric", "Δ", *intervals, "p Holm", "P(new run is better) [95 % CI]", "n"]
    item = the(findings, "hiagm", "projection", "RCV1 macro")
    found = next(row for row in rows if row[:2] == [item.title, item.column.title])
    assert found[2] == f"{item.test.difference:+.2f}" and found[3] == f"[{item.test.low:+.2f}, {item.test.high:+.2f}]"
    assert found[4] == f"(0, {item.simultaneous[1]:+.2f}]" and found[5].endswith(r"\*☆☆") and found[7] == "10"
    better = item.new_better
    assert better.value > 0.995 and found[6] == f">0.99 [{better.low:.2f}, >0.99]" and better.low > 0.5
    assert [row[1] for row in rows[2:]].index("Avg micro") == 24
    row = next(row for row in csv.DictReader(io.StringIO(data_files.deltas_csv(findings))) if row["marks"])
    gone = {"p", "p_exact", "correlation", "flags", "q_bh", "sd", "published_delta", "power_at_published_delta"}
    assert gone <= row.keys(), "what the table leaves out is in the CSV"


def test_one_seed_has_neither_spread_nor_test():
    single = sweep(seeds=(42,), datasets={"wos": {}}, published=None)
    text = markdown(summary_of(single, fixed(single)))
    assert grid(text)[2][1] == "80.30"
    assert "One seed: F in points, without spread or test over seeds." in text
    assert {(*row[3:7],) for row in grid(text, "Comparisons")[2:]} == {("–", "–", "n/a", "–")}


def test_missing_failed_and_partial_cells():
    found = without(FOUND, model="hiagm", merge="none", dataset="wos")
    found += [result("hiagm", "none", "wos", seed, None) for seed in TABLE.seeds]
    found = without(found, model="hiagm", merge="masking", dataset="rcv1")
    found = without(found, model="hitin", merge="none", dataset="nyt", seed=3)
    place = next(i for i, one in enumerate(found) if (one.model, one.merge, one.dataset) == ("hitin", "masking", "wos"))
    found[place] = result("hitin", "masking", "wos", found[place].seed, None, failure="CUDA | out\nof memory")
    text = markdown(summary_of(TABLE, found))
    rows = {row[0]: row for row in grid(text)}
    assert rows["HiAGM"][1] == "FAILED (10/10)<br>[87.52]"
    assert rows["HiAGM"][7] == "–<br>[84.66]"
    assert rows["HiAGM+MTL (masking)"][3] == "–<br>[87.13]"
    assert rows["HiTIN"][5].endswith("<br>n=9")
    assert rows["HiTIN+MTL (masking)"][1].endswith("<br>n=9, FAILED (1/10)")
    assert "flatters a row whose runs diverge: HiTIN+MTL (masking) on WOS micro 1/10." in text
    assert r"- HiTIN+MTL (masking), WOS, seed 1 (hitin-masking-wos-1): CUDA \| out of memory" in text
    assert "**Unfinished: 169 of 180 planned trials have run." in text
    assert "Seeds left out of some comparison: wos/1, nyt/3." in text


def test_claims_of_a_subset_have_no_verdict_in_any_part():
    claim = {"text": "it rises", "kind": "rises", "rows": ("hiagm/masking",), "data": ("wos", "nyt")}
    subset = sweep(datasets={"wos": {"train_documents": 9}, "rcv1": {}, "nyt": {}}, claims={"C1": claim})
    (row,) = grid(markdown(summary_of(subset, noisy(subset))), "Claims")[2:]
    assert row[4] == "**not comparable**" and row[3].count(": not comparable") == 4
    assert not re.search("supported|negligible|inconclusive|contradicted", row[3])


def with_groups(found, datasets=("wos",)):
    """Scores on groups of labels: frequent ones near 90, few-shot ones near 50, zero-shot ones at 0."""
    return [
        dataclasses.replace(
            one,
            scores={
                **one.scores,
                **{
                    f"{metric}_{group}": value + one.seed * (value > 0) - 5 * (metric == "macro_f1") * (value > 0)
                    for group, value in (("frequent", 90.0), ("few", 50.0), ("zero", 0.0))
                    for metric in ("micro_f1", "macro_f1")
                },
            },
        )
        if one.scores and one.dataset in datasets
        else one
        for one in found
    ]


def test_groups_of_labels_have_a_table_in_every_format():
    groups = {"frequent": (100, 98), "few": (30, 12), "zero": (11, 3)}
    known = facts(TABLE).dataset_facts
    known = {**known, "wos": dataclasses.replace(known["wos"], label_groups=groups)}
    findings = summary_of(TABLE, with_groups(FOUND), dataset_facts=known)
    text = markdown(findings)
    rows = grid(text, "Frequent and rare labels")
    assert rows[0] == ["Model", "Data", *(f"{group} {kind}" for group in groups for kind in ("micro", "macro"))]
    assert len(rows) == 2 + 6 and rows[2][0] == "HiAGM"
    assert rows[2][1:] == ["WOS", "95.50 ± 3.03", "90.50 ± 3.03", "55.50 ± 3.03", "50.50 ± 3.03", *["0.00 ± 0.00"] * 2]
    assert "(frequent: at least 50 training documents, few: 1 to 49, zero: none)" in text
    assert "WOS has 100 frequent (98 in test), 30 few (12 in test), 11 zero (3 in test) labels." in text
    assert "micro_f1_few" not in text, "once is enough"
    tex = latex(findings)
    assert r"\caption{Labels by how many" in tex and tex.isascii() and "few macro" in tex
    rows = list(csv.DictReader(io.StringIO(data_files.label_groups_csv(findings))))
    assert len(rows) == 6 * 3 and rows[1]["group"] == "few" and rows[1]["num_labels_in_test"] == "12"
    assert (float(rows[1]["micro_mean"]), rows[1]["num_runs"]) == (55.5, "10")
    assert len(json.loads(data_files.json_text(findings))["label_groups"]) == 18


def test_groups_of_labels_differ_between_corpora_and_are_left_out_where_all_labels_are_frequent():
    found = with_groups(FOUND, ("nyt",))
    found = [
        dataclasses.replace(one, scores={**one.scores, "micro_f1_frequent": 80.0, "macro_f1_frequent": 70.0})
        if one.dataset == "wos"
        else one
        for one in found
    ]
    findings = summary_of(TABLE, without(found, model="hitin", merge="masking"))
    text = markdown(findings)
    rows = grid(text, "Frequent and rare labels")
    assert {row[1] for row in rows[2:]} == {"NYT"}
    assert next(row for row in rows if row[0] == "HiTIN+MTL (masking)")[2:] == ["–"] * 6, "nothing has run"
    assert "_frequent" not in text and " labels." not in text.partition("## Frequent")[2].partition("|")[0]
    assert "Frequent and rare labels" not in markdown(summary_of(TABLE, FOUND))
    assert data_files.label_groups_csv(summary_of(TABLE, FOUND)).count("\n") == 1


def test_a_grid_of_text_is_one_of_plain_cells() -> None:
    made = Grid.of_text(["a", "b"], [["1", "2"], ["3", "4"]], [1])
    assert made == Grid(("a", "b"), ((plain("1"), plain("2")), (plain("3"), plain("4"))), (1,))
    assert plain("1") == ((Span("1", bold=False, underlined=False),),)
