"""Decoders of source files: no corpus, no options; errors name file, line and remedy.

A reader needs the decoder of its format, besides those that serve every format.

* `archives.py`: tar, zip and compressed files as streams (every format).
* `textfiles.py`: UTF-8 lines, JSON objects, taxonomies (every format).
* `tables.py`: CSV, TSV, JSON and Parquet as columns (tables of users).
* `label_cells.py`: labels in the cells of a table (likewise).
* `label_trees.py`: hierarchies from paths, edges and nested JSON (likewise).
* `text_forms.py`: text cleaning of the literature (every format).
* `news_xml.py`: safe XML of news stories (RCV1, NYT).
* `reuters_stories.py`: stories of RCV1 in each of its packings.
* `blurbs.py`: book blurbs with genres (BGC, GermEval 2019).
* `skos.py`: EuroVoc's SKOS release as parent-child pairs.
* `eurovoc.py`: EuroVoc as a label hierarchy (EURLEX57K, MultiEURLEX).
"""

NUMERICS = {"file formats": 1}
"""Version of what is read of predictions that were made elsewhere; a corpus has its fingerprint."""
