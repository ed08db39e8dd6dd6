"""HiMatch against its equations, the branches it is built for, and the rhythm in which it reads its labels."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from models.branch_heads import BranchHeads
from models.head_spec import HeadSpec
from models.objectives.bce import BCE
from models.structure_encoders.hiagm import HiAGM
from models.structure_encoders.himatch.himatch import HiMatch
from models.text_encoders.base import TextEncoder, TokenBatch
from tests.models.encoder_checks import from_singles
from tests.models.hierarchies import DAG, UNLIKE, facts_of, head_on, hierarchy, stars
from tests.models.structure_encoders.test_hiagm import GCN

WIDTHS: dict[str, Any] = {"node_width": 3, "match_width": 4}
STILL: dict[str, Any] = WIDTHS | {"text_dropout": 0.0, "node_dropout": 0.0, "match_dropout": 0.0}


class Numbers(TextEncoder):
    """Gives the sum of a document's tokens, times the number of the call, and notes how many documents it was given."""

    def __init__(self) -> None:
        super().__init__(3)
        self.sizes: list[int] = []

    def forward(self, tokens: TokenBatch) -> Tensor:
        self.sizes.append(len(tokens.offsets) - 1)
        sums = [tokens.ids[start:end].sum() for start, end in tokens.offsets.unfold(0, 2, 1).tolist()]
        return torch.stack(sums).float()[:, None].expand(-1, 3) * len(self.sizes)


def documents(num: int) -> TokenBatch:
    return TokenBatch(torch.zeros(num, dtype=torch.long), torch.arange(num + 1))


def gold_of(heads: Sequence[HeadSpec], batch: int) -> Tensor:
    """Random, closed under ancestors within each head; the first document has none."""
    parts = []
    for head in heads:
        drawn = torch.rand(batch, len(head.hierarchy)) < 0.3
        drawn[0] = False
        parts.append(((drawn.float() @ torch.from_numpy(head.hierarchy.ancestors).float()) > 0).float())
    return torch.cat(parts, 1)


def described(encoder: HiMatch) -> HiMatch:
    torch.nn.init.normal_(encoder.described)
    return encoder


def loss_of(encoder: HiMatch, text_BD: Tensor, gold_BC: Tensor, seed: int = 0) -> Tensor:
    torch.manual_seed(seed)
    weights_C = torch.full((gold_BC.shape[1],), 0.5, dtype=text_BD.dtype)
    return encoder.loss(encoder(text_BD), gold_BC, weights_C, BCE(encoder.heads))


def test_logits_are_hiagms() -> None:
    encoder = HiMatch(UNLIKE, 5, **WIDTHS).eval()
    twin = HiAGM(UNLIKE, 5, node_width=3).eval()
    twin.load_state_dict({name: value for name, value in encoder.state_dict().items() if name in twin.state_dict()})
    text_BD = torch.randn(4, 5)
    assert torch.equal(encoder(text_BD).logits, twin(text_BD))
    objective = BCE(UNLIKE)
    assert torch.equal(encoder.probabilities(encoder(text_BD), objective), torch.sigmoid(twin(text_BD)))
    assert torch.equal(encoder.recursive_penalty(), twin.recursive_penalty())


@pytest.mark.parametrize("margins", ["published", "reachable"])
@pytest.mark.parametrize("normalise", [True, False])
def test_the_matching_losses_document_by_document(normalise: bool, margins: Any) -> None:
    encoder = described(HiMatch(UNLIKE, 5, **STILL, normalise=normalise, margins=margins))
    text_BD, gold_BC = torch.randn(6, 5), gold_of(UNLIKE, 6)
    output = encoder(text_BD)
    torch.manual_seed(3)
    sample = encoder.sampler(gold_BC)
    with torch.no_grad():
        texts = encoder.text_net(output.nodes).view(6, len(UNLIKE), 4)
        labels = encoder.label_vectors()
        if normalise:
            texts, labels = (one / one.norm(dim=-1, keepdim=True) for one in (texts, labels))
        expected = 0.0
        for document in range(6):
            for number in range(len(UNLIKE)):
                if not sample.has_gold[document, number]:
                    continue
                place = document, number

                def delta(name: str) -> float:
                    return float((texts[place] - labels[getattr(sample, name)[place]]).square().sum()) / 4  # noqa: B023

                expected += delta("gold") + max(0.0, delta("parent") - 0.01 / 4)
                for name, margin in (("sibling", 0.1), ("other", 0.2)):
                    if getattr(sample, f"has_{name}")[place]:
                        margin = margin if margins == "published" else margin / 4
                        expected += max(0.0, delta("gold") - delta(name) + margin)
    classified = (functional.binary_cross_entropy_with_logits(output.logits, gold_BC, reduction="none") * 0.5).sum(1)
    assert not sample.has_gold[0].any() and sample.has_gold.any() and not sample.has_other.all()
    assert loss_of(encoder, text_BD, gold_BC, 3).item() == pytest.approx(
        classified.mean().item() + expected / 6, rel=1e-5
    )


