"""A training step the way the published programs do it, written from their description: the slow side.

Texts are tokenised again at every step and padded to the maximum length; attention is eager; a second token
embedding is looked up and thrown away; HiTIN multiplies with dense block-diagonal matrices and HiAGM with
dense N x N ones; the recursive regularisation loops over parents; the optimiser loops over parameters.
With dropout off it computes what the project's base models compute, from the same weights: `load` takes
them over and a test compares losses and gradients.
"""

from collections.abc import Sequence

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional
from transformers import BertConfig, BertModel

from models.classifier import Classifier
from models.head_spec import HeadSpec
from models.structure_encoders.hiagm import HiAGM
from models.structure_encoders.hitin.coding_tree import coding_tree
from models.structure_encoders.hitin.hitin import HiTIN

RECURSIVE_PENALTY = 1e-6
CLIP_NORM = 1.0
THROWN_AWAY = 300
"""Width of the word embedding that the programs look up and do not use with BERT."""


class Program(nn.Module):
    """Texts to loss.

    Args:
        config: Of the encoder.
        tokenizer: Truncating.
        max_length: Length to which every text is padded.
        head: `DenseHiTIN` or `DenseHiAGM`.
        spec: The hierarchy.
    """

    def __init__(self, config: BertConfig, tokenizer: Tokenizer, max_length: int, head: nn.Module, spec: HeadSpec):
        super().__init__()
        self.bert = BertModel._from_config(config, attn_implementation="eager")
        self.thrown_away = nn.Embedding(config.vocab_size, THROWN_AWAY)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        self.head = head
        self.tokenizer, self.max_length = tokenizer, max_length
        self.below: dict[int, list[int]] = {}
        for parent, child in spec.hierarchy.edges.tolist():
            self.below.setdefault(parent, []).append(child)

    def forward(self, texts: Sequence[str]) -> Tensor:
        """Returns logits_BL."""
        encodings = [self.tokenizer.encode(text) for text in texts]
        pad = self.max_length
        ids_BT = torch.tensor([one.ids + [0] * (pad - len(one.ids)) for one in encodings])
        mask_BT = torch.tensor([[1] * len(one.ids) + [0] * (pad - len(one.ids)) for one in encodings])
        self.dropout(self.thrown_away(ids_BT))
        pooled_BD = self.bert(input_ids=ids_BT, attention_mask=mask_BT).pooler_output
        logits_BL: Tensor = self.head(self.dropout(pooled_BD))
        return logits_BL

    def loss(self, texts: Sequence[str], gold_BL: Tensor) -> Tensor:
        """Returns the mean binary cross-entropy plus the regularisation."""
        loss = functional.binary_cross_entropy_with_logits(self(texts), gold_BL)
        return loss + RECURSIVE_PENALTY * sum(self._penalty(weight) for weight in self.head.label_rows())

    def _penalty(self, weight: Tensor) -> Tensor:
        penalty = weight.new_zeros(())
        for parent, children in self.below.items():
            rows = weight.index_select(0, torch.tensor(children))
            difference = weight[parent].unsqueeze(0).repeat(len(children), 1) - rows
            penalty = penalty + 0.5 * (difference.view(-1) ** 2).sum()
        return penalty


class DenseHiAGM(nn.Module):
    """HiAGM-TP over dense N x N matrices."""

    def __init__(self, spec: HeadSpec, text_width: int, node_width: int):
        super().__init__()
        num = len(spec.hierarchy)
        self.num, self.width = num, node_width
        self.spread = nn.Linear(text_width, num * node_width)
        self.up, self.down = nn.Parameter(torch.zeros(num, num)), nn.Parameter(torch.zeros(num, num))
        self.up_bias = nn.Parameter(torch.zeros(num, node_width))
        self.down_bias = nn.Parameter(torch.zeros(num, node_width))
        self.gates = nn.Linear(node_width, 3, bias=False)
        self.gate_bias = nn.Parameter(torch.zeros(2, num, 1))
        self.classifier = nn.Linear(num * node_width, num)
        self.text_dropout, self.node_dropout, self.logit_dropout = nn.Dropout(0.1), nn.Dropout(0.05), nn.Dropout(0.5)
        parents, children = torch.from_numpy(spec.hierarchy.edges.T.copy())
        mask = torch.zeros(num, num)
        mask[parents, children] = 1
        self.register_buffer("mask", mask)

    def forward(self, text_BD: Tensor) -> Tensor:
        nodes_BNH = self.text_dropout(self.spread(text_BD)).view(-1, self.num, self.width)
        up_BNH = (self.up * self.mask) @ nodes_BNH + self.up_bias
        down_BNH = (self.down * self.mask.T) @ nodes_BNH + self.down_bias
        to_up, to_down, to_own = self.gates(nodes_BNH).split(1, dim=-1)
        parts = (
            torch.sigmoid(to_up + self.gate_bias[0]) * up_BNH,
            torch.sigmoid(to_down + self.gate_bias[1]) * down_BNH,
            torch.sigmoid(to_own) * nodes_BNH,
        )
        nodes_BNH = torch.relu(sum(self.node_dropout(part) for part in parts))
        return self.logit_dropout(self.classifier(nodes_BNH.reshape(len(text_BD), -1)))

    def label_rows(self) -> list[Tensor]:
        return [self.classifier.weight]

    @torch.no_grad()
    def load(self, ours: HiAGM, spec: HeadSpec) -> None:
        """Takes over the weights of the project's model of one hierarchy with one layer."""
        (layer,) = ours.graph
        parents, children = torch.from_numpy(spec.hierarchy.edges.T.copy())
        ups, downs = layer.edge_weight.view(2, -1)
        self.up[parents, children], self.down[children, parents] = ups, downs
        self.up_bias.copy_(layer.edge_bias[: self.num, 0])
        self.down_bias.copy_(layer.edge_bias[self.num :, 0])
        self.gates.weight.copy_(layer.gates.weight.view_as(self.gates.weight))
        self.gate_bias.copy_(layer.gate_bias)
        self.spread.load_state_dict(ours.spread.state_dict())
        self.classifier.weight.copy_(ours.classifier.weight.view_as(self.classifier.weight))
        self.classifier.bias.copy_(ours.classifier.bias)


