"""HiTIN (Zhu et al. 2023): `hitin` is the model, `coding_tree` builds the tree that it works on."""
