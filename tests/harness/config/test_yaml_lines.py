"""A file that is no sweep is refused as such, and every problem of one is named with its line."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.config.load import load
from harness.config.yaml_lines import YamlFile, as_yaml
from harness.core.errors import ConfigError
from tests.harness.config.sweep_files import GOOD, refusal, write


def test_every_problem_is_named_at_once(tmp_path: Path) -> None:
    message = refusal(tmp_path, GOOD.replace("seeds: [1, 2]", "seeds: []").replace("datasets:", "datset:"))
    assert "sweep.yaml:4:" in message and "sweep.yaml:6:" in message


def test_files_that_are_no_sweep(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such sweep file"):
        load(tmp_path / "absent.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"name: caf\xe9\n")
    with pytest.raises(ConfigError, match=r"not UTF-8 text \(byte 9\)"):
        load(tmp_path / "latin.yaml")
    assert refusal(tmp_path, "name: a\nmodels: b: c\n").startswith("sweep.yaml:2: this is no YAML: mapping values")
    with pytest.raises(ConfigError, match="cannot be read: .*Is a directory"):
        load(tmp_path)
    assert "a key must be text" in refusal(tmp_path, GOOD.replace("hiagm:", "1:"))
    assert "a key must be text" in refusal(tmp_path, GOOD + "? [1, 2]\n: x\n")
    assert "no YAML" in refusal(tmp_path, GOOD.replace("tiny", "!foo x"))
    assert "cannot be read" in refusal(tmp_path, GOOD.replace("tiny", "2024-13-45"))
    assert "cannot be read" in refusal(tmp_path, "a: &a [*a]\n")
    assert "is a mapping" in refusal(tmp_path, "- a list\n")


def test_every_key_and_every_item_knows_its_line(tmp_path: Path) -> None:
    text = "a: 1\n# a remark\nb:\n  - x\n  -\n    c: 2\n\nd: {e: [5,\n  6]}\n"
    source = YamlFile(write(tmp_path, text))
    expected = {(): 1, ("a",): 1, ("b",): 3, ("b", 0): 4, ("b", 1): 6, ("b", 1, "c"): 6, ("d",): 8}
    assert source.lines == expected | {("d", "e"): 8, ("d", "e", 0): 8, ("d", "e", 1): 9}
    assert source.data == {"a": 1, "b": ["x", {"c": 2}], "d": {"e": [5, 6]}}
    assert str(source.error(("d", "e", 1, "what", "is not there"), "no")) == f"{source.path}:9: no."
    unknown = source.unknown(("b",), "letter", "xx", ["x", "q"])
    assert str(unknown) == f"{source.path}:3: unknown letter 'xx'. Did you mean 'x'?"


@pytest.mark.parametrize(
    ("text", "value"),
    [("1e-6", 1e-6), ("-2E+3", -2000.0), (".5e1", 5.0), ("3.e2", 300.0), ("1e", "1e"), ("e5", "e5"), ("1_e5", "1_e5")],
)
def test_numbers_with_an_exponent_need_no_dot(tmp_path: Path, text: str, value: object) -> None:
    assert YamlFile(write(tmp_path, f"a: {text}\n")).data == {"a": value}


TEXTS = st.text(st.characters(codec="utf-8"))


@example("1e5")
@example(".5e1")
@example("yes")
@example("a\nb: c")
@example("\ufeff#\x7f")
@given(st.recursive(TEXTS | st.integers() | st.booleans(), lambda inner: st.dictionaries(TEXTS, inner, max_size=3)))
def test_what_is_written_as_yaml_on_one_line_is_read_as_the_same(
    tmp_path_factory: pytest.TempPathFactory, value: object
) -> None:
    path = tmp_path_factory.getbasetemp() / "value.yaml"
    text = as_yaml(value)
    assert "\n" not in text
    path.write_text(f"a:\n  b: {text}\n", "utf-8")
    assert YamlFile(path).data == {"a": {"b": value}}
