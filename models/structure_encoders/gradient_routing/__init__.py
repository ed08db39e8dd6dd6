"""Gradient routing (Cloud et al. 2024): `gradient_routing` is the model, `gradient_gates` stop gradients."""
