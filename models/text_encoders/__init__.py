"""Text encoders: a batch of tokens to one vector per document, or to one state per token.

`base` is the contract. Registered: `bag` (mean of sub-word embeddings), `lstm`, `textrcnn` (HiAGM's), `transformer`
(any Hugging Face encoder, and `minilm`). Shared: `word_vectors`, `glove`, and `pretrained` (loading from hub or
folder).
"""
