"""Starter sweep files: what they say of a corpus, and that every one of them can be read and run."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from harness.config.load import load
from harness.config.schema import SweepFile
from harness.config.starter import Facts, starter, valid_name
from harness.config.strict import Name
from tests.shared import ROOT

CLINC = Facts(15_000, 3_000, 4_500, num_labels=160, num_branches=10, depth=2, num_words=14, word_length=4.2)


def of(**changes: Any) -> Facts:
    return Facts(**{**vars(CLINC), **changes})


def read(folder: Path, facts: Facts, **options: Any) -> SweepFile:
    path = folder / "sweep.yaml"
    path.write_text(starter("mine", "mine", "reviews", options, facts), "utf-8")
    return load(path)


def merges(sweep: SweepFile) -> dict[str, tuple[str, ...]]:
    return {model: sweep.merges_of(model) for model in ("flat", "hiagm", "hitin") if model in sweep.models}


ALL, PROJECTION, NONE = ("none", "masking", "projection"), ("none", "projection"), ("none",)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (of(), {"flat": NONE, "hiagm": PROJECTION, "hitin": ALL}),
        (of(num_labels=95, num_branches=6), {"flat": NONE, "hiagm": ALL, "hitin": ALL}),
        (of(num_branches=1), {"flat": NONE, "hiagm": NONE, "hitin": NONE}),
        (of(num_branches=50), {"flat": NONE, "hiagm": PROJECTION, "hitin": PROJECTION}),
        (of(num_labels=148, num_branches=21), {"flat": NONE, "hiagm": PROJECTION, "hitin": ALL}),
        (of(num_labels=501), {"flat": NONE, "hitin": PROJECTION}),
        (of(num_labels=4_271, num_branches=21, depth=5), {"flat": NONE, "hitin": PROJECTION}),
        (of(num_labels=5_001), {"flat": NONE}),
        (of(depth=1, num_branches=160), {"flat": NONE}),
    ],
)
def test_models_and_merges_go_by_labels_and_branches(
    tmp_path: Path, facts: Facts, expected: dict[str, tuple[str, ...]]
) -> None:
    sweep = read(tmp_path, facts)
    assert merges(sweep) == expected
    baseline = "linear" if facts.num_labels <= 2_000 else "label_tree"
    assert sweep.models.keys() == {baseline, "constant", *expected} and not sweep.models[baseline].control
    one_merge = set(expected.values()) == {NONE}
    assert (sweep.comparing.rule, sweep.comparing.against) == (("against", baseline) if one_merge else ("base", ""))


PUBLIC = {
    "clinc150": CLINC,
    "trec": of(num_train=4_907, num_val=545, num_test=500, num_labels=56, num_branches=6),
    "eurlex57k": of(num_train=8_000, num_labels=148, num_branches=21, num_words=400),
    "wos": of(num_train=640, num_val=160, num_test=200, num_labels=141, num_branches=7, num_words=250),
}


@pytest.mark.parametrize("dataset", PUBLIC)
def test_settings_are_those_that_were_chosen_on_public_corpora(tmp_path: Path, dataset: str) -> None:
    public, sweep = load(ROOT / "sweeps/public.yaml"), read(tmp_path, PUBLIC[dataset])
    assert sweep.encoder == public.encoder and sweep.seeds == public.seeds
    for model in ("flat", "hiagm", "hitin"):
        mine, theirs = sweep.models[model], public.models[model]
        assert mine.model_copy(update={"merges": None}) == theirs.model_copy(update={"merges": None})
    chosen = {"batch_size": 32, **public.datasets[dataset].trainer}
    assert (sweep.trainer.epochs, sweep.trainer.batch_size) == (chosen["epochs"], chosen["batch_size"])
    assert sweep.trainer.head_lr == public.trainer.head_lr and sweep.trainer.encoder_lr is None


def test_texts_without_spaces_have_the_encoder_and_the_rates_of_the_quick_start(tmp_path: Path) -> None:
    quick, sweep = load(ROOT / "sweeps/quickstart.yaml"), read(tmp_path, of(word_length=15.1))
    assert quick.encoder and sweep.encoder and sweep.encoder.name == quick.encoder.name == "bag"
    assert sweep.trainer.head_lr == quick.trainer.head_lr
    assert sweep.models["flat"].trainer == quick.models["flat"].trainer
    assert {sweep.objective_of(model) for model in merges(sweep)} == {"bce"}
    assert read(tmp_path, of(word_length=15.0)).encoder != sweep.encoder


@settings(max_examples=25)
@given(
    facts=st.builds(
        Facts,
        num_train=st.integers(1, 1_000_000),
        num_val=st.integers(1, 1_000),
        num_test=st.integers(1, 1_000),
        num_labels=st.integers(1, 20_000),
        num_branches=st.integers(1, 500),
        depth=st.integers(1, 5),
        num_words=st.integers(0, 10_000),
        word_length=st.floats(0, 100),
        notes=st.lists(st.text(), max_size=3).map(tuple),
    ),
    options=st.dictionaries(st.sampled_from(["text", "labels", "separator"]), st.text(st.characters(codec="utf-8"))),
)
def test_every_starter_can_be_read_and_has_what_it_was_given(
    tmp_path_factory: pytest.TempPathFactory, facts: Facts, options: dict[str, str]
) -> None:
    sweep = read(tmp_path_factory.getbasetemp(), facts, **options)
    assert sweep.datasets["reviews"].options == options and sweep.datasets["reviews"].reader == "table"
    trained = [model for model in sweep.models if not sweep.is_system(model)]
    assert "flat" in trained and sweep.trainer.epochs * facts.num_train / sweep.trainer.batch_size < 12_000
    encoder = sweep.encoder
    assert encoder and encoder.options.get("min_documents", 1) == (
        2 if encoder.name == "ngrams" and facts.num_train > 20_000 else 1
    )


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (of(num_branches=50), "not trained under masking, which takes 50 heads of all 160 labels"),
        (of(num_branches=90), "Most branches have one label: `min_branch=2`"),
        (of(num_branches=1), "the hierarchy has one branch"),
        (of(depth=1, num_branches=160), "no label has a parent. `hierarchy=FILE` of the reader names a hierarchy"),
        (of(num_labels=2_001), "in place of `linear`, which would fit 2,001 classifiers"),
        (of(num_test=80), "Few test documents: 80, each 1.2 % of them"),
        (of(num_train=20_001), "`train_documents: 8000`"),
        (of(word_length=30.0), "these texts do not part words by spaces"),
        (of(notes=("Splits: test 20% drawn with seed 0.",)), "* Splits: test 20% drawn with seed 0."),
    ],
)
def test_comments_say_what_was_decided_and_why(facts: Facts, said: str) -> None:
    def flowing(text: str) -> str:
        return " ".join(text.replace("#", " ").split())

    assert said in flowing(starter("mine", "mine", "reviews", {}, facts))
    assert said not in flowing(starter("mine", "mine", "reviews", {}, CLINC))


def test_paths_are_in_the_folder_whatever_its_name_is(tmp_path: Path) -> None:
    for folder in ("mine", "/tmp/my work", "a: b #c", "x'y\"z", "日本"):
        path = tmp_path / "sweep.yaml"
        path.write_text(starter(folder, "mine", "reviews", {}, CLINC), "utf-8")
        sweep = load(path)
        assert (sweep.data_dir, sweep.store) == (f"{folder}/data", f"{folder}/store")
        assert (sweep.tracking, sweep.reports_dir) == (f"sqlite:///{folder}/mlflow.db", f"{folder}/reports")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("mine", "mine"),
        ("My reviews (2)", "My-reviews-2"),
        ("Bücher", "Bucher"),
        ("..x", "x"),
        ("日本", "other"),
        ("1e5", "1e5"),
    ],
)
def test_a_name_is_made_valid(text: str, name: str) -> None:
    assert valid_name(text, "other") == name


@given(st.text())
def test_every_name_is_one_that_a_sweep_file_may_have(text: str) -> None:
    TypeAdapter(Name).validate_python(valid_name(text, "other"))
