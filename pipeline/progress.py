"""Tells how far a run is: one live line in a terminal, a line for each event elsewhere."""

import logging
import re
import threading
import time
from collections.abc import Mapping
from datetime import timedelta
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.text import Text
from tfx.proto.orchestration import pipeline_pb2

from pipeline.report.words import duration

_MINUTE = timedelta(minutes=1)  # so often a line is printed, where there is no live one
_SHOWN_FROM = timedelta(seconds=1)
_STEP = re.compile(r"Component (\S+) is (running|finished)\.")  # as TFX logs it
_REUSED = re.compile(r"A cached execution \d+ is used\.")


class Progress(logging.Handler):
    """A handler of TFX's log that shows the step, its time and what remains, while it is a context.

    Attributes:
        current: the step at work.
        earlier: how long steps took when they last ran, by their id.

    Args:
        console: where.
        pipeline: what runs. The steps that a run leaves out are marked before the first one begins.
    """

    def __init__(self, console: Console, pipeline: pipeline_pb2.Pipeline) -> None:
        super().__init__()
        self._console = console
        self._pipeline = pipeline
        self._ahead: list[str] = []  # the step at work, and those that follow it
        self._count = 0
        self._begin = 0.0
        self._reused = False
        self.current = "The run"
        self.earlier: Mapping[str, timedelta] = {}
        self._ended = threading.Event()
        self._live = Live(console=console, get_renderable=self._line, transient=True)

    def __enter__(self) -> "Progress":
        if self._console.is_terminal:
            self._live.start()
        else:
            threading.Thread(target=self._tell_now_and_then, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._live.stop()

    def emit(self, record: logging.LogRecord) -> None:
        """Take a message of TFX."""
        message = record.getMessage()
        if _REUSED.fullmatch(message):
            self._reused = True
        elif match := _STEP.fullmatch(message):
            step, event = match.groups()
            if event == "running":
                self._start(step)
            else:
                self._finish()

    def _start(self, step: str) -> None:
        if not self._count:
            self._ahead = [
                node.pipeline_node.node_info.id
                for node in self._pipeline.nodes
                if not node.pipeline_node.execution_options.HasField("skip")
            ]
            self._count = len(self._ahead)
        self._begin, self._reused = time.monotonic(), False
        self.current, self._ahead = step, self._ahead[self._ahead.index(step) :]
        if not self._console.is_terminal:
            self._print(self._line())

    def _finish(self) -> None:
        ahead, self._ahead = self._ahead, self._ahead[1:]
        took = "reused" if self._reused else f"done in {duration(self._elapsed())}"
        self._print(_joined(*self._step(ahead), took))

    def _line(self) -> Text:
        """Return the step at work, its time so far, and the rest of the run."""
        ahead, elapsed = self._ahead, self._elapsed()  # another thread may change them
        if not ahead:
            return Text()
        so_far = duration(elapsed) if elapsed >= _SHOWN_FROM else ""
        return _joined(*self._step(ahead), so_far, self._remaining(ahead, elapsed))

    def _step(self, ahead: list[str]) -> tuple[str, Text]:
        return f"step {self._count - len(ahead) + 1} of {self._count}", Text(ahead[0], "bold")

    def _remaining(self, ahead: list[str], elapsed: timedelta) -> str:
        """Return the time that is left; empty where a step has never run to its end."""
        if not all(step in self.earlier for step in ahead):
            return ""
        current, *others = (self.earlier[step] for step in ahead)
        left = sum(others, max(current - elapsed, timedelta()))
        return f"about {duration(left)} left" if left >= _MINUTE else "less than 1 min left"

    def _elapsed(self) -> timedelta:
        return timedelta(seconds=time.monotonic() - self._begin)

    def _tell_now_and_then(self) -> None:
        while not self._ended.wait(_MINUTE.total_seconds()):
            if self._ahead:
                self._print(self._line())

    def _print(self, line: Text) -> None:
        self._console.print(line, soft_wrap=True)


def _joined(*parts: str | Text) -> Text:
    return Text(" · ").join(Text(part) if isinstance(part, str) else part for part in parts if part)
