"""Search of a sweep as the analysis takes it, from what its trials left in the store."""

from harness.analysis.inputs import SearchInputs, SearchTrial
from harness.config.search import SearchMetric
from harness.reporting.trial_results import read_results
from harness.trials import plan_file
from harness.trials.plan import Plan, PlannedTrial
from harness.trials.tuning import owner


def search_inputs(plan: Plan) -> SearchInputs:
    """Reads what the search of a sweep did, and what it chose.

    Args:
        plan: The report's plan of a sweep with a search.
    """
    assert plan.sweep.search
    search, metric = plan.of_phase("search"), plan.sweep.search.metric
    frozen = plan_file.read(plan.sweep).get(plan_file.CHOSEN, {})
    chosen = {cell: search.choice(cell) for cell in search.searched}
    owners = {one.cell: owner(plan.sweep, one.cell) for one in plan.untuned}
    return SearchInputs(
        trials=[_trial(one, metric) for one in search.trials if one.state != "new"],
        owners={row: one for row, one in owners.items() if one in search.searched},
        chosen={row: (found.number, found.values) for row, found in chosen.items() if found},
        untuned=lambda: read_results(plan.of_phase("untuned"), plan.sweep.decision),
        sha256=frozen.get("sha256", ""),
        frozen=frozen.get("frozen", ""),
    )


def _trial(planned: PlannedTrial, metric: SearchMetric) -> SearchTrial:
    assert planned.candidate
    return SearchTrial(
        row=planned.settings.cell,
        number=planned.candidate.number,
        seed=planned.settings.seed,
        values=planned.candidate.values,
        score=planned.score(metric),
        seconds=planned.seconds,
        stopped=planned.state == "stopped",
        key=planned.key,
    )
