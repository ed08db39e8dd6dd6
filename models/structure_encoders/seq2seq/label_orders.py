"""Label sequences: a set of labels in one of four orders, and grammars of what may come next in two of them.

A sequence is made of symbols: labels, by their indices, and five that carry structure. The orders are those of Torba et
al. (2024):

* `BFS`: levels from the top; labels of a level are joined by `SIBLING` ("-"), levels by `NEXT` ("/"): `A- B/ C- D`;
* `DFS`: `ROOT`, then each label when it is entered and `POP` when it is left: `Root CS ML Pop Pop`;
* `BottomUpBFS`: the levels of BFS from the bottom: `C- D/ A- B`;
* `BottomUpDFS`: a label of the deepest level and its siblings, then "/" and their parent, and so on upwards.

Labels of one level, and children of one parent, are sorted by index. The paper's hierarchies are trees; on a DAG a
label is written once, in BFS on the level after its first parent, in DFS below the parent that is entered first. Going
up, a label waits until all labels below it have been written, so that with several paths every label is written, each
after those below it.

A grammar tells which symbols may follow. A label may follow if any of its parents has been generated: on the previous
level in BFS, on top of the stack in DFS. Unlike in the published program no label can come twice, so that every
sequence ends, and a level may follow if any label of the last one has children, not only its last label.
"""

from collections.abc import Collection, Hashable, Iterable
from typing import Generic, NamedTuple, TypeVar

from datasets.storage.hierarchy import Hierarchy

NUMERICS = {"label orders": 1}

Symbol = int
State = TypeVar("State", bound=Hashable)
END, ROOT, POP, SIBLING, NEXT = -1, -2, -3, -4, -5
"""The symbols that are not labels."""


class Order:
    """Base class of orders: how a set of labels is written.

    Args:
        hierarchy: N labels.
    """

    structural: tuple[Symbol, ...]
    """The symbols besides labels that this order writes."""

    def __init__(self, hierarchy: Hierarchy):
        graph = hierarchy.graph
        self.children = {label: sorted(graph.successors(label)) for label in graph}
        self.children[ROOT] = sorted(hierarchy.roots)
        self.parents = {label: set(graph.predecessors(label)) for label in graph}
        for label in hierarchy.roots:
            self.parents[label].add(ROOT)
        self.level = hierarchy.levels.tolist()

    def write(self, labels: Iterable[int]) -> list[Symbol]:
        """Returns the sequence of a set of labels that is closed under ancestors."""
        raise NotImplementedError

    def below(self, labels: Iterable[int], unless: Collection[int]) -> tuple[int, ...]:
        """Returns the sorted children of some labels, without those in `unless`."""
        return tuple(sorted({child for label in labels for child in self.children[label]}.difference(unless)))

    def levels(self, labels: Iterable[int]) -> list[tuple[int, ...]]:
        """Returns a set of labels, closed under ancestors, by their distance from the virtual root."""
        left = set(labels)
        levels = []
        level: tuple[Symbol, ...] = (ROOT,)
        while level := tuple(label for label in self.below(level, ()) if label in left):
            levels.append(level)
            left.difference_update(level)
        return levels


class Grammar(Order, Generic[State]):
    """Base class of orders with a rule for what comes next, by hashable states."""

    def start(self) -> State:
        """Returns the state before the first symbol."""
        raise NotImplementedError

    def allowed(self, state: State) -> tuple[Symbol, ...]:
        """Returns the symbols that may come next; none after `END`."""
        raise NotImplementedError

    def after(self, state: State, symbol: Symbol) -> State:
        """Returns the state after an allowed symbol."""
        raise NotImplementedError


class Stack(NamedTuple):
    """Position in a DFS sequence.

    Attributes:
        path: `ROOT` and the labels that have been entered and not left; empty before `ROOT`, None after `END`.
        written: All labels so far.
    """

    path: tuple[Symbol, ...] | None
    written: frozenset[int]


