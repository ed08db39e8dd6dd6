"""Files of a report, made from findings, in the order of data.

    predictions         stored predictions -> labels by a decision rule -> counts per document
    registration        whether the frozen plan was followed, and how often results were looked at
    trial_results       records of trials -> results
    searched            records of a search -> what it did
    collect             records of trials and corpora -> findings
    notation            ▲ ▼ * ☆ † ‡ § ↗ – and what each means; points, differences, probabilities, intervals
    tables              scores, claims, controls, groups of labels, cost, corpora, before any markup
    contrasts           tables of comparisons, matrices of all pairs; words for what is compared
    standing            how far rows are above or below `linear`; ranks
    footnotes           sentences under the main table: how to read it, published scores, best epoch, looks, flags, ‡ ↗
    footnotes_stars     tests and corrections behind the stars, ☆, †, no star; how to read comparisons
    captions            sentences above the report and the other tables
    captions_scores     the same of the tables of scores: decision rules, depth, ranking and calibration
    drawing             colours, panels, SVG and PNG
    figures             differences, seeds, published, ranks: in every report
    figures_ranks       the forest of ranks
    figures_extra       variances, power, labels, times: on request
    tuning              default and tuned: table, note, curves
    literature          published results besides those that are held against ours: table, note, CSV
    markdown  latex     the report for people, and tables for a paper
    data_files          CSV and JSON, and the rows behind them
    checklist           answers for reproducibility checklists
    write               all files of a report, to a folder

Beside a report: `frames` (the same rows on a screen, in a file, in a notebook), `status` (what is done, failed, new),
`power` (what a plan can detect), `cost` (what it takes) and `explain` (`--explain` and `--list`).
"""
