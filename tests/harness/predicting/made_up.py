"""A predictor without a model: values follow from the words of a text."""

from pathlib import Path

import numpy as np

from datasets.storage.hierarchy import Hierarchy
from models.load import Predictor
from models.saved import CONFIDENT

HIERARCHY = Hierarchy.from_names(
    [("Root", "Art"), ("Art", "Music"), ("Music", "Opera"), ("Root", "Law"), ("Law", "Contracts"), ("Art", "Contracts")]
)


def made_up(folder: Path) -> Predictor:
    """Returns a predictor that gives a label .9 where its name is a word of the text, else .1; `half` makes it .5."""
    folder.mkdir(exist_ok=True)
    (folder / "SHA256SUMS").write_text("0  nothing\n", "utf-8")

    def values(texts: list[str]) -> np.ndarray:
        words = [text.split() for text in texts]
        found = [[0.9 if name in some else 0.1 for name in HIERARCHY.labels] for some in words]
        return np.array(found, dtype=np.float32)

    thresholds = {"0.5": 0.5, "validation": 0.05, CONFIDENT: 0.8}
    return Predictor(folder, {}, HIERARCHY, "probabilities", thresholds, values)
