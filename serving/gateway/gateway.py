"""From images to answers: a turn, a version, a look at each image, a batch."""

import asyncio
import re
import time
import uuid
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from serving.gateway.asked import Answer, Asked
from serving.gateway.batching import Batcher, Upload
from serving.gateway.limits import Limits, Refusal, busy
from serving.gateway.metrics import Metrics
from serving.gateway.traffic import Traffic
from serving.gateway.version import Version
from serving.gateway.versions import STABLE, ServedModel
from serving.log.record import Logged
from serving.log.writer import LogWriter

SHADOW = "shadow"

# Images are decoded in each, and the largest takes 0.7 GB.
_THREADS = 2
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

# An image's bytes, or why there are none.
File = bytes | str


@dataclass(frozen=True)
class Answered:
    """What a request is answered.

    Attributes:
        answers: of each image, at least one of them by the model.
        model: its name.
        version: which one answered.
        route: the label by which it was found; empty where the request named a version.
    """

    answers: list[Answer]
    model: str
    version: int
    route: str

    @property
    def facts(self) -> dict[str, Any]:
        """What an access log tells of it."""
        return {
            "model": self.model,
            "version": self.version,
            "route": self.route,
            "images": len(self.answers),
        }


def choose_id(given: str | None) -> str:
    """Return a request's id: the client's where it is plain and short, otherwise a new one."""
    return given if given and _ID.fullmatch(given) else uuid.uuid4().hex


class Gateway:
    """Answers requests of any protocol; for one event loop.

    Attributes:
        models: what is served, by name.
        limits: what a client may ask for.
        metrics: what Prometheus is told.

    Args:
        models: likewise.
        limits: likewise.
        traffic: how requests are spread that name no version.
        log: where requests are logged; None for nowhere.
    """

    def __init__(
        self,
        models: Mapping[str, ServedModel],
        limits: Limits,
        traffic: Traffic,
        log: LogWriter | None = None,
    ) -> None:
        self.models = models
        self.limits = limits
        self.metrics = Metrics(models.values(), log)
        self._traffic = traffic
        self._log = log
        self._at_work = 0
        self._readers = ThreadPoolExecutor(_THREADS, "reader")
        self._callers = ThreadPoolExecutor(_THREADS, "caller")
        self._batchers: weakref.WeakKeyDictionary[Version, Batcher] = weakref.WeakKeyDictionary()
        self._shadows: set[asyncio.Task[None]] = set()

    def find(self, name: str) -> ServedModel:
        """Return a model by its name.

        Raises:
            Refusal: there is none.
        """
        if name not in self.models:
            raise Refusal(404, f"Servable not found for request: Latest({name[:100]})")
        return self.models[name]

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count a prediction that was asked for, with its time and how it ended."""
        began = time.perf_counter()
        status = 500
        try:
            yield
            status = 200
        except Refusal as refusal:
            status = refusal.status
            raise
        finally:
            self.metrics.note_request(status, time.perf_counter() - began)

    async def answer(
        self, asked: Asked, request_id: str, read: Callable[[], Sequence[File]]
    ) -> Answered:
        """Answer the images of a request.

        Args:
            asked: what the request names.
            request_id: its id, as `choose_id` returns it.
            read: reads the images, in a thread of its own.

        Raises:
            Refusal: there is no answer for any image.
        """
        model = self.find(asked.model)
        with self._turn():
            servable, route = self._route(model, asked, request_id)
            loop = asyncio.get_running_loop()
            checked = await loop.run_in_executor(self._readers, _check, read, servable)
            uploads = [one for one in checked if isinstance(one, Upload)]
            told = iter(await self._batcher(servable).answer(uploads, self.limits.seconds))
            answers = [next(told) if isinstance(one, Upload) else one for one in checked]
            self._note(model, servable, route, request_id, checked, answers)
            self._ask_shadow(model, asked, request_id, checked)
        faults = [one for one in answers if isinstance(one, str)]
        if len(faults) == len(answers):
            what = faults[0] if len(faults) == 1 else f"None of {len(faults)} images: {faults[0]}"
            raise Refusal(400, what)
        return Answered(answers, model.name, servable.number, route)

    def _route(self, model: ServedModel, asked: Asked, request_id: str) -> tuple[Version, str]:
        """Return the version that answers, and the label by which it is found."""
        if asked.version is None and asked.label is None:
            canary = self._traffic.canary
            if canary and canary.takes(request_id) and canary.label in model.served.labels:
                asked = asked._replace(label=canary.label)
            elif canary and STABLE in model.served.labels:
                asked = asked._replace(label=STABLE)
            else:
                return model.find(asked), STABLE
        return model.find(asked), asked.label or ""

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Count a request as worked on.

        Raises:
            Refusal: there are too many.
        """
        if self._at_work >= self.limits.queue:
            raise busy(f"and {self.limits.queue} requests wait")
        self._at_work += 1
        self.metrics.at_work.set(self._at_work)
        try:
            yield
        finally:
            self._at_work -= 1
            self.metrics.at_work.set(self._at_work)

    def _batcher(self, servable: Version) -> Batcher:
        """Each version's own, which goes with it."""
        if servable not in self._batchers:
            self._batchers[servable] = Batcher(
                servable.predict, self._callers, self.metrics.note_batch
            )
        return self._batchers[servable]

    def _note(
        self,
        model: ServedModel,
        servable: Version,
        route: str,
        request_id: str,
        checked: Sequence[Upload | str],
        answers: Sequence[Answer],
    ) -> None:
        """Count the answers, and log them where the request is sampled."""
        self.metrics.note_answers(model.name, route, servable, answers)
        if self._log is None or not self._log.samples(request_id):
            return
        now = time.time()
        for number, (upload, answer) in enumerate(zip(checked, answers, strict=True)):
            if isinstance(upload, Upload) and not isinstance(answer, str):
                image_id = f"{request_id}-{number}"
                self._log.put(
                    Logged(image_id, now, model.name, servable.number, route, upload.file, answer)
                )

    def _ask_shadow(
        self, model: ServedModel, asked: Asked, request_id: str, checked: Sequence[Upload | str]
    ) -> None:
        """Ask another version as well, where the server has the time and nobody waits for it."""
        shadow = self._traffic.shadow
        if asked.version is not None or asked.label is not None or shadow is None:
            return
        uploads = [one for one in checked if isinstance(one, Upload)]
        labels = model.served.labels
        if not uploads or shadow.label not in labels or not shadow.takes(request_id):
            return
        if len(self._shadows) + self._at_work > self.limits.queue // 2:
            self.metrics.shadows_dropped.inc()
            return
        servable = model.find(Asked(model.name, label=shadow.label))
        asking = asyncio.get_running_loop().create_task(
            self._shadow(model, servable, request_id, uploads)
        )
        self._shadows.add(asking)
        asking.add_done_callback(self._shadows.discard)

    async def _shadow(
        self, model: ServedModel, servable: Version, request_id: str, uploads: Sequence[Upload]
    ) -> None:
        try:
            answers = await self._batcher(servable).answer(uploads, self.limits.seconds)
        except Refusal:
            self.metrics.shadows_dropped.inc()
        else:
            self._note(model, servable, SHADOW, request_id, uploads, answers)


def _check(read: Callable[[], Sequence[File]], servable: Version) -> list[Upload | str]:
    return [servable.check(one) if isinstance(one, bytes) else one for one in read()]
