"""MLflow tracker: shows a sweep in MLflow. All of it can be rebuilt from the store.

A tracker is three functions: `check(uri)` before any trial runs, `address(uri)` for the person who wants to look, and
`mirror(plan, findings, files)`, which may be called again at any time.

One experiment per sweep; one run of the whole sweep with every comparison, the report and its figures; below it one
run per cell with mean, standard deviation, n, intervals and p values, and how many of its trials were still improving
at their last epoch (the tag `row_still_improving` says whether most of its row were); below that one per trial, with
parameters, metrics per epoch, the record and the predictions, of which the tag `phase` says what it was for. A trial
that is there already is not written again, so the same command after an outage fills the gaps. While trials are missing
there are no p values: every look at them is one. Those of a sweep that was complete and is extended stay (MLflow
deletes no metric), and the tag `comparisons` says so.
"""

import math
import os
import socket
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from harness.analysis.findings import Findings
from harness.config.schema import SweepFile
from harness.core.errors import TrackingError
from harness.core.metric_names import BRANCH_COSINE
from harness.trackers.metrics import aggregates, all_comparisons, marks, row
from harness.trials.phases import all_phases
from harness.trials.plan import Phase, Plan, PlannedTrial
from harness.trials.settings import CellKey, flat_settings
from harness.trials.store import Record, Store

if TYPE_CHECKING:
    from mlflow import MlflowClient

# A server that went away must not hold a sweep up for minutes.
for _name, _value in {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}.items():
    os.environ.setdefault(_name, _value)

_DATABASES = ("postgresql", "mysql", "mssql")
_METRICS_AT_ONCE = 1000
_LONGEST_PARAMETER = 500
_STATUS = {"done": "FINISHED", "failed": "FAILED", "stopped": "KILLED", "new": ""}
_STATE = {True: "of all planned trials", False: "outdated, if there are any: planned trials are missing"}
"""State of the p values on a run, by whether the sweep is complete."""


def check(uri: str) -> None:
    """Raises TrackingError where the tracking URI cannot work, before any trial has run."""
    parts = urlsplit(uri)
    if parts.scheme in ("http", "https"):
        try:
            port = parts.port or {"http": 80, "https": 443}[parts.scheme]
            socket.create_connection((parts.hostname or "", port), timeout=5).close()
        except (OSError, ValueError) as error:
            raise TrackingError(
                f"The MLflow tracking server {uri} does not answer ({error}). Start it, or set `tracking:` in the "
                "sweep file to another URI, such as sqlite:///mlflow.db, which needs no server."
            ) from None
    elif parts.scheme == "sqlite":
        folder = Path(uri.removeprefix("sqlite:///")).absolute().parent
        if not os.access(folder, os.W_OK):
            raise TrackingError(
                f"MLflow cannot write its database in {folder}; set `tracking:` to a folder it can write."
            )
    elif parts.scheme.partition("+")[0] not in _DATABASES:
        raise TrackingError(f"`tracking: {uri}` is no tracking URI; use sqlite:///mlflow.db or http://HOST:PORT.")


def address(uri: str) -> str:
    """Returns the command, or the address, that opens the MLflow UI."""
    if uri.startswith("http"):
        return uri
    program = Path(sys.executable).with_name("mlflow")
    shown = os.path.relpath(program) if program.is_relative_to(Path.cwd()) else str(program)
    return f"{shown} server --backend-store-uri {uri}"


def mirror(plan: Plan, findings: Findings, files: Sequence[Path]) -> int:
    """Brings MLflow up to date with the store.

    Args:
        plan: The sweep; runs are written of its selected trials.
        findings: Findings of the whole sweep.
        files: Files of its report, and of its figures in a folder `fig`.

    Returns:
        How many trials were written.
    """
    from mlflow import MlflowClient

    client = MlflowClient(absolute(plan.sweep.tracking))
    runs = _Runs(client, experiment(client, plan.sweep))
    is_complete = all(one.state != "new" for one in plan.trials)
    whole = runs.sweep(plan.sweep.name)
    written = sum(
        runs.child(planned, runs.parent(planned.settings.cell, whole), phase)
        for phase in all_phases(plan)
        for planned in phase.selected
    )
    for cell in plan.cells():
        parent = runs.parent(cell, whole)
        _log_now(client, parent, aggregates(findings, cell, is_complete))
        client.set_tag(parent, "comparisons", _STATE[is_complete])
        client.set_tag(parent, "row_still_improving", str(row(findings, cell).still_improving))
        for name, text in marks(findings, cell).items() if is_complete else ():
            client.set_tag(parent, name, text)
        client.set_terminated(parent)
    if is_complete:
        _log_now(client, whole, all_comparisons(findings))
        for file in files:
            client.log_artifact(whole, str(file), "report/fig" if file.parent.name == "fig" else "report")
    client.set_tag(whole, "comparisons", _STATE[is_complete])
    client.set_terminated(whole)
    return written


def absolute(uri: str) -> str:
    """MLflow would take a relative SQLite path from wherever it happens to run."""
    prefix = "sqlite:///"
    return prefix + str(Path(uri.removeprefix(prefix)).absolute()) if uri.startswith(prefix) else uri


