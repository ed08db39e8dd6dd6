"""Scores of predictions: numpy and SciPy only, neither torch nor files.

* `metrics`: micro and macro F1 over labels, groups of labels and levels; area under hierarchical precision and recall
* `scores`: scores of what is kept of a split, by decision rule
* `decisions`: rules from values to labels: 0.5, a threshold chosen on validation, one for each label
* `ranking`: precision, R-precision and nDCG of the likeliest labels
* `calibration`: calibration error and Brier score
* `confidence`: how deep a system gets while it stays right
"""

NUMERICS = {"scoring": 1}
"""Version of every file here: raised whenever a change alters what a trial records."""
