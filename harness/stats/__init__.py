"""Tests, intervals, power and verdicts: pure NumPy and SciPy, no files, no sweep.

    seeds       two arms, paired by seed or not: the t tests
    exact       sign flips and exchanges beside them
    effects     how large a difference is, runs that collapsed
    families    corrections over planned families, the confidence set of the best, what is reachable
    published   our runs against a published one
    power       what a number of seeds can detect
    documents   F from counts per document, its influence function, both sources of error at once
    sample      the test documents of one dataset, under every run
    resampling  bootstrap and approximate randomisation over documents
    verdicts    rules by which a claim is judged

The unit of replication is a training run; two arms are paired by seed, unless a sweep says that its seeds mean
nothing across arms. A *stratum* is one dataset: a cell of the table is one stratum, an average column has one per
dataset, and functions take a list of strata, so that cells and averages share one formula. Scores are F in points.
SciPy is imported where it is needed, because a plan only asks what is reachable at all.
"""
