"""Many trials.

* `local`: one after the other in this process: the template of a scheduler
* `ray_tune`: under Ray Tune, on a machine or a cluster
* `ray_worker`: runs one trial after the other there, whole or, by `stepwise`, epoch by epoch
* `ray_halving`: stops trials of a search that fall behind
* `gpu_shares`: how many trials share a GPU
* `progress`: what a person sees meanwhile
"""
