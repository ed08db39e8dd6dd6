"""Probability distributions of the tests: t, noncentral t, chi-squared, normal.

They are those of `scipy.special`, as `scipy.stats` takes a second to import; and each is imported where it is used,
since a plan only counts and should answer at once.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def t_sf(value: float, df: float) -> float:
    """Returns P(T > value) for Student's t with df degrees of freedom."""
    from scipy.special import stdtr

    return float(stdtr(df, -value))


def t_isf(share: float, df: float) -> float:
    """Returns the value that Student's t exceeds with a probability."""
    from scipy.special import stdtrit

    return -float(stdtrit(df, share))


def noncentral_t_outside(bound: float, df: float, shift: float) -> float:
    """Returns P(|T| > bound) for the noncentral t with df degrees of freedom and a noncentrality from 0 on."""
    from scipy.special import nctdtr

    # SciPy answers NaN in the far left tail, where nothing is.
    below, left = np.nan_to_num(nctdtr(df, shift, [bound, -bound]), nan=0.0)
    return min(1.0, float(1 - below + left))


def noncentrality(value: float, df: float, share: float) -> float:
    """Returns the noncentrality at which the noncentral t with df degrees of freedom exceeds a value with a share."""
    from scipy.special import nctdtrinc

    if value < 0:
        return -noncentrality(-value, df, 1 - share)
    return float(nctdtrinc(df, 1 - share, value))


def chi2_quantile(share: float, df: float) -> float:
    """Returns the value that chi-squared with df degrees of freedom stays below with a probability."""
    from scipy.special import gammaincinv

    return 2 * float(gammaincinv(df / 2, share))


def normal_isf(share: float) -> float:
    """Returns the value that the standard normal distribution exceeds with a probability."""
    from scipy.special import ndtri

    return -float(ndtri(share))


def normal_sf(value: float) -> float:
    """Returns the probability with which the standard normal distribution exceeds a value."""
    from scipy.special import ndtr

    return float(ndtr(-value))
