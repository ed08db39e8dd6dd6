"""TODO."""

CHANGES_NO_NUMBER = "Settings and data are part of every trial's identity, and the store only keeps results."
