"""Reading a corpus as the command does: its reader, then the selection of labels."""

from datasets import READERS
from datasets.storage.readers import read_corpus


def read(name, source, **options):
    """Returns the corpus that a reader makes of a source with these options, before it is stored."""
    return read_corpus(READERS[name], source, READERS[name].resolved(options))
