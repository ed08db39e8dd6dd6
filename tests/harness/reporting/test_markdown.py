import csv
import dataclasses
import io
import json
import re
import shutil
import subprocess

import pytest

from harness.analysis.summarise import find
from harness.config.load import load
from harness.reporting import data_files, latex, markdown
from tests.harness.fake_sweep import TABLE_1, facts, noisy, result, results, sweep, without
from tests.journeys.test_document_level import ONE, made_up
from tests.shared import ROOT

TABLE = sweep()
FOUND = noisy(TABLE)
PUBLISHED = [(81 if "masking" in row else 80, score) for row, scores in TABLE_1.items() for score in scores]


def summary_of(sweep_file, found, **changes):
    return find(sweep_file, found, facts(sweep_file, **changes))


def grid(text, heading=None):
    """The first table of a report, or the first one under a heading, as lists of cells by first cell."""
    part = text.partition(f"## {heading}\n")[2] if heading else text
    lines = re.search(r"(?:^\|.*\|\n)+", part, re.MULTILINE)[0].splitlines()
    rows = [[entry.strip() for entry in line.strip("|").split(" | ")] for line in lines]
    assert len({len(row) for row in rows}) == 1
    return rows


def every_format(findings):
    return [
        markdown.markdown(findings),
        latex.latex(findings),
        data_files.csv(findings),
        data_files.deltas_csv(findings),
        data_files.json_text(findings),
    ]


