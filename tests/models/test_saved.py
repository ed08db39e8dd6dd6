"""Saved models: checksums that coreutils reads, refusals, and the config of a pretrained part."""

import json
import subprocess
from pathlib import Path

import pytest

from harness.core.errors import DataError
from models import saved
from models.text_encoders.transformer import Transformer
from tests.models.tiny_models import save_bert


def sealed(folder: Path) -> Path:
    """Returns a folder with the files of a model, whatever is in them, and their checksums."""
    (folder / "text_encoder").mkdir(parents=True)
    for name in (saved.CONFIG, saved.HIERARCHY, "text_encoder/config.json"):
        saved.write_json(folder / name, {"name": name, "ü": [1.5]})
    saved.seal(folder)
    return folder


def test_a_sealed_folder_passes_and_sha256sum_agrees(tmp_path: Path) -> None:
    folder = sealed(tmp_path / "model")
    saved.check(folder)
    run = subprocess.run(["sha256sum", "--check", saved.SUMS], cwd=folder, capture_output=True, text=True)
    assert run.returncode == 0 and run.stdout.count(": OK") == 3
    assert (folder / saved.SUMS).read_bytes() == (sealed(tmp_path / "other") / saved.SUMS).read_bytes()
    assert '"ü": [' in (folder / saved.CONFIG).read_text("utf-8")


def test_every_flipped_byte_and_every_missing_file_is_noticed(tmp_path: Path) -> None:
    folder = sealed(tmp_path / "model")
    for path in sorted(folder.rglob("*.json")):
        content = path.read_bytes()
        for place in range(0, len(content), 7):
            path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
            with pytest.raises(DataError, match="is not what was exported"):
                saved.check(folder)
        path.unlink()
        with pytest.raises(DataError, match=f"lacks {path.relative_to(folder)}"):
            saved.check(folder)
        path.write_bytes(content)
    saved.check(folder)


def test_versions_are_those_of_every_part() -> None:
    config = {"kind": "trained", "encoder": "bag", "structure": "hitin", "objective": "bce"}
    found = saved.versions(saved.parts_of(config))
    assert {"bag", "hitin", "classifier", "branch heads", "text encoder"} <= found.keys()
    assert "hiagm" not in found and all(version >= 1 for version in found.values())
    fitted = saved.versions(saved.parts_of({"kind": "fitted", "system": "linear", "encoder": ""}))
    assert {"tfidf", "one vs rest"} <= fitted.keys() and "bag" not in fitted


def test_a_pretrained_part_is_kept_as_its_config_alone(tmp_path: Path) -> None:
    (source := tmp_path / "bert").mkdir()
    options = {"model": save_bert(source), "revision": "main", "max_length": 16, "prefix": "", "pooling": "mean"}
    tokenizer = Transformer.build_tokenizer((), options)
    encoder = Transformer(tokenizer, **options)
    (folder := tmp_path / "model").mkdir()
    name, portable = encoder.portable("transformer", options, folder)
    assert name == "transformer" and portable == {**options, "model": "text_encoder"}
    said = json.loads((folder / "text_encoder" / "config.json").read_text("utf-8"))
    assert said["hidden_size"] == 16 and str(tmp_path) not in json.dumps(said)
    again = Transformer(tokenizer, **{**portable, "model": str(folder / "text_encoder")})
    shapes = [{name: value.shape for name, value in one.state_dict().items()} for one in (encoder, again)]
    assert shapes[0] == shapes[1]
