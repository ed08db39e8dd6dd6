"""Trackers: views of a sweep that can be rebuilt from the store.

* `mlflow`: the tracker; its three functions are the template of another
* `metrics`: what a cell and a comparison are called there
* `model_registry`: an exported model by name and alias, and `served`, which a model server calls
* `upkeep`: mirrors while a sweep runs; an outage costs a warning
"""
