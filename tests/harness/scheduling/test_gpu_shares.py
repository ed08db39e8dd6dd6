"""Shares of a GPU: the arithmetic of packing, what no node can hold, and which trials need the same memory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.config.load import load
from harness.core.errors import UserError
from harness.scheduling import gpu_shares
from harness.trials.plan import Plan
from tests.conftest import SweepWriter

GIB = 2**30


@given(st.integers(GIB // 4, 200 * GIB), st.integers(8 * GIB, 200 * GIB))
def test_as_many_trials_share_a_gpu_as_fit_with_the_margin(needed: int, there: int) -> None:
    share = gpu_shares.gpu_share(needed, there)
    parts = round(share * 10_000)  # Ray's unit.
    num = 10_000 // parts  # That Ray puts on one GPU.
    assert 1 <= num <= 99 and parts == 10_000 // num
    assert num == 1 or num * gpu_shares.MEMORY_MARGIN * needed <= there
    assert num == 99 or (num + 1) * gpu_shares.MEMORY_MARGIN * needed > there


@pytest.mark.parametrize(
    ("needed", "share"), [(81, 1.0), (66, 1.0), (39, 1.0), (33, 0.5), (22, 0.3333), (13, 0.2), (11, 0.1666)]
)
def test_shares_of_80_gib_by_hand(needed: int, share: float) -> None:
    """With the margin 39 GiB become 46.8, of which 80 hold one; 33 become 39.6, of which they hold two."""
    assert gpu_shares.gpu_share(needed * GIB, 80 * GIB) == share


def test_what_no_node_holds_is_refused_and_the_nodes_are_named(write_sweep: SweepWriter) -> None:
    models = {"flat": {}, "hiagm": {"resources": {"cpus": 4, "gpus": 2.0}}}
    plan = Plan.open(load(write_sweep(models=models, seeds=[1], merges=["none"])))
    gpu_shares.refuse_what_never_fits(plan.trials, [{"CPU": 1.0}, {"CPU": 4.0, "GPU": 2.0}])
    # Each of the two has enough of something, and neither of everything.
    with pytest.raises(UserError, match="wants 4 CPUs and 2 GPUs, and no node has them") as caught:
        gpu_shares.refuse_what_never_fits(plan.trials, [{"CPU": 8.0}, {"CPU": 2.0, "GPU": 2.0}])
    assert "(there are: 8 CPUs and 0 GPUs; 2 CPUs and 2 GPUs)" in str(caught.value)
    gpu_shares.refuse_what_never_fits([one for one in plan.trials if one.settings.model == "flat"], [{"CPU": 1.0}])


def test_trials_that_differ_in_seed_and_names_alone_need_the_same_memory(write_sweep: SweepWriter) -> None:
    models = {"flat": {}, "twin": {"model": "flat"}, "wide": {"model": "hiagm"}}
    plan = Plan.open(load(write_sweep(models=models)))
    kinds = {(*one.settings.cell[:2], one.settings.seed): gpu_shares.memory_kind(one.settings) for one in plan.trials}
    assert len(kinds) == 12 and len(set(kinds.values())) == 4
    assert kinds["flat", "none", 1] == kinds["twin", "none", 2] != kinds["flat", "projection", 1]
    assert kinds["wide", "none", 1] != kinds["flat", "none", 1]


def test_a_settled_share_is_no_longer_open_and_the_trial_the_same(write_sweep: SweepWriter) -> None:
    (one, *_) = Plan.open(load(write_sweep(resources={"gpus": "auto", "cpus": 3}))).trials
    settled = gpu_shares.with_gpu(one, 0.25)
    assert (gpu_shares.is_open(one), gpu_shares.is_open(settled)) == (True, False)
    assert settled.key == one.key and (settled.settings.resources.gpus, settled.settings.resources.cpus) == (0.25, 3)
    assert gpu_shares.memory_kind(settled.settings) == gpu_shares.memory_kind(one.settings)


def test_candidates_of_a_search_that_differ_in_rates_and_epochs_are_measured_once(write_sweep: SweepWriter) -> None:
    space = {"trainer.head_lr": {"uniform": [0.01, 0.1]}, "trainer.epochs": {"int": [2, 9]}}
    search = {"trials": 9, "space": {**space, "trainer.batch_size": {"choice": [16, 32]}}}
    plan = Plan.open(load(write_sweep(models={"flat": {}}, merges=["none"], search=search))).of_phase("search")
    by_batch: dict[int, set[str]] = {}
    for one in plan.trials:
        by_batch.setdefault(vars(one.settings)["trainer"].batch_size, set()).add(gpu_shares.memory_kind(one.settings))
    assert [len(kinds) for kinds in by_batch.values()] == [1, 1] and len(set.union(*by_batch.values())) == 2
