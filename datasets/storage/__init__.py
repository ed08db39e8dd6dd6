"""Prepared corpora: what readers hand over, how it is checked and stored, and how trials read it.

* `hierarchy.py`: labels as a directed acyclic graph.
* `documents.py`: documents and corpora as readers return them.
* `card.py`: data cards.
* `readers.py`: options of readers, and the step that follows each.
* `label_selection.py`: that step: labels by level, training documents and use.
* `preview.py`: how a corpus would be read, before it is written.
* `random_splits.py`: seeded splits for corpora without published ones.
* `writer.py`: checks and writes a corpus.
* `description.py`: folder names, checksums and the description, read without Arrow.
* `corpus.py`: opens and memory-maps a corpus.
* `tokens.py`: its tokens, cached per tokeniser.
* `batches.py`: training documents in batches of similar length.
* `predictions.py`: what systems say of its validation and test documents, with their hash.
* `counts.py`: counts beside published ones.
* `label_groups.py`: frequent, rare and unseen labels.
* `stop_words.py`: English words that published texts leave out.
* `progress.py`: progress bars.
"""

NUMERICS = {"corpus and tokens": 1}
"""Version of every file here but `batches.py`: raised whenever a change alters what a trial reads of a corpus."""
