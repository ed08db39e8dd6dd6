"""How fast exported models answer: in Python, behind MLflow's server, and a folder of a hundred thousand texts on Ray.

    python -m tests.bench.predicting

Takes about 10 minutes on 2 cores, 5 of them to train the models. Writes nothing but its page: corpus, models and
predictions lie in a temporary folder.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from itertools import count, cycle, islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml
from pyarrow import parquet

from datasets.storage.corpus import open_corpus
from harness.config.load import load as load_sweep
from harness.core.environment import ROOT
from harness.core.text import duration
from harness.scheduling import local
from harness.scheduling.progress import Listener
from harness.trackers.model_registry import register
from harness.trials.corpora import prepare_builtin
from harness.trials.plan import Plan
from models.load import load
from tests.bench.measure import Build, Times, in_processes, publish, side_by_side, table, verdict
from tests.bench.watched import Watched, serving, watched

CORES = os.cpu_count() or 1
NUM, PER_REQUEST, ROUNDS = 4096, 256, 7
"""Texts of a measurement, and of a request over HTTP."""
LOADS = 5
FILES, FEW, MANY, MILLION = 10, 20_000, 100_000, 1_000_000
"""Files of a folder, and texts in it."""
GOAL = 1000
"""Texts a second of a bag of word pieces, on 2 cores."""
MB = 1e6

MODELS: dict[str, dict[str, Any]] = {
    "flat": {},
    "hiagm": {"options": {"node_width": 32}},
    "hitin": {"options": {"node_width": 64}},
    "ngrams": {"model": "flat", "encoder": {"name": "ngrams"}},
    "linear": {},
}
TITLES = {
    "flat": "bag, flat",
    "hiagm": "bag, HiAGM",
    "hitin": "bag, HiTIN",
    "ngrams": "n-grams, flat",
    "linear": "linear",
}
SWEEP = {
    "name": "predicting",
    "models": MODELS,
    "merges": ["none"],
    "datasets": {"pydocs": {"options": {"packages": "scipy,networkx,pandas,sklearn,matplotlib,sqlalchemy"}}},
    "controls": [],
    "seeds": [1],
    "encoder": {"name": "bag", "options": {"width": 128, "max_length": 200}},
    "trainer": {"epochs": 8, "batch_size": 32, "encoder_lr": 0.02, "head_lr": 0.005},
    "keep": "all",
}


def models(folder: Path) -> tuple[Path, dict[str, Path], list[str]]:
    """Trains the models in a folder; returns its sweep file, the models' folders by name, and the corpus's texts."""
    places = {"data_dir": "data", "store": "store", "reports_dir": "reports"}
    said = {**SWEEP, **{name: str(folder / place) for name, place in places.items()}}
    path = folder / "sweep.yaml"
    path.write_text(yaml.safe_dump({**said, "tracking": f"sqlite:///{folder}/mlflow.db"}), "utf-8")
    plan = Plan.open(load_sweep(path))
    prepare_builtin(plan)
    plan.refresh()
    local.run(plan.trials, Path(plan.sweep.data_dir), plan.store, Listener())
    found = {one.settings.cell[0]: plan.store.model(one.key) for one in plan.trials}
    corpus = open_corpus(Path(plan.sweep.data_dir) / plan.trials[0].settings.corpus)
    return path, found, [text for split in ("train", "val", "test") for text in corpus.texts(corpus.rows(split))]


def answering(model: Path, texts: Path) -> Callable[[], object]:
    """Returns what predicts the texts of a file in Python."""
    predictor, some = load(model), json.loads(texts.read_text("utf-8"))
    return lambda: predictor.predict(some)


def served(uri: str, tracking: str, texts: Path) -> Callable[[], object]:
    """Returns what predicts them by the registered model, in the process, as MLflow's server calls it."""
    import mlflow
    import pandas as pd

    mlflow.set_tracking_uri(tracking)
    model, some = mlflow.pyfunc.load_model(uri), pd.DataFrame({"text": json.loads(texts.read_text("utf-8"))})
    return lambda: model.predict(some)


