"""Memory: heads that cannot fit are refused by exact counts, and what runs out is tried again in parts."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from datasets.storage.corpus import open_corpus
from datasets.storage.hierarchy import Hierarchy
from harness.config.load import load
from harness.training import build, memory, train
from harness.training.build import Data
from harness.training.checkpoint import Checkpoint
from harness.training.memory import TooLarge, cpu_memory, need, refuse_too_large, unallocated
from harness.trials.plan import Plan
from harness.trials.store import Store
from models import STRUCTURE_ENCODERS
from models.branch_heads import BranchHeads
from tests.conftest import SweepWriter
from tests.harness.training.small_trials import device_for, run_with, still, watch
from tests.models.hierarchies import facts_of

ROWS = [
    (name, merge)
    for name, component in STRUCTURE_ENCODERS.items()
    for merge in ("none", "masking", "projection")
    if merge not in component.refuses
]
# Two branches of 5 and 3 labels.
FOREST = Hierarchy([f"label {i}" for i in range(8)], [(0, 2), (0, 3), (1, 4), (2, 5), (2, 6), (1, 7)])


@pytest.mark.parametrize(
    ("model", "check", "parts"),
    [
        ("hiagm", device_for(33), 1),
        ("hiagm", device_for(20), 2),
        ("hiagm", device_for(10), 4),
        ("hiagm", device_for(1), 32),
        ("hitin", device_for(2), 16),
        ("hiagm", device_for(64, is_for_training_only=False), 4),  # 256 documents are evaluated at once.
        ("hiagm", device_for(10, error=RuntimeError("DefaultCPUAllocator: can't allocate memory")), 4),
    ],
)
def test_a_batch_is_halved_until_it_fits(
    write_sweep: SweepWriter,
    data_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    model: str,
    check: Any,
    parts: int,
) -> None:
    watch(monkeypatch, check)
    one = still(write_sweep, model)
    store = Store(tmp_path / "s")
    record = run_with(one, data_dir, store)
    assert record is not None and record.micro_batches == parts and record.attempts == 1
    assert record.num_epochs == 2 == len(store.history(one.key))
    log = (store.folder(one.key) / "trial.log").read_text("utf-8")
    assert log.count("Out of memory with") == int(np.log2(parts))


@pytest.mark.parametrize(("model", "num_documents", "tries"), [("hiagm", 0, 6), ("hitin", 1, 6)])
def test_what_never_fits_fails_as_out_of_memory(
    write_sweep: SweepWriter,
    data_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    model: str,
    num_documents: int,
    tries: int,
) -> None:
    watch(monkeypatch, device_for(num_documents))
    one = still(write_sweep, model)
    store = Store(tmp_path / "s")
    assert run_with(one, data_dir, store) is None
    failure = store.failure(one.key)
    assert failure is not None and failure.kind == "out_of_memory" and failure.message.startswith("OutOfMemoryError")
    assert (store.folder(one.key) / "trial.log").read_text("utf-8").count(" on cpu\n") == tries


def test_all_that_a_process_holds_of_a_device_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    readings = {"mem_get_info": (70, 80), "memory_reserved": 8, "max_memory_reserved": 9}
    for name, value in readings.items():
        monkeypatch.setattr(torch.cuda, name, lambda value=value: value)
    # Of the 10 bytes that are not free, 8 are the allocator's: 2 are the context's, beside a peak of 9.
    assert memory.read() == (11, 80)


def builder(
    model: str, merge: Any, hierarchy: Hierarchy = FOREST, width: int = 6, **options: Any
) -> Callable[[], BranchHeads]:
    kind = STRUCTURE_ENCODERS[model].load()
    return partial(
        BranchHeads,
        hierarchy,
        facts_of(hierarchy),
        lambda members: kind(members, width, **options),
        merge=merge,
        branch_reduction="mean_local",
    )


@pytest.mark.parametrize(("model", "merge"), ROWS)
def test_heads_without_memory_have_the_parameters_of_real_ones(model: str, merge: str) -> None:
    build = builder(model, merge)
    before = torch.get_rng_state()
    ghosts = unallocated(build)
    assert torch.equal(torch.get_rng_state(), before), "the trial's own weights stay what its seed makes them"
    shapes = [(name, one.shape, one.dtype) for name, one in build().named_parameters()]
    assert [(name, one.shape, one.dtype) for name, one in ghosts.named_parameters()] == shapes
    assert need(ghosts).num_parameters == sum(shape.numel() for _, shape, _ in shapes)


def test_a_head_of_tens_of_gigabytes_is_counted_in_place() -> None:
    num, width, text = 10_000, 300, 768
    edges = [((i - 10) // 8, i) for i in range(10, num)]
    heads = unallocated(
        builder("hiagm", "none", Hierarchy([str(i) for i in range(num)], edges), text, node_width=width)
    )
    spread, classifier = (text + 1) * num * width, (num * width + 1) * num
    graph = 2 * len(edges) + 2 * num * width + 3 * width + 2 * num  # Edges' numbers, biases, gates and theirs.
    assert need(heads).num_parameters == spread + classifier + graph == 32_313_050_880
    large = [parameter for parameter in heads.parameters() if parameter.numel() > 1e6]
    assert len(large) == 4 and all(parameter.is_meta for parameter in large)


@pytest.mark.parametrize(("model", "merge"), ROWS)
def test_training_holds_what_is_counted(
    write_sweep: SweepWriter,
    data_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    model: str,
    merge: str,
) -> None:
    widths = {name: 4 for name in STRUCTURE_ENCODERS[model].options.model_fields if name.endswith("width")}
    plan = Plan.open(load(write_sweep(models={model: {"options": widths}}, merges=[merge])))
    trial = plan.trials[0].settings
    data = Data.open(trial, open_corpus(data_dir / trial.corpus))
    classifier = build.build(trial, data, torch.device("cpu"))
    optimizer = train._optimizer(classifier, trial.trainer)
    monkeypatch.setattr(train, "_optimizer", lambda *_: optimizer)
    settings = trial.trainer.model_copy(update={"epochs": 1})
    split, valid = data.splits["train"], data.splits["val"]
    fitted = train.fit(
        classifier, settings, split, valid, data.corpus.hierarchy, 1, Checkpoint(tmp_path), lambda entry: None
    )
    tensors = []
    for name, parameter in classifier.named_parameters():
        if name.startswith("heads."):
            state = optimizer.state[parameter]
            tensors += [parameter, parameter.grad, state["exp_avg"], state["exp_avg_sq"]]
            tensors += [fitted.weights[metric][name] for metric in ("micro_f1", "macro_f1")]
    held = {tensor.data_ptr(): tensor.nbytes for tensor in tensors if tensor is not None}
    needed = need(classifier.heads)
    assert sum(held.values()) == needed.device + needed.cpu - 2 * 4 * len(data.corpus.hierarchy)


def test_refused_is_what_lacks_one_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    build = builder("hiagm", "masking", node_width=5)
    needed = need(build())
    check = partial(refuse_too_large, build, model="mine", merge="masking", options={"node_width": 5})
    monkeypatch.setattr(memory, "cpu_memory", lambda: needed.device + needed.cpu)
    check(torch.device("cpu"))
    monkeypatch.setattr(memory, "cpu_memory", lambda: needed.device + needed.cpu - 1)
    with pytest.raises(TooLarge, match=r"^The heads of mine with 8 labels and merge masking have [\d,]+ parameters"):
        check(torch.device("cpu"))
    # On a GPU it is the best weights alone that the CPU holds.
    monkeypatch.setattr(memory, "cpu_memory", lambda: needed.cpu)
    monkeypatch.setattr(memory, "gpu_memory", lambda device: needed.device)
    check(torch.device("cuda"))
    monkeypatch.setattr(memory, "cpu_memory", lambda: needed.cpu - 1)
    with pytest.raises(TooLarge, match="this process has"):
        check(torch.device("cuda"))
    monkeypatch.setattr(memory, "gpu_memory", lambda device: needed.device - 1)
    with pytest.raises(TooLarge, match="the GPU has"):
        check(torch.device("cuda"))


def test_advice_is_what_can_be_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "cpu_memory", lambda: 0)
    advice = {
        ("hiagm", "none"): "Use `projection`, a `node_width` below 5, fewer labels, or more memory",
        ("hiagm", "projection"): "Use a `node_width` below 5, fewer labels, or more memory",
        ("flat", "masking"): "Use `projection`, fewer labels, or more memory",
        ("hmcn", "projection"): "Use a `width` below 5, fewer labels, or more memory",
    }
    for (model, merge), words in advice.items():
        options = {"hiagm": {"node_width": 5}, "hmcn": {"width": 5, "beta": 0.5}, "flat": {}}[model]
        with pytest.raises(TooLarge, match=words):
            refuse_too_large(
                builder(model, merge, **options), torch.device("cpu"), model=model, merge=merge, options=options
            )


def write(folder: Path, **files: str) -> None:
    for name, content in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "ascii")


def test_memory_is_the_machines_without_limits(tmp_path: Path) -> None:
    machine = cpu_memory(tmp_path, tmp_path)
    assert 2**28 < machine < 2**50
    write(tmp_path, meminfo="MemTotal: 5 kB\nSwapTotal:      1000 kB\n")
    assert cpu_memory(tmp_path, tmp_path) == machine + 1_024_000


@pytest.mark.parametrize(
    ("groups", "limit"),
    [
        # Version 2: the smallest of a group and those around it.
        ({"a__b__memory.max": "max\n", "a__memory.max": "7000\n", "memory.max": "9000\n"}, 7000),
        ({"a__b__memory.max": "5000\n", "a__memory.max": "7000\n"}, 5000),
        # In a container the own group is the top one, by whatever path it is called outside.
        ({"memory.max": "9000\n"}, 9000),
        ({"memory__memory.limit_in_bytes": "3000\n"}, 3000),
        # Version 1 beside version 2.
        ({"memory__job__memory.limit_in_bytes": "4000\n", "memory__memory.limit_in_bytes": f"{2**63 - 4096}\n"}, 4000),
    ],
)
def test_control_groups_limit_it(tmp_path: Path, groups: dict[str, str], limit: int) -> None:
    write(tmp_path / "proc", self__cgroup="5:cpu:/x\n4:memory:/job\n0::/a/b\n")
    write(tmp_path / "groups", **groups)
    assert cpu_memory(tmp_path / "proc", tmp_path / "groups") == limit
