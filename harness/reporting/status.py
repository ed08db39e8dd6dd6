"""State of a sweep in text: what is done, new or failed, and what the planned seeds can show."""

import sys
from collections import Counter
from collections.abc import Sequence

from harness.analysis.design import (
    FAMILIES,
    NO_SEEDS,
    exact_test,
    num_comparisons,
    reachable,
    seed_test,
    seeds_count,
    why_no_comparisons,
)
from harness.config.arguments import FIELDS
from harness.core.text import duration, listed
from harness.reporting.cost import num_slots, search_state
from harness.stats.multiple_testing import why_no_star
from harness.trials.phases import seconds_left
from harness.trials.plan import Plan, PlannedTrial
from harness.trials.settings import flat_settings
from harness.trials.store import Record

_MOST_CHANGES = 3
_MOST_WARNINGS = 10
_UNKNOWN = "no finished trial to go by"


def describe(plan: Plan) -> str:
    """Returns one line per cell with the reason of its state, then what the planned seeds can show."""
    earlier = _earlier_records(plan)
    widths = [2 + max(map(len, names)) for names in zip(FIELDS[:3], *plan.cells(), strict=True)]

    def line(cell: Sequence[str], rest: str) -> str:
        return "".join(f"{name:<{width}}" for name, width in zip(cell, widths, strict=True)) + rest

    lines = [line(FIELDS[:3], f"{'done':>5}{'failed':>8}{'new':>5}  why")]
    for cell, trials in plan.cells().items():
        count = Counter(one.state for one in trials)
        reasons = dict.fromkeys(_why(one, earlier) for one in trials if one.state != "done")
        why = "; ".join(reasons) or "all finished"
        lines.append(line(cell, f"{count['done']:>5}{count['failed']:>8}{count['new']:>5}  {why}"))
    all_of = Counter(one.state for one in plan.selected)
    num = f"{all_of['done']} done, {all_of['failed']} failed, {all_of['new']} new"
    lines += ["", f"{len(plan.selected)} trials: {num}.", *search_state(plan)]
    if all_of["new"]:
        left = seconds_left(plan, slots := num_slots(plan))
        time = f"about {duration(left)} on {slots} slots, going by finished trials" if left else _UNKNOWN
        lines.append(f"Time for the new ones: {time}.")
    lines += _models(plan)
    lines += [f"Corpus of {dataset}: {name}." for dataset, name in _corpora(plan).items() if "," in name]
    return "\n".join([*lines, *_what_can_be_shown(plan), *plan.problems.values(), *warnings(plan)])


def _models(plan: Plan) -> list[str]:
    """Says which models are kept, and how large those are that are there."""
    if plan.store.keep == "none":
        return []
    folders = {plan.store.model(one.key) for one in plan.of_state("done")}
    there = [folder for folder in folders if folder.exists()]
    size = sum(path.stat().st_size for folder in there for path in folder.rglob("*") if path.is_file())
    which = {"best": "of each row on each dataset that of the best seed", "all": "all"}[plan.store.keep]
    return [f"Models kept ({which}): {len(there)} so far, {size / 2**20:,.1f} MB."]


def _corpora(plan: Plan) -> dict[str, str]:
    """Returns the folder of each dataset's corpus, whose name has its options."""
    return {one.settings.dataset: one.settings.corpus for one in plan.selected}


def warnings(plan: Plan) -> list[str]:
    """Returns a paragraph on whatever of a sweep is not as it should be, with what to do."""
    wrong = list(plan.untrusted.values())
    if len(wrong) > _MOST_WARNINGS:
        wrong[_MOST_WARNINGS:] = [f"Nor can what {len(wrong) - _MOST_WARNINGS} more trials left be trusted."]
    return [*plan.sources.unresolved, *wrong]


def warn(plan: Plan) -> None:
    """Prints to standard error what is not as it should be."""
    for said in warnings(plan):
        print(f"warning: {said}", file=sys.stderr)


def _earlier_records(plan: Plan) -> dict[tuple[object, ...], Record]:
    """Returns the store's records by the name of their trial, where something is still to run."""
    if not plan.of_state("new"):
        return {}
    known = {planned.key: planned.record for planned in plan.selected if planned.record}
    records = (*known.values(), *plan.store.records(but=known))
    return {tuple(record.settings.get(field) for field in FIELDS): record for record in records}


def _why(planned: PlannedTrial, earlier: dict[tuple[object, ...], Record]) -> str:
    """Returns the reason of a trial's state; of a new one, what changed since one of its name was run."""
    record = earlier.get(tuple(getattr(planned.settings, field) for field in FIELDS))
    if planned.state != "new" or not planned.key or record is None:
        return planned.why
    then, now = flat_settings(record.settings), flat_settings(planned.settings.model_dump(mode="json"))
    names = [name for name in sorted(then.keys() | now.keys()) if then.get(name) != now.get(name)]
    changes = [f"{name}: {then.get(name)} -> {now.get(name)}" for name in names]
    changes = changes or ["the data, or the numerics version of the code"]
    return f"changed since it was run: {listed(changes, _MOST_CHANGES)}"


def _what_can_be_shown(plan: Plan) -> list[str]:
    """Says, per family of comparisons, the least p that the planned seeds can reach after correction."""
    if why := why_no_comparisons(plan.sweep):
        return [why]
    if not seeds_count(plan.sweep):
        return [NO_SEEDS]
    num_seeds, rule = len(plan.sweep.seeds), plan.sweep.statistics
    lines = []
    for family, size in num_comparisons(plan.sweep).items():
        if size:
            least, needed = reachable(plan.sweep, family)
            what = {"averages": "averages over datasets", "datasets": "single datasets"}[family]
            lines.append(
                f"Family {FAMILIES[family]} ({size} comparisons of {what}): the exact {exact_test(plan.sweep)} over "
                f"{num_seeds} seeds reaches p = {least:.3g} after Holm at best; {needed} seeds reach {rule.alpha:.3g}."
            )
    obstacle = why_no_star(num_seeds, rule.paired)
    what = f"none possible: {obstacle}" if obstacle else f"possible with {num_seeds} seeds"
    lines.append(f"Stars ({seed_test(plan.sweep)}): {what}.")
    return lines