def test_a_list_is_its_heads_side_by_side() -> None:
    joint, singles = from_singles(HiMatch, UNLIKE, 6, GCN, **STILL)
    names = {f"label {i}": torch.randn(6) for i in range(5)}
    for encoder in (joint, *singles):
        known = dict.fromkeys(name for head in encoder.heads for name in head.hierarchy.labels)
        encoder.described.copy_(torch.stack([names[name] for name in known]))
    text = torch.randn(7, 6, requires_grad=True)
    gold = gold_of(UNLIKE, 7)
    sample = joint.sampler(gold)
    starts = np.cumsum([0, *(len(head.hierarchy) for head in UNLIKE)])
    parts = []
    for number, single in enumerate(singles):
        own = [
            part[:, number : number + 1] - (0 if part.dtype == torch.bool else starts[number]) for part in sample[:4]
        ]
        own += [part[:, number : number + 1] for part in sample[4:]]
        # What does not count may be a label of another head.
        own[:4] = [part.clamp(0, len(single.heads[0].hierarchy) - 1) for part in own[:4]]
        output = single(text)
        parts.append((output.logits, single.matching(output.nodes, type(sample)(*own))))
    output = joint(text)
    logits, matching = (torch.cat(some, 1) for some in zip(*parts, strict=True))
    torch.testing.assert_close(output.logits, logits, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(joint.matching(output.nodes, sample), matching, rtol=1e-4, atol=1e-4)
    scalars = (
        output.logits.sin().sum() + joint.matching(output.nodes, sample).sum(),
        logits.sin().sum() + matching.sum(),
    )
    gradients = [torch.autograd.grad(scalar, text, retain_graph=True)[0] for scalar in scalars]
    torch.testing.assert_close(*gradients, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("margins", ["published", "reachable"])
def test_gradients_by_finite_differences_on_a_dag(margins: Any) -> None:
    heads = [head_on(DAG, np.full(len(DAG.edges), 0.5)), UNLIKE[3]]
    encoder = described(HiMatch(heads, 3, **STILL | {"node_width": 2, "match_width": 3}, margins=margins)).double()
    for name, parameter in encoder.named_parameters():
        if "bias" in name:
            torch.nn.init.normal_(parameter)
    gold_BC = gold_of(heads, 3).double()
    text = torch.randn(3, 3, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda *_: loss_of(encoder, text, gold_BC) + encoder.recursive_penalty(), (text, *encoder.parameters())
    )


def heads(graph: Any, merge: Any, **options: Any) -> BranchHeads:
    return BranchHeads(
        graph,
        facts_of(graph),
        lambda heads: HiMatch(heads, 3, **STILL | options),
        merge=merge,
        branch_reduction="mean_local" if merge == "projection" else "mean_global",
        recursive_penalty=0.0,
    )


@pytest.mark.parametrize("merge", ["none", "masking", "projection"])
def test_odd_branches_and_documents_without_labels_have_finite_gradients(merge: Any) -> None:
    for graph in (stars([1, 2, 5]), DAG, hierarchy(4), hierarchy(1)):
        built = heads(graph, merge)
        text = torch.randn(4, 3, requires_grad=True)
        every = torch.ones(4, len(graph))
        for gold in (torch.zeros_like(every), every, gold_of([head_on(graph)], 4)):
            # Labels that have not been read yet are zero vectors.
            built.loss(built(text), gold).backward()
            gradients = [text.grad, *(parameter.grad for parameter in built.parameters())]
            assert all(gradient is not None and torch.isfinite(gradient).all() for gradient in gradients)


def test_a_document_outside_of_a_branch_matches_nothing_there() -> None:
    graph = stars([3, 4])
    built = heads(graph, "projection")
    encoder = described(built.structure)  # type: ignore[arg-type]
    gold = torch.tensor([[1.0, 1, 0, 0, 0, 0, 0], [0, 0, 0, 1, 0, 1, 0], [0] * 7])
    output = built(torch.randn(3, 3))
    matching = encoder.matching(output.nodes, encoder.sampler(gold))
    assert (matching > 0).tolist() == [[True, False], [False, True], [False, False]]
    gradient = torch.autograd.grad(matching.sum(), output.nodes)[0].view(3, 7, 3).abs().amax(2) > 0
    assert gradient[0, :3].any() and gradient[1, 3:].any()
    assert not gradient[0, 3:].any() and not gradient[1, :3].any() and not gradient[2].any()


def test_gradients_of_parts_of_a_batch_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = stars([3, 4])
    built = heads(graph, "projection")
    encoder = described(built.structure)  # type: ignore[arg-type]
    text, gold = torch.randn(5, 3), gold_of([head_on(graph)], 5)
    whole_sample = encoder.sampler(gold)
    parts = []
    for rows in (slice(0, 5), slice(0, 3), slice(3, 5)):
        sample = type(whole_sample)(*(part[rows] for part in whole_sample))
        monkeypatch.setattr(encoder.sampler, "forward", lambda _, sample=sample: sample)
        share = len(text[rows]) / 5
        parts.append(torch.autograd.grad(built.loss(built(text[rows]), gold[rows]) * share, list(built.parameters())))
    for everything, *some in zip(*parts, strict=True):
        torch.testing.assert_close(everything, some[0] + some[1])


def test_labels_are_read_every_so_many_batches_of_training_in_parts_of_a_batch() -> None:
    encoder, reader = HiMatch([head_on(DAG)], 3, **WIDTHS, refresh=3), Numbers()
    for _ in range(4):
        assert torch.equal(encoder.read(reader, documents(3)), torch.zeros(3, 3))
    # Seven labels by three, then three batches, then the labels again, then the fourth.
    assert reader.sizes == [3, 3, 1, 3, 3, 3, 3, 3, 1, 3]
    # Label i is the token i, read in the seventh, eighth or ninth call.
    assert encoder.described[:, 0].tolist() == [7 * i for i in range(3)] + [8 * i for i in (3, 4, 5)] + [9 * 6]
    encoder.eval().read(reader, documents(3))
    assert reader.sizes[10:] == [3] and encoder.num_batches == 4


def test_a_label_in_several_branches_is_read_once_and_nothing_learns_from_reading() -> None:
    built = heads(DAG, "projection")
    reader = Numbers()
    scale = torch.nn.Parameter(torch.ones(()))
    reader.register_parameter("scale", scale)
    built.structure.read(reader, documents(7))
    assert reader.sizes == [7, 7]
    assert built.structure.label_of.shape == (9,) and not built.structure.described.requires_grad
    by_name = [name for head in built.structure.heads for name in head.hierarchy.labels]
    own = built.structure.described[built.structure.label_of][:, 0]
    assert own.tolist() == [float(name.split()[1]) for name in by_name]


def test_a_stored_state_goes_on_counting_with_the_same_label_vectors() -> None:
    encoder, twin = (HiMatch([head_on(DAG)], 3, **WIDTHS, refresh=2) for _ in range(2))
    for _ in range(3):
        encoder.read(Numbers(), documents(2))
    twin.load_state_dict(encoder.state_dict())
    assert twin.num_batches == 3 and torch.equal(twin.described, encoder.described)
    assert all(isinstance(value, Tensor) for value in encoder.state_dict().values())


def test_parameter_counts_of_the_published_model() -> None:
    graph = stars([3, 4])
    encoder = HiMatch([head_on(graph)], 768)
    counts = {name: sum(p.numel() for p in part.parameters()) for name, part in encoder.named_children()}
    assert counts["text_net"] == 7 * 300 * 200 + 200 + 200 * 200 + 200
    assert counts["label_net"] == 768 * 200 + 200 + 200 * 200 + 200
    assert counts["label_graph"] == 2 * (5 + 7 * 768 + 7) + 3 * 768
    assert counts["sampler"] == 0
