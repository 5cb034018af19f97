"""Joins the images of several requests to one call of the model.

Nothing waits for company: what has come while the model was at work is the next batch. A server
with little to do answers at once, and one with much to do in large batches.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from serving.gateway.asked import Answer
from serving.gateway.limits import Refusal, busy

_MOST_IMAGES = 32
# Of a batch of several images: what is larger is answered alone, and keeps no small one waiting.
_MOST_PIXELS = 16_000_000
_CALLS = 2  # at one time, of one version: while one decodes, the other is in the network


@dataclass(frozen=True)
class Upload:
    """An image that the model may be asked about.

    Attributes:
        file: JPEG or PNG.
        pixels: how many it has.
    """

    file: bytes
    pixels: int


@dataclass(frozen=True)
class _Waiting:
    upload: Upload
    deadline: float
    answer: asyncio.Future[Answer | Refusal]


class Batcher:
    """Asks one version of a model; for the threads of one event loop.

    Args:
        predict: answers images, in their order.
        pool: where it runs.
        on_batch: is told the number of images of each call.
    """

    def __init__(
        self,
        predict: Callable[[Sequence[bytes]], Sequence[Answer]],
        pool: Executor,
        on_batch: Callable[[int], None],
    ) -> None:
        self._predict = predict
        self._pool = pool
        self._on_batch = on_batch
        self._waiting: deque[_Waiting] = deque()
        self._calls: set[asyncio.Task[None]] = set()

    async def answer(self, uploads: Sequence[Upload], seconds: float) -> list[Answer]:
        """Answer images.

        Args:
            uploads: the images.
            seconds: that they may wait for their turn.

        Raises:
            Refusal: their turn did not come in time, or the model failed.
        """
        deadline = time.monotonic() + seconds
        futures = [asyncio.get_running_loop().create_future() for _ in uploads]
        self._waiting.extend(map(_Waiting, uploads, [deadline] * len(uploads), futures))
        self._call()
        answers = []
        for one in await asyncio.gather(*futures):
            if isinstance(one, Refusal):
                raise one
            answers.append(one)
        return answers

    def _call(self) -> None:
        while len(self._calls) < _CALLS and (batch := self._take()):
            call = asyncio.get_running_loop().create_task(self._ask(batch))
            self._calls.add(call)
            call.add_done_callback(self._end)

    def _end(self, call: asyncio.Task[None]) -> None:
        self._calls.discard(call)
        self._call()

    def _take(self) -> list[_Waiting]:
        """Return the next batch; who waited too long is told so, and is not in it."""
        batch: list[_Waiting] = []
        pixels = 0
        now = time.monotonic()
        while self._waiting and len(batch) < _MOST_IMAGES:
            one = self._waiting[0]
            pixels += one.upload.pixels
            if batch and pixels > _MOST_PIXELS:
                break
            self._waiting.popleft()
            if one.answer.done():  # its client was given up
                pixels -= one.upload.pixels
            elif one.deadline < now:
                pixels -= one.upload.pixels
                one.answer.set_result(busy("and did not come to this request in time"))
            else:
                batch.append(one)
        return batch

    async def _ask(self, batch: list[_Waiting]) -> None:
        answers: Sequence[Answer | Refusal]
        self._on_batch(len(batch))
        try:
            answers = await asyncio.get_running_loop().run_in_executor(
                self._pool, self._predict, [one.upload.file for one in batch]
            )
        except Exception as error:  # whatever a model raises, its clients are answered
            refusal = error if isinstance(error, Refusal) else Refusal(500, "The model failed.")
            answers = [refusal] * len(batch)
        for one, answer in zip(batch, answers, strict=True):
            if not one.answer.done():
                one.answer.set_result(answer)
