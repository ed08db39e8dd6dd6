"""TODO."""

NUMERICS = {"training": 1}
"""Of every file here: raised whenever a change alters what a trial learns, or what is measured of it."""
