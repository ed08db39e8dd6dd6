"""Many trials.

* `local`: one after the other in this process: the template of a scheduler
* `ray_tune`: under Ray Tune, on a machine or a cluster
* `gpu_shares`: how many trials share a GPU
* `progress`: what a person sees meanwhile
"""
