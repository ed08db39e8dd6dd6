"""Statistics: pure functions of NumPy and SciPy, which know no sweep and no file.

* `distributions`: t, noncentral t, chi-squared and normal, by scipy.special
* `permutation_tests`: exact sign flips and exchanges of runs
* `pairing`: two arms put together: paired by seed, as wholes, or one of them a constant
* `estimate`: a difference with its error: intervals, one-sided and equivalence tests
* `t_tests`: paired, Welch's and stratified t test
* `effect_sizes`: probability of being better, correlation
* `collapse`: runs that have collapsed, and the best score without reading a document
* `superiority`: probability of being better on a new run and new documents
* `multiple_testing`: Holm, Benjamini-Hochberg, confidence set of the best, what is reachable
* `ranks`: simultaneous confidence intervals for ranks
* `simultaneous`: intervals of a whole family that match Holm
* `power`: what a number of seeds can detect
* `prediction_interval`: a published score against a further run of ours, or a published mean against our mean
* `document_variance`: F1 from counts per document, its influence function, both sources of error at once
* `document_sample`: test documents of one dataset under every run
* `resampling`: bootstrap and approximate randomisation over documents
* `tuning_curves`: the best score to expect of a search, by its number of trials
* `claim_rules`: rules by which a claim is judged

The unit of replication is a training run. A *stratum* is two arms on one dataset: a cell of the table is compared in
one stratum, an average column in one per dataset, and functions take a list of strata, so that both share one formula.
Scores are F in points. SciPy is imported where it is needed, because a plan only asks what is reachable at all.
"""
