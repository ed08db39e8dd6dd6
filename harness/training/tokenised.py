"""Tokens of a trial's corpus, made once and kept by a worker for its next trial; text encoders that are only read."""

import json
from functools import lru_cache, partial

from datasets.storage.corpus import Corpus
from datasets.storage.tokens import Tokens, tokenise
from harness.trials.settings import FittedSettings, TrainedSettings
from models import TEXT_ENCODERS, sources
from models.text_encoders.base import Reading

TokenizerKey = tuple[str, str, str]
"""A text encoder, its options that decide how it tokenises, and these with contents for paths; the last two as JSON."""


def tokenizer_of(trial: TrainedSettings | FittedSettings) -> TokenizerKey:
    """Returns what decides a trial's tokens, besides its corpus."""
    names = TEXT_ENCODERS[trial.encoder].load().TOKENIZER_OPTIONS
    options = {name: trial.encoder_options[name] for name in names}
    loaded = {name: sha for name, sha in trial.loads["encoder"].items() if name in (*names, sources.PACKAGE)}
    return trial.encoder, json.dumps(options, sort_keys=True), json.dumps({**options, **loaded}, sort_keys=True)


@lru_cache(maxsize=4)
def tokenise_once(corpus: Corpus, encoder: str, options: str, key: str) -> Tokens:
    """Returns a corpus's tokens, from the disk where they are there already; all but the corpus is a `TokenizerKey`."""
    numerics, kind = TEXT_ENCODERS[encoder].numerics, TEXT_ENCODERS[encoder].load()
    build = partial(kind.build_tokenizer, options=json.loads(options))
    return tokenise(corpus, encoder, numerics, json.loads(key), build, kind.read_tokenizer)


def reading_of(trial: FittedSettings, corpus: Corpus) -> Reading:
    """Returns the text encoder whose vectors a trial's system reads, as it is before any training."""
    tokenizer = tokenise_once(corpus, *tokenizer_of(trial)).tokenizer
    encoder = TEXT_ENCODERS[trial.encoder].load()(tokenizer, **trial.encoder_options).eval()
    return Reading(trial.encoder, trial.encoder_options, encoder, tokenizer)
