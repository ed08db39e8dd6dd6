"""A trained model of a finished sweep, as a folder that others can use.

    python -m harness.export sweeps/mine.yaml --row hitin/masking --out hitin-masking
    python -m harness.export sweeps/mine.yaml --row linear --dataset pydocs --out linear

It is the row's seed that is best on validation, with its tokeniser, hierarchy, thresholds, record and a model card.
`python -m harness.predict FOLDER` and the Hugging Face hub take the folder as it is.
"""

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from harness.config.arguments import add_sweep
from harness.config.load import load
from harness.core.errors import StoreError
from harness.core.main import run_command
from harness.reporting.export import Chosen, choose, export, refuse_occupied
from harness.trials.plan import Plan
from harness.trials.store import Store


def main(arguments: Sequence[str] | None = None) -> int:
    """Exports one model."""
    parser = argparse.ArgumentParser(prog="python -m harness.export", description=(__doc__ or "").partition("\n")[0])
    add_sweep(parser, with_filter=False)
    parser.add_argument("--row", required=True, help="MODEL/MERGE, or MODEL where it has one merge")
    parser.add_argument("--dataset", default="", help="dataset that it was trained on, where the sweep has several")
    parser.add_argument("--out", type=Path, required=True, help="folder to make")
    again = "train the best seed again, in this process, where its model was not kept"
    parser.add_argument("--train", action="store_true", help=again)
    register = "also register it with the sweep's MLflow as models:/SWEEP-MODEL-MERGE@best, for `mlflow models serve`"
    parser.add_argument("--register", action="store_true", help=register)
    asked = parser.parse_args(arguments)
    refuse_occupied(asked.out)
    plan = Plan.open(load(asked.sweep))
    chosen = choose(plan, asked.row, asked.dataset, must_be_kept=not asked.train)
    with _model_of(plan, chosen) as folder:
        export(plan, chosen, folder, asked.out)
    print(f"{asked.out}: {chosen.title}")
    if asked.register:
        print(f"MLflow:  {_registered(plan, chosen, asked.out)}")
    print(f'Ask it:  python -m harness.predict {asked.out} --text "..."')
    return 0


def _registered(plan: Plan, chosen: Chosen, folder: Path) -> str:
    """Registers an export; the dataset is in its name where the sweep has several."""
    from harness.trackers import mlflow, model_registry

    mlflow.check(plan.sweep.tracking)
    model, merge, dataset = chosen.trial.settings.cell
    parts = [plan.sweep.name, model, merge, *([dataset] if len(plan.sweep.datasets) > 1 else [])]
    return model_registry.register(plan.sweep, "-".join(parts), folder, chosen.title)


@contextmanager
def _model_of(plan: Plan, chosen: Chosen) -> Iterator[Path]:
    """Gives the folder of a trial's model, which is trained again where it was not kept."""
    key, settings = chosen.trial.key, chosen.trial.settings
    if plan.store.model(key).exists():
        yield plan.store.model(key)
        return
    from harness.training.run import run  # torch, only where something is trained

    with tempfile.TemporaryDirectory(dir=plan.store.root) as folder:
        again = Store(Path(folder), "all")
        run(settings, key, Path(plan.sweep.data_dir), again)
        if not (record := again.record(key)):
            failure = again.failure(key)
            raise StoreError(f"{settings.name} cannot be trained again: {failure.message if failure else 'no record'}")
        if record.predictions_sha256 != chosen.record.predictions_sha256:
            raise StoreError(
                f"{settings.name}, trained again, predicts other than its record says: other hardware or libraries "
                "give other bits. Train it where it was trained, or run the sweep anew with `keep: best`."
            )
        yield again.model(key)


if __name__ == "__main__":
    run_command(main)
