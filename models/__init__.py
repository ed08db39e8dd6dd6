"""What is trained. One file per model; a line here makes it known to sweep files."""

from typing import Literal

from harness.registry import Registry

TEXT_ENCODERS = Registry(
    "text encoder",
    {
        "bag": "models.bag:Bag",
        "lstm": "models.lstm:LSTM",
        "minilm": "models.transformer:MiniLM",
        "textrcnn": "models.textrcnn:TextRCNN",
        "transformer": "models.transformer:Transformer",
    },
)

STRUCTURE_ENCODERS = Registry(
    "model",
    {
        "c_hmcnn": "models.c_hmcnn:CHMCNN",
        "flat": "models.flat:Flat",
        "gat": "models.gat:GAT",
        "gradient_routing": "models.gradient_routing:GradientRouting",
        "hiagm": "models.hiagm:HiAGM",
        "hiagm_la": "models.hiagm_la:HiAGMLA",
        "himatch": "models.himatch:HiMatch",
        "hitin": "models.hitin:HiTIN",
        "hmcn": "models.hmcn:HMCN",
        "hmgdn": "models.hmgdn:HMGDN",
        "hybrid_loss": "models.hybrid_loss:HybridLoss",
        "seq2seq": "models.seq2seq:Seq2Seq",
    },
)

OBJECTIVES = Registry(
    "objective",
    {
        "bce": "models.bce:BCE",
        "champ": "models.champ:Champ",
        "conditional_sigmoid": "models.conditional_sigmoid:ConditionalSigmoid",
        "conditional_softmax": "models.conditional_softmax:ConditionalSoftmax",
        "max_constraint": "models.max_constraint:MaxConstraint",
    },
)

Merge = Literal["none", "masking", "projection"]
"""How branch heads are merged; none is the base model."""

Coherence = Literal["none", "max_constraint"]
"""What is done so that no label is less probable than one of its descendants."""

Split = Literal["hierarchy", "random", "copies"]
"""What each branch head is for: its branch, as many labels at random, or all of them."""
