"""First sweep file of a corpus: its facts become settings, with comments that a person reads and edits.

What is chosen, by what, and why:

* *Text encoder*: `ngrams` with the settings of `sweeps/public.yaml`. They were chosen on validation documents of
  CLINC150 (15,000 short texts), TREC (4,907 questions), EURLEX57K (8,000 long texts) and WOS (640 abstracts), with the
  losses and rates that stand here beside them. N-grams of one document count up to 20,000 training documents; beyond
  that, those of two or more fill the vocabulary. Where words have more than 15 characters on average, texts have no
  spaces between words: `bag`, which parts them into byte pairs, with the rates of `sweeps/quickstart.yaml`.
* *Epochs and batch size*, by training documents: 640 to 15,000 are as in `sweeps/public.yaml`. Below 500 and above
  20,000 it goes on so that an optimiser has from some hundred to a few thousand steps; that was not tuned.
* *Models*: those of `sweeps/public.yaml`, in its sizes. HiAGM reads all nodes for each label, 8 million weights at 500
  labels and a step of 0.2 s at 1,000 (`reports/bench/growth.md`); HiTIN's step has 1.4 s at 10,000. They are left out
  above 500 and 5,000 labels, and where no label has a parent. A linear SVM for each label takes `linear` too long above
  2,000 labels, where `label_tree` stands in its place.
* *Merges*: none where there is one branch, or where no label has a parent. Masking trains a head of all labels for each
  branch: on two cores, HiTIN takes some minutes a trial at 10 branches of 160 labels, and HiAGM longer. It is left out
  above the products of branches and labels that stand below.
"""

import re
import textwrap
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from harness.config.yaml_lines import as_yaml

_WIDTH = 110
_SMALL = 20_000
"""Training documents up to which each n-gram counts."""
_SPACELESS = 15.0
"""Characters of a word, on average, above which texts have no spaces between words."""
_FEW = 100
_MOST_LABELS = {"linear": 2_000, "hiagm": 500, "hitin": 5_000}
_MOST_MASKED = {"hiagm": 1_000, "hitin": 3_200}
"""Branches times labels, up to which a model is trained under masking."""
_NODE_WIDTH = {"hiagm": 32, "hitin": 64}
_PASSES = ((500, 40, 16), (2_000, 20, 32), (6_000, 15, 32), (_SMALL, 12, 64), (100_000, 5, 128))
"""Training documents at most, epochs, batch size."""
_MOST_PASSES = (3, 256)


@dataclass(frozen=True)
class Facts:
    """What of a corpus its first sweep depends on.

    Attributes:
        num_train: Number of training documents.
        num_val: Number of validation documents.
        num_test: Number of test documents.
        num_labels: Number of labels.
        num_branches: Number of branches.
        depth: Number of levels below the root.
        num_words: Number of words that nine of ten training texts do not exceed.
        word_length: Characters of a word, on average.
        notes: What the reader said, a sentence each.
    """

    num_train: int
    num_val: int
    num_test: int
    num_labels: int
    num_branches: int
    depth: int
    num_words: int
    word_length: float
    notes: tuple[str, ...] = ()


class _Recipe(NamedTuple):
    """A text encoder with what was found to go with it: rates behind it, and the loss."""

    encoder: str
    options: str
    head_lr: str
    flat_head_lr: str
    objective: str


def _recipe(facts: Facts) -> _Recipe:
    if facts.word_length > _SPACELESS:
        return _Recipe("bag", "{width: 128, max_length: 400}", "5e-3", "4e-2", "bce")
    least = 1 if facts.num_train <= _SMALL else 2
    options = f"{{min_documents: {least}, max_length: 400, vocabulary: 40000, scale: 1.0}}"
    return _Recipe("ngrams", options, "3e-3", "6e-2", "squared_hinge")


