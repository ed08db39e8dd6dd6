"""Text helpers: one-line errors, short lists, lengths of time in words, what can be stored."""

from collections.abc import Sequence


def duration(seconds: float) -> str:
    """Returns a length of time in words a person reads at a glance."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def one_line(text: object, most: int | None = None) -> str:
    """Returns a text, or an error's message, without line breaks, cut off after `most` characters."""
    return " ".join(str(text).split())[:most]


def listed(names: Sequence[str], most: int = 6) -> str:
    """Returns the first names of a list, and how many more there are."""
    return ", ".join(names) if len(names) <= most else f"{', '.join(names[:most])} and {len(names) - most} more"


def is_unicode(text: str) -> bool:
    """Returns whether text can be stored: halves of surrogate pairs, which JSON can hold, cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
