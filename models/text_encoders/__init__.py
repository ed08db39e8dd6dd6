"""Text encoders: a batch of tokens to one vector per document, or to one state per token.

`base` is the contract. Registered: `bag` (mean of sub-word embeddings), `ngrams` (sum of embeddings of word n-grams by
TF-IDF, with `ngram_tokenizer`), `lstm`, `textrcnn` (HiAGM's), `transformer` (any Hugging Face encoder, and `minilm`).
Shared by those over words: `word_vectors`, `glove`. Of pretrained models: `pretrained` (loading from hub or folder),
`weights` (all of them from the checkpoint), `tokenisers` (slow ones, and prefixes), `rehearsal` (what is tried before
the first trial), `bert_layers` (BERT's, in fewer operations).
"""