class DenseHiTIN(nn.Module):
    """HiTIN with repeated texts and one dense block-diagonal matrix per tree level and batch size."""

    def __init__(self, spec: HeadSpec, text_width: int, node_width: int):
        super().__init__()
        tree = coding_tree(spec.hierarchy, 2)
        self.sizes, self.width = tree.sizes, node_width
        num = tree.sizes[0]
        self.project = nn.Linear(text_width, node_width)
        self.mixing = nn.Linear(num, num)
        self.layers = nn.ModuleList(_mlp(node_width) for _ in range(2))
        self.readout = nn.ModuleList(nn.Linear(node_width, num) for _ in range(3))
        self.tree_dropout, self.final_dropout = nn.Dropout(0.1), nn.Dropout(0.5)
        self.assignments = []
        for level, above in enumerate(tree.parents):
            matrix = torch.zeros(tree.sizes[level + 1], tree.sizes[level])
            matrix[torch.from_numpy(above), torch.arange(tree.sizes[level])] = 1
            self.assignments.append(matrix)
        self.blocks: dict[int, list[Tensor]] = {}

    def forward(self, text_BD: Tensor) -> Tensor:
        batch = len(text_BD)
        if batch not in self.blocks:
            self.blocks[batch] = [torch.block_diag(*[matrix] * batch) for matrix in self.assignments]
        copies_BNH = self.tree_dropout(self.project(text_BD.unsqueeze(1).repeat(1, self.sizes[0], 1)))
        nodes_BNH = self.tree_dropout(self.mixing(copies_BNH.transpose(1, 2))).transpose(1, 2)
        rows = nodes_BNH.reshape(-1, self.width)
        logits_BL = text_BD.new_zeros(batch, self.sizes[0])
        for level, readout in enumerate(self.readout):
            pooled_BH = rows.view(batch, -1, self.width).sum(1)
            logits_BL = logits_BL + readout(self.final_dropout(pooled_BH))
            if level < len(self.layers):
                rows = self.layers[level](self.blocks[batch][level] @ rows)
        return logits_BL

    def label_rows(self) -> list[Tensor]:
        return [readout.weight for readout in self.readout]

    @torch.no_grad()
    def load(self, ours: HiTIN, spec: HeadSpec) -> None:
        """Takes over the weights of the project's model of one hierarchy."""
        self.project.load_state_dict(ours.project.state_dict())
        self.mixing.weight.copy_(ours.leaves.weight.view_as(self.mixing.weight))
        self.mixing.bias.copy_(ours.leaves.bias)
        for mine, theirs in zip(self.layers, ours.layers, strict=True):
            for place, (linear, norm) in enumerate(zip(theirs.linears, theirs.norms, strict=True)):
                mine[3 * place].weight.copy_(linear.weight.view_as(mine[3 * place].weight))
                mine[3 * place].bias.copy_(linear.bias)
                mine[3 * place + 1].weight.copy_(norm.weight[0])
                mine[3 * place + 1].bias.copy_(norm.bias[0])
        weights = ours.readout.weight.view(self.sizes[0], -1).chunk(len(self.readout), dim=1)
        for readout, weight, bias in zip(self.readout, weights, ours.readout_bias, strict=True):
            readout.weight.copy_(weight)
            readout.bias.copy_(bias)


def _mlp(width: int) -> nn.Sequential:
    parts = [nn.Linear(width, width), nn.BatchNorm1d(width), nn.ReLU()]
    return nn.Sequential(*parts, nn.Linear(width, width), nn.BatchNorm1d(width), nn.ReLU())


def load(program: Program, ours: Classifier) -> None:
    """Takes over every weight of the project's classifier without branches."""
    program.bert.load_state_dict(ours.text_encoder.bert.state_dict())
    program.head.load(ours.heads.structure, ours.heads.structure.heads[0])


def optimizer(program: Program) -> torch.optim.Optimizer:
    """Returns AdamW that goes from parameter to parameter."""
    return torch.optim.AdamW(program.parameters(), lr=2e-5, weight_decay=0.01, foreach=False, fused=False)


def step(program: Program, optimiser: torch.optim.Optimizer, texts: Sequence[str], gold_BL: Tensor) -> None:
    """One training step."""
    loss = program.loss(texts, gold_BL)
    optimiser.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(program.parameters(), CLIP_NORM)
    optimiser.step()
