"""A trial's device, documents and model: what its settings ask for, and the same for every trial of a seed."""

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from datasets.prepare import prepare
from datasets.storage.corpus import open_corpus
from harness.config.load import load
from harness.core.errors import DataError, UserError
from harness.training import build, tokenised
from harness.training import run as runner
from harness.training.build import Data
from harness.training.train import seed_everything
from harness.trials.plan import Plan
from harness.trials.store import Store
from tests.conftest import SweepWriter
from tests.harness.training.small_trials import planned, ran, still
from tests.models.tiny_models import save_bert


def test_another_seed_gives_other_bits_but_the_same_encoder_start(write_sweep: SweepWriter, data_dir: Path) -> None:
    plan = Plan.open(load(write_sweep()))
    data = Data.open(plan.trials[0].settings, open_corpus(data_dir / plan.trials[0].settings.corpus))
    weights = {}
    for one in plan.trials:
        seed_everything(one.settings.seed)
        model = build.build(one.settings, data, torch.device("cpu"))
        weights[one.settings.cell, one.settings.seed] = model.text_encoder.state_dict()["embedding.weight"]
    by_seed = {seed: [w for (_, s), w in weights.items() if s == seed] for seed in (1, 2)}
    assert all(torch.equal(by_seed[1][0], other) for other in by_seed[1])
    assert not torch.equal(by_seed[1][0], by_seed[2][0])


def test_labels_are_described_once_by_their_own_training_documents(write_sweep: SweepWriter, data_dir: Path) -> None:
    calls: list[list[str]] = []

    def write(labels: Sequence[str], texts: Iterable[str], gold: Any) -> list[str]:
        read, dense = list(texts), gold.toarray()
        calls.append(read)
        assert dense.shape == (len(read), len(labels))
        return [read[own.argmax()] if own.any() else name for name, own in zip(labels, dense.T, strict=True)]

    trial = planned(write_sweep, "flat", "projection").settings.model_copy(update={"train_documents": 300})
    data = Data.open(trial, open_corpus(data_dir / trial.corpus))
    rows, gold = data.splits["train"].rows, data.splits["train"].gold.toarray()
    for _ in range(2):
        heads = build.build(trial, data, torch.device("cpu")).heads.structure.heads
        for head in heads:
            described = head.facts.describe(write)
            assert len(described) == len(head.hierarchy)
            for name, pieces in zip(head.hierarchy.labels, described, strict=True):
                own = gold[:, data.corpus.hierarchy.index[name]]
                first = data.tokens.gather(rows[own.argmax()][None])[0].tolist()
                assert pieces.tolist() == (first if own.any() else data.tokens.tokenizer.encode(name).ids)
    assert calls == [list(data.corpus.texts(rows))], "what one trial has made serves the next"


def test_every_trial_trains_on_the_same_subset(write_sweep: SweepWriter, data_dir: Path) -> None:
    trial = planned(write_sweep).settings.model_copy(update={"train_documents": 100})
    data = Data.open(trial, open_corpus(data_dir / trial.corpus))
    corpus, subset = data.corpus, data.splits["train"]
    assert len(subset.rows) == 100 == len(set(subset.rows)) and set(subset.rows) <= set(corpus.rows("train"))
    assert np.array_equal(subset.rows, Data.open(trial, open_corpus(data_dir / trial.corpus)).splits["train"].rows)
    assert len(data.splits["test"].rows) == len(corpus.rows("test"))


