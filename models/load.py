"""Predictions for new texts by a saved model: `load(folder).predict(texts)`, without corpus, store, Ray or MLflow."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file

from datasets.storage.hierarchy import Hierarchy
from datasets.storage.predictions import BOUNDARY, Keeper, LabelValues, Meaning
from harness.core.errors import ConfigError, DataError, UserError
from harness.core.registry import Component, nearest
from harness.core.text import one_line
from models import STRUCTURE_ENCODERS, SYSTEMS, TEXT_ENCODERS, saved
from models.classifier import Architecture, Classifier
from models.head_spec import LabelFacts
from models.text_encoders.base import Reading, TextEncoder, TextTokenizer, TokenBatch, tokenised

CHANGES_NO_NUMBER = "No trial reads what is saved."
_AT_ONCE = 256
_SORTED = 4096
"""Texts that are sorted by length before they are cut into batches."""

Values = npt.NDArray[np.float32]
Prediction = dict[str, float]
"""Label to value, for the labels that are predicted, in the order of the hierarchy."""


class Predictor:
    """A saved model that answers texts.

    Attributes:
        folder: Where it was loaded from.
        config: What its config.json says.
        hierarchy: Its L labels.
        meaning: What values are: probabilities; scores in [0, 1]; or 1 for the labels that are predicted.
        thresholds: By rule the threshold above which a label is predicted, or one per label.
    """

    def __init__(
        self,
        folder: Path,
        config: Mapping[str, Any],
        hierarchy: Hierarchy,
        meaning: Meaning,
        thresholds: Mapping[str, float | npt.NDArray[np.float64]],
        batch_values: Callable[[list[str]], Values],
    ):
        self.folder, self.config, self.hierarchy = folder, config, hierarchy
        self.meaning, self.thresholds, self._batch_values = meaning, thresholds, batch_values

    def values(self, texts: Iterable[str]) -> Values:
        """Returns the value of each label, (texts, L), in [0, 1]."""
        parts = list(self.batches(texts))
        return np.concatenate(parts) if parts else np.empty((0, len(self.hierarchy)), dtype=np.float32)

    def batches(self, texts: Iterable[str]) -> Iterator[Values]:
        """Yields the values of the texts, (some, L), in order; memory does not grow with their number."""
        stream = iter(texts)
        while some := list(islice(stream, _SORTED)):
            order = sorted(range(len(some)), key=lambda place: len(some[place]))
            values = np.empty((len(some), len(self.hierarchy)), dtype=np.float32)
            for start in range(0, len(order), _AT_ONCE):
                places = order[start : start + _AT_ONCE]
                values[places] = self._batch_values([some[place] for place in places])
            yield values

    def predict(
        self, texts: Iterable[str], rule: str = "0.5", threshold: float | None = None, top: int | None = None
    ) -> list[Prediction]:
        """Returns the predicted labels of each text with their values.

        Args:
            texts: The texts.
            rule: One of `thresholds`: `0.5`, `validation`, `per_label` or `confident`.
            threshold: Threshold in place of a rule.
            top: Number of the highest labels, whatever their values, in place of both.

        Raises:
            ConfigError: If there is no such rule, or a number is out of range.
        """
        self.check(rule, threshold, top)
        return [one for values_BL in self.batches(texts) for one in self.decide(values_BL, rule, threshold, top)]

    def check(self, rule: str, threshold: float | None, top: int | None) -> None:
        """Raises ConfigError where `predict` could not be asked for this."""
        if rule not in self.thresholds:
            raise ConfigError(
                f"The model in {self.folder} has no thresholds by the rule {rule!r}.{nearest(rule, self.thresholds)}"
            )
        if threshold is not None and not 0 <= threshold < 1:
            raise ConfigError(f"A threshold is from 0 to below 1, and {threshold} is not.")
        if top is not None and not 0 < top <= len(self.hierarchy):
            raise ConfigError(f"The model has {len(self.hierarchy):,} labels, so the highest {top} cannot be shown.")

    def decide(self, values_BL: Values, rule: str, threshold: float | None, top: int | None) -> list[Prediction]:
        """Returns what `predict` does, for (B, L) values."""
        if top is not None:
            order_BL = np.argsort(-values_BL, axis=1, kind="stable")[:, :top]
            chosen_BL = np.zeros(values_BL.shape, dtype=bool)
            np.put_along_axis(chosen_BL, order_BL, True, axis=1)
        elif threshold is not None:
            chosen_BL = values_BL > threshold
        else:
            chosen_BL = self._by_rule(values_BL, rule)
        return [
            {self.hierarchy.labels[label]: float(values_L[label]) for label in np.flatnonzero(chosen_L)}
            for values_L, chosen_L in zip(values_BL, chosen_BL, strict=True)
        ]

    def _by_rule(self, values_BL: Values, rule: str) -> npt.NDArray[np.bool_]:
        """Decides as a trial decides its test documents, of which it keeps the values in half precision."""
        kept = stored(self.hierarchy.least_above(values_BL) if rule == saved.CONFIDENT else values_BL)
        limit = self.thresholds[rule]
        chosen: npt.NDArray[np.bool_] = kept.above(limit, values_BL.shape[1]).toarray()
        return chosen


def stored(values_BL: Values) -> LabelValues:
    """Returns what a trial keeps of some documents' values."""
    keeper = Keeper()
    keeper.add(values_BL)
    return keeper.kept()