class DFS(Grammar[Stack]):
    """Depth first: labels when they are entered, `POP` when they are left."""

    structural = (END, ROOT, POP)

    def write(self, labels: Iterable[int]) -> list[Symbol]:
        """Returns `ROOT`, the labels with their `POP`s, and `END`."""
        left = set(labels)
        sequence: list[Symbol] = [ROOT]

        def enter(parent: Symbol) -> None:
            for child in self.children[parent]:
                if child in left:
                    left.remove(child)
                    sequence.append(child)
                    enter(child)
                    sequence.append(POP)

        enter(ROOT)
        return [*sequence, END]

    def start(self) -> Stack:
        return Stack((), frozenset())

    def allowed(self, state: Stack) -> tuple[Symbol, ...]:
        """Returns the unwritten children of the label on top, and `POP`; at `ROOT`, `END` in place of `POP`."""
        if not state.path:
            return () if state.path is None else (ROOT,)
        return (*self.below(state.path[-1:], state.written), END if state.path == (ROOT,) else POP)

    def after(self, state: Stack, symbol: Symbol) -> Stack:
        """Returns the stack with a label on it, or without its top."""
        if symbol == END or state.path is None:
            return Stack(None, state.written)
        if symbol == POP:
            return Stack(state.path[:-1], state.written)
        return Stack((*state.path, symbol), state.written | ({symbol} - {ROOT}))


class Level(NamedTuple):
    """Position in a BFS sequence.

    Attributes:
        open: Labels that may still be written on this level; None after `END`.
        here: Labels that have been written on this level.
        written: All labels so far.
        is_label_due: Whether a label must come next, as after `SIBLING` and `NEXT`.
    """

    open: tuple[int, ...] | None
    here: frozenset[int]
    written: frozenset[int]
    is_label_due: bool


class BFS(Grammar[Level]):
    """Breadth first: level by level, from the top."""

    structural = (END, SIBLING, NEXT)

    def write(self, labels: Iterable[int]) -> list[Symbol]:
        """Returns the levels, joined, and `END`."""
        return _joined(self.levels(labels))

    def start(self) -> Level:
        return Level(tuple(self.children[ROOT]), frozenset(), frozenset(), True)

    def allowed(self, state: Level) -> tuple[Symbol, ...]:
        """Returns open labels if one is due, else `SIBLING` and `NEXT` if labels can follow them, and `END`."""
        if state.open is None:
            return ()
        if state.is_label_due:
            return state.open if state.written else (*state.open, END)
        siblings = (SIBLING,) if state.open else ()
        levels = (NEXT,) if self.below(state.here, state.written) else ()
        return (*siblings, *levels, END)

    def after(self, state: Level, symbol: Symbol) -> Level:
        """Returns the level with one more label, or the next level."""
        if symbol == END or state.open is None:
            return state._replace(open=None)
        if symbol == SIBLING:
            return state._replace(is_label_due=True)
        if symbol == NEXT:
            return Level(self.below(state.here, state.written), frozenset(), state.written, True)
        left = tuple(label for label in state.open if label != symbol)
        return Level(left, state.here | {symbol}, state.written | {symbol}, False)


class BottomUpBFS(Order):
    """The levels of BFS from the bottom."""

    structural = (END, SIBLING, NEXT)

    def write(self, labels: Iterable[int]) -> list[Symbol]:
        """Returns the levels, joined, and `END`."""
        return _joined(self.levels(labels)[::-1])


class BottomUpDFS(Order):
    """Paths from the bottom: a deepest label with its siblings, then its parent with its siblings, to the top."""

    structural = (END, SIBLING, NEXT)

    def write(self, labels: Iterable[int]) -> list[Symbol]:
        """Returns the paths, joined, and `END`."""
        left = set(labels)
        groups: list[tuple[int, ...]] = []
        while left:
            label: int | None = min(left, key=lambda one: (-self.level[one], one))
            while label is not None:
                parents = self.parents[label]
                siblings = (one for one in sorted(left) if one != label and self.parents[one] & parents)
                groups.append((label, *(one for one in siblings if left.isdisjoint(self.children[one]))))
                left.difference_update(groups[-1])
                ready = (one for one in parents & left if left.isdisjoint(self.children[one]))
                label = min(ready, default=None)
        return _joined(groups)


def _joined(groups: Iterable[tuple[int, ...]]) -> list[Symbol]:
    sequence: list[Symbol] = []
    for group in groups:
        for place, label in enumerate(group):
            sequence += [*([SIBLING] if place else [NEXT] if sequence else []), label]
    return [*sequence, END]


ORDERS: dict[str, type[Order]] = {
    "bfs": BFS,
    "dfs": DFS,
    "bottom_up_bfs": BottomUpBFS,
    "bottom_up_dfs": BottomUpDFS,
}
