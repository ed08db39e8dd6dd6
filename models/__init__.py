"""Models of a sweep: text encoders, structure encoders, objectives, and HiMTL's branch heads.

* `text_encoders/`: tokens of a document to a text vector, or to one state per token.
* `structure_encoders/`: text vectors to a logit per label, one file or folder per model; `template.py` is to be copied.
* `objectives/`: logits to a loss and to probabilities.
* `systems/`: classifiers that are fitted at once, and predictions that were made elsewhere.
* `layers/`: building blocks that two models or more share.
* `classifier.py`: a text encoder with branch heads behind it, which is what a trial trains.
* `branch_heads.py`: HiMTL itself, one structure encoder for all branches, under any merge.
* `branch_cosines.py`: whether branches pull the text encoder in one direction.
* `sources.py`: what pretrained parts are loaded from, by content or by commit.
* `head_spec.py`: specification of one head: its hierarchy, the labels it predicts, counts of documents.
* `saved.py`: folder of a model that others can load, and `load.py`, which loads it.
* `weight_decay.py`: which parameters weight decay spares.
* `refusals.py`: text encoders and models that no trial could use, refused before any work.

A new component is one file and one line in a registry below. The choices of sweep files that concern models are here
too.
"""

from typing import Literal

from harness.core.registry import Registry

TEXT_ENCODERS = Registry(
    "text encoder",
    {
        "bag": "models.text_encoders.bag:Bag",
        "lstm": "models.text_encoders.lstm:LSTM",
        "minilm": "models.text_encoders.transformer:MiniLM",
        "ngrams": "models.text_encoders.ngrams:NGrams",
        "textrcnn": "models.text_encoders.textrcnn:TextRCNN",
        "transformer": "models.text_encoders.transformer:Transformer",
    },
)

STRUCTURE_ENCODERS = Registry(
    "model",
    {
        "c_hmcnn": "models.structure_encoders.c_hmcnn:CHMCNN",
        "flat": "models.structure_encoders.flat:Flat",
        "gat": "models.structure_encoders.gat:GAT",
        "gradient_routing": "models.structure_encoders.gradient_routing.gradient_routing:GradientRouting",
        "hiagm": "models.structure_encoders.hiagm:HiAGM",
        "hiagm_la": "models.structure_encoders.hiagm_la:HiAGMLA",
        "himatch": "models.structure_encoders.himatch.himatch:HiMatch",
        "hitin": "models.structure_encoders.hitin.hitin:HiTIN",
        "hmcn": "models.structure_encoders.hmcn:HMCN",
        "hmgdn": "models.structure_encoders.hmgdn:HMGDN",
        "hybrid_loss": "models.structure_encoders.hybrid_loss:HybridLoss",
        "seq2seq": "models.structure_encoders.seq2seq.seq2seq:Seq2Seq",
    },
)

OBJECTIVES = Registry(
    "objective",
    {
        "bce": "models.objectives.bce:BCE",
        "champ": "models.objectives.champ:Champ",
        "conditional_sigmoid": "models.objectives.conditional_sigmoid:ConditionalSigmoid",
        "conditional_softmax": "models.objectives.conditional_softmax:ConditionalSoftmax",
        "max_constraint": "models.objectives.max_constraint:MaxConstraint",
        "squared_hinge": "models.objectives.squared_hinge:SquaredHinge",
    },
)

SYSTEMS = Registry(
    "system",
    {
        "constant": "models.systems.constant:Constant",
        "imported": "models.systems.imported:Imported",
        "label_tree": "models.systems.label_tree:LabelTree",
        "linear": "models.systems.linear:Linear",
        "logistic": "models.systems.logistic:Logistic",
        "nearest": "models.systems.nearest:Nearest",
        "top_down": "models.systems.top_down:TopDown",
    },
)

Merge = Literal["none", "masking", "projection"]
"""How branch heads are merged; `none` is the base model."""

HeadSplit = Literal["hierarchy", "level", "random", "copies"]
"""Which labels each head predicts: its branch, its level, a random set of a branch's size, or all of them."""

BranchReduction = Literal["mean_local", "mean_global"]
"""What a branch's loss is divided by: the number of its own labels, or of all labels."""

Combine = Literal["max", "sum", "mean"]
"""How the probabilities of a label that lies in several branches are combined."""

Coherence = Literal["none", "max_constraint"]
"""What is done so that no label is less probable than one of its descendants."""

Keep = Literal["best", "all", "none"]
"""Which trained models stay in the store."""

Priors = Literal["train", "train+val"]
"""The splits whose documents are counted for priors and label frequencies."""
