"""TODO."""

CHANGES_NO_NUMBER = "A sweep file becomes settings, and the resolved settings are part of every trial's identity."
