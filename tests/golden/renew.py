"""Makes golden numbers anew where versions were raised: `python -m tests.golden.renew`.

Numbers that only round differently stay as they are. Where numbers moved and no version says so nothing is written.
"""

import sys
from collections.abc import Mapping

from tests.golden import numbers
from tests.golden.numbers import Entry


def renewed(recorded: Mapping[str, Entry], found: Mapping[str, Entry]) -> dict[str, Entry]:
    """Returns the numbers to keep: those found, but for entries that are as they were."""
    return {
        name: recorded[name]
        if name in recorded
        and recorded[name]["versions"] == entry["versions"]
        and numbers.largest_difference(recorded[name], entry) <= numbers.TOLERANCE
        else entry
        for name, entry in found.items()
    }


def main() -> int:
    """Writes the file; returns 1 where a version has to be raised first."""
    recorded, found = numbers.read(), numbers.compute_all()
    unsaid = [name for name in recorded if name in found and recorded[name]["versions"] == found[name]["versions"]]
    moved = numbers.complaints({name: recorded[name] for name in unsaid}, {name: found[name] for name in unsaid})
    if moved:
        print(*moved, sep="\n", file=sys.stderr)
        return 1
    kept = renewed(recorded, found)
    changed = sorted(name for name in kept.keys() | recorded.keys() if kept.get(name) != recorded.get(name))
    numbers.NUMBERS.write_text(numbers.as_text(kept), "utf-8")
    print(f"{len(changed)} of {len(kept)} entries are new: {', '.join(changed) or 'none'}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
