"""Tuning: settings of the sweep file against chosen ones, the cost of choosing, and the verdicts that hang on it."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

from harness.analysis.decisions import Judged, changes, verdicts
from harness.analysis.index import ResultsIndex
from harness.analysis.inputs import SearchInputs, SearchTrial
from harness.analysis.tuned import Gain, TunedRow, Tuning
from harness.config.schema import SweepFile
from harness.stats.t_tests import mean_and_sd, t_test
from harness.stats.tuning_curves import TuningCurve, tuning_curve
from harness.trials.settings import CellKey


def tuning(
    index: ResultsIndex, judged: Judged, search: SearchInputs, judge: Callable[[ResultsIndex], Judged]
) -> Tuning:
    """Holds what the report shows against what it would show with the settings of the sweep file.

    Args:
        index: Results with the chosen settings.
        judged: What follows from them.
        search: What the search did.
        judge: Returns what follows from other results.
    """
    results, samples = search.untuned()
    untuned = ResultsIndex(index.sweep, results, samples)
    rows = tuple(_rows(index, untuned, search))
    changed = tuple(changes(judged, judge(untuned)))
    return Tuning(tuple(search.trials), rows, changed, len(verdicts(judged)), search.sha256, search.frozen)


def _rows(index: ResultsIndex, untuned: ResultsIndex, search: SearchInputs) -> Iterator[TunedRow]:
    by_row: dict[CellKey, list[SearchTrial]] = {}
    for trial in search.trials:
        by_row.setdefault(trial.row, []).append(trial)
    curves = {row: _curve(index.sweep, trials) for row, trials in by_row.items()}
    for row, owner in search.owners.items():
        trials = by_row.get(owner, [])
        number, values = search.chosen.get(owner, (None, {}))
        scores = {trial.number: math.nan if trial.score is None else trial.score for trial in trials}
        space = index.sweep.space_of(row.model)
        yield TunedRow(
            key=row,
            title=index.title(row.model, row.merge),
            dataset=index.titles[row.dataset],
            searched_as="" if owner == row else index.title(owner.model, owner.merge),
            number=number,
            values=values,
            at_border=tuple(name for name, value in values.items() if number and space[name].at_border(value)),
            num_trials=len(trials),
            num_failed=sum(trial.score is None for trial in trials),
            num_stopped=sum(trial.stopped for trial in trials),
            hours=sum(trial.seconds for trial in trials) / 3600,
            default_score=scores.get(0, math.nan),
            best_score=math.nan if number is None else scores.get(number, math.nan),
            curve=curves.get(owner),
            gains={} if number is None else _gains(index, untuned, row),
        )


def _curve(sweep: SweepFile, trials: Sequence[SearchTrial]) -> TuningCurve | None:
    """Returns the curve of a row's independent draws, which the settings of the sweep file are none of.

    There is none where draws depend on earlier ones, or scores are of training that was stopped.
    """
    assert sweep.search
    if sweep.search.searcher != "random" or sweep.search.stopper != "none":
        return None
    return tuning_curve([trial.score or 0.0 for trial in trials if trial.number])


def _gains(index: ResultsIndex, untuned: ResultsIndex, row: CellKey) -> Mapping[str, Gain]:
    found: dict[str, Gain] = {}
    for column in (column for column in index.columns if column.datasets == (row.dataset,)):
        arms = [one.arms(row.model, row.merge, column)[0] for one in (index, untuned)]
        tuned, default = (mean_and_sd([list(arm.values())]) for arm in arms)
        found[column.metric] = Gain(default, tuned, t_test([index.design.of(*arms)]))
    return found