def valid_name(text: str, otherwise: str) -> str:
    """Returns the name of a folder or file as one of a sweep file, or another one where nothing is left of it."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9_.+-]+", "-", plain).lstrip("_.+-").rstrip("-") or otherwise


def starter(folder: str, name: str, dataset: str, options: Mapping[str, Any], facts: Facts) -> str:
    """Returns the text of a sweep file for a corpus of the reader `table`.

    Args:
        folder: Folder of the sweep file, the data and all results, as it is typed where commands are.
        name: Name of the sweep.
        dataset: Key of the corpus.
        options: Options of the reader that differ from their defaults.
        facts: Facts of the prepared corpus.
    """
    sections = (
        f"{_head(facts)}\nname: {as_yaml(name)}",
        _models(facts),
        _merging(facts),
        _dataset(dataset, options, facts),
        "# Stars need five runs.\nseeds: [1, 2, 3, 4, 5]",
        _encoder(facts),
        _trainer(facts),
        _places(folder),
    )
    return "\n\n".join(sections) + "\n"


def _comment(text: str, indent: str = "", hanging: str = "") -> str:
    """Returns a comment in as many lines as it takes; what no YAML file may hold is replaced."""
    shown = "".join(one if one.isprintable() else "?" for one in " ".join(text.split()))
    lines = textwrap.wrap(shown, _WIDTH - len(indent), subsequent_indent=hanging, break_on_hyphens=False)
    return "\n".join(f"{indent}# {line}" for line in lines)


def _head(facts: Facts) -> str:
    return _comment(
        f"First sweep of a corpus of {facts.num_train:,} training documents with {facts.num_labels:,} labels. The "
        "settings go by its size and shape and are a beginning: change what you like. `python -m harness.sweep "
        "--explain` prints every field of this file, `--list` every model and text encoder with its options."
    )


def _models(facts: Facts) -> str:
    recipe = _recipe(facts)
    loss = f", objective: {{name: {recipe.objective}}}" if recipe.objective != "bce" else ""
    flat = f"  flat: {{label: Flat, merges: [none]{loss}, trainer: {{head_lr: {recipe.flat_head_lr}}}}}"
    return "\n".join(["models:", *_baseline(facts), "  # One linear layer: no hierarchy.", flat, *_structured(facts)])


def _fits_linear(facts: Facts) -> bool:
    return facts.num_labels <= _MOST_LABELS["linear"]


def _baseline(facts: Facts) -> list[str]:
    aside = " It reads words, which these texts do not part by spaces." if facts.word_length > _SPACELESS else ""
    if _fits_linear(facts):
        said = "TF-IDF and a linear SVM, what a model has to beat. Every sweep runs it; named here, it is a row."
        return [_comment(said + aside, "  "), "  linear: {label: Linear SVM}"]
    said = f"TF-IDF and a label tree, in place of `linear`, which would fit {facts.num_labels:,} classifiers."
    return [_comment(said + aside, "  "), "  label_tree: {label: Label tree}"]


def _structured(facts: Facts) -> list[str]:
    """Returns the entries of the models that read the hierarchy, or comments on why they are left out."""
    if facts.depth == 1:
        said = "HiAGM and HiTIN are left out: no label has a parent. `hierarchy=FILE` of the reader names a hierarchy."
        return [_comment(said, "  ")]
    return [
        *_entry("hiagm", "HiAGM", "Messages between labels, along the hierarchy.", ", logit_dropout: 0.0", facts),
        *_entry("hitin", "HiTIN", "The text passes up a coding tree of the hierarchy.", "", facts),
    ]


def _entry(key: str, label: str, about: str, more: str, facts: Facts) -> list[str]:
    if facts.num_labels > _MOST_LABELS[key]:
        said = f"{label} is left out: its heads grow faster than the labels, and {facts.num_labels:,} are too many."
        return [_comment(said, "  ")]
    lines = [_comment(about, "  "), f"  {key}:", f"    label: {label}"]
    if (own := _merges_of(key, facts)) != _merges(facts):
        lines += [_comment(_why_not_masked(label, facts), "    "), f"    merges: [{', '.join(own)}]"]
    loss = _recipe(facts).objective
    lines += [f"    objective: {{name: {loss}}}"] if loss != "bce" else []
    return [*lines, f"    options: {{node_width: {_NODE_WIDTH[key]}{more}}}"]


def _merges_of(key: str, facts: Facts) -> tuple[str, ...]:
    if facts.num_branches == 1 or facts.depth == 1 or facts.num_labels > _MOST_LABELS[key]:
        return ("none",)
    masked = facts.num_branches * facts.num_labels <= _MOST_MASKED[key]
    return ("none", "masking", "projection") if masked else ("none", "projection")


def _merges(facts: Facts) -> tuple[str, ...]:
    """Returns the merges of the sweep: those of HiTIN, which can be had of all that HiAGM has."""
    return _merges_of("hitin", facts)


def _why_not_masked(who: str, facts: Facts) -> str:
    heads = f"{facts.num_branches:,} heads of all {facts.num_labels:,} labels"
    return f"{who} is not trained under masking, which takes {heads}."


def _merging(facts: Facts) -> str:
    merges, compare = _merges(facts), list[str]()
    if merges == ("none",):
        said = f"No branch heads, since {_why_no_merge(facts)}. Every row is compared with the baseline instead."
        compare = [f"compare: {{against: {'linear' if _fits_linear(facts) else 'label_tree'}}}"]
    else:
        said = f"How the heads of {facts.num_branches:,} branches are merged; each merge is compared with none."
        said += "" if "masking" in merges else f" {_why_not_masked('Nothing', facts)}"
    if facts.depth > 1 and facts.num_branches > facts.num_labels / 2:
        said += " Most branches have one label: `min_branch=2` of the reader would pool these into one."
    controls = [] if _fits_linear(facts) else ["controls: [constant]"]
    return "\n".join([_comment(said), f"merges: [{', '.join(merges)}]", *compare, *controls])


def _why_no_merge(facts: Facts) -> str:
    if facts.depth == 1:
        return "no label has a parent"
    return "the hierarchy has one branch" if facts.num_branches == 1 else "the models that have them are left out"


def _dataset(dataset: str, options: Mapping[str, Any], facts: Facts) -> str:
    lines = [_comment("How the table was read. To read it otherwise, begin anew with other `--set`.")]
    lines += [_comment(f"* {note}", hanging="  ") for note in facts.notes]
    if (fewest := min(facts.num_val, facts.num_test)) < _FEW:
        what = "validation" if facts.num_val == fewest else "test"
        lines.append(
            _comment(f"Few {what} documents: {fewest:,}, each {100 / fewest:.1f} % of them. Scores are coarse.")
        )
    chosen = f", options: {as_yaml(dict(options))}" if options else ""
    lines += ["datasets:", f"  {as_yaml(dataset)}: {{reader: table{chosen}}}"]
    if facts.num_train > _SMALL:
        lines.append("  # For a first look, `train_documents: 8000` in there trains on a fixed sample.")
    return "\n".join(lines)


def _encoder(facts: Facts) -> str:
    recipe, cut = _recipe(facts), f"Nine of ten texts have up to {facts.num_words:,} words"
    said = {
        "ngrams": f"Words and pairs of words, weighted by TF-IDF. {cut}; after 400 they are cut.",
        "bag": "Byte pairs, since these texts do not part words by spaces; they are cut after 400 pairs.",
    }[recipe.encoder]
    said += " For a pretrained one on a GPU name `transformer` and its model here, and delete every head_lr."
    return f"{_comment(said)}\nencoder:\n  name: {recipe.encoder}\n  options: {recipe.options}"


def _trainer(facts: Facts) -> str:
    steps = ((epochs, size) for most, epochs, size in _PASSES if facts.num_train <= most)
    epochs, batch_size = next(steps, _MOST_PASSES)
    said = (
        f"The best of {epochs} epochs is chosen on validation documents. Where most runs are still improving at the "
        "last one, the report says so: raise epochs then. The text encoder has learning rates of its own."
    )
    rate = _recipe(facts).head_lr
    return f"{_comment(said)}\ntrainer:\n  epochs: {epochs}\n  batch_size: {batch_size}\n  head_lr: {rate}"


def _places(folder: str) -> str:
    lines = [_comment("Relative to where commands are typed, which is the folder of the program.")]
    lines += [f"data_dir: {as_yaml(f'{folder}/data')}", f"store: {as_yaml(f'{folder}/store')}"]
    lines += [f"tracking: {as_yaml(f'sqlite:///{folder}/mlflow.db')}", f"reports_dir: {as_yaml(f'{folder}/reports')}"]
    return "\n".join(lines)
