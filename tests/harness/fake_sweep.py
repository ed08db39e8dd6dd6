"""Synthetic sweeps with the published numbers of Table 1, for the tests of statistics and reports."""

import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from harness.analysis.comparison import Comparison
from harness.analysis.findings import Findings, TableCell
from harness.analysis.inputs import DatasetFacts, Facts, Registration, TrialResult
from harness.analysis.summarise import find
from harness.config.schema import SweepFile
from harness.core.metric_names import HEADLINE

# Rows: HiAGM and HiTIN, each with none, masking, projection. Columns: WOS, RCV1, NYT, each micro, macro.
TABLE_1 = {
    "hiagm/none": (87.52, 81.56, 86.81, 68.74, 79.64, 69.24),
    "hiagm/masking": (87.61, 81.87, 87.13, 69.82, 79.40, 69.06),
    "hiagm/projection": (86.89, 80.90, 86.93, 70.22, 79.42, 69.59),
    "hitin/none": (87.39, 81.73, 88.68, 73.00, 79.75, 69.21),
    "hitin/masking": (87.83, 81.99, 88.38, 72.35, 79.59, 69.02),
    "hitin/projection": (87.39, 81.49, 88.71, 72.78, 79.66, 69.67),
}
AVERAGES = {
    "hiagm/none": (84.66, 73.18),
    "hiagm/masking": (84.71, 73.58),
    "hiagm/projection": (84.41, 73.57),
    "hitin/none": (85.27, 74.65),
    "hitin/masking": (85.27, 74.45),
    "hitin/projection": (85.25, 74.65),
}
DATASETS = ("wos", "rcv1", "nyt")


def published_scores() -> dict[str, dict[str, dict[str, float]]]:
    return {
        row: {dataset: dict(zip(HEADLINE, scores[2 * place :], strict=False)) for place, dataset in enumerate(DATASETS)}
        for row, scores in TABLE_1.items()
    }


def sweep(**changes: Any) -> SweepFile:
    """The six rows of Table 1 on three datasets with ten seeds, unless changed."""
    data: dict[str, Any] = {
        "name": "table1",
        "title": "Table 1 (reproduction)",
        "models": {"hiagm": {"label": "HiAGM"}, "hitin": {"label": "HiTIN"}},
        "merges": ("none", "masking", "projection"),
        "datasets": {key: {"label": key.upper()} for key in DATASETS},
        "seeds": tuple(range(1, 11)),
        "encoder": {"name": "bag"},
        "published": {"himtl": {"source": "HiMTL, Table 1, one run", "scores": published_scores()}},
    }
    return SweepFile.model_validate({key: value for key, value in (data | changes).items() if value is not None})


def facts(sweep_file: SweepFile, **changes: Any) -> Facts:
    values: dict[str, Any] = {
        "banner": None,
        "dataset_facts": {
            key: DatasetFacts(141, 7, {"train": 30070, "val": 7518, "test": 9397}, "0123456789abcdef")
            for key in sweep_file.datasets
        },
        "provenance": {"commit": "abc1234", "torch": "2.13.0"},
        "selection": ("per_metric",),
        "looks": 1,
        "registration": Registration("2026-01-01T00:00:00+00:00", "0123456789abcdef", 0, (), len(sweep_file.seeds)),
    }
    return Facts(**(values | changes))


def result(
    model: str, merge: str, dataset: str, seed: int, scores: dict[str, float] | None, **changes: Any
) -> TrialResult:
    values: dict[str, Any] = {
        "failure": None if scores else "out of memory",
        "train_seconds": 100.0 if scores else None,
        "num_parameters": 1000 if scores else None,
        "predictions_sha256": f"{model}{merge}{dataset}{seed}" if scores else None,
        "key": f"{model}-{merge}-{dataset}-{seed}",
    }
    return TrialResult(model, merge, dataset, seed, scores, **(values | changes))


def results(sweep_file: SweepFile, score: Callable[[str, str, str, int, str], float]) -> list[TrialResult]:
    """One finished trial per planned one, with `score(model, merge, dataset, seed, metric)`."""
    metrics = sweep_file.statistics.star_metrics
    return [
        result(model, merge, dataset, seed, {m: score(model, merge, dataset, seed, m) for m in metrics})
        for model, merge in sweep_file.rows
        for dataset in sweep_file.datasets
        for seed in sweep_file.seeds_of(model)
    ]


def noisy(sweep_file: SweepFile, sd: float = 0.3, root: int = 0) -> list[TrialResult]:
    """Scores around the published ones (or around 80), with the given spread over seeds."""
    rng = np.random.default_rng(root)
    centres = published_scores()

    def score(model: str, merge: str, dataset: str, seed: int, metric: str) -> float:
        centre = centres.get(f"{model}/{merge}", {}).get(dataset, {}).get(metric, 80.0)
        return float(rng.normal(centre, sd))

    return results(sweep_file, score)


def without(found: Sequence[TrialResult], **where: Any) -> list[TrialResult]:
    """All outcomes but those whose fields have all the given values."""
    return [one for one in found if any(getattr(one, field) != value for field, value in where.items())]


def summary_of(sweep_file: SweepFile, found: Sequence[TrialResult], **changes: Any) -> Findings:
    """Findings of some results; keyword arguments change the facts."""
    return find(sweep_file, found, facts(sweep_file, **changes))


def the(findings: Findings, model: str, merge: str, column: str) -> Comparison:
    """The comparison of a row in a column, by its title."""
    return next(
        item
        for item in (*findings.comparisons, *findings.control_comparisons)
        if (*item.contrast.row, item.column.title) == (model, merge, column)
    )


def cell(findings: Findings, model: str, merge: str, column: str) -> TableCell:
    """The cell of a row in a column, by its title."""
    row = next(row for row in findings.rows if (row.model, row.merge) == (model, merge))
    return next(cell for one, cell in zip(findings.columns, row.cells, strict=True) if one.title == column)


def scores(found: Sequence[TrialResult], model: str, merge: str, dataset: str, metric: str) -> list[float]:
    """Scores of a cell by rising seed."""
    chosen = [one for one in found if (one.model, one.merge, one.dataset) == (model, merge, dataset)]
    return [one.scores[metric] for one in sorted(chosen, key=lambda one: one.seed) if one.scores]


def with_effect(gain: float, seeds: int = 10, **changes: Any) -> tuple[SweepFile, list[TrialResult], Findings]:
    """HiAGM+masking differs from its base by about `gain` on WOS micro, and from nothing elsewhere."""
    sweep_file = sweep(seeds=tuple(range(1, seeds + 1)), published=None, **changes)
    rng = random.Random(1)
    base: dict[tuple[str, str, int, str], float] = {}

    def score(model: str, merge: str, dataset: str, seed: int, metric: str) -> float:
        value = base.setdefault((model, dataset, seed, metric), 80 + rng.gauss(0, 0.3)) + rng.gauss(0, 0.05)
        return value + gain * (model == "hiagm" and merge == "masking" and dataset == "wos" and metric == "micro_f1")

    found = results(sweep_file, score)
    return sweep_file, found, summary_of(sweep_file, found)