def fixed(sweep_file, gain=1.0):
    """Means are 80 (+ gain under masking), alternately 0.3 up and down."""
    return results(
        sweep_file,
        lambda model, merge, dataset, seed, metric: (
            80
            + 0.3 * (-1) ** seed
            + 0.02 * (seed % 3 - 1) * (merge == "projection")
            + (gain + 0.05 * (-1) ** (seed // 2)) * (merge == "masking")
        ),
    )


def test_main_table_of_markdown():
    text = markdown.markdown(summary_of(TABLE, fixed(TABLE)))
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
    assert rows[3][1].startswith(r"<u>**81.00**</u>▲\*\*\* ± 0.3")
    assert rows[3][1].endswith("<br>[87.61 &lt;]")
    assert text.startswith("# Table 1 (reproduction)\n")


def test_footnotes_come_from_the_tests():
    text = markdown.markdown(summary_of(TABLE, fixed(TABLE)))
    assert "Mean ± sd (ddof 1) over 10 seeds" in text
    assert r"\* p&lt;.05, \*\* p&lt;.01, \*\*\* p&lt;.001, by a two-sided t test over 10 complete pairs" in text
    assert "paired t, Holm over 24 tests; averages: stratified t (Satterthwaite), Holm over 8 tests" in text
    outside = sum(abs(score - mean) > 0.8 for mean, score in PUBLISHED)
    assert f"{outside} of 36 published scores lie outside (averages not counted); about 1.8 would by chance." in text
    assert "Planned n = 10, looks = 1." in text
    assert "Best epoch: micro from the epoch of best validation micro" in text
    one = sweep(datasets={"wos": {}}, published=None, statistics={"alpha": 0.01})
    text = markdown.markdown(summary_of(one, fixed(one)))
    assert r"\* p&lt;.01, \*\* p&lt;.001, by" in text
    assert "paired t, Holm over 8 tests" in text
    assert "averages" not in text
    assert "published" not in text.lower()


def test_comparisons_show_every_number():
    text = markdown.markdown(summary_of(TABLE, FOUND))
    rows = grid(text, "Comparisons")
    assert len(rows) == 2 + 32
    assert rows[0][:5] == ["Comparison", "Data, metric", "n", "Δ published", "Δ ours [95 % CI, unadjusted]"]
    found = next(row for row in rows if row[:2] == ["HiAGM+MTL (projection)", "RCV1 macro"])
    assert re.fullmatch(r"\+1\.48 (≈|&lt;|>)", found[3])
    assert re.fullmatch(r"\+1\.\d\d \[\+\d\.\d\d, \+\d\.\d\d\]", found[4])
    assert found[8].endswith(r"\*\*\*")
    assert [row[1] for row in rows[2:]].index("Avg micro") == 24


def test_without_published_numbers_there_are_no_such_columns():
    bare = sweep(published=None)
    rows = grid(markdown.markdown(summary_of(bare, FOUND)), "Comparisons")
    assert rows[0] == [
        *("Comparison", "Data, metric", "n", "Δ [95 % CI, unadjusted]", "sd of Δ", "r"),
        *("p", "p Holm", "p sign flip", "flags"),
    ]


def test_no_stars_with_three_seeds_and_a_footnote_that_says_so():
    small = sweep(seeds=(1, 2, 3))
    text = markdown.markdown(summary_of(small, noisy(small)))
    assert "▲" not in text
    assert "No stars: 3 complete pairs; a star needs at least 5." in text


def test_one_seed_has_neither_spread_nor_test():
    single = sweep(seeds=(42,), datasets={"wos": {}}, published=None)
    text = markdown.markdown(summary_of(single, fixed(single)))
    assert grid(text)[2][1] == "80.30"
    assert "One seed: F in points, without spread and without test." in text
    assert {row[6] for row in grid(text, "Comparisons")[2:]} == {"n/a"}


def test_missing_failed_and_partial_cells():
    found = without(FOUND, model="hiagm", merge="none", dataset="wos")
    found += [result("hiagm", "none", "wos", seed, None) for seed in TABLE.seeds]
    found = without(found, model="hiagm", merge="masking", dataset="rcv1")
    found = without(found, model="hitin", merge="none", dataset="nyt", seed=3)
    place = next(i for i, one in enumerate(found) if (one.model, one.merge, one.dataset) == ("hitin", "masking", "wos"))
    found[place] = result("hitin", "masking", "wos", found[place].seed, None, failure="CUDA | out\nof memory")
    text = markdown.markdown(summary_of(TABLE, found))
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


def test_controls_have_a_table_and_a_sentence_of_their_own():
    with_control = sweep(models={"hiagm": {}, "flat": {"label": "Flat", "control": True}}, published=None)
    text = markdown.markdown(summary_of(with_control, fixed(with_control)))
    assert [row[0] for row in grid(text)[2:]] == ["hiagm", "hiagm+MTL (masking)", "hiagm+MTL (projection)"]
    rows = grid(text, "Controls")
    assert rows[3][0] == "Flat+MTL (masking)"
    assert re.fullmatch(r"81\.00 ± 0\.3\d<br>Δ \+1\.00 \[\+0\.\d\d, \+1\.\d\d\]", rows[3][1])
    assert "Flat has no structure encoder: on a tree, what is gained or lost there under a merge" in text
    assert "On a tree, masking is the flat model itself; projection only re-weights the branches." in text
    assert "random split" not in text and "Copies" not in text
    assert "Holm over 12 tests" in text


def test_controls_of_the_split_have_a_sentence_each():
    controls = {split: {"model": "flat", "split": split, "control": True} for split in ("random", "copies")}
    split = sweep(models={"hiagm": {}, **controls}, published=None)
    text = markdown.markdown(summary_of(split, fixed(split)))
    assert "A random split gives the heads random sets of labels" in text
    assert "Copies are as many heads for all labels" in text
    assert "no structure encoder" not in text


@pytest.mark.parametrize(
    ("control", "is_said"),
    [
        ({"model": "flat"}, True),
        ({"model": "flat", "objective": {"name": "conditional_sigmoid"}}, False),
        ({"model": "c_hmcnn"}, False),
        ({"model": "c_hmcnn", "objective": {"name": "bce"}}, True),
        ({"model": "hitin"}, False),
    ],
)
def test_a_control_isolates_the_weighting_of_the_loss_where_nothing_reads_the_hierarchy(control, is_said):
    one = sweep(models={"hiagm": {}, "it": {"label": "It", "control": True, **control}}, published=None)
    assert ("It has no structure encoder: on a tree" in markdown.markdown(summary_of(one, fixed(one)))) == is_said


def test_a_sweep_of_controls_only():
    only = sweep(models={"flat": {"control": True}}, published=None)
    text, tex, *_ = every_format(summary_of(only, fixed(only)))
    assert text.count("| Model |") == 2
    assert "▲" not in text
    assert tex.count(r"\begin{tabular}") == 1


def test_rows_of_a_reconstruction_are_marked_wherever_they_stand_and_a_footnote_says_why():
    models = {"hiagm": {"label": "HiAGM"}, "mine": {"model": "hmgdn", "label": "HMGDN"}}
    with_one = sweep(models=models, published=None)
    text, tex, *_, as_json = every_format(summary_of(with_one, fixed(with_one)))
    signs = [("HiAGM", ""), ("HMGDN", "§")]
    rows = [f"{label}{sign}{merge}" for label, sign in signs for merge in ("", "+MTL (masking)", "+MTL (projection)")]
    assert [row[0] for row in grid(text)[2:]] == rows
    assert {row[0] for row in grid(text, "Comparisons")[2:]} == {rows[1], rows[2], rows[4], rows[5]}
    assert {row["title"] for row in json.loads(as_json)["rows"]} == {*rows}
    sentence = "a reconstruction, whose scores are not those of the published model. HMGDN (built from one sentence"
    assert f"- §: {sentence}" in text and rf"\S{{}}: {sentence}" in tex
    assert r"HMGDN\S{}+MTL (masking)" in tex and tex.isascii()
    assert "§" not in markdown.markdown(summary_of(TABLE, FOUND))


def test_banner_stands_on_top_of_markdown_and_latex():
    findings = summary_of(TABLE, FOUND, banner="Shows the harness, not a result")
    assert markdown.markdown(findings).startswith("> **Shows the harness, not a result**\n")
    tex = latex.latex(findings)
    assert tex.startswith("% Shows the harness, not a result\n")
    assert r"\caption{\textbf{Shows the harness, not a result}" in tex


def test_metrics_cost_data_notes_and_provenance():
    found = [dataclasses.replace(one, scores={**one.scores, "hier_f1": 50.0 + one.seed}) for one in FOUND]
    text = markdown.markdown(summary_of(sweep(notes=("The paper says 4 branches.",)), found))
    details = grid(text, "Other metrics and cost")
    assert details[0][2:] == ["hier_f1", "seconds per trial", "time per epoch x base [95 % CI]", "parameters"]
    assert details[2] == ["HiAGM", "WOS", "55.50 ± 3.03", "100.00 ± 0.00", "–", "1,000"]
    assert grid(text, "Data")[2] == ["WOS", "141", "7", "30,070", "7,518", "9,397", "0123456789ab"]
    assert "## Deviations and notes\n\n- The paper says 4 branches.\n" in text
    assert text.endswith("## Provenance\n\n- commit: abc1234\n- torch: 2.13.0\n")


def test_oddities_are_told():
    found = FOUND[:]
    found[0] = dataclasses.replace(found[0], scores={"micro_f1": 2.0, "macro_f1": float("nan")})
    found = [dataclasses.replace(one, predictions_sha256="x") if one.merge == "masking" else one for one in found]
    text = markdown.markdown(summary_of(TABLE, found))
    assert (
        "Collapsed runs (below median - 10 x max(MAD, 0.2), or one set of labels for every document; they stay in "
        "every number): HiAGM on WOS micro 1/10." in text
    )
    assert "Scores that are NaN or infinite, and count as missing: 1." in text
    assert "The seed had no effect (equal predictions or scores), so all seeds count as one: HiAGM+MTL (mask" in text
    assert {row[3].endswith("<br>n=1, seeds alike") for row in grid(text) if row[0].endswith("(masking)")} == {True}
    assert "No star in 16 of 32 comparisons: the seed had no effect" in text


def test_footnotes_say_nothing_of_what_was_not_tested():
    few = sweep(seeds=(1,))
    text = markdown.markdown(summary_of(few, noisy(few)))
    assert "partial conjunction" not in text
    assert "prediction interval" not in text and "n/a: fewer than 2 seeds." in text
    two = sweep(seeds=(1, 2))
    text = markdown.markdown(summary_of(two, noisy(two)))
    assert "prediction interval" not in text
    assert "Published numbers that are not judged. uninformative: fewer than 3 seeds, or a half-width above 2" in text
    assert "partial conjunction" in text
    subset = sweep(datasets={key: {"train_documents": 9} for key in ("wos", "rcv1", "nyt")})
    text = markdown.markdown(summary_of(subset, noisy(subset)))
    assert "prediction interval" not in text and "power at the published" not in text
    assert "not comparable: trained on fewer documents than the published run." in text
    row = next(row for row in grid(text, "Comparisons") if row[:2] == ["HiAGM+MTL (masking)", "WOS micro"])
    assert row[3] == "+0.09 not comparable" and row[-2] == "–"


def test_claims_of_a_subset_have_no_verdict_in_any_part():
    claim = {"text": "it rises", "kind": "rises", "rows": ("hiagm/masking",), "data": ("wos", "nyt")}
    subset = sweep(datasets={"wos": {"train_documents": 9}, "rcv1": {}, "nyt": {}}, claims={"C1": claim})
    (row,) = grid(markdown.markdown(summary_of(subset, noisy(subset))), "Claims")[2:]
    assert row[4] == "**not comparable**" and row[3].count(": not comparable") == 4
    assert not re.search("supported|negligible|inconclusive|contradicted", row[3])


def test_what_few_pairs_cannot_reach_is_said_of_holm():
    few = sweep(seeds=(1, 2, 3, 4, 5))
    assert "the exact sign flip cannot reach .05 after Holm" in markdown.markdown(summary_of(few, noisy(few)))


def test_a_sampled_sign_flip_is_not_called_exact():
    many = sweep(seeds=tuple(range(14)), models={"hiagm": {}}, merges=("none", "masking"), published=None)
    text = markdown.markdown(summary_of(many, noisy(many)))
    assert (
        "The sign flip is exact up to 40 differences; of more, as in an average over many seeds, it is sampled" in text
    )
    assert "sampled" not in markdown.markdown(summary_of(TABLE, FOUND)), "30 in an average"


def test_cells_with_batches_in_parts_are_marked():
    text = markdown.markdown(summary_of(TABLE, FOUND))
    assert "‡" not in text
    found = [
        dataclasses.replace(one, micro_batches=4)
        if (one.model, one.merge, one.dataset) == ("hitin", "masking", "nyt") and one.seed in (2, 7)
        else one
        for one in FOUND
    ]
    findings = summary_of(TABLE, found)
    text = markdown.markdown(findings)
    marked = {(row[0], column) for row in grid(text) for column, cell in enumerate(row) if "‡" in cell}
    # On its dataset, and in the averages that it is in.
    assert marked == {("HiTIN+MTL (masking)", column) for column in (5, 6, 7, 8)}
    assert (
        "‡: out of memory, so trained on batches cut into parts whose gradients are added up: statistics and dropout "
        "are those of the parts. Trials, and parts a batch: HiTIN+MTL (masking) on NYT seed 2 (4), HiTIN+MTL (masking) "
        "on NYT seed 7 (4)." in text
    )
    assert r"$\ddagger$" in latex.latex(findings) and "‡" not in latex.latex(findings)


def test_everything_failed_and_nothing_run():
    failed = [dataclasses.replace(one, scores=None, failure="boom") for one in FOUND]
    text, *_ = every_format(summary_of(TABLE, failed))
    assert grid(text)[2][1:] == [*["FAILED (10/10)<br>[" + x + "]" for x in HIAGM[:6]], "–<br>[84.66]", "–<br>[73.18]"]
    assert text.count("boom") == 180
    text, _, runs, *_ = every_format(summary_of(TABLE, [], dataset_facts={}, provenance={}))
    assert "Unfinished: 0 of 180" in text
    assert runs.count("not run") == 180


HIAGM = ("87.52", "81.56", "86.81", "68.74", "79.64", "69.24")


def test_csv_has_one_row_per_trial_in_full_precision():
    rows = list(csv.DictReader(io.StringIO(data_files.csv(summary_of(TABLE, FOUND)))))
    assert len(rows) == 180
    assert [float(row["micro_f1"]) for row in rows] == [one.scores["micro_f1"] for one in FOUND]
    assert rows[0]["status"] == "done"
    assert (rows[11]["dataset"], rows[11]["seed"]) == ("rcv1", "2")


def test_deltas_csv_has_one_row_per_comparison():
    control = sweep(models={"hiagm": {}, "flat": {"control": True}}, published=None)
    findings = summary_of(control, noisy(control))
    rows = list(csv.DictReader(io.StringIO(data_files.deltas_csv(findings))))
    assert [row["family"] for row in rows].count("control") == 16
    assert [row["dataset"] for row in rows[:8]] == ["wos", "wos", "rcv1", "rcv1", "nyt", "nyt", "average", "average"]
    assert float(rows[0]["p"]) == findings.comparisons[0].test.p
    assert rows[-1]["p_holm"] == ""


def test_json_is_whole_sorted_and_without_nan():
    text = data_files.json_text(summary_of(TABLE, FOUND))
    data = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in the JSON"))
    assert text == json.dumps(data, sort_keys=True, indent=1, ensure_ascii=False) + "\n"
    assert data["family_sizes"] == {"A": 8, "B": 24}
    assert data["sweep"]["seeds"] == list(range(1, 11))
    assert len(data["trials"]) == 180
    assert data["rows"][0]["cells"][0]["published"] == 87.52
    assert data["comparisons"][6]["power"] is None


def test_latex_is_booktabs_and_escaped():
    odd = sweep(
        title="50 % of A&B_C #1", models={"hiagm": {"label": "Hi_AGM & co [x]"}}, published=None, notes=("a_b",)
    )
    tex = latex.latex(summary_of(odd, fixed(odd)))
    assert r"50 \% of A\&B\_C \#1." in tex
    assert r"Hi\_AGM \& co {[}x{]}" in tex
    assert r"\toprule" in tex
    assert "|" not in tex
    assert r"$\blacktriangle${*}{*}{*}" in tex
    assert not re.search(r"\\\\ *[\[*]", tex)
    body = re.findall(r"\\begin\{tabular\}\{(l+)\}(.*?)\\end\{tabular\}", tex, re.DOTALL)
    for columns, rows in body:
        for line in rows.splitlines():
            if line.endswith(r"\\"):
                assert len(re.findall(r"(?<!\\)&", line)) == len(columns) - 1


def test_latex_of_everything_is_ascii_and_balanced():
    table = load(ROOT / "sweeps" / "table1.yaml")
    found = noisy(table)
    found[3] = dataclasses.replace(found[3], micro_batches=2)
    sample, made = made_up({"none": 0.85, "masking": 0.93})
    for findings in (summary_of(table, found), find(ONE, made, facts(ONE), {"wos": sample})):
        tex = latex.latex(findings)
        assert tex.isascii(), sorted(set(re.sub(r"[ -~\n]", "", tex)))
        bare = re.sub(r"\\[{}]", "", tex)
        assert bare.count("{") == bare.count("}")
        assert tex.count(r"\begin{tabular}") == tex.count(r"\end{tabular}}") == tex.count(r"\resizebox")
    assert r"$\dagger$" in tex


def test_a_label_without_gold_is_counted():
    sample, made = made_up({"none": 0.85, "masking": 0.93})
    sample.support_L[[0, 3]] = 0
    text = markdown.markdown(find(ONE, made, facts(ONE), {"wos": sample}))
    assert "Labels that no test document has, and that stay in the denominator of macro F: wos 2." in text


def test_cells_csv_has_one_row_per_cell():
    rows = list(csv.DictReader(io.StringIO(data_files.cells_csv(summary_of(TABLE, FOUND)))))
    assert len(rows) == 6 * 8
    values = sorted(one.scores["micro_f1"] for one in FOUND if (one.model, one.merge, one.dataset) == HIAGM_WOS)
    assert float(rows[0]["median"]) == pytest.approx((values[4] + values[5]) / 2)
    assert float(rows[0]["mean"]) == pytest.approx(sum(values) / 10)


HIAGM_WOS = ("hiagm", "none", "wos")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_compiles(tmp_path):
    found = without(FOUND, model="hiagm", merge="masking", dataset="rcv1", seed=1)
    tex = latex.latex(summary_of(TABLE, found, banner="100 % _synthetic_ & #1"))
    lines = [
        r"\documentclass{article}",
        r"\usepackage{booktabs,amssymb,graphicx}",
        r"\begin{document}",
        tex,
        r"\end{document}",
    ]
    (tmp_path / "table.tex").write_text("\n".join(lines), "utf-8")
    subprocess.run(["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "table.tex"], cwd=tmp_path, check=True)


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
    text = markdown.markdown(findings)
    rows = grid(text, "Frequent and rare labels")
    assert rows[0] == ["Model", "Data", *(f"{group} {kind}" for group in groups for kind in ("micro", "macro"))]
    assert len(rows) == 2 + 6 and rows[2][0] == "HiAGM"
    assert rows[2][1:] == ["WOS", "95.50 ± 3.03", "90.50 ± 3.03", "55.50 ± 3.03", "50.50 ± 3.03", *["0.00 ± 0.00"] * 2]
    assert "(frequent: at least 50 training documents, few: 1 to 49, zero: none)" in text
    assert "WOS has 100 frequent (98 in test), 30 few (12 in test), 11 zero (3 in test) labels." in text
    assert "micro_f1_few" not in text, "once is enough"
    tex = latex.latex(findings)
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
    text = markdown.markdown(findings)
    rows = grid(text, "Frequent and rare labels")
    assert {row[1] for row in rows[2:]} == {"NYT"}
    assert next(row for row in rows if row[0] == "HiTIN+MTL (masking)")[2:] == ["–"] * 6, "nothing has run"
    assert "_frequent" not in text and " labels." not in text.partition("## Frequent")[2].partition("|")[0]
    assert "Frequent and rare labels" not in markdown.markdown(summary_of(TABLE, FOUND))
    assert data_files.label_groups_csv(summary_of(TABLE, FOUND)).count("\n") == 1