def over_http(port: int, texts: Path) -> Callable[[], list[Any]]:
    """Returns what asks a running server for them, one request after the other."""
    some = json.loads(texts.read_text("utf-8"))

    def ask() -> list[Any]:
        answers = []
        for start in range(0, len(some), PER_REQUEST):
            records = [{"text": text} for text in some[start : start + PER_REQUEST]]
            said = json.dumps({"dataframe_records": records}).encode()
            url, kind = f"http://127.0.0.1:{port}/invocations", {"Content-Type": "application/json"}
            with urllib.request.urlopen(urllib.request.Request(url, said, kind)) as answer:
                answers += json.loads(answer.read())["predictions"]
        return answers

    return ask


def process(*words: object) -> Callable[[], object]:
    """Returns what runs Python with some words, in a new process, to its end."""
    command = [sys.executable, *map(str, words)]
    return partial(subprocess.run, command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def loading(found: Mapping[str, Path]) -> dict[str, Times]:
    """Returns the seconds of processes that load each model, and of what they are made of."""
    code = "import sys; from models.load import load; load(sys.argv[1])"
    variants = {TITLES[name]: process("-c", code, model) for name, model in found.items()}
    variants["`import torch` alone"] = process("-c", "import torch")
    variants["`harness.predict --text`, bag, flat"] = process("-m", "harness.predict", found["flat"], "--text", "Sort.")
    return side_by_side(variants, LOADS)


def fill(folder: Path, texts: Sequence[str], num: int) -> None:
    """Makes a folder of Parquet files with so many texts; each time that one comes again it lacks another word."""
    folder.mkdir()
    stream = (text.split(" ", less)[-1] for less in count() for text in texts)
    for number in range(FILES):
        some = list(islice(stream, num // FILES))
        ids = [f"{number}-{place}" for place in range(len(some))]
        parquet.write_table(pa.table({"id": ids, "text": some}), folder / f"{number}.parquet")


def folder_of(num: int, model: Path, texts: Sequence[str], scratch: Path) -> tuple[Watched, float]:
    """Predicts a folder of so many texts by the command; returns how that went, and the labels of a text."""
    source, output = scratch / f"{num}", scratch / f"{num}-labels"
    fill(source, texts, num)
    found = watched([sys.executable, "-m", "harness.predict", model, "--input", source, "--output", output], output)
    labels = [len(row) for row in parquet.read_table(output)["labels"]]
    assert len(labels) == num
    shutil.rmtree(source)
    return found, sum(labels) / num


def seconds_for(num: int, few: Watched, many: Watched) -> float:
    """Returns the seconds that so many texts would take, on the line through both measurements."""
    return many.seconds + (num - MANY) * (many.seconds - few.seconds) / (MANY - FEW)


def check(model: Path, some: Path, uri: str, tracking: str, port: int) -> None:
    """Fails where the ways to ask a model disagree."""
    mine = [list(one) for one in answering(model, some)()]  # type: ignore[attr-defined]
    theirs = served(uri, tracking, some)()["labels"].tolist()  # type: ignore[index]
    assert mine == theirs == [one["labels"] for one in over_http(port, some)()]


def page(
    speed: Mapping[str, Times], loads: Mapping[str, Times], few: Watched, many: Watched, length: float, labels: float
) -> str:
    """Returns the Markdown of the page; `length` is that of a text, `labels` the number that is predicted of it."""
    flat = NUM / speed[TITLES["flat"]].median
    goals = [
        ["texts a second, bag, flat, in Python", verdict(flat, GOAL, "{:,.0f}", at_least=True)],
        [f"the same, a folder of {MANY:,}", verdict(MANY / many.seconds, GOAL, "{:,.0f}", at_least=True)],
    ]
    return "\n\n".join(
        [
            f"Documentation strings of Python packages, {length:,.0f} characters on average, on {CORES} cores. Models "
            "of the quick start's sizes, trained on the same texts.",
            f"## Texts a second\n\n{NUM:,} texts in each of {ROUNDS} rounds, each variant in a process of its own: "
            "`Predictor.predict` on a list; the registered model of *bag, flat* in the same process, on a data "
            f"frame; and `mlflow models serve` with one worker, asked for {PER_REQUEST} texts at a time, one request "
            "after the other. All three gave the same labels.",
            table(["", f"texts a second, median of {ROUNDS} (quartiles)"], [_speed(*one) for one in speed.items()]),
            f"## Seconds to load\n\nA new process that loads a model and ends; median of {LOADS} (quartiles).",
            table(["", "seconds"], [[name, _seconds(times)] for name, times in loads.items()]),
            f"## A folder\n\n`harness.predict FOLDER --input texts/ --output labels/` with *bag, flat* and {FILES} "
            f"Parquet files, from the start of the command to its end: Ray is started, {CORES} workers load the "
            f"model, and the driver joins the files. {labels:.1f} labels are predicted of a text. The corpus's texts "
            "are repeated, each time without one more word. Peaks are of resident memory, shared pages included; "
            "*the largest worker* is one of them, *Ray's own* are all other processes.",
            folders(few, many),
            "**The last row was not measured.** Its time lies on the line through the other two; its output is ten "
            "times the second one's; its memory is the second one's, as no process holds more than a batch of texts.",
            "## Goals",
            table(["", "goal"], goals),
        ]
    )


def folders(few: Watched, many: Watched) -> str:
    """Returns the table of the folders, the last one by extrapolation."""
    rows = [_folder(f"{num:,} texts", num, run) for num, run in ((FEW, few), (MANY, many))]
    seconds, size = seconds_for(MILLION, few, many), many.size * MILLION // MANY
    rows.append(_folder(f"{MILLION:,} texts, extrapolated", MILLION, replace(many, seconds=seconds, size=size)))
    head = ["", "time", "texts a second", "driver, MB", "the largest worker, MB", "Ray's own, MB", "output, MB"]
    return table(head, rows)


def _folder(name: str, num: int, run: Watched) -> list[str]:
    memory = [f"{peak / MB:,.0f}" for peak in (run.driver, run.worker, run.others)]
    return [name, duration(run.seconds), f"{num / run.seconds:,.0f}", *memory, f"{run.size / MB:,.1f}"]


def _speed(name: str, times: Times) -> list[str]:
    low, high = times.spread
    return [name, f"{NUM / times.median:,.0f} ({NUM / high:,.0f} to {NUM / low:,.0f})"]


def _seconds(times: Times) -> str:
    low, high = times.spread
    return f"{times.median:.2f} ({low:.2f} to {high:.2f})"


def measure(folder: Path) -> tuple[str, dict[str, Any]]:
    """Returns the body of the page, and the numbers behind it."""
    path, found, texts = models(folder)
    some = folder / "texts.json"
    some.write_text(json.dumps(list(islice(cycle(texts), NUM))), "utf-8")
    sweep = load_sweep(path)
    uri = register(sweep, "predicting", found["flat"], "bag, flat")
    builds = {TITLES[name]: Build(partial(answering, model, some)) for name, model in found.items()}
    with serving(uri, sweep.tracking) as port:
        check(found["flat"], some, uri, sweep.tracking, port)
        builds["bag, flat, as MLflow's function"] = Build(partial(served, uri, sweep.tracking, some))
        builds["bag, flat, over HTTP"] = Build(partial(over_http, port, some))
        speed = in_processes(builds, ROUNDS, together=True)
    loads = loading(found)
    (few, _), (many, labels) = (folder_of(num, found["flat"], texts, folder) for num in (FEW, MANY))
    numbers = {
        "texts": NUM,
        "seconds": {name: times.seconds for name, times in speed.items()},
        "load_seconds": {name: times.seconds for name, times in loads.items()},
        "folders": {FEW: asdict(few), MANY: asdict(many)},
        "labels": labels,
        "extrapolated_seconds": {MILLION: seconds_for(MILLION, few, many)},
    }
    return page(speed, loads, few, many, sum(map(len, texts)) / len(texts), labels), numbers


def main() -> None:
    """Measures everything and writes the page."""
    with tempfile.TemporaryDirectory() as name:
        body, numbers = measure(Path(name))
    publish("predicting", "Predictions of exported models", body, numbers, "python -m tests.bench.predicting")


if __name__ == "__main__":
    main()
