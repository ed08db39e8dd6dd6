"""Export of a trained model: which trial of a row it is, and the folder with its record and card."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from harness.config.schema import SweepFile
from harness.core.errors import ConfigError, StoreError
from harness.core.files import write_atomically
from harness.core.registry import nearest
from harness.reporting.model_card import model_card, title
from harness.trials.identity import cell_identity
from harness.trials.plan import Plan, PlannedTrial
from harness.trials.store import Record

RECORD, CARD = "record.json", "README.md"


@dataclass(frozen=True)
class Chosen:
    """The trial whose model stands for a row on a dataset."""

    trial: PlannedTrial
    record: Record
    finished: tuple[Record, ...]  # Of the row on the dataset, all seeds.
    title: str


def refuse_occupied(out: Path) -> None:
    """Raises ConfigError where there is something at the place of an export already."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(f"There is something at {out} already. Name a folder that is not there, or is empty.")


def choose(plan: Plan, row: str, dataset: str, must_be_kept: bool) -> Chosen:
    """Returns the trial of a row that is best on validation: the kept one, or else of the finished ones.

    Args:
        plan: The sweep.
        row: `MODEL/MERGE`, or `MODEL` where it has one merge.
        dataset: Key of a dataset; may be empty where there is one.
        must_be_kept: Whether its model must be in the store.

    Raises:
        ConfigError: If the sweep has no such row or dataset, or several datasets and none was named.
        StoreError: If no trial of the row is finished, or its model was not kept.
    """
    model, merge = _row(plan.sweep, row)
    dataset = _dataset(plan.sweep, dataset)
    if plan.sweep.name_of(model) == "imported":
        raise ConfigError(f"{row} has predictions that were made elsewhere, and no model that could be exported.")
    cell = [one for one in plan.trials if one.settings.cell == (model, merge, dataset)]
    named = f"{row} on {dataset}"
    if problem := plan.problems.get(dataset):
        raise StoreError(problem)
    finished = [one for one in cell if one.record]
    if not finished:
        raise StoreError(f"No trial of {named} is finished. Run `python -m harness.sweep` with this sweep file first.")
    best = plan.store.best(cell_identity(finished[0].settings, plan.fingerprint(dataset)))
    kept = next((one for one in finished if one.key == best and plan.store.model(best).exists()), None)
    chosen = kept or max(finished, key=_on_validation)
    if kept is None and must_be_kept:
        raise StoreError(
            f"The model of {named} was not kept: the sweep ran with `keep: none`, by an older version, or on other "
            "seeds. Add --train, which trains its best seed again here and exports it if it predicts the same."
        )
    assert chosen.record
    records = tuple(one.record for one in finished if one.record)
    return Chosen(chosen, chosen.record, records, title(plan, chosen))


def _on_validation(one: PlannedTrial) -> float:
    scores = one.record.scores if one.record else {}
    return scores.get("valid_macro_f1" if one.settings.select == "macro" else "valid_micro_f1", 0.0)


def _row(sweep: SweepFile, row: str) -> tuple[str, str]:
    if row not in sweep.named_rows:
        raise ConfigError(f"The sweep has no row {row!r}.{nearest(row, sweep.named_rows)}")
    return sweep.named_rows[row]


def _dataset(sweep: SweepFile, dataset: str) -> str:
    if not dataset and len(sweep.datasets) == 1:
        return next(iter(sweep.datasets))
    if not dataset:
        raise ConfigError(f"The sweep has several datasets: name one by --dataset {'|'.join(sweep.datasets)}.")
    if dataset not in sweep.datasets:
        raise ConfigError(f"The sweep has no dataset {dataset!r}.{nearest(dataset, sweep.datasets)}")
    return dataset


def export(plan: Plan, chosen: Chosen, model: Path, out: Path) -> None:
    """Makes the folder of an export, whole or not at all.

    Args:
        plan: The sweep.
        chosen: The trial.
        model: Folder of its model.
        out: Folder to make; see `refuse_occupied`.
    """
    from models import saved  # torch

    saved.check(model)
    scratch = out.with_name(f".{out.name}.part")
    shutil.rmtree(scratch, ignore_errors=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(model, scratch)
    write_atomically(scratch / RECORD, chosen.record.model_dump_json(indent=1).encode())
    write_atomically(scratch / CARD, model_card(plan, chosen.trial, chosen.record, chosen.finished).encode())
    saved.seal(scratch)
    scratch.replace(out)