def experiment(client: "MlflowClient", sweep: SweepFile) -> str:
    """Returns the id of a sweep's experiment, made where it is missing."""
    found = client.get_experiment_by_name(sweep.name)
    if found is not None:
        return str(found.experiment_id)
    # Beside the database, wherever the command is typed; a server keeps artifacts its own way.
    place = None
    if sweep.tracking.startswith("sqlite:///"):
        database = Path(absolute(sweep.tracking).removeprefix("sqlite:///"))
        place = (database.parent / "mlartifacts" / sweep.name).as_uri()
    return str(client.create_experiment(sweep.name, artifact_location=place))


class _Runs:
    """The runs of an experiment, found by what their tags say they are."""

    def __init__(self, client: "MlflowClient", experiment: str):
        self._client = client
        self._experiment = experiment
        self._parents: dict[str, str] = {}
        self._sweeps: dict[str, str] = {}
        self._children: dict[tuple[str, str], tuple[str, str]] = {}
        token = None
        while True:
            page = client.search_runs([experiment], max_results=1000, page_token=token)
            for run in page:
                tags = run.data.tags
                if "trial_key" in tags:
                    self._children[tags["trial_key"], tags["cell"]] = (run.info.run_id, run.info.status)
                elif "sweep" in tags:
                    self._sweeps[tags["sweep"]] = run.info.run_id
                elif "cell" in tags:
                    self._parents[tags["cell"]] = run.info.run_id
            token = page.token
            if not token:
                break

    def sweep(self, name: str) -> str:
        """Returns the run of the whole sweep, made where it is missing."""
        if name not in self._sweeps:
            run = self._client.create_run(self._experiment, run_name=name, tags={"sweep": name})
            self._sweeps[name] = run.info.run_id
        return self._sweeps[name]

    def parent(self, cell: CellKey, whole: str) -> str:
        """Returns the run of a cell, made below that of the sweep where it is missing."""
        name = "/".join(cell)
        if name not in self._parents:
            tags = {"cell": name, "mlflow.parentRunId": whole, **cell._asdict()}
            self._parents[name] = self._client.create_run(self._experiment, run_name=name, tags=tags).info.run_id
        return self._parents[name]

    def child(self, planned: PlannedTrial, parent: str, plan: Plan) -> bool:
        """Writes a trial's run where it is missing or was last seen failed; returns whether it did."""
        status = _STATUS[planned.state]
        run_id, seen = self._children.get((planned.key, "/".join(planned.settings.cell)), ("", ""))
        if status in ("", seen):
            return False
        record = planned.record
        if not run_id:
            run_id = self._create(planned, parent, plan.phase)
        if record is not None:
            self._fill(run_id, record, plan.store)
            if seen == "FAILED":
                self._client.delete_tag(run_id, "failure")
        else:
            self._client.set_tag(run_id, "failure" if planned.failure else "stopped", planned.why[:5000])
        # Its status comes last: a run that MLflow lost half-way is written again.
        self._client.set_terminated(run_id, status, end_time=_milliseconds(record) if record else None)
        return True

    def _create(self, planned: PlannedTrial, parent: str, phase: Phase) -> str:
        trial, record = planned.settings, planned.record
        tags = {"trial_key": planned.key, "mlflow.parentRunId": parent, "cell": "/".join(trial.cell), "phase": phase}
        start = _milliseconds(record) - round(1000 * record.seconds) if record else None
        seed = f"{'untuned ' * (phase == 'untuned')}seed {trial.seed}"
        name = f"candidate {planned.candidate.number}" if planned.candidate else seed
        run = self._client.create_run(self._experiment, start_time=start, run_name=name, tags=tags)
        return str(run.info.run_id)

    def _fill(self, run_id: str, record: Record, store: Store) -> None:
        from mlflow.entities import Param, RunTag

        settings = flat_settings(record.settings)
        params = [Param(name, str(value)[:_LONGEST_PARAMETER]) for name, value in settings.items()]
        tags = [RunTag(name, value) for name, value in record.environment.items()]
        self._client.log_batch(run_id, params=params, tags=tags)
        metrics = [
            (name, value, int(entry["epoch"]))
            for entry in store.history(record.key)
            for name, value in entry.items()
            if name != "epoch"
        ]
        # What is not of the test documents is in the history.
        known = record.scores | record.scores_by_rule
        tested = {name for name in known if not name.startswith(("valid_", BRANCH_COSINE))}
        final = {f"test_{name}": known[name] for name in sorted(tested)}
        final |= {"seconds": record.seconds, "peak_memory_mb": record.peak_memory_mb, "num_epochs": record.num_epochs}
        metrics += [(name, value, 0) for name, value in final.items()]
        _log_metrics(self._client, run_id, metrics, _milliseconds(record))
        for file in ("record.json", "predictions.parquet"):
            self._client.log_artifact(run_id, str(store.folder(record.key) / file))


def _log_now(client: "MlflowClient", run_id: str, values: dict[str, float]) -> None:
    now = round(datetime.now().timestamp() * 1000)
    _log_metrics(client, run_id, [(name, value, 0) for name, value in values.items() if math.isfinite(value)], now)


def _log_metrics(client: "MlflowClient", run_id: str, values: Iterable[tuple[str, float, int]], time: int) -> None:
    """Writes names, values and steps as metrics of one time, given in milliseconds."""
    from mlflow.entities import Metric

    metrics = (Metric(name, value, time, step) for name, value, step in values)
    while some := list(islice(metrics, _METRICS_AT_ONCE)):
        client.log_batch(run_id, metrics=some)


def _milliseconds(record: Record) -> int:
    return round(datetime.fromisoformat(record.finished).timestamp() * 1000)
