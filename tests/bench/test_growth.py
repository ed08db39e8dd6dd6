"""The page of the growth benchmark, which tells refused cells from measured ones."""

from pathlib import Path

from tests.bench import growth
from tests.bench.growth import Cell


def test_what_cannot_fit_is_not_run() -> None:
    cell = growth.measure("hiagm", "none", 10_000, there=40 * growth.GIB)
    assert cell.peak is None and cell.step_seconds is None
    assert 24 * cell.parameters <= cell.bound < 24 * cell.parameters + 2**20
    assert 10_000**2 * 32 < cell.parameters < 1.02 * 10_000**2 * 32


def test_the_page_shows_the_estimate_where_nothing_was_measured(tmp_path: Path) -> None:
    cells = []
    for model in growth.MODELS:
        for merge in growth.MERGES:
            for labels in growth.LABELS:
                bound = 24 * labels * 10**6
                fits = bound < 20 * growth.GIB
                peak = bound * 3 // 4 if fits else None
                cells.append(Cell(model, merge, labels, labels * 10**6, bound, 0.002 if fits else None, peak))
    page = growth.page(cells, [(0.5, 0.25)] * len(growth.LABELS), there=20 * growth.GIB)
    row = next(line for line in page.splitlines() if line.startswith("| HiAGM, none") and "refused" in line)
    assert row == "| HiAGM, none | 2.0 | 2.0 | refused (22 GiB) | refused (67 GiB) | refused (224 GiB) |"
    assert "27 of 45 cells are refused" in page and "0.75 to 0.75" in page
    growth.write([vars(cell) for cell in cells], 20 * growth.GIB, tmp_path)
    assert (tmp_path / "growth.csv").read_text("utf-8").count("\n") == 46
    assert (tmp_path / "growth.png").read_bytes().startswith(b"\x89PNG") and (
        tmp_path / "growth.svg"
    ).stat().st_size > 0
