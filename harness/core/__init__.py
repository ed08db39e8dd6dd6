"""Ground floor: imports nothing else of this project.

* `errors`: mistakes that a user can fix
* `files`: files that are there whole or not at all
* `registry`: names of components, their options and versions, read from source
* `environment`: machine, package versions, commit
* `main`: exit codes, Ctrl-C, errors as one paragraph
* `text`: one line, short lists, lengths of time
* `metric_names`: names of the two headline metrics
* `resampling`: how test documents are resampled
"""

CHANGES_NO_NUMBER = "Files, errors, names and commands: what a trial computes comes from elsewhere."
