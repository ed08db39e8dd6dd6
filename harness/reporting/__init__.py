"""Files of a report, made from findings, in the order of data.

    predictions         stored predictions -> counts per document
    collect             records of trials and corpora -> findings
    symbols             ▲ ▼ * † ‡ § – and what each means
    number_formats      points, signed differences, probabilities, intervals
    grid                tables as cells of text, before any markup
    tables              scores, comparisons, claims, controls, groups of labels, cost, corpora
    footnotes           sentences under the main table: their order, how to read it, flags
    footnotes_published   published scores in brackets: judged or not, how many lie outside
    footnotes_stars       tests and corrections behind the stars, †, no star, detectable differences
    footnotes_protocol    best epoch, planned seeds, looks at the results, pre-registration
    footnotes_trials      seeds without effect, collapsed and failed runs, ‡
    captions            sentences above the other tables
    drawing             colours, panels, SVG and PNG
    figures             names of the figures: three in every report, more on request
    figures_scores        differences, seeds, published
    figures_extra         variances, power, labels, times
    markdown  latex     the report for people, and tables for a paper
    data_files          CSV and JSON
    checklist           answers for reproducibility checklists
    write               all files of a report, to a folder

Beside a report: `status` (what is done, failed, new) and `power` (what a plan can detect, and its cost).
"""
