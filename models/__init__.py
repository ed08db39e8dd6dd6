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
        "flat": "models.flat:Flat",
        "gat": "models.gat:GAT",
        "hiagm": "models.hiagm:HiAGM",
        "hiagm_la": "models.hiagm_la:HiAGMLA",
        "hitin": "models.hitin:HiTIN",
        "seq2seq": "models.seq2seq:Seq2Seq",
    },
)

OBJECTIVES = Registry(
    "objective",
    {
        "bce": "models.bce:BCE",
        "max_constraint": "models.max_constraint:MaxConstraint",
    },
)

Merge = Literal["none", "masking", "projection"]
"""How branch heads are merged; none is the base model."""
