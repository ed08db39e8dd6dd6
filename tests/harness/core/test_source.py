"""Versions cover every file that runs; a file that none covers is refused, however it is imported."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.core import source
from harness.core.errors import ConfigError
from harness.core.source import numerics, reached

Project = Callable[..., None]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """Writes the files of a project, given as `package__module="source"`, and has the versions read there."""

    def clear() -> None:
        for function in (source.parse, source._versions, source._imported):
            function.cache_clear()

    def write(**files: str) -> None:
        for name, text in files.items():
            path = tmp_path / (name.replace("__", "/") + ".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        for folder in {path.parent for path in tmp_path.rglob("*.py")} - {tmp_path}:
            (folder / "__init__.py").touch()
        clear()

    monkeypatch.setattr(source, "ROOT", tmp_path)
    yield write
    clear()


def room(project: Project, folder: str, text: str) -> None:
    """Gives a folder its `__init__.py`."""
    project(**{f"{folder}__empty": ""})
    (source.ROOT / folder / "__init__.py").write_text(text, "utf-8")


MODEL = 'NUMERICS = {"model": 3}\n'


def test_a_file_has_its_own_version_or_that_of_its_room(project: Project) -> None:
    room(project, "kitchen", 'NUMERICS = {"cooking": 5}')
    project(
        models__model=MODEL + "import kitchen.oven\nfrom kitchen import pan",
        kitchen__oven="",
        kitchen__pan='NUMERICS = {"pan": 2}',
    )
    assert numerics("models.model") == {"model": 3, "cooking": 5, "pan": 2}
    # A room's version is its files': whoever imports none of them does not have it.
    project(models__other='NUMERICS = {"other": 1}')
    assert numerics("models.other") == {"other": 1}


@pytest.mark.parametrize(
    "statement",
    [
        "import models.helper",
        "from models import helper",
        "from models.helper import help",
        "from . import helper",
        "from .helper import help as cry",
        "def run():\n    def inner():\n        from models.helper import help",
        "try:\n    import models.helper as it\nexcept ImportError:\n    it = None",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import json\nelse:\n    from models import helper",
        "from between.step import x",
    ],
)
def test_a_helper_without_a_version_is_refused(project: Project, statement: str) -> None:
    project(models__model=MODEL + statement, models__helper="x = 1", between__step="")
    room(project, "between", 'CHANGES_NO_NUMBER = "It hands over."')
    project(between__step="from models.helper import help")
    with pytest.raises(ConfigError) as refused:
        numerics("models.model")
    said = str(refused.value)
    assert said.startswith("models/helper.py can change a trial's numbers and no version covers it")
    way = "models.model > between.step > models.helper" if "between" in statement else "models.model > models.helper"
    assert f"(imported by way of {way})" in said and "Add `NUMERICS = {'helper': 1}` to it or, for its" in said
    assert "\n" not in said
    project(models__helper='NUMERICS = {"helper": 1}')
    assert numerics("models.model") == {"model": 3, "helper": 1}


def test_a_component_without_a_version_is_refused(project: Project) -> None:
    project(models__new_model="x = 1")
    with pytest.raises(ConfigError, match=r"models/new_model\.py .* way of models\.new_model\)\. .*'new model': 1"):
        numerics("models.new_model")


def test_what_only_a_type_checker_imports_does_not_run(project: Project) -> None:
    text = "import typing\nif typing.TYPE_CHECKING:\n    from models import helper\n"
    project(models__model=MODEL + text, models__helper="x = 1")
    assert set(reached("models.model")) == {"models", "models.model"}
    assert numerics("models.model") == {"model": 3}


def test_a_room_that_changes_no_number_says_why(project: Project) -> None:
    project(models__model=MODEL + "import shelf.file", shelf__file="")
    for text, is_covered in (('CHANGES_NO_NUMBER = "It keeps things."', True), ('CHANGES_NO_NUMBER = ""', False)):
        room(project, "shelf", text)
        project()
        if is_covered:
            assert numerics("models.model") == {"model": 3}
        else:
            with pytest.raises(ConfigError, match=r"shelf/file\.py"):
                numerics("models.model")
    # A file of such a room that can change numbers after all has a version of its own.
    project(shelf__file='NUMERICS = {"file": 4}')
    assert numerics("models.model") == {"model": 3, "file": 4}


def test_a_package_that_computes_has_a_version(project: Project) -> None:
    project(models__model=MODEL)
    init = source.ROOT / "models" / "__init__.py"
    init.write_text('"""Names."""\nNAMES = {"a": "models.model:A"}\n', "utf-8")
    project()
    assert numerics("models.model") == {"model": 3}
    init.write_text("def scale(x):\n    return 2 * x\n", "utf-8")
    project()
    with pytest.raises(ConfigError, match=r"models/__init__\.py can change"):
        numerics("models.model")
    # What a package imports runs with it.
    init.write_text("from helpers.scaling import scale\n", "utf-8")
    project(helpers__scaling='NUMERICS = {"scaling": 7}')
    assert numerics("models.model") == {"model": 3, "scaling": 7}
