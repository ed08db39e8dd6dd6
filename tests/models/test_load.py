"""Loaded models: the trial's own values, in a process without its corpus, and refusals of what is no such model."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from transformers import BartConfig

from datasets.storage.corpus import Corpus, open_corpus
from datasets.storage.predictions import Keeper
from harness.core.errors import ConfigError, DataError, UserError
from harness.scoring.decisions import decide
from harness.training import run as runner
from harness.training import trained
from harness.trials.plan import PlannedTrial
from harness.trials.store import Store
from models import STRUCTURE_ENCODERS, SYSTEMS, saved
from models.load import load
from tests.conftest import SweepWriter
from tests.harness.training.small_trials import planned
from tests.models.tiny_models import save_any, save_bert, save_t5
from tests.shared import ROOT

WORDS = {"word_width": 8, "hidden": 8, "min_count": 2, "max_length": 30}
ENCODERS: dict[str, dict[str, Any]] = {
    "bag": {"name": "bag", "options": {"width": 8, "vocabulary": 500, "max_length": 40}},
    "ngrams": {"name": "ngrams", "options": {"width": 8}},
    "lstm": {"name": "lstm", "options": WORDS},
    "textrcnn": {"name": "textrcnn", "options": {**WORDS, "channels": 8}},
}
MERGED = [
    ("hiagm", "masking"),
    ("hitin", "projection"),
    ("himatch", "projection"),
    ("gat", "masking"),
    ("hmcn", "none"),
]


def run_and_keep(
    one: PlannedTrial, data_dir: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> npt.NDArray[np.float32]:
    """Runs a trial, keeps its model, and returns the values that it had for its test documents, unrounded."""
    seen: list[tuple[Any, Any]] = []

    class Watched(Keeper):
        def add(self, values_BL: Any, places: Any = None) -> None:
            seen.append((values_BL, places))
            super().add(values_BL, places)

        def kept(self) -> Any:
            found[:] = [np.empty((sum(map(len, (values for values, _ in seen))), seen[0][0].shape[1]), np.float32)]
            for values, places in seen:
                found[0][places] = values
            seen.clear()
            by_split.append(found[0])
            return super().kept()

    found: list[Any] = []
    by_split: list[Any] = []
    monkeypatch.setattr(trained, "Keeper", Watched)
    runner.run(one.settings, one.key, data_dir, store)
    assert store.record(one.key), store.failure(one.key)
    best = next(iter(store.record(one.key).selected))  # type: ignore[union-attr]
    assert best == "micro_f1", "its weights are kept"
    return by_split[1]


def texts_of(corpus: Corpus, split: Any = "test") -> list[str]:
    return list(corpus.texts(corpus.rows(split)))


def sweep_of(model: str, merge: str, **changes: Any) -> dict[str, Any]:
    options = {"seq2seq": {"width": 8, "layers": 1, "heads": 2, "beams": 1}}.get(model, {})
    return {"models": {model: {"options": options}}, "merges": [merge], "seeds": [1], **changes}


@pytest.mark.parametrize(
    ("model", "merge", "encoder"),
    [(name, "none", "bag") for name in STRUCTURE_ENCODERS if name != "gradient_routing"]
    + [(model, merge, "bag") for model, merge in MERGED]
    + [("flat", "projection", name) for name in ENCODERS if name != "bag"]
    + [("hiagm_la", "none", "ngrams")],
)
def test_a_loaded_model_has_the_values_of_its_trial(
    model: str,
    merge: str,
    encoder: str,
    write_sweep: SweepWriter,
    data_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = planned(write_sweep, model, merge, **sweep_of(model, merge, encoder=ENCODERS[encoder]))
    store = Store(tmp_path / "store", "all")
    expected = run_and_keep(one, data_dir, store, monkeypatch)
    drawn = torch.get_rng_state()
    predictor = load(store.model(one.key))
    assert torch.equal(torch.get_rng_state(), drawn), "loading leaves the caller's random numbers as they are"
    corpus = open_corpus(data_dir / one.settings.corpus)
    np.testing.assert_allclose(predictor.values(texts_of(corpus)), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("system", [name for name in SYSTEMS if name != "imported"] + ["nearest behind bag"])
def test_a_loaded_system_has_the_values_of_its_trial(
    system: str, write_sweep: SweepWriter, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, _, behind = system.partition(" behind ")
    entry = {"encoder": ENCODERS[behind]} if behind else {}
    one = planned(write_sweep, name, "none", models={name: entry}, merges=["none"], seeds=[1])
    store = Store(tmp_path / "store", "all")
    seen: list[Any] = []
    kind = SYSTEMS[name].load()
    values = kind.values
    monkeypatch.setattr(kind, "values", lambda self, texts: seen.append(values(self, texts)) or seen[-1])
    runner.run(one.settings, one.key, data_dir, store)
    assert store.record(one.key), store.failure(one.key)
    found = load(store.model(one.key)).values(texts_of(open_corpus(data_dir / one.settings.corpus)))
    np.testing.assert_array_equal(found, seen[1].toarray())


@pytest.mark.parametrize("rule", ["0.5", "validation", "per_label"])
def test_it_decides_as_its_trial_did(
    rule: Any, write_sweep: SweepWriter, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pyarrow as pa

    from datasets.storage import predictions

    one, store = planned(write_sweep), Store(tmp_path / "store", "all")
    run_and_keep(one, data_dir, store, monkeypatch)
    corpus, record = open_corpus(data_dir / one.settings.corpus), store.record(one.key)
    assert record
    doc_ids = {split: pa.array(corpus.doc_ids(corpus.rows(split))) for split in predictions.EVALUATED}
    path = store.folder(one.key) / "predictions.parquet"
    stored = predictions.read(path, doc_ids, record.predictions_sha256, "the test documents")["micro_f1"]
    expected = decide(rule, stored, corpus.labels(corpus.rows("val")))
    predictor = load(store.model(one.key))
    found = predictor.predict(texts_of(corpus), rule=rule)
    labels = corpus.hierarchy.labels
    assert [set(one) for one in found] == [{labels[i] for i in row.nonzero()[0]} for row in expected.toarray()]


def kept_model(write_sweep: SweepWriter, data_dir: Path, tmp_path: Path, model: str = "hiagm") -> Path:
    """Returns the folder of the model of a small trial."""
    one, store = planned(write_sweep, model), Store(tmp_path / "store", "all")
    runner.run(one.settings, one.key, data_dir, store)
    assert store.record(one.key), store.failure(one.key)
    return store.model(one.key)


def test_pretrained_encoders_load_where_their_weights_are_not(
    write_sweep: SweepWriter, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bart = BartConfig(
        vocab_size=40, d_model=8, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=16, decoder_ffn_dim=16, max_position_embeddings=64,
    )  # fmt: skip
    makers = {"bert": save_bert, "t5": save_t5, "bart": lambda folder: save_any(folder, bart)}
    store = Store(tmp_path / "store", "all")
    for name, make in makers.items():
        (source := tmp_path / name).mkdir()
        pooling = "pooler" if name == "bert" else "mean"
        options = {"model": make(source), "max_length": 16, "pooling": pooling}
        changes = sweep_of("flat", "projection", encoder={"name": "transformer", "options": options})
        one = planned(write_sweep, "flat", "projection", **changes)
        expected = run_and_keep(one, data_dir, store, monkeypatch)
        shutil.rmtree(source)
        predictor = load(store.model(one.key))
        texts = texts_of(open_corpus(data_dir / one.settings.corpus))
        np.testing.assert_allclose(predictor.values(texts), expected, rtol=0, atol=1e-6)
        assert str(tmp_path) not in "".join(path.read_text("utf-8") for path in store.model(one.key).rglob("*.json")), (
            "no path of the machine that it was trained on"
        )


def test_a_pretrained_decoder_loads_where_its_weights_are_not(
    write_sweep: SweepWriter, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source := tmp_path / "t5").mkdir()
    models = {"seq2seq": {"options": {"model": save_t5(source), "beams": 1}}}
    one = planned(write_sweep, "seq2seq", "none", models=models, merges=["none"], seeds=[1])
    store = Store(tmp_path / "store", "all")
    expected = run_and_keep(one, data_dir, store, monkeypatch)
    shutil.rmtree(source)
    texts = texts_of(open_corpus(data_dir / one.settings.corpus))
    np.testing.assert_array_equal(load(store.model(one.key)).values(texts), expected)


@pytest.mark.parametrize("model", ["flat", "hiagm"])
def test_it_loads_without_ray_mlflow_the_store_and_the_corpus(
    model: str, write_sweep: SweepWriter, data_dir: Path, tmp_path: Path
) -> None:
    folder = kept_model(write_sweep, data_dir, tmp_path, model)
    moved = tmp_path / "elsewhere" / "model"
    moved.parent.mkdir()
    folder.rename(moved)
    shutil.rmtree(tmp_path / "store")
    code = (
        "import sys; from models.load import load\n"
        f"print(load({str(moved)!r}).predict(['some text', ''], top=2))\n"
        "heavy = {'ray', 'mlflow', 'transformers', 'pandas', 'harness.trials', 'harness.training', 'harness.config'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert run.returncode == 0, run.stderr
    said, heavy = run.stdout.splitlines()
    assert [len(one) for one in eval(said)] == [2, 2] and heavy == "[]"


def test_labels_are_chosen_by_rule_threshold_and_number(
    write_sweep: SweepWriter, data_dir: Path, tmp_path: Path
) -> None:
    predictor = load(kept_model(write_sweep, data_dir, tmp_path))
    texts = ["one", "two words", "", "one"]
    values = predictor.values(texts)
    assert values.shape == (4, len(predictor.hierarchy)) and (values[0] == values[3]).all()
    labels = predictor.hierarchy.labels
    for threshold in (0.0, 0.3, 0.99):
        expected = [{labels[i]: float(row[i]) for i in np.flatnonzero(row > threshold)} for row in values]
        assert predictor.predict(texts, threshold=threshold) == expected
    highest = predictor.predict(texts, top=3)
    assert [sorted(one.values()) for one in highest] == [sorted(map(float, np.sort(row)[-3:])) for row in values]
    sure = predictor.predict(texts, rule="confident")
    ancestors = predictor.hierarchy.ancestors
    for one in sure:
        for label in one:
            above = np.flatnonzero(ancestors[predictor.hierarchy.index[label]])
            assert {labels[i] for i in above} <= one.keys(), "no label without its ancestors"
    with pytest.raises(ConfigError, match="no thresholds by the rule 'valid'. Did you mean 'validation'"):
        predictor.predict(texts, rule="valid")
    with pytest.raises(ConfigError, match="from 0 to below 1, and 1.5 is not"):
        predictor.predict(texts, threshold=1.5)
    with pytest.raises(ConfigError, match=f"has {len(labels)} labels, so the highest 1000"):
        predictor.predict(texts, top=1000)
    assert predictor.predict([]) == []


def test_what_is_no_whole_model_of_this_version_is_refused(
    write_sweep: SweepWriter, data_dir: Path, tmp_path: Path
) -> None:
    good = kept_model(write_sweep, data_dir, tmp_path)

    def damaged(change: Any, reseal: bool = True) -> Path:
        folder = tmp_path / "damaged"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(good, folder)
        change(folder)
        if reseal:
            saved.seal(folder)
        return folder

    def config(**changes: Any) -> Any:
        def change(folder: Path) -> None:
            said = json.loads((folder / saved.CONFIG).read_text("utf-8"))
            (folder / saved.CONFIG).write_text(json.dumps(said | changes), "utf-8")

        return change

    def flip(folder: Path) -> None:
        content = bytearray((folder / saved.WEIGHTS).read_bytes())
        content[-1] ^= 1
        (folder / saved.WEIGHTS).write_bytes(content)

    cases = [
        (tmp_path / "nowhere", "There is no folder"),
        (tmp_path, "is no exported model: it has no SHA256SUMS"),
        (damaged(flip, reseal=False), "is not what was exported: model.safetensors has another content"),
    ]
    for folder, said in cases:
        with pytest.raises(DataError, match=said):
            load(folder)
    later: list[tuple[Any, bool, str]] = [
        (lambda folder: (folder / saved.WEIGHTS).unlink(), False, "lacks model.safetensors"),
        (lambda folder: (folder / saved.HIERARCHY).unlink(), True, "lacks hierarchy.json"),
        (config(format=2), True, "is in format 2, and this version of the harness reads 1"),
        (config(versions={"bag": 1}), True, "made by another version of the harness"),
        (config(kind="trained", structure="nothing"), True, "nothing"),
        (lambda folder: (folder / saved.WEIGHTS).write_bytes(b"no tensors"), True, "cannot be loaded"),
        (lambda folder: (folder / saved.TOKENIZER).write_text("{}", "utf-8"), True, "cannot be loaded"),
        (lambda folder: (folder / saved.CONFIG).write_text("[1]", "utf-8"), True, "cannot be loaded"),
    ]
    for change, reseal, said in later:
        with pytest.raises(UserError, match=said):
            load(damaged(change, reseal))
