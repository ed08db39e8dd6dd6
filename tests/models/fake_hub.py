"""A cache of the Hugging Face hub on disk, laid out as the hub's own library lays it out."""

from pathlib import Path

OLD, NEW = "a" * 40, "b" * 40


def snapshot(cache: Path, commit: str, repository: str = "org/tiny") -> Path:
    """Returns the folder of a commit's files, with a config.json in it."""
    folder = cache / f"models--{repository.replace('/', '--')}" / "snapshots" / commit
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").touch()
    return folder


def point(cache: Path, commit: str, revision: str = "main", repository: str = "org/tiny") -> None:
    """Lets a branch or tag stand for a commit."""
    folder = cache / f"models--{repository.replace('/', '--')}" / "refs"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / revision).write_text(commit, "utf-8")
