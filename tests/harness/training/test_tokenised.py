"""Tokens of a trial's corpus, and vectors of texts as its encoder makes them."""

from pathlib import Path

import numpy as np
import torch

from datasets.storage.corpus import open_corpus
from datasets.storage.texts import Texts
from harness import trial as trial_door
from harness.config.load import load
from harness.training.tokenised import reading_of, tokenise_once, tokenizer_of
from harness.trials.plan import Plan
from harness.trials.settings import FittedSettings
from models.text_encoders.base import TokenBatch
from tests.conftest import SweepWriter


def test_vectors_are_those_of_the_text_encoder(write_sweep: SweepWriter, data_dir: Path) -> None:
    models = {"nearest": {"encoder": {"name": "bag", "options": {"width": 8, "vocabulary": 500, "max_length": 40}}}}
    path = write_sweep(models=models, seeds=[0])
    (one,) = Plan.open(load(path)).trials
    assert isinstance(one.settings, FittedSettings) and one.settings.seed == 0
    corpus = open_corpus(data_dir / one.settings.corpus)
    texts = list(Texts.of(corpus, "val"))[:9]
    torch.manual_seed(0)
    encode = reading_of(one.settings, corpus).vectors
    torch.manual_seed(0)
    tokens = tokenise_once(corpus, *tokenizer_of(one.settings))
    from models import TEXT_ENCODERS

    encoder = TEXT_ENCODERS["bag"].load()(tokens.tokenizer, **one.settings.encoder_options).eval()
    ids, offsets = tokens.gather(corpus.rows("val")[:9])
    expected = encoder(TokenBatch(torch.from_numpy(ids), torch.from_numpy(offsets))).detach().numpy()
    np.testing.assert_allclose(encode(texts), expected, atol=1e-6)
    assert trial_door.main([str(path)]) == 0


def test_an_encoder_makes_another_trial_of_the_same_neighbours(write_sweep: SweepWriter) -> None:
    encoder = {"name": "bag", "options": {"width": 8, "vocabulary": 500, "max_length": 40}}
    models = {"words": {"model": "nearest"}, "vectors": {"model": "nearest", "encoder": encoder}}
    path = write_sweep(models=models, seeds=[0])
    words, vectors = Plan.open(load(path)).trials
    assert words.key != vectors.key
