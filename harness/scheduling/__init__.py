"""Many trials, or batches of new texts.

* `local`: one after the other in this process: the template of a scheduler
* `ray_cluster`: Ray on this machine or a cluster, started and left
* `ray_tune`: trials under Ray Tune; `ray_halving`: stops those of a search that fall behind
* `ray_worker`: runs one trial after the other there, whole or, by `stepwise`, epoch by epoch
* `ray_data`: pieces of work under Ray Data, for workers that are built once
* `gpu_shares`: how many trials share a GPU
* `progress`: what a person sees meanwhile
"""
