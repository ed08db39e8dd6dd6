"""Map of the harness: rooms in the order in which data flows, then the commands.

* `core`: ground floor: errors, files, names of components, exit codes; knows nothing above it
* `config`: sweep file -> checked, typed settings
* `trials`: sweep file -> trials; what each is identified by, what the store has of it, the frozen plan
* `scoring`: predictions -> scores, labels by each decision rule, ranking, calibration, depth: NumPy only
* `training`: one trial, alone in a process: data, model, training, scores, record
* `scheduling`: many trials: under Ray Tune, or one after the other; batches of new texts under Ray Data
* `stats`: formulas of the tests and intervals: NumPy and SciPy only, know no sweep
* `analysis`: records -> findings: which rows are compared, and what that shows; reads no files
* `reporting`: findings -> tables, figures, footnotes, files
* `predicting`: an exported model and new texts -> labels, on a screen, in files or on a web page
* `trackers`: findings and records -> MLflow

Commands: `init`, `sweep`, `plan`, `trial`, `status`, `report`, `results`, `tracking`, `export`, `predict`, `demo`.
They call the rooms; no room imports a command.
"""
