"""Predicted labels of one text as a tree of the hierarchy, with their values."""

from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from datasets.storage.hierarchy import Hierarchy
from models.load import Prediction

_BAR = 20


def plain(hierarchy: Hierarchy, predicted: Prediction) -> str:
    """Returns a line per label, indented below its parent: `Physics  0.912`; a dash where it is not predicted itself.

    On a graph a label stands below each parent.
    """
    return "\n".join(
        f"{'  ' * depth}{label}  {_value(predicted, label)}" for depth, label in walk(hierarchy, predicted)
    )


def show(hierarchy: Hierarchy, predicted: Prediction, console: Console) -> None:
    """Prints the tree: with bars on a terminal, plain where the output goes elsewhere."""
    if not console.is_terminal:
        console.file.write(plain(hierarchy, predicted) + "\n")
        return
    root = Tree("", hide_root=True)
    above = [root]
    for depth, label in walk(hierarchy, predicted):
        bar = "█" * round(_BAR * predicted.get(label, 0.0))
        line = Text.assemble(
            (label, "bold" if label in predicted else "dim"), f"  {_value(predicted, label)}  ", (bar, "cyan")
        )
        del above[depth + 1 :]
        above.append(above[depth].add(line))
    console.print(root)


def walk(hierarchy: Hierarchy, labels: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Yields some labels and their ancestors from the top down, each with its depth; on a graph below each parent."""
    numbers = [hierarchy.index[label] for label in labels]
    shown = set(hierarchy.close(numbers).tolist()) if numbers else set()

    def below(label: int, depth: int) -> Iterator[tuple[int, str]]:
        yield depth, hierarchy.labels[label]
        for child in sorted(hierarchy.graph.successors(label)):
            if child in shown:
                yield from below(child, depth + 1)

    for label in sorted(shown):
        if not any(True for _ in hierarchy.graph.predecessors(label)):
            yield from below(label, 0)


def _value(predicted: Prediction, label: str) -> str:
    return f"{predicted[label]:.3f}" if label in predicted else "-"
