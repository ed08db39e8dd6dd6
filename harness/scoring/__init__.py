"""What follows from stored predictions, without the system that made them: numpy only, neither torch nor files.

* `decisions`: rules from values to labels: 0.5, a threshold chosen on validation, one for each label
* `ranking`: precision, R-precision and nDCG of the likeliest labels
* `calibration`: calibration error and Brier score
* `confidence`: how deep a system gets while it stays right
"""

CHANGES_NO_NUMBER = "what is scored here follows from what a trial has stored, and alters nothing that it learns"
