"""The parts of the GPU benchmark that need no GPU: counts and costs against closed forms, and the page."""

import pytest
import torch
from torch import nn

from tests.bench import gpu
from tests.bench.measure import Times


@pytest.mark.parametrize("batch", [1, 12])
def test_flops_of_linear_layers_in_closed_form(batch: int) -> None:
    widths = (5, 7, 11)
    model = nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 11))
    features = torch.ones(batch, 5)
    counted = gpu.flops_of(lambda: model(features).sum().backward())
    products = [2 * batch * num_in * num_out for num_in, num_out in zip(widths, widths[1:], strict=False)]
    # Forwards, then for the weights, then for the features of all layers but the first.
    assert counted == 2 * sum(products) + sum(products[1:])


def test_hours_of_table_1_by_hand() -> None:
    # 74,248 training documents an epoch and 15,668 of validation; 2 x 797,954 of the tests.
    found = gpu.hours(train_speed=100.0, test_speed=1000.0, epochs=10)
    assert found == pytest.approx((10 * 74_248 / 100 + 10 * 15_668 / 1000 + 2 * 797_954 / 1000) / 3600)
    assert gpu.hours(200.0, 2000.0, 10) == pytest.approx(found / 2)


def test_the_matrix_rate_is_operations_over_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(100))
    monkeypatch.setattr(gpu.time, "perf_counter", lambda: float(next(clock)))  # Every round takes a second.
    assert gpu.matrix_rate("cpu", 8, torch.float32, repeats=3) == 3 * 2 * 8**3


def test_the_page_adds_up() -> None:
    rows = [
        {
            "model": model,
            "merge": merge,
            "batch": batch,
            "documents": 100.0,
            "tested": 1000.0,
            "used": 0.25,
            "over": Times((1.0 if merge == "none" else 1.5,)),
        }
        for batch in (12, 64)
        for model in gpu.MODELS
        for merge in gpu.MERGES
    ]
    shared = [{"model": "hitin", "batch": 12, "trials": 2, "documents": 150.0, "gain": 1.5}]
    text = gpu.page(gpu.FULL, rows, shared, 5e14, "bfloat16")
    assert "| hitin masking | 64 | 100.0 | 25.0 % | 1.50 | 1000.0 |" in text
    assert "multiplies large bfloat16 matrices at 500 TFLOP/s" in text
    assert "at most 1.30: **missed** (1.50)" in text
    costs = [10 * gpu.hours(100.0, 1000.0, epochs) for epochs in (51, 100)]
    assert f"| hiagm none | {costs[0]:.1f} | {costs[1]:.1f} |" in text
    assert f"| Table 1 | {6 * costs[0]:.1f} | {6 * costs[1]:.1f} |" in text
