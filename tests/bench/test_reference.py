"""The published way of a training step computes what the project's base models compute, from the same weights."""

from typing import Any

import pytest
import torch
from torch import nn

from models.head_spec import HeadSpec
from tests.bench import overhead, reference, step, workload


@pytest.mark.parametrize("structure", ["hitin", "hiagm"])
def test_loss_and_gradients_are_those_of_the_project(structure: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text, tokenizer = workload.encoder("tiny")
    found = workload.documents("rcv1", 6, tokenizer)
    ours = workload.classifier(text, found, structure, "none", node_width=16)
    spec: HeadSpec = ours.heads.structure.heads[0]
    head: Any = {"hitin": reference.DenseHiTIN, "hiagm": reference.DenseHiAGM}[structure](spec, text.width, 16)
    program = reference.Program(workload.config("tiny"), tokenizer, workload.MAX_LENGTH, head, spec)
    reference.load(program, ours)
    for module in [*ours.modules(), *program.modules()]:
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    ours.heads.recursive_penalty = 0.5
    monkeypatch.setattr(reference, "RECURSIVE_PENALTY", 0.5)
    if structure == "hitin":
        ours.heads.structure.leaves.dropout = 0.0
        head.assignments = [matrix.double() for matrix in head.assignments]
    # Batch statistics of six documents would magnify what rounding does.
    ours.double(), program.double()
    tokens, gold_BL = found.split.batch(found.split.rows, torch.device("cpu"))
    gold_BL = gold_BL.double()
    losses = [ours.heads.loss(ours(tokens), gold_BL), program.loss(found.texts, gold_BL)]
    torch.testing.assert_close(*losses)
    words = [ours.text_encoder.bert.embeddings.word_embeddings.weight, program.bert.embeddings.word_embeddings.weight]
    gradients = [torch.autograd.grad(loss, word)[0] for loss, word in zip(losses, words, strict=True)]
    torch.testing.assert_close(*gradients)


def test_documents_have_the_length_of_the_corpus() -> None:
    _, tokenizer = workload.encoder("tiny")
    lengths = workload.documents("wos", 2000, tokenizer).split.tokens.lengths
    assert lengths.mean() == pytest.approx(248, abs=2) and lengths.max() == workload.MAX_LENGTH


@pytest.mark.parametrize("shape", ["wos", "rcv1", "nyt"])
def test_hierarchies_have_the_branches_of_the_corpora(shape: Any) -> None:
    assert tuple(map(len, workload.hierarchy(shape).branches())) == workload.BRANCHES[shape]


def test_variants_train() -> None:
    case = workload.Case("tiny", "rcv1", "hitin", 8, steps=1, rounds=1)
    threads = torch.get_num_threads()
    try:
        step.build(case, "published")()
        steps = overhead.build(case, "masking", is_looped=True)
        weight = steps.func.__self__.model.text_encoder.bert.pooler.dense.weight
        before = weight.detach().clone()
        steps()
        assert not torch.equal(weight, before)
    finally:
        torch.set_num_threads(threads)
