"""Reproducibility checklists of ARR and NAACL, answered from what is recorded.

The page has a section per sweep; a sweep's report renews its own. An answer that no record can give says so.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from harness.analysis.findings import Findings
from harness.config.schema import ModelEntry, SweepFile
from harness.reporting.footnotes import best_epoch_rules, convergence
from harness.reporting.tuning import spaces, tuning_note
from models import TEXT_ENCODERS

_HEAD = """\
# Reproducibility

The questions of the ACL Rolling Review's responsible NLP checklist (sections B to D) and of the NAACL reproducibility
checklist that are about experiments, answered per sweep from its file, its plan and the records of its trials."""
_PACKAGES = ("python", "torch", "torch-geometric", "transformers", "ray")
_NOTHING = "no finished trial yet"


def updated(page: str, findings: Findings) -> str:
    """Returns the page, which may be empty, with a sweep's section renewed, sections in the order of their names."""
    parts = re.split(r"^## (.+)\n", page, flags=re.MULTILINE)
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    sections[findings.sweep.name] = "\n".join(f"- **{question}** {answer}" for question, answer in _answers(findings))
    return "\n\n".join([_HEAD, *(f"## {name}\n\n{text.strip()}" for name, text in sorted(sections.items()))]) + "\n"


def _answers(findings: Findings) -> Iterator[tuple[str, str]]:
    sweep = findings.sweep
    known = defaultdict(lambda: "unknown", findings.facts.provenance)
    rows = "; ".join(row.title for row in findings.rows)
    encoders = [sweep.encoder.name] if sweep.encoder else []
    encoders += [f"of {key} {entry.encoder.name}" for key, entry in sweep.models.items() if entry.encoder]
    yield (
        "Description of the setting and the algorithms (NAACL):",
        f"{rows}; text encoder {', '.join(encoders) or 'none'}. Equations are in the files of `models/`.",
    )
    yield "Source code and commit (NAACL):", f"commit {known['commit']}; trials are named in {sweep.name}.csv."
    parameters = [
        f"{item.title} on {item.dataset} {item.num_parameters:,}"
        for item in findings.details
        if item.num_parameters is not None
    ]
    yield "Parameters of each model (ARR C1, NAACL):", f"{'; '.join(parameters) or _NOTHING}."
    yield (
        "Computing infrastructure (ARR C1, NAACL):",
        f"device {known['device']}; CPU {known['cpu']}; precision {known['precision']}.",
    )
    yield "Total computational budget (ARR C1):", f"trial hours: {known['trial hours']}."
    runtimes = [
        f"{item.title} on {item.dataset} {item.seconds[0]:.0f} s" for item in findings.details if item.seconds[0] > 0
    ]
    yield "Average runtime of each model (NAACL):", f"training steps alone: {'; '.join(runtimes) or _NOTHING}."
    yield "Hyperparameters and best values (ARR C2, NAACL):", _hyperparameters(sweep)
    yield (
        "Bounds and search of hyperparameters (ARR C2, NAACL):",
        _search(findings),
    )
    yield (
        "Choice of the best epoch (NAACL):",
        f"{best_epoch_rules(findings) or 'none, as nothing is trained in epochs'}; nothing is chosen on test data. "
        f"{next(convergence(findings), '')}".rstrip(),
    )
    yield (
        "Validation performance of each reported result (NAACL):",
        f"columns `valid_*` of {sweep.name}.csv, run by run.",
    )
    done = sum(one.scores is not None for one in findings.results)
    yield (
        "Number of runs, and summary statistics (ARR C3):",
        f"{len(sweep.seeds)} seeds ({', '.join(map(str, sweep.seeds))}); {done} of {len(findings.planned)} planned "
        f"trials finished; mean ± standard deviation over seeds, tests and intervals in {sweep.name}.md, no best of "
        "several runs.",
    )
    yield (
        "Evaluation metrics and their code (NAACL):",
        "micro F and macro F over all labels, 0 for a label with neither gold nor predictions; "
        "`harness/scoring/metrics.py`.",
    )
    yield (
        "Existing packages and their settings (ARR C4):",
        ", ".join(f"{name} {known[name]}" for name in _PACKAGES if name in known)
        + "; all versions in requirements.lock.",
    )
    yield "Data: statistics and splits (ARR B6, NAACL):", _data(findings)
    yield (
        "Data: how to get it, licence, preprocessing (ARR B1 to B3, NAACL):",
        "`python -m datasets.prepare NAME --card` prints it for each corpus; fingerprints of those used are above.",
    )
    yield "Human annotators (ARR D):", "none."
    yield "Risks, intended use, AI assistance (ARR A, E):", "no record can say; for the authors to answer."


def _search(findings: Findings) -> str:
    if not findings.sweep.search:
        notes = " ".join(findings.sweep.notes)
        return f"no search was declared; how the values were found is for the sweep's notes to say: {notes or 'none'}."
    chosen = f"the chosen values are in {findings.sweep.name}.md, every trial in {findings.sweep.name}-search.csv"
    return f"{'; '.join(spaces(findings))}. {tuning_note(findings)} {chosen[0].upper()}{chosen[1:]}."


def _hyperparameters(sweep: SweepFile) -> str:
    trainer = sweep.trainer.at_rates_of(TEXT_ENCODERS[sweep.encoder.name]) if sweep.encoder else sweep.trainer
    entries = {
        key: {
            **entry.options,
            **_trainer(sweep, entry),
            **(entry.encoder.options if entry.encoder else {}),
            **_loss(entry),
        }
        for key, entry in sweep.models.items()
    }
    entries |= {key: {**entry.options, **entry.trainer} for key, entry in sweep.datasets.items()}
    own = "; ".join(f"{key}: {_options(chosen)}" for key, chosen in entries.items() if chosen)
    encoder = _options(sweep.encoder.options) if sweep.encoder else ""
    return f"{_options(trainer.model_dump())}; encoder: {encoder or 'its defaults'}; {own or 'models: their defaults'}."


def _trainer(sweep: SweepFile, entry: ModelEntry) -> dict[str, Any]:
    """Returns the trainer settings of a model's entry, with the learning rates that are those of its text encoder."""
    known = sweep.trainer.model_dump() | entry.trainer
    own = TEXT_ENCODERS[entry.encoder.name].learning_rates if entry.encoder else {}
    return {name: rate for name, rate in own.items() if known[name] is None} | entry.trainer


def _options(chosen: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in chosen.items())


def _loss(entry: ModelEntry) -> dict[str, Any]:
    """Returns the objective and the coherence of a model's entry, where it chooses them."""
    chosen = {"objective": entry.objective and entry.objective.name, "coherence": entry.coherence}
    options = entry.objective.options if entry.objective else {}
    return {name: value for name, value in chosen.items() if value} | options


def _data(findings: Findings) -> str:
    known = findings.facts.dataset_facts
    found = []
    for key, title in findings.dataset_titles.items():
        if key in known:
            splits = ", ".join(f"{split} {number:,}" for split, number in known[key].num_documents.items())
            found.append(
                f"{title}: {known[key].num_labels} labels, {splits}, fingerprint {known[key].fingerprint[:12]}"
            )
    return f"{'; '.join(found) or 'no prepared corpus here'}."
