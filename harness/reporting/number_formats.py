"""Number formats of reports: points, signed differences, probabilities, intervals."""

import math
from collections.abc import Callable

from harness.reporting.symbols import NONE


def points(value: float) -> str:
    """Two decimals, or a dash."""
    return NONE if math.isnan(value) else f"{value:z.2f}"


def signed(value: float | None) -> str:
    """Two decimals with a sign, or a dash."""
    return NONE if value is None or math.isnan(value) else f"{value:+z.2f}"


def probability(value: float, digits: int) -> str:
    """A p-value; never 0."""
    if math.isnan(value):
        return "n/a"
    least = 10.0**-digits
    return f"<{least:.{digits}f}" if value < least else f"{value:.{digits}f}"


def level(value: float) -> str:
    """A significance level without its leading 0."""
    return f"{value:.3g}".removeprefix("0")


def mean_sd(mean: float, sd: float) -> str:
    """A mean, and its standard deviation where there is one."""
    return points(mean) if math.isnan(sd) else f"{points(mean)} ± {points(sd)}"


def with_interval(value: float, low: float, high: float, number: Callable[[float], str] = points) -> str:
    """A value, and its interval where there is one, in the given format."""
    return number(value) if math.isnan(low) else f"{number(value)} [{number(low)}, {number(high)}]"
