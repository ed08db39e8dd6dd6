"""Saved model: the folder of a trained or fitted model, which loads without its corpus, the store, Ray or MLflow.

    config.json          what the model is made of, and the numerics versions of its parts
    model.safetensors    weights, or what was fitted
    tokenizer.json       tokeniser of the text encoder
    vocabulary.json      n-grams of a system that reads texts
    hierarchy.json       labels, edges, top labels
    thresholds.json      by decision rule, what was chosen on validation documents
    text_encoder/        config of a pretrained text encoder, which Transformers reads
    SHA256SUMS           of all the others, for `sha256sum --check`; written last

Names and fields are those of the Transformers library where it has them. Nothing is pickled. Equal models give equal
bytes.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from datasets.storage.hierarchy import Hierarchy
from harness.core.errors import DataError
from harness.core.files import sha256, write_atomically
from harness.core.registry import Component
from harness.core.text import listed
from models import OBJECTIVES, STRUCTURE_ENCODERS, SYSTEMS, TEXT_ENCODERS

if TYPE_CHECKING:
    from models.classifier import Architecture, Classifier
    from models.head_spec import LabelFacts
    from models.systems.base import System
    from models.text_encoders.base import Reading, TextTokenizer

CHANGES_NO_NUMBER = "What is saved was measured before."
FORMAT = 1
"""Of the folder; raised where older code could not read it."""
CONFIG, HIERARCHY, THRESHOLDS = "config.json", "hierarchy.json", "thresholds.json"
CONFIDENT = "confident"
"""Rule in the thresholds: a label is predicted where it and all above it are, as 90 % were right on validation."""
TOKENIZER, WEIGHTS, SUMS = "tokenizer.json", "model.safetensors", "SHA256SUMS"
ENCODER_WEIGHTS = "text_encoder.safetensors"
"""Of the text encoder whose vectors a system reads."""
PRIORS, NUM_DOCUMENTS = "facts.priors", "facts.num_documents"
"""Names of what a model was told of its training documents, among its weights."""
_CLASSIFIER = Component("classifier", "models.classifier:Classifier")


def versions(parts: Iterable[Component]) -> dict[str, int]:
    """Returns the numerics versions of everything that computes the values of a model of these parts."""
    return {name: version for part in parts for name, version in part.numerics.items()}


def parts_of(config: Mapping[str, Any]) -> list[Component]:
    """Returns the parts that a model's config names."""
    encoder = [TEXT_ENCODERS[config["encoder"]]] if config["encoder"] else []
    if config["kind"] == "fitted":
        return [SYSTEMS[config["system"]], *encoder]
    return [_CLASSIFIER, *encoder, STRUCTURE_ENCODERS[config["structure"]], OBJECTIVES[config["objective"]]]


def save_classifier(
    folder: Path,
    model: "Classifier",
    made_of: "Architecture",
    tokenizer: "TextTokenizer",
    facts: "LabelFacts",
    hierarchy: Hierarchy,
    precision: str,
) -> None:
    """Writes a trained model, as it is, into a folder that `seal` then closes.

    Args:
        folder: Empty folder.
        model: The model.
        made_of: What it is made of.
        tokenizer: Tokeniser of its text encoder.
        facts: Counts that it was built with.
        hierarchy: Its labels.
        precision: `fp32` or `bf16`, of forward passes on a GPU.
    """
    name, options = model.text_encoder.portable(made_of.encoder, made_of.encoder_options, folder)
    structure_options = model.heads.structure.portable(made_of.structure_options, folder)
    portable = {"encoder": name, "encoder_options": options, "structure_options": structure_options}
    tensors = _on_cpu(model.state_dict())
    tensors |= {PRIORS: torch.from_numpy(facts.priors), NUM_DOCUMENTS: torch.from_numpy(facts.num_documents)}
    save_file(tensors, folder / WEIGHTS, {"format": "pt"})
    write_text(folder / TOKENIZER, tokenizer.to_str())
    _save_config(folder, {"kind": "trained", **asdict(made_of), **portable, "precision": precision}, hierarchy)


def save_system(
    folder: Path,
    system: "System",
    name: str,
    options: Mapping[str, Any],
    hierarchy: Hierarchy,
    reading: "Reading | None" = None,
) -> None:
    """Writes a fitted system into a folder that `seal` then closes.

    Args:
        folder: Empty folder.
        system: The system, fitted.
        name: Its name in the registry.
        options: Value of every option.
        hierarchy: Its labels.
        reading: Text encoder that it reads, if any.
    """
    config: dict[str, Any] = {"kind": "fitted", "system": name, "system_options": dict(options), "encoder": ""}
    if reading:
        config["encoder"], config["encoder_options"] = reading.model.portable(reading.encoder, reading.options, folder)
        save_file(_on_cpu(reading.model.state_dict()), folder / ENCODER_WEIGHTS, {"format": "pt"})
        write_text(folder / TOKENIZER, reading.tokenizer.to_str())
    _save_config(folder, {**config, "state": system.save(folder)}, hierarchy)


def _save_config(folder: Path, config: Mapping[str, Any], hierarchy: Hierarchy) -> None:
    labels = {str(number): label for number, label in enumerate(hierarchy.labels)}
    said = {
        "format": FORMAT,
        "architectures": ["HierarchicalClassifier"],
        "problem_type": "multi_label_classification",
        "id2label": labels,
        "label2id": {label: int(number) for number, label in labels.items()},
        "versions": versions(parts_of(config)),
    }
    write_json(folder / CONFIG, {**said, **config})
    write_json(folder / HIERARCHY, hierarchy.to_json())


def seal(folder: Path) -> None:
    """Writes the checksums of all files of a folder."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != SUMS)
    lines = [f"{sha256(path)}  {path.relative_to(folder).as_posix()}\n" for path in paths]
    write_text(folder / SUMS, "".join(lines))


def check(folder: Path) -> None:
    """Raises DataError, with the way out, where a folder is no saved model, or not as it was when it was sealed."""
    if not folder.is_dir():
        raise DataError(f"There is no folder {folder}. Name the folder of a model that `harness.export` has made.")
    try:
        lines = (folder / SUMS).read_text("utf-8").splitlines()
        sums = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    except (OSError, UnicodeDecodeError):
        raise DataError(
            f"The folder {folder} is no exported model: it has no {SUMS} that can be read. Name the folder that "
            "`harness.export` has made, or export the model again."
        ) from None
    missing = [name for name in (CONFIG, HIERARCHY, *sums) if name not in sums or not (folder / name).is_file()]
    if missing:
        raise DataError(f"The model in {folder} lacks {listed(missing)}. Copy it whole, or export it again.")
    if changed := [name for name, digest in sums.items() if sha256(folder / name) != digest]:
        raise DataError(
            f"The model in {folder} is not what was exported: {listed(changed)} has another content than {SUMS} says. "
            "Copy it again, or export it again."
        )


def write_json(path: Path, said: Any) -> None:
    """Writes JSON that a person can read, whole; equal values give equal bytes."""
    write_text(path, json.dumps(said, indent=1, ensure_ascii=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Writes a text in UTF-8, whole."""
    write_atomically(path, text.encode())


def _on_cpu(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Returns a copy of each tensor, as those that share memory cannot be saved."""
    return {name: value.detach().to("cpu", copy=True).contiguous() for name, value in state.items()}
