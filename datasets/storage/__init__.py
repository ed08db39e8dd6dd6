"""TODO."""

NUMERICS = {"corpus and tokens": 1}
"""Of every file here: raised whenever a change alters what a trial reads of a prepared corpus."""
