"""Ray Data scheduler: puts pieces of work onto a pool of workers, each of which is built once.

Pieces and answers are small and pass through Ray's object store; what is big is read and written by the workers
themselves. So memory does not grow with the work, and a worker that dies costs the piece that it was at.
"""

import json
import os
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.scheduling.ray_cluster import cluster  # Before Ray is imported: sets what Ray then reads.

# isort: split
import ray
from ray.data import ActorPoolStrategy, DataContext

from harness.core.errors import UserError
from harness.core.text import one_line

_COLUMN = "said"

Piece = Mapping[str, Any]
Build = Callable[[], Callable[[Piece], Piece]]
"""Makes, in a worker's process, what answers one piece after the other; Ray pickles it."""


def run(
    pieces: Sequence[Piece],
    build: Build,
    address: str | None = None,
    uses_gpu: bool = False,
    elsewhere: Sequence[Path] = (),
) -> Generator[Piece, None, None]:
    """Yields the workers' answers, as JSON has them, as they come.

    A piece whose worker died is put to another one, however often: a worker that may die of a piece has to count.

    Args:
        pieces: What there is to do.
        build: Makes a worker.
        address: Address of a running cluster; None starts one on this machine and stops it at the end.
        uses_gpu: Whether a worker is faster on a GPU: each then has one, where the cluster has any, and its share of
            the cores beside it; else a core.
        elsewhere: Files and folders that every node sees by themselves.

    Raises:
        UserError: Where the cluster cannot be reached or is lost, or a worker finds that no piece can be done.
        KeyboardInterrupt: On Ctrl-C, and likewise on SIGTERM; the workers are gone by then.
    """
    with cluster(address, elsewhere, is_mute=True):
        try:
            yield from _answers(pieces, build, uses_gpu)
        except (RuntimeError, ray.exceptions.RayError) as error:
            raise UserError(
                f"Ray gave up ({one_line(error, 300)}). Look at the cluster's nodes and their memory; the same command "
                "goes on."
            ) from None


def _answers(pieces: Sequence[Piece], build: Build, uses_gpu: bool) -> Generator[Piece, None, None]:
    context = DataContext.get_current()
    context.execution_no_progress_timeout_s = -1  # A large model may well be half an hour at a piece.
    num, cores, gpus = _workers(uses_gpu)
    said = ray.data.from_items([{_COLUMN: json.dumps(piece)} for piece in pieces], override_num_blocks=len(pieces))
    answered = said.map_batches(
        _Worker,
        fn_constructor_args=[build, cores],
        compute=ActorPoolStrategy(size=min(num, len(pieces)), max_tasks_in_flight_per_actor=1),
        num_cpus=cores,
        num_gpus=gpus,
    )
    for batch in answered.iter_batches(prefetch_batches=0, batch_size=None):
        for text in batch[_COLUMN]:
            answer = json.loads(text)
            if message := answer.get("user_error"):
                raise UserError(message)
            yield answer


def _workers(uses_gpu: bool) -> tuple[int, int, int]:
    """Returns how many workers a cluster holds, and the cores and GPUs that each of them occupies."""
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    with_gpu = [node for node in nodes if node.get("GPU", 0) >= 1]
    if uses_gpu and with_gpu:
        cores = min(int(node.get("CPU", 0) // node["GPU"]) for node in with_gpu)
        return sum(int(node["GPU"]) for node in with_gpu), max(1, cores), 1
    return max(1, sum(int(node.get("CPU", 0)) for node in nodes)), 1, 0


class _Worker:
    """Answers pieces one after the other; an error that only the user can mend becomes the answer."""

    def __init__(self, build: Build, cores: int):
        os.environ["RAYON_NUM_THREADS"] = str(cores)  # Of tokenisers; Ray sees to OpenMP.
        self._build = build
        self._work: Callable[[Piece], Piece] | None = None

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        return {_COLUMN: [json.dumps(self._answer(json.loads(text))) for text in batch[_COLUMN]]}

    def _answer(self, piece: Piece) -> Piece:
        try:
            self._work = self._work or self._build()
            return self._work(piece)
        except UserError as error:
            return {"user_error": str(error)}
        except Exception as error:  # Ray would bury it in its own words.
            return {"user_error": f"A worker failed at {dict(piece)}: {type(error).__name__}: {one_line(error, 300)}."}
