"""From trial results to findings: pure, without files, torch or Ray.

* `inputs`: trial results, facts about datasets, provenance: all that comes in
* `design`: what is planned: contrasts, columns, families, paired or not, what the seeds can reach
* `index`: results by model, merge, dataset and seed
* `published`: published scores, whether ours agree, and those that are shown beside
* `compare`: two rows, in every column
* `ranking`: ranks of rows with their confidence intervals; distances from `linear`
* `comparison`: the record of that, and its names in CSV, JSON and MLflow
* `marks`: Holm over each family: arrows, stars and daggers
* `flags`: letters for what a reader should know, with rule and meaning
* `cells`: rows and cells of the score table
* `details`: cost, other metrics, groups of labels, single labels
* `claims`: claims of the literature, judged
* `decisions`: scores by each decision rule, and the verdicts that depend on it
* `tuning`: default against chosen settings, and the verdicts that depend on it; `tuned`: the records of that
* `findings`: all of it as frozen records: what a report prints
* `summarise`: find(): from inputs to findings

Formulas are in `harness.stats`, words and tables in `harness.reporting`.
"""
