"""The command that begins a sweep: what it leaves is a plan without problems, and of bad input nothing."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import harness.init as init
import harness.sweep
import harness.trial
from datasets.prepare import prepare
from datasets.storage.corpus import Corpus
from harness.config.load import load
from harness.core.errors import ConfigError, DataError
from harness.core.main import run_command
from harness.trials.plan import Plan
from tests.datasets.corpora.table_files import frame, put

Attempt = Callable[..., tuple[int, str, str]]


@pytest.fixture
def attempt(capsys: pytest.CaptureFixture[str]) -> Attempt:
    """Types the command; returns its exit code, what it printed, and its errors."""

    def run(*words: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            run_command(lambda: init.main([str(word) for word in words]))
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return run


def words(number: int) -> str:
    """Returns a text of which the first two words tell its labels."""
    noise = " ".join(f"w{number * prime % 17}" for prime in (3, 5, 7))
    return f"{('agent', 'place')[number % 4 // 2]} kind{number % 4} {noise}"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rows = frame(200).assign(text=[words(number) for number in range(200)])
    return put(tmp_path / "my data.csv", rows)


def test_a_table_becomes_a_corpus_and_a_plan_without_problems(attempt: Attempt, table: Path, tmp_path: Path) -> None:
    code, out, _ = attempt(tmp_path / "mine", "--data", table)
    plan = Plan.open(load(tmp_path / "mine/sweep.yaml"))
    assert code == 0 and plan.problems == {} and plan.sweep.name == "mine" and list(plan.sweep.datasets) == ["my-data"]
    alone = prepare("table", table, {}, tmp_path / "alone")
    assert Corpus.open(tmp_path / "mine/data/table").fingerprint == alone.fingerprint
    assert out.startswith("documents    200 (train / val / test: 140 / 20 / 40)")
    assert "    Agent > Artist > Painter" in out and "Splits: validation 10% and test 20%" in out
    assert f"mine/sweep.yaml, {len(plan.trials)} trials" in out and len(plan.trials) == 37


def test_the_printed_commands_work_where_they_are_typed(
    attempt: Attempt, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, _ = attempt("my work", "--data", table.name, "--set", "labels=l1,l2", "--set", "val_share=0.2")
    commands = [shlex.split(line, comments=True) for line in out.split("Next:\n")[1].splitlines()]
    assert code == 0 and [command[2] for command in commands] == ["harness.sweep", "harness.sweep", "harness.report"]
    assert commands[0][3:] == ["my work/sweep.yaml", "--dry-run"]
    assert harness.sweep.main(commands[0][3:]) == 0
    assert "37 trials: 0 done, 0 failed, 37 new." in capsys.readouterr().out
    assert load(Path("my work/sweep.yaml")).datasets["my-data"].options == {"labels": "l1,l2", "val_share": 0.2}
    assert [path.name for path in tmp_path.iterdir() if path != table] == ["my work"]


def test_trials_of_a_starter_run_and_learn(attempt: Attempt, table: Path, tmp_path: Path) -> None:
    attempt(tmp_path / "mine", "--data", table)
    path = tmp_path / "mine/sweep.yaml"
    others = [f"seed!={seed}" for seed in (2, 3, 4, 5)]
    assert harness.trial.main([str(path), "--filter", "model!=hitin", "model!=hiagm", *others]) == 0
    found = {one.settings.model: one.record for one in Plan.open(load(path)).trials if one.record}
    assert found.keys() == {"linear", "constant", "flat"}
    scores = {model: record.scores["micro_f1"] for model, record in found.items() if record}
    assert scores["flat"] > 95 > scores["constant"] and scores["linear"] > 95


SHAPES = {
    "reviews.tsv": "text\tlabel\n" + "".join(f"text {n}\t{'abc'[n % 3]}\n" for n in range(60)),
    "reviews.jsonl": "".join(json.dumps({"text": f"text {n}", "labels": [["a", "x"]]}) + "\n" for n in range(59))
    + json.dumps({"text": "t", "labels": [["b", "y"]]}),
    "reviews.json": json.dumps([{"text": f"text {n}", "label": f"{'ab'[n % 2]} > {n % 5}"} for n in range(60)]),
}


@pytest.mark.parametrize("name", SHAPES)
def test_every_form_of_table_has_a_starter(attempt: Attempt, tmp_path: Path, name: str) -> None:
    code, _, _ = attempt(tmp_path / "mine", "--data", put(tmp_path / name, SHAPES[name]))
    plan = Plan.open(load(tmp_path / "mine/sweep.yaml"))
    assert code == 0 and plan.problems == {} and list(plan.sweep.datasets) == ["reviews"]


def test_files_of_splits_with_a_graph_of_labels(attempt: Attempt, tmp_path: Path) -> None:
    for split in ("train", "dev", "test"):
        put(tmp_path / f"own/{split}.csv", "text,labels\n" + "".join(f"{split} {n},{'bc'[n % 2]}\n" for n in range(9)))
    put(tmp_path / "own/hierarchy.csv", "parent,child\na,b\na,c\nd,c\n")
    assert attempt(tmp_path / "own", "--data", tmp_path / "own")[0] == 0
    plan, corpus = Plan.open(load(tmp_path / "own/sweep.yaml")), Corpus.open(tmp_path / "own/data/table")
    assert plan.problems == {} and not corpus.hierarchy.is_tree and plan.sweep.merges_of("hitin") != ("none",)
    assert (tmp_path / "own/train.csv").exists()


ROWS = "".join(f"text {number},{'xy'[number % 2]}\n" for number in range(30))
BAD = {
    "absent": (None, (), "There is nothing at"),
    "no utf-8": (b"text,label\n\xff\xfe,x\n", (), "not UTF-8"),
    "nothing": ("", (), "is empty"),
    "no text": ("label,n\n" + "".join(f"x,{number}\n" for number in range(9)), (), "no column looks like the text"),
    "one label": ("text,label\n" + ROWS.replace(",y", ",x"), (), "has the same labels (x)"),
    "empty texts": ("text,label\n" + "".join(f",{'xy'[n % 2]}\n" for n in range(30)), (), "split without documents"),
    "two rows": ("text,label\na,x\nb,y\n", (), "split without documents"),
    "unknown option": ("text,label\n" + ROWS, ("--set", "label=l1"), "has no option 'label'. Did you mean 'labels'?"),
    "no assignment": ("text,label\n" + ROWS, ("--set", "labels"), "KEY=VALUE is needed"),
    "other column": ("text,label\n" + ROWS, ("--set", "text=body"), "no column 'body'"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_told_in_a_paragraph_and_leaves_nothing(attempt: Attempt, tmp_path: Path, case: str) -> None:
    content, more, said = BAD[case]
    source = tmp_path / "my.csv"
    if content is not None:
        put(source, content)
    code, out, err = attempt(tmp_path / "mine", "--data", source, *more)
    paragraphs = [line for line in err.splitlines() if line.startswith("error: ")]
    assert code == 2 and out == "" and len(paragraphs) == 1 and said in paragraphs[0]
    assert not (tmp_path / "mine").exists()


def test_a_text_of_a_megabyte_is_a_text(attempt: Attempt, tmp_path: Path) -> None:
    source = put(tmp_path / "my.csv", f"text,label\n{ROWS}{'w ' * 500_000},x\n")
    assert attempt(tmp_path / "mine", "--data", source)[0] == 0


def test_a_sweep_file_is_never_overwritten(attempt: Attempt, table: Path, tmp_path: Path) -> None:
    attempt(tmp_path / "mine", "--data", table)
    path = tmp_path / "mine/sweep.yaml"
    path.write_text("mine", "utf-8")
    code, _, err = attempt(tmp_path / "mine", "--data", table)
    assert code == 2 and f"There is a sweep file {path} already" in err and path.read_text("utf-8") == "mine"
    assert attempt(table, "--data", table)[2].startswith(f"error: {table} is a file, and has to be a folder")


def test_interrupted_before_its_end_it_leaves_nothing_and_starts_clean(
    attempt: Attempt, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(path: Path, text: str) -> None:
        raise KeyboardInterrupt

    (tmp_path / "mine").mkdir()
    put(tmp_path / "mine/notes.txt", "kept")
    with monkeypatch.context() as patched:
        patched.setattr(init, "_write", interrupt)
        assert attempt(tmp_path / "mine", "--data", table)[0] == 130
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]
    assert attempt(tmp_path / "mine", "--data", table)[0] == 0


def test_a_corpus_of_a_killed_command_is_used_and_one_of_other_files_is_in_the_way(table: Path, tmp_path: Path) -> None:
    made = prepare("table", table, {}, tmp_path / "mine/data")
    before = (made.folder / "meta.json").stat().st_mtime_ns
    init.begin(tmp_path / "mine", table, {})
    assert (made.folder / "meta.json").stat().st_mtime_ns == before
    (tmp_path / "mine/sweep.yaml").unlink()
    put(table, frame(201))
    with pytest.raises(ConfigError, match="mine/data/table was prepared from something else than .*my data.csv is now"):
        init.begin(tmp_path / "mine", table, {})
    assert Corpus.open(made.folder).fingerprint == made.fingerprint


def test_a_folder_that_cannot_be_written_is_told(table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, content: bytes) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(init, "write_atomically", refuse)
    with pytest.raises(DataError, match="sweep.yaml cannot be written: Permission denied"):
        init.begin(tmp_path / "mine", table, {})
    assert not (tmp_path / "mine").exists()


def test_facts_are_counted(tmp_path: Path) -> None:
    """Of 10 training texts of 1 to 10 words of 3 letters, nine have up to 9 words."""
    rows = [f"{' '.join(['abc'] * number)},{'xy'[number % 2]},train" for number in range(1, 11)]
    rows += ["one,x,val", "two,y,test"]
    source = put(tmp_path / "my.csv", "\n".join(["text,label,split", *rows]))
    found = init.facts(prepare("table", source, {}, tmp_path / "data"))
    assert (found.num_train, found.num_val, found.num_test) == (10, 1, 1)
    assert (found.num_labels, found.num_branches, found.depth) == (2, 2, 1)
    assert found.num_words == np.sort(range(1, 11))[8] + 1 and found.word_length == 3.0


def test_words_of_a_script_without_spaces_are_long(tmp_path: Path) -> None:
    rows = [f"今天天气很好我们一起去公园散步然后回家吃饭看书睡觉,{'xy'[number % 2]}" for number in range(30)]
    found = init.facts(prepare("table", put(tmp_path / "my.csv", "\n".join(["text,label", *rows])), {}, tmp_path / "d"))
    assert found.word_length == 25
