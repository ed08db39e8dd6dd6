"""Web page of a saved model: the labels of a text as a tree, and for a label the words that moved it.

    GET  /          the page, one file that asks for the rest
    GET  /model     what the page says of the model
    POST /predict   {"text", "rule"}: labels of the text with their values
    POST /words     {"text", "label"}: what each word of the text adds to the label

What cannot be answered gets 400 and {"error": a sentence}. Only pages of this very address may ask: requests by another
host name (DNS rebinding) or of another origin are refused.
"""

import asyncio
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from harness.core.errors import ConfigError, UserError
from harness.predicting.attribution import Deletions, effects
from harness.predicting.label_tree import walk
from models.load import Predictor, Values
from models.saved import CONFIDENT

HOST = "127.0.0.1"
_MOST = 2**20
"""Bytes of a request."""
_AT_ONCE = 16
"""Texts without a word whose values are computed before anything else gets its turn."""
_NEAR = 5
"""Highest labels that are shown at first, besides those that are predicted."""
_FILE = Path(__file__).with_name("page.html")
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class _Asked(BaseModel):
    """A request."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: str


class _ToPredict(_Asked):
    rule: str = "0.5"


class _ToExplain(_Asked):
    label: str


Kind = TypeVar("Kind", bound=_Asked)


class Page:
    """A model's page.

    Args:
        predictor: The model.
        title: What it is called.

    Attributes:
        application: What answers, for a server such as uvicorn.
    """

    def __init__(self, predictor: Predictor, title: str):
        self._predictor, self._title = predictor, title
        self._is_over = False
        self._turn = asyncio.Lock()
        self._text = ""
        self._found: asyncio.Task[tuple[Deletions, Values]] | None = None
        self.application = Starlette(
            routes=[
                Route("/", self._page),
                Route("/model", self._model),
                Route("/predict", self._predict, methods=["POST"]),
                Route("/words", self._words, methods=["POST"]),
            ],
            middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"]), Middleware(_OwnOrigin)],
            exception_handlers={UserError: _refusal},
        )

    def stop(self) -> None:
        """Ends what is being computed, so that a server can close."""
        self._is_over = True

    async def _page(self, request: Request) -> HTMLResponse:
        return HTMLResponse(_FILE.read_text("utf-8"), headers={"Content-Security-Policy": _POLICY})

    async def _model(self, request: Request) -> JSONResponse:
        return JSONResponse(
            {
                "title": self._title,
                "labels": len(self._predictor.hierarchy),
                "meaning": self._predictor.meaning,
                "rules": {rule: _in_words(rule, limit) for rule, limit in self._predictor.thresholds.items()},
            }
        )

    async def _predict(self, request: Request) -> JSONResponse:
        asked = await _read(request, _ToPredict)
        self._predictor.check(asked.rule, None, None)
        self._forget(asked.text)
        async with self._turn:
            return JSONResponse({"labels": await run_in_threadpool(self._labels, asked)})

    def _labels(self, asked: _ToPredict) -> list[dict[str, Any]]:
        """Returns a row per label, in the order of the tree; on a graph below each parent."""
        hierarchy = self._predictor.hierarchy
        values_BL = self._predictor.values([asked.text])
        (predicted,) = self._predictor.decide(values_BL, asked.rule, None, None)
        limits_L = np.broadcast_to(self._predictor.thresholds[asked.rule], len(hierarchy))
        highest = np.argsort(-values_BL[0], kind="stable")[:_NEAR].tolist()
        near = set(hierarchy.close([*highest, *(hierarchy.index[label] for label in predicted)]).tolist())
        return [
            {
                "label": label,
                "path": hierarchy.path(number),
                "depth": depth,
                "value": float(values_BL[0, number]),
                "limit": float(limits_L[number]),
                "predicted": label in predicted,
                "near": number in near,
            }
            for depth, label in walk(hierarchy, hierarchy.labels)
            for number in [hierarchy.index[label]]
        ]

    async def _words(self, request: Request) -> JSONResponse:
        asked = await _read(request, _ToExplain)
        if asked.label not in self._predictor.hierarchy.index:
            raise ConfigError(f"The model has no label {asked.label!r}.")
        self._forget(asked.text)
        if self._found is None:
            self._text, self._found = asked.text, asyncio.create_task(self._without_each(asked.text))
        try:
            deletions, values_TL = await asyncio.shield(self._found)
        except asyncio.CancelledError:
            raise ConfigError("Another text was asked for before this one was done.") from None
        values_T = values_TL[:, self._predictor.hierarchy.index[asked.label]]
        return JSONResponse({"label": asked.label, **_moved(deletions, values_T)})

    def _forget(self, text: str) -> None:
        """Drops what is computed, or was, of another text."""
        if self._found and text != self._text:
            self._found.cancel()
            self._found = None

    async def _without_each(self, text: str) -> tuple[Deletions, Values]:
        """Returns the values, (1 + W, L), of a text and of it without each of its W words."""
        deletions, parts = Deletions(text), []
        texts = deletions.texts()
        while some := list(islice(texts, _AT_ONCE)):
            if self._is_over:
                raise asyncio.CancelledError
            async with self._turn:
                parts.append(await run_in_threadpool(self._predictor.values, some))
        return deletions, np.concatenate(parts)


def _moved(deletions: Deletions, values_T: npt.NDArray[np.float32]) -> dict[str, Any]:
    effects_W, scale = effects(values_T)
    times = Counter(piece.word for piece in deletions.pieces)
    return {
        "value": float(values_T[0]),
        "scale": scale,
        "num_words": deletions.num_words,
        "words": [
            {"word": word, "times": times[number], "effect": float(effects_W[number]), "without": float(without)}
            for number, (word, without) in enumerate(zip(deletions.words, values_T[1:], strict=True))
        ],
        "pieces": deletions.pieces,
    }


def _in_words(rule: str, limit: float | npt.NDArray[np.float64]) -> str:
    """Returns which values are predictions by a rule."""
    if isinstance(limit, np.ndarray):
        return "each label's own limit, chosen on other texts"
    said = {"0.5": "", CONFIDENT: ", and all above it too: nine in ten were right"}
    return f"{limit:.3g}{said.get(rule, ', chosen on other texts')}"


async def _read(request: Request, kind: type[Kind]) -> Kind:
    """Returns what a request asks for; raises ConfigError where it is none, or its text is empty or too long."""
    size, parts = 0, []
    async for part in request.stream():
        size += len(part)
        if size <= _MOST:  # The rest is read all the same, as no browser reads an answer while it is sending.
            parts.append(part)
    if size > _MOST:
        raise ConfigError("The text is longer than a megabyte. Take a part of it.")
    try:
        asked = kind.model_validate_json(b"".join(parts))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = "".join(f"{name}: " for name in first["loc"])
        raise ConfigError(f"The request cannot be read ({place}{first['msg']}).") from None
    if not asked.text.strip():
        raise ConfigError("The text is empty. Write or paste one.")
    return asked


async def _refusal(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"error": str(error)}, 400)


class _OwnOrigin:
    """Refuses what pages of another address ask; their browsers say where it comes from."""

    def __init__(self, application: ASGIApp):
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope) if scope["type"] == "http" else {}
        origin = headers.get("origin")
        if origin is not None and origin != f"http://{headers.get('host')}":
            await JSONResponse({"error": f"This page does not answer {origin}."}, 403)(scope, receive, send)
        else:
            await self._application(scope, receive, send)
