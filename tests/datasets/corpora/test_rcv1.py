"""RCV1-v2: texts of stories, validation sets, and published counts."""

import subprocess
import sys
import zipfile

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import train_test_split

from datasets.corpora import rcv1
from datasets.storage.progress import show_progress
from harness.core.errors import DataError
from tests.datasets.reuters_files import TEST, TRAIN, documents, made, put_lists, some, story, unpacked
from tests.shared import ROOT


def test_the_text_is_the_paragraphs_of_the_body(tmp_path):
    folder = unpacked(
        put_lists(tmp_path / "r"), some(_2286=story(2286, "Caf\xe9 prices rose 3.5%.", "It's <b>the</b> end &lt;x&gt;"))
    )
    assert documents(folder, form="natural")["2286"].text == "café prices rose 3.5%. it's the end <x>"
    assert documents(folder, form="natural", join="none")["2286"].text == "café prices rose 3.5%.it's the end <x>"
    assert documents(folder)["2286"].text == "caf prices rose 's end"
    # Without a space the point parts the words of the word form all the same; other ends do not.
    assert documents(folder, join="none")["2286"].text == "caf prices rose 's end"
    assert documents(folder)["2287"].text == "2287 talks say"
    assert documents(folder, join="none")["26152"].labels == ("CCAT", "C15")


def test_stories_without_text_are_dropped_and_counted(tmp_path):
    empty = some(
        _2290=story(2290, body=""),
        _26151=story(26151, body="<text/>"),
        _26152=story(26152, body="<text><p/><p> </p></text>"),
    )
    corpus = made(unpacked(put_lists(tmp_path / "r"), empty), tmp_path)
    kept = [number for number in TRAIN + TEST if number not in (2290, 26151, 26152)]
    assert corpus.doc_ids(np.arange(15)) == [str(number) for number in kept]
    assert "3 stories without text were dropped, as in HGCLR." in corpus.notes
    # A text of stop words alone is a text.
    words = made(unpacked(put_lists(tmp_path / "w"), some(_2290=story(2290, "The 1 of it"))), tmp_path)
    assert next(words.texts(np.array([2]))) == "the 1 of it"
    assert "1 stories without a word of the word form keep their natural text." in words.notes


@pytest.mark.parametrize("num", [10, 25, 30, 1234, 23_149])
def test_validation_sets_are_those_of_pandas_and_scikit_learn(num):
    frame = pd.DataFrame({"id": np.arange(num)}, index=np.arange(num) * 3)
    assert rcv1.validation_positions(num, "hitin") == frame.sample(frac=0.1, random_state=7, axis=0)["id"].tolist()
    assert (
        rcv1.validation_positions(num, "hgclr") == train_test_split(list(range(num)), test_size=0.1, random_state=0)[1]
    )


def test_published_sizes_by_formula():
    assert rcv1.NUM_STORIES - rcv1.NUM_TRAIN == 781_265
    hitin, hgclr = (rcv1.validation_positions(23_149, val) for val in ("hitin", "hgclr"))
    assert len(hitin) == len(hgclr) == 2_315 and 23_149 - 2_315 == 20_834
    # Two different sets: they share about a tenth, as two independent draws do.
    assert len(set(hitin) & set(hgclr)) == pytest.approx(231.5, abs=45)


def test_each_validation_convention_is_taken_at_its_word(tmp_path):
    folder = unpacked(put_lists(tmp_path / "r"), some(_2286=story(2286, body="")))

    def val(**options):
        return {int(doc_id) for doc_id, one in documents(folder, **options).items() if one.split == "val"}

    # HiTIN draws among all training stories, HGCLR among those that have a text.
    assert val() == {TRAIN[place] for place in rcv1.validation_positions(15, "hitin")} - {2286}
    assert val(val="hgclr") == {TRAIN[1:][place] for place in rcv1.validation_positions(14, "hgclr")}
    (tmp_path / "val.txt").write_text("2300\n.I 26150\n")
    assert val(val="file", val_file=str(tmp_path / "val.txt")) == {2300, 26150}
    (tmp_path / "val.txt").write_text("2300\n26151\n")
    with pytest.raises(DataError, match="has to hold the numbers of training stories"):
        val(val="file", val_file=str(tmp_path / "val.txt"))
    with pytest.raises(DataError, match="val=file and val_file=PATH go together"):
        val(val="file")


WHOLE = """
import resource, sys
from pathlib import Path
from datasets.check import preflight
from datasets.prepare import parse_options, prepare
import numpy as np
source, data = map(Path, sys.argv[1:])
corpus = prepare("rcv1", source, {}, data)
print("GB", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)
print("\\n".join(preflight(corpus, parse_options("rcv1", {}).model_dump(), np.full(corpus.num_documents, 9), "x")))
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_whole_size_in_daily_zips_takes_less_than_4_gb(tmp_path):
    folder = put_lists(tmp_path / "r")
    train = [*range(2286, 2286 + 23_148), 26_150]
    numbers = [*train, *range(26_151, 26_151 + 781_265)]
    (folder / "rcv1v2-ids.dat").write_text("".join(f"{number}\n" for number in numbers))
    (folder / "lyrl2004_tokens_train.dat").write_text("".join(f".I {number}\n.W\nw\n\n" for number in train))
    (folder / "rcv1-v2.topics.qrels").write_text("".join(f"CCAT {n} 1\nC15 {n} 1\n" for n in numbers))
    words = " ".join(["trade", "the", "bank", "said", "3.5%"] * 20)
    per_day = -(-len(numbers) // 365)
    for day in range(365):
        with zipfile.ZipFile(folder / f"1996{day:04}.zip", "w") as file:
            for number in numbers[day * per_day : (day + 1) * per_day]:
                file.writestr(f"{number}newsML.xml", story(number, words))
    command = [sys.executable, "-c", WHOLE, str(folder), str(tmp_path / "data")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    said = done.stdout.splitlines()
    print(said[0])
    assert float(said[0].split()[1]) < 4
    for line in ("documents:", "train documents:", "val documents:", "test documents:"):
        assert any(one.startswith(line) and one.endswith("(as published)") for one in said)
    assert "split: validation set of hitin, drawn from 23,149 training stories" in said


def test_a_dropped_training_story_leaves_the_convention_of_hitin_untold(tmp_path):
    stories = some(_2286=story(2286, body=""))
    folder = unpacked(put_lists(tmp_path / "r"), stories)
    assert rcv1.convention(made(folder, tmp_path)).startswith(
        "cannot be determined: HiTIN draws among all training stories"
    )
    drawn = made(folder, tmp_path, val="hgclr")
    assert rcv1.convention(drawn) == "validation set of hgclr, drawn from 14 training stories"
    whole = made(unpacked(put_lists(tmp_path / "w"), some()), tmp_path)
    assert rcv1.convention(whole) == "validation set of hitin, drawn from 15 training stories"


def test_the_training_stories_are_seen_to_pass_before_the_first_document(tmp_path, capsys):
    source = rcv1.read(unpacked(put_lists(tmp_path / "r"), some()))
    with show_progress():
        assert next(iter(source.documents)).doc_id == "2286"
    assert capsys.readouterr().err == "15 training stories\n"


def test_the_published_branches_add_up():
    def total(what, **options):
        counts = rcv1.published({"val": "hitin"} | options)
        return sum(counts.get(f"branch {name} {what}", 0) for name in ("CCAT", "GCAT", "MCAT", "ECAT"))

    assert total("labels") == 103 and total("train+val") == 27_087 and total("val") == 0
    assert total("val", val="file") == 1_083 + 686 + 573 + 362
