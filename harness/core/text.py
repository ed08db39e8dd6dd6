"""Text helpers: one-line errors, short lists, numbers and lengths of time in words."""


def duration(seconds: float) -> str:
    """Returns a length of time in words a person reads at a glance."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
