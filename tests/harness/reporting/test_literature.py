"""Published results besides those held against ours: table, note and CSV, in every file of the report."""

import json
from csv import DictReader
from pathlib import Path

from harness.config.load import load
from harness.reporting.data_files import json_text
from harness.reporting.latex import latex
from harness.reporting.literature import literature_csv, literature_note, literature_table
from harness.reporting.markdown import markdown
from harness.reporting.write import report_files, write
from tests.harness.fake_sweep import noisy, summary_of, sweep
from tests.shared import ROOT

TABLE_1 = load(ROOT / "sweeps" / "table1.yaml")
FINDINGS = summary_of(TABLE_1, noisy(TABLE_1))


def test_systems_and_further_scores_of_our_rows_have_a_table_of_their_own() -> None:
    grid = literature_table(FINDINGS)
    rows = [["".join(span.text for line in cell for span in line) for cell in row] for row in grid.rows]
    assert grid.head[:4] == ("System", "Source", "WOS micro", "WOS macro") and len(grid.head) == 10
    known = {(row[0], row[1]): dict(zip(grid.head, row, strict=True)) for row in rows}
    assert known["HBGL", "bertalis2024"]["RCV1-v2 macro"] == "70.48 ± 0.29"
    assert known["HiTIN", "zhu2023"]["RCV1-v2 micro"] == "86.71" and known["HiTIN", "zhu2023"]["WOS micro"] == "–"
    assert known["HBGL", "bertalis2024"]["Avg micro"] == "84.87 ± 0.07"
    assert not any(source == "himtl" for _, source in known), "those stand beside ours"


def test_the_note_names_the_sources_and_the_report_has_both() -> None:
    note = literature_note(FINDINGS)
    assert "hpt: Wang et al. 2022 (HPT); bertalis2024: Bertalis et al. 2024 (arXiv 2411.13687" in note
    text = markdown(FINDINGS)
    assert (
        "## Published results on these corpora\n\nShown for comparison" in text
        and "averages over datasets are ours" in text
    )
    assert "| HBGL | bertalis2024 | 87.27 ± 0.15 | 81.87 ± 0.29 |" in text
    assert "Published results on these corpora. Shown for comparison" in latex(FINDINGS)
    bare = sweep()
    assert "Published results" not in markdown(summary_of(bare, noisy(bare)))


def test_csv_and_json_hold_spread_and_runs_in_full() -> None:
    rows = {(row["system"], row["column"]): row for row in DictReader(literature_csv(FINDINGS).splitlines())}
    assert rows["HBGL", "RCV1-v2 macro"] == {
        "system": "HBGL",
        "source": "bertalis2024",
        "column": "RCV1-v2 macro",
        "score": "70.48",
        "sd": "0.29",
        "num_runs": "",
    }
    found = {row["title"]: row for row in json.loads(json_text(FINDINGS))["literature"]}
    assert found["HBGL"]["scores"][3] == {
        "value": 70.48,
        "spreads": [[0.29, 2]],
        "runs": 2,
        "num_strata": 1,
        "runs_are_stated": False,
    }


def test_the_csv_is_a_file_of_the_report(tmp_path: Path) -> None:
    table = TABLE_1.model_copy(update={"reports_dir": str(tmp_path)})
    write(summary_of(table, noisy(table)), tmp_path)
    assert tmp_path / "table1-literature.csv" in report_files(table)
