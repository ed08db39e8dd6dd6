"""The sweep file.

* `schema`: every field, typed
* `trainer`: trainer settings and resources, which datasets and models may override
* `search`: spaces, budgets and searchers, and `search_checks`, what cannot be searched
* `statistics`: what is compared, and how
* `literature`: claims and published scores
* `strict`: what all sections are made of
* `yaml_lines`: YAML that knows its lines
* `load`: reads a sweep file, and refuses what cannot be run
* `starter`: the facts of a corpus to a first sweep file
* `arguments`: the command-line arguments that every command shares
"""

CHANGES_NO_NUMBER = "A sweep file becomes settings, and the resolved settings are part of every trial's identity."
