"""PyTorch Geometric comes without the libraries that it can do without, and they are there for everyone else."""

import subprocess
import sys

import pytest
import torch_geometric.nn.conv

from models.layers.message_passing import MessagePassing
from tests.shared import ROOT


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_is_the_librarys_own() -> None:
    assert MessagePassing is torch_geometric.nn.conv.MessagePassing


def test_what_it_can_do_without_is_not_imported_and_can_be_afterwards() -> None:
    said = run(
        "import sys; from models.layers import gcn\n"
        "print(sorted({'transformers', 'pandas', 'torch_geometric'} & set(sys.modules)))\n"
        "import pandas; from transformers import BertConfig, PreTrainedTokenizerBase\n"
        "print(pandas.DataFrame({'a': [1]}).a.sum(), BertConfig().hidden_size)"
    )
    assert said.splitlines() == ["['torch_geometric']", "1 768"]


@pytest.mark.parametrize("library", ["transformers", "pandas"])
def test_what_is_imported_already_stays(library: str) -> None:
    said = run(f"import sys, {library}; from models.layers import gcn; print({library} is sys.modules['{library}'])")
    assert said == "True\n"
