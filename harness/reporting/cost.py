"""Cost of a sweep: trials and hours of its search and of its seeds, going by what is finished."""

import os
from collections.abc import Iterator

from harness.core.errors import ConfigError
from harness.core.text import duration
from harness.trials.phases import all_phases, seconds_left, seconds_left_by_phase
from harness.trials.plan import Phase, Plan, by_identity


def cost(plan: Plan, hours: float | None, recommended: int) -> Iterator[str]:
    """Yields what the seeds cost, the recommended number of seeds, and the search of settings.

    Args:
        plan: The sweep.
        hours: Hours of one trial; None goes by the finished ones.
        recommended: Recommended number of seeds.
    """
    trials, seeds = by_identity(plan.selected).values(), len(plan.sweep.seeds)
    once = sum(plan.sweep.has_one_run(one.settings.model) for one in trials)
    num = (len(trials) - once) // seeds
    phases = list(all_phases(plan))
    different = {phase.phase: by_identity(phase.selected).values() for phase in phases}
    seconds = [one.record.seconds for phase in phases for one in phase.selected if one.record]
    if hours is not None:
        each, source = hours, "as given"
        to_go = {phase: hours * sum(one.state == "new" for one in found) for phase, found in different.items()}
    elif seconds:
        each, source = sum(seconds) / len(seconds) / 3600, "mean of finished trials"
        to_go = {phase: left / 3600 for phase, left in seconds_left_by_phase(plan, slots=1).items()}
    else:
        yield "Cost: no finished trial to go by; give the hours of one trial by --hours."
        return
    yield (
        f"Cost: {num} trials per seed, {each:.3g} hours each ({source}): {num * each:.3g} hours per seed, "
        f"{num * seeds * each:.3g} hours for all {seeds}, of which {to_go['report']:.3g} are to go; "
        f"{num * recommended * each:.3g} hours for the recommended {recommended}."
    )
    for phase, what in _WHAT.items():
        if phase in different:
            total = len(different[phase])
            yield f"{what}: {total} trials, {total * each:.3g} hours, of which {to_go[phase]:.3g} are to go."


_WHAT: dict[Phase, str] = {
    "search": "The search of settings",
    "untuned": "The same seeds with the settings of the file",
}


def search_state(plan: Plan) -> list[str]:
    """Returns what is done of the phases besides the report's, and for how many rows settings are chosen."""
    if not plan.sweep.search:
        return []
    search, untuned = plan.of_phase("search"), plan.of_phase("untuned")
    chosen = sum(search.choice(cell) is not None for cell in search.cells())
    hours = f", or {plan.sweep.search.hours:g} hours," if plan.sweep.search.hours else ""
    return [
        f"Search: {plan.sweep.search.trials} trials{hours} for each of {len(search.cells())} rows: {_counts(search)}; "
        f"settings are chosen for {chosen}.",
        f"The same seeds with the settings of the file: {_counts(untuned)}.",
    ]


def _counts(plan: Plan) -> str:
    stopped = len(plan.of_state("stopped"))
    counts = ", ".join(f"{len(plan.of_state(state))} {state}" for state in ("done", "failed", "new"))
    return counts + (f", {stopped} stopped early" if stopped else "")


def num_slots(plan: Plan) -> int:
    """Returns how many trials run at a time on this machine."""
    return max(1, (os.cpu_count() or 1) // plan.sweep.resources.cpus)


def refuse_over_budget(plan: Plan, hours: float | None) -> None:
    """Raises ConfigError where what is left of a sweep would not end within a budget, going by finished trials.

    Args:
        plan: The sweep.
        hours: The budget; None is none.
    """
    left = seconds_left(plan, slots := num_slots(plan))
    if hours is not None and left is not None and left > 3600 * hours:
        raise ConfigError(
            f"What is left of the sweep takes about {duration(left)} on {slots} slots, going by finished trials: more "
            f"than the {hours:g} of --budget-hours. Give it more, or narrow it with --filter; nothing was started."
        )