def test_a_gpu_that_is_not_there_is_refused(write_sweep: SweepWriter, data_dir: Path, tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has one")
    one = planned(write_sweep, resources={"gpus": 0.5})
    with pytest.raises(UserError, match="wants 0.5 GPUs and torch .* sees none"):
        runner.run(one.settings, one.key, data_dir, Store(tmp_path / "s"))


def test_damaged_tokens_are_made_again(write_sweep: SweepWriter, data_dir: Path, tmp_path: Path) -> None:
    one = planned(write_sweep, encoder={"name": "bag", "options": {"width": 8, "vocabulary": 300, "max_length": 17}})
    first = ran(one, data_dir, Store(tmp_path / "0"))
    folder = data_dir / one.settings.corpus / "tokens"
    newest = max(folder.glob("*.arrow"), key=lambda path: path.stat().st_mtime)
    whole = newest.read_bytes()
    damages = {newest: [b"", whole[: len(whole) // 2]], newest.with_suffix(".json"): [b"", b"{"]}
    for path, contents in damages.items():
        for number, content in enumerate(contents):
            path.unlink()  # Not overwritten: the memory map of the trial before still reads it.
            path.write_bytes(content)
            tokenised.tokenise_once.cache_clear()
            again = ran(one, data_dir, Store(tmp_path / f"{path.suffix}{number}"))
            assert again.predictions_sha256 == first.predictions_sha256
    assert newest.read_bytes() == whole


def test_another_tokeniser_at_the_same_place_gives_other_tokens(
    write_sweep: SweepWriter, data_dir: Path, tmp_path: Path
) -> None:
    def ids(folder: Path) -> list[int]:
        encoder = {"name": "transformer", "options": {"model": str(folder), "max_length": 30}}
        trial = planned(write_sweep, encoder=encoder).settings
        return Data.open(trial, open_corpus(data_dir / trial.corpus)).tokens.ids.tolist()

    folder, moved = tmp_path / "bert", tmp_path / "moved"
    folder.mkdir()
    save_bert(folder)
    cache = data_dir / planned(write_sweep).settings.corpus / "tokens"
    text = next(open_corpus(cache.parent).texts(np.array([0]))).split()[0].lower()
    first = ids(folder)
    num_files = len(list(cache.glob("*.arrow")))
    shutil.copytree(folder, moved)
    assert ids(moved) == first and len(list(cache.glob("*.arrow"))) == num_files, "the same content elsewhere"
    words = (folder / "vocab.txt").read_text("utf-8")
    (folder / "vocab.txt").write_text(f"{words}\n{text}", "utf-8")
    assert ids(folder) != first and ids(moved) == first
    assert len(list(cache.glob("*.arrow"))) == num_files + 1


def test_what_changed_after_it_was_planned_is_not_trained_on(
    write_sweep: SweepWriter, data_dir: Path, tmp_path: Path
) -> None:
    save_bert(tmp_path)
    one = planned(write_sweep, encoder={"name": "transformer", "options": {"model": str(tmp_path), "max_length": 30}})
    (tmp_path / "vocab.txt").write_text((tmp_path / "vocab.txt").read_text("utf-8") + "\nmore", "utf-8")
    with pytest.raises(DataError, match="is not what it was when the trial was planned"):
        runner.run(one.settings, one.key, data_dir, Store(tmp_path / "s"))
    assert Store(tmp_path / "s").state(one.key) == "new"


def test_a_corpus_that_was_prepared_anew_is_opened_anew(tmp_path: Path) -> None:
    for documents in (600, 700):
        folder = tmp_path / "synthetic"
        prepare("synthetic", None, {"documents": documents}, tmp_path / str(documents))
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(next((tmp_path / str(documents)).glob("synthetic*")), folder)
        assert open_corpus(folder).num_documents == documents
        assert open_corpus(folder) is open_corpus(folder)


@pytest.mark.parametrize(("gpus", "share"), [(0.25, 0.25), (1.0, 1.0), (2.0, 1.0), ("auto", 1.0)])
def test_a_trial_keeps_to_its_share_and_to_full_single_precision(
    write_sweep: SweepWriter, monkeypatch: pytest.MonkeyPatch, gpus: Any, share: float
) -> None:
    kept: list[float] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", kept.append)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    torch.set_float32_matmul_precision("high")
    trial = still(write_sweep).settings
    trial = trial.model_copy(update={"resources": trial.resources.model_copy(update={"gpus": gpus})})
    assert build.device_of(trial).type == "cuda" and kept == [share]
    assert torch.get_float32_matmul_precision() == "highest" and not torch.backends.cudnn.allow_tf32
