"""A report is the listed files, every link in it is one of them, and what is not written again stays."""

import csv
import re
from pathlib import Path

import pytest

from harness.analysis.summarise import find
from harness.config.load import load
from harness.core.errors import StoreError
from harness.report import main
from harness.reporting.write import write
from harness.trials.plan import Plan
from tests.conftest import SweepWriter
from tests.harness.fake_sweep import facts, results, sweep
from tests.harness.predicted_trials import predict

SMALL = sweep(models={"hiagm": {"label": "HiAGM"}}, datasets={"wos": {}}, published=None)
FOUND = results(SMALL, lambda *place: 80.0 + place[3] % 3 + 0.1 * len(place[1]) + 0.01 * (place[3] % 4) * len(place[1]))
FINDINGS = find(SMALL, FOUND, facts(SMALL))
FILES = {"table1.md", "table1.tex", "table1.csv", "table1-cells.csv", "table1-deltas.csv", "table1.json"}


def drawn(folder: Path) -> set[str]:
    return {path.name for path in (folder / "fig").iterdir()}


def test_a_report_links_its_figures_and_every_link_is_a_file(tmp_path: Path) -> None:
    text = write(FINDINGS, tmp_path).read_text("utf-8")
    links = re.findall(r"\]\((fig/[^)]+)\)", text)
    assert drawn(tmp_path) == {Path(link).name for link in links}
    names = ("differences", "seeds", "ranks")
    assert drawn(tmp_path) == {f"table1-{name}.{ending}" for name in names for ending in ("svg", "png", "csv")}
    with (tmp_path / "fig" / "table1-seeds.csv").open() as stream:
        assert len(list(csv.DictReader(stream))) == 60
    assert {path.name for path in tmp_path.iterdir()} == {*FILES, "fig", "reproducibility.md"}


def test_all_figures_are_written_where_they_are_asked_for_and_stay(tmp_path: Path) -> None:
    assert "fig/table1-power.png" in write(FINDINGS, tmp_path, "all").read_text("utf-8")
    everything = drawn(tmp_path)
    assert {"table1-power.csv", "table1-power.svg", "table1-power.png"} < everything
    assert "fig/table1-power.png" not in write(FINDINGS, tmp_path).read_text("utf-8")
    assert drawn(tmp_path) == everything, "files of a user are not deleted"


def test_the_command_draws_three_figures_or_all_that_are_asked_for(write_sweep: SweepWriter) -> None:
    path = write_sweep(seeds=[1, 2, 3])
    plan = Plan.open(load(path))
    predict(plan, plan.trials)
    reports = Path(plan.sweep.reports_dir)
    assert (
        main([str(path)]) == 0 and "tiny-differences.svg" in drawn(reports) and "tiny-power.svg" not in drawn(reports)
    )
    assert main([str(path), "--figures", "all"]) == 0 and "tiny-power.svg" in drawn(reports)


def test_equal_findings_give_equal_files(tmp_path: Path) -> None:
    one, other = (write(FINDINGS, tmp_path / name).parent for name in "ab")
    for path in one.rglob("*.*"):
        assert path.read_bytes() == (other / path.relative_to(one)).read_bytes()


def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("")
    with pytest.raises(StoreError, match="The report cannot be written to .*reports"):
        write(FINDINGS, tmp_path / "reports")
