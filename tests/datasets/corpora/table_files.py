"""Tables of users, as the public corpora have them that come closest."""

import json

import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from tests.datasets.reading import read

LEVELS = (
    ("Agent", "Artist", "Painter"),
    ("Agent", "Artist", "Other"),
    ("Place", "River", "Other"),
    ("Place", "Lake", ""),
)


def frame(rows=20, first=0):
    """Returns a table with three level columns, as DBPedia classes have it."""
    records = [(f"text {number}", *LEVELS[number % 4]) for number in range(first, first + rows)]
    return pd.DataFrame(records, columns=["text", "l1", "l2", "l3"])


def put(path, content):
    """Writes a file: text, bytes, a data frame or an Arrow table, by the ending of its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, pa.Table):
        parquet.write_table(content, path)
    elif isinstance(content, pd.DataFrame):
        write = {".csv": content.to_csv, ".parquet": content.to_parquet}[path.suffix]
        write(path, index=False)
    elif isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def labels_of(source, **options):
    """Returns the closed label names of each document, in order, and the corpus."""
    corpus = read("table", source, **options)
    index, close = corpus.hierarchy.index, corpus.hierarchy.close
    found = []
    for document in corpus.documents:
        closed = close([index[name] for name in document.labels]) if document.labels else ()
        found.append({corpus.hierarchy.labels[label] for label in closed})
    return found, corpus