def load(folder: str | Path, device: str = "") -> Predictor:
    """Loads a saved model.

    Args:
        folder: Folder that `python -m harness.export` has made.
        device: Device to compute on; by default a GPU where there is one. Fitted systems are on the CPU.

    Raises:
        DataError: If the folder is no such model, is damaged, or was made by another version of this project.
    """
    folder = Path(folder)
    saved.check(folder)
    try:
        config = json.loads((folder / saved.CONFIG).read_text("utf-8"))
        hierarchy = Hierarchy.from_json(json.loads((folder / saved.HIERARCHY).read_text("utf-8")))
        thresholds = _thresholds(folder)
        _refuse_other_versions(folder, config)
        build = _trained if config["kind"] == "trained" else _fitted
        meaning, batch_values = build(folder, config, hierarchy, _device(device))
    except (UserError, MemoryError):
        raise
    except Exception as error:  # The libraries raise what a damaged file makes them meet first.
        raise DataError(
            f"The model in {folder} cannot be loaded ({type(error).__name__}: {one_line(error, 200)}). Export it again."
        ) from None
    return Predictor(folder, config, hierarchy, meaning, thresholds, batch_values)


def _refuse_other_versions(folder: Path, config: Mapping[str, Any]) -> None:
    if config["format"] != saved.FORMAT:
        raise DataError(
            f"The model in {folder} is in format {config['format']}, and this version of the harness reads "
            f"{saved.FORMAT}. Use the version that made it, or export the model again with this one."
        )
    now, then = saved.versions(saved.parts_of(config)), config["versions"]
    if changed := sorted(name for name in then.keys() | now.keys() if then.get(name) != now.get(name)):
        said = ", ".join(f"{name} {then.get(name, 'none')}, here {now.get(name, 'none')}" for name in changed)
        raise DataError(
            f"The model in {folder} was made by another version of the harness, whose numbers may differ (numerics "
            f"versions: {said}). Use the version that made it, or train and export the model again with this one."
        )


def _thresholds(folder: Path) -> dict[str, float | npt.NDArray[np.float64]]:
    path = folder / saved.THRESHOLDS
    said = json.loads(path.read_text("utf-8")) if path.exists() else {"0.5": BOUNDARY}
    return {rule: np.array(limit) if isinstance(limit, list) else float(limit) for rule, limit in said.items()}


def _device(name: str) -> torch.device:
    return torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))


Built = tuple[Meaning, Callable[[list[str]], Values]]


def _trained(folder: Path, config: Mapping[str, Any], hierarchy: Hierarchy, device: torch.device) -> Built:
    weights = load_file(folder / saved.WEIGHTS)
    size = len(hierarchy)
    nothing = [np.empty(0, dtype=np.int64)] * size  # Descriptions of labels are for training.
    priors, num_documents = (weights.pop(name).numpy() for name in (saved.PRIORS, saved.NUM_DOCUMENTS))
    facts = LabelFacts(priors, num_documents, lambda write: nothing)
    here = {
        "encoder_options": _placed(TEXT_ENCODERS[config["encoder"]], config["encoder_options"], folder),
        "structure_options": _placed(STRUCTURE_ENCODERS[config["structure"]], config["structure_options"], folder),
    }
    made_of = Architecture(**{field.name: config[field.name] for field in fields(Architecture)} | here)
    tokenizer = _tokenizer(folder, config)
    with _no_draws():
        model = Classifier.assemble(made_of, tokenizer, hierarchy, facts)
    model.load_state_dict(weights)
    model.eval().to(device)
    in_half = config["precision"] == "bf16" and device.type == "cuda"

    def batch_values(texts: list[str]) -> Values:
        tokens = TokenBatch(*(part.to(device) for part in tokenised(tokenizer, texts)))
        with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=in_half):
            values_BL: Values = model.heads.probabilities(model(tokens)).float().cpu().numpy()
        return values_BL

    return model.heads.meaning, batch_values


def _fitted(folder: Path, config: Mapping[str, Any], hierarchy: Hierarchy, device: torch.device) -> Built:
    encode = None
    if config["encoder"]:
        tokenizer = _tokenizer(folder, config)
        options = _placed(TEXT_ENCODERS[config["encoder"]], config["encoder_options"], folder)
        with _no_draws():
            encoder: TextEncoder = TEXT_ENCODERS[config["encoder"]].load()(tokenizer, **options)
        encoder.load_state_dict(load_file(folder / saved.ENCODER_WEIGHTS))
        encode = Reading(config["encoder"], options, encoder.eval(), tokenizer).vectors
    system = SYSTEMS[config["system"]].load()(hierarchy, encode, **config["system_options"])
    system.restore(folder, config["state"])
    return system.meaning, lambda texts: system.batch_values(texts).toarray()


def _tokenizer(folder: Path, config: Mapping[str, Any]) -> TextTokenizer:
    tokenizer: TextTokenizer = (
        TEXT_ENCODERS[config["encoder"]].load().read_tokenizer((folder / saved.TOKENIZER).read_text("utf-8"))
    )
    return tokenizer


def _placed(part: Component, options: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Returns options whose paths, which are below the folder, are paths from here."""
    return {**options, **{name: str(folder / options[name]) for name in part.sources if options[name]}}


@contextmanager
def _no_draws() -> Iterator[None]:
    """Leaves the caller's random numbers as they are while weights are drawn that are then replaced."""
    with torch.random.fork_rng(devices=[]):
        yield
