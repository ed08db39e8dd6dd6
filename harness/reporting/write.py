"""Report files of a sweep, written to a folder, each whole or not at all."""

from pathlib import Path

from harness.analysis.findings import Findings
from harness.config.schema import SweepFile
from harness.core.errors import StoreError
from harness.core.files import write_atomically
from harness.reporting import checklist, data_files
from harness.reporting.drawing import Drawing, encoded
from harness.reporting.figures import Figures, draw
from harness.reporting.latex import latex
from harness.reporting.literature import literature_csv
from harness.reporting.markdown import markdown

FIGURES = "fig"
"""Folder of the figures, below that of the reports."""


def write(findings: Findings, folder: Path, figures: Figures = "main") -> Path:
    """Writes all files of a report.

    NAME.md and NAME.tex; NAME.csv, NAME-cells.csv, NAME-deltas.csv, NAME.json and, where a corpus has labels of few
    training documents or none, NAME-groups.csv, and where there are further published scores, NAME-literature.csv, and
    where settings were searched, NAME-search.csv; fig/NAME-FIGURE.svg, .png and .csv; the section NAME of
    reproducibility.md.

    Args:
        findings: Findings of the sweep.
        folder: Folder of the reports.
        figures: `main` for the three figures of every report, `all` for the others as well.

    Returns:
        Path of NAME.md.

    Raises:
        StoreError: If the folder cannot be written.
    """
    name = findings.sweep.name
    drawings = list(draw(findings, figures))
    files = {
        f"{name}.md": markdown(findings, [_shown(name, drawing) for drawing in drawings]),
        f"{name}.tex": latex(findings),
        f"{name}.csv": data_files.csv(findings),
        f"{name}-cells.csv": data_files.cells_csv(findings),
        f"{name}-deltas.csv": data_files.deltas_csv(findings),
        f"{name}.json": data_files.json_text(findings),
    }
    if findings.literature:
        files[f"{name}-literature.csv"] = literature_csv(findings)
    if findings.label_groups:
        files[f"{name}-groups.csv"] = data_files.label_groups_csv(findings)
    if findings.tuning:
        files[f"{name}-search.csv"] = data_files.search_csv(findings.tuning)
    try:
        (folder / FIGURES).mkdir(parents=True, exist_ok=True)
        for drawing in drawings:
            for ending, content in encoded(drawing).items():
                write_atomically(folder / FIGURES / f"{name}-{drawing.name}.{ending}", content)
            files[f"{FIGURES}/{name}-{drawing.name}.csv"] = data_files.csv_text(drawing.rows)
        page = folder / "reproducibility.md"
        files[page.name] = checklist.updated(page.read_text("utf-8") if page.exists() else "", findings)
        for file, text in files.items():
            write_atomically(folder / file, text.encode())
    except OSError as error:
        raise StoreError(f"The report cannot be written to {folder} ({error.strerror}); see `reports_dir:`.") from None
    return folder / f"{name}.md"


def _shown(name: str, drawing: Drawing) -> str:
    place = f"{FIGURES}/{name}-{drawing.name}"
    return f"![{drawing.name}]({place}.png)\n\n{drawing.caption} [SVG]({place}.svg), [numbers]({place}.csv)"


def report_files(sweep: SweepFile) -> list[Path]:
    """Returns the files of a sweep's report that are there."""
    folder = Path(sweep.reports_dir)
    parts = [f"{sweep.name}-{part}.csv" for part in ("cells", "deltas", "groups", "literature", "search")]
    names = [f"{sweep.name}.*", *parts, "reproducibility.md"]
    return sorted(path for name in [*names, f"fig/{sweep.name}-*"] for path in folder.glob(name))
