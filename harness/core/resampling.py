"""Plan of how test documents are resampled."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Resampling:
    """Numbers of draws for variances and of swaps for p-values, and the root of every seed.

    A report takes fewer than the usual 10,000, to stay a matter of seconds: 1,000 draws know a standard error to
    2.2 %, and 2,000 swaps know a p of .05 to .005; neither makes a star. Where swaps are what fills a star, of two
    rows of one run each, there are `confirming`: their least p of 1 / 20,001 is below .01 after Holm over 199 tests.
    """

    draws: int = 1_000
    swaps: int = 2_000
    confirming: int = 20_000
    root: int = 0
