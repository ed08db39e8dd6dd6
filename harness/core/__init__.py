"""TODO."""

CHANGES_NO_NUMBER = "Files, errors, names and commands: what a trial computes comes from elsewhere."
