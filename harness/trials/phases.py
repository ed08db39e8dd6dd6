"""Phases of a sweep: the search of settings, the seeds of the report with what was chosen, the same seeds untuned."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from harness.trials.choices import Choices, choose
from harness.trials.durations import Durations
from harness.trials.plan import Phase, Plan, PlannedTrial, by_identity
from harness.trials.preregistration import freeze
from harness.trials.proposals import Proposals, propose

Run = Callable[[Plan, list[PlannedTrial]], None]
"""Runs some trials of a phase until each has a record or a failure."""


def all_phases(plan: Plan) -> Iterator[Plan]:
    """Yields the plans of a sweep's phases in the order in which they run, that of the report as it is.

    Each is read from the store when its turn comes.
    """
    if plan.sweep.search:
        yield plan.of_phase("search")
    yield from _after_search(plan)


def _after_search(plan: Plan) -> Iterator[Plan]:
    """Yields the plan of the report and, where there is a search, that of the same seeds untuned."""
    yield plan
    if plan.sweep.search:
        yield plan.of_phase("untuned")


def run_phases(plan: Plan, run: Run) -> None:
    """Has all trials run that are missing, phase after phase; freezes the plan first, and what the search chooses.

    The plan, which is that of the report, is refreshed once the settings are chosen.

    Raises:
        UserError: As `run` does.
    """

    def run_planned(of_phase: Plan, todo: list[PlannedTrial]) -> None:
        freeze(plan)
        run(of_phase, todo)

    if plan.sweep.search:
        _search(plan.of_phase("search"), run_planned)
        plan.refresh()
    for of_phase in _after_search(plan):
        if todo := of_phase.ready:
            run_planned(of_phase, todo)


def _search(search: Plan, run: Run) -> None:
    todo, before = _next(search), list[PlannedTrial]()
    while todo and todo != before:  # What lost its workers again and again stays as it is.
        run(search, todo)
        search.refresh()
        before, todo = todo, _next(search)
    _freeze_choices(search)


def _next(search: Plan) -> list[PlannedTrial]:
    """Returns the trials that are due, after a searcher that learns has proposed some for each row without."""
    assert search.sweep.search
    if search.sweep.search.searcher != "random":
        proposals = Proposals(search.sweep)
        for cell, trials in search.cells().items():
            is_waiting = any(one.state == "new" and _number(one) for one in trials)
            if search.choice(cell) or is_waiting or not (room := _room(search, trials)):
                continue
            tried = [
                (one.candidate.values, one.score(search.sweep.search.metric))
                for one in trials
                if one.candidate and one.state != "new"
            ]
            proposals.add(search.declared(cell), propose(search.sweep, cell, tried, room))
        search.refresh()
    return due(search)


def _freeze_choices(search: Plan) -> None:
    """Freezes the settings of every row whose search has ended, unless that was done before."""
    assert search.sweep.search
    choices, is_new = Choices(search.sweep), False
    for cell, trials in search.cells().items():
        if search.choice(cell) or _due(search, trials) or _room(search, trials):
            continue
        tried = [(one.candidate, one.record) for one in trials if one.candidate]
        if found := choose(tried, search.sweep.search.metric):
            choices.add(cell, search.searched[cell], search.fingerprint(cell.dataset), found)
            is_new = True
    if is_new:
        choices.freeze()


def due(search: Plan) -> list[PlannedTrial]:
    """Returns the trials of a search that are to be run next; none of a row whose settings are chosen.

    All of a row's that are new, or, where the budget is in hours, as many as will fit in going by its earlier ones.
    """
    rows = {cell: _due(search, trials) for cell, trials in search.cells().items() if not search.choice(cell)}
    # Numbers first, so that all rows go on together.
    return sorted((one for of_row in rows.values() for one in of_row), key=_number)


def _number(planned: PlannedTrial) -> int:
    return planned.candidate.number if planned.candidate else 0


def _due(search: Plan, trials: Sequence[PlannedTrial]) -> list[PlannedTrial]:
    new = [one for one in trials if one.state == "new" and one.key]
    if (left := _seconds_left(search, trials)) is None:
        return new
    spent = [one.seconds for one in trials if one.seconds]
    return new[: max(1, int(left * len(spent) / sum(spent))) if spent else 1] if left > 0 else []


def _room(search: Plan, trials: Sequence[PlannedTrial]) -> int:
    """Returns how many more trials the budget of a row leaves, besides those that are planned."""
    left = _seconds_left(search, trials)
    return 0 if left is not None and left <= 0 else search.sweep.budget_of(trials[0].settings.model) - len(trials)


def _seconds_left(search: Plan, trials: Sequence[PlannedTrial]) -> float | None:
    """Returns what is left of a row's budget in hours; None where it has none."""
    assert search.sweep.search
    hours = search.sweep.search.hours
    return None if hours is None else 3600 * hours - sum(one.seconds for one in trials)


def forget_failures(plan: Plan) -> None:
    """Makes the trials that failed new ones in every phase, but for rows whose settings are chosen already."""
    for phase in all_phases(plan):
        settled = {cell for cell in phase.searched if phase.phase == "search" and phase.choice(cell)}
        phase.forget_failures(but=settled)


def seconds_left(plan: Plan, slots: int) -> float | None:
    """Returns an estimate for the new selected trials of all phases; None without any finished one.

    Args:
        plan: The sweep.
        slots: Trials that run at a time.
    """
    by_phase = seconds_left_by_phase(plan, slots)
    return sum(by_phase.values()) if by_phase else None


def seconds_left_by_phase(plan: Plan, slots: int) -> dict[Phase, float]:
    """Returns the same for each phase; nothing without any finished trial."""
    phases, found = list(all_phases(plan)), dict[Phase, float]()
    known = Durations(one for phase in phases for one in phase.selected)
    for phase in phases:
        todo = by_identity(due(phase) if phase.phase == "search" else phase.of_state("new")).values()
        if (seconds := known.estimate(Counter(one.settings.cell for one in todo), slots)) is not None:
            found[phase.phase] = seconds
    return found


def exit_code(plan: Plan) -> int:
    """Returns that of the commands that show results: 0 where every trial of the report and untuned is done, else 1."""
    return max(phase.exit_code for phase in _after_search(plan))
