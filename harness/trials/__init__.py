"""From a sweep file to trials, and what the store has of them.

* `settings`: every trial of a sweep, with every setting resolved
* `identity`: what can change a trial's numbers, as one hash
* `store`: one folder per trial; a record there means finished
* `plan`: a sweep's trials against the store
* `corpora`: refuses missing corpora, prepares built-in ones
* `preregistration`: the plan frozen before the first trial, and `plan_file`, where it stands
* `tuning`: candidates of a search; `proposals`: those of Optuna; `choices`: what was chosen, frozen in the plan
* `phases`: search, seeds, untuned seeds: what is to be run next
* `durations`: how long what is left will take
"""

CHANGES_NO_NUMBER = "Settings and data are part of every trial's identity, and the store only keeps results."
