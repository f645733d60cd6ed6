"""The progress of a training, as a terminal, a notebook or a log file can show it."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.segment import Segment
from rich.text import Text

from .history import History

__all__ = ["Report", "bar"]

REFRESH = 0.1  # seconds: a terminal is written to no more often
QUIET = 30.0  # seconds after which a log file gets a line, though its epoch is no round number
LEAST, MOST = 8, 40  # columns of the bar


@contextmanager
def bar(epochs: int, show: bool | None = None, start: int = 0) -> Iterator[Report]:
    """Show the progress of a training inside the with-block.

    In a terminal, or a notebook that has ipywidgets, a bar; in a notebook without, one line of text that changes; where
    neither is, such as in a log file or a pipe, nothing, unless it is asked for: then lines of plain text, for the
    epochs 1, 2, 5, 10, 20, 50, ..., for the last, and half a minute after the last line.

    Parameters
    ----------
    epochs : int
        How many there will be.
    show : bool, optional
        True: also where there is no terminal. False: nothing, nowhere.
    start : int
        How many of the epochs were over before.

    Yields
    ------
    Report
        Its `epoch(history)` is called after an epoch, its `batch(done, total)` after a batch.
    """
    report = _report(epochs, show, start)
    try:
        yield report
    finally:
        report.close()


def _report(epochs: int, show: bool | None, start: int) -> Report:
    if show is False or epochs <= start:
        return Report()
    # FORCE_COLOR, which services set to colour their logs, makes a terminal of a file for rich: a bar would flood it.
    forced = "FORCE_COLOR" in os.environ and not sys.stdout.isatty()
    console = Console(force_terminal=False) if forced else Console()
    state = _State(epochs, start)
    if console.is_jupyter and find_spec("ipywidgets") is not None:
        return _Bar(state, console)
    if console.is_jupyter and find_spec("IPython") is not None:
        return _Cell(state)
    if console.is_terminal and not console.is_dumb_terminal:
        return _Bar(state, console)
    return _Lines(state, console) if show or console.is_terminal else Report()


class Report:
    """Takes note of epochs and batches, and shows nothing."""

    def epoch(self, history: History) -> None:
        """Note the end of an epoch."""

    def batch(self, done: int, total: int | None) -> None:
        """Note the end of a batch of the running epoch, of so many; None: not known yet."""

    def close(self) -> None:
        """Put everything in order."""


class _State:
    """How far a training is, and its latest figures."""

    def __init__(self, epochs: int, start: int) -> None:
        self.epochs, self.start, self.over = epochs, start, start
        self.done: int = 0  # batches of the running epoch
        self.total: int | None = None
        self.began = time.monotonic()
        self.figures: list[tuple[str, str, str]] = []  # name, short name, value

    def epoch(self, history: History) -> None:
        """Note the end of an epoch."""
        self.over, self.done = self.over + 1, 0
        self.figures = []
        if history.loss:
            self.figures.append(("loss", "loss", number(history.loss[-1])))
        if history.validation_loss:
            self.figures.append(("validation", "val", number(history.validation_loss[-1])))
        self.figures += [(name, name, number(values[-1])) for name, values in history.metrics.items() if values]

    @property
    def completed(self) -> float:
        """Epochs that are over, and the part of the running one, if it is known how many batches that has."""
        return self.over + (min(self.done / self.total, 1.0) if self.total else 0.0)

    @property
    def head(self) -> str:
        """Which epoch is running, or was the last."""
        width, now = len(str(self.epochs)), min(self.over + (self.done > 0), self.epochs)
        batch = f" batch {self.done}" if self.done and not self.total else ""
        return f"epoch {now:{width}}/{self.epochs}{batch}"

    @property
    def elapsed(self) -> str:
        """The time so far."""
        return clock(time.monotonic() - self.began)

    @property
    def left(self) -> str:
        """The time that the rest will take, if it goes on as so far; empty where that is not known yet."""
        done, rest, taken = self.completed - self.start, self.epochs - self.completed, time.monotonic() - self.began
        return clock(taken * rest / done) if done > 0 and rest > 0 and taken >= 1 else ""

    def texts(self, short: bool) -> list[str]:
        """Return the latest figures, with their names."""
        return [f"{brief if short else name} {value}" for name, brief, value in self.figures]

    @property
    def line(self) -> str:
        """All of it as one line of text."""
        return "  ".join([self.head, *self.texts(short=False), self.elapsed])


def number(value: float) -> str:
    """Return four decimals, or four digits of what is much smaller or larger than 1."""
    return f"{value:.4f}" if value == 0 or 0.01 <= abs(value) < 1e4 or value != value else f"{value:.3e}"


def clock(seconds: float) -> str:
    """Return a time as m:ss, or h:mm:ss."""
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


class _Live(Report):
    """Something that changes in its place, not too often."""

    refresh = REFRESH

    def __init__(self, state: _State) -> None:
        self.state, self.shown = state, -math.inf

    def epoch(self, history: History) -> None:
        self.state.epoch(history)
        if time.monotonic() - self.shown >= self.refresh:
            self._show()

    def batch(self, done: int, total: int | None) -> None:
        self.state.done, self.state.total = done, total
        if time.monotonic() - self.shown >= self.refresh:
            self._show()

    def _show(self) -> None:
        self.show()
        self.shown = time.monotonic()

    def show(self) -> None:
        """Show the state as it is now."""


class _Bar(_Live):
    """A bar in a terminal, or in a notebook that has ipywidgets."""

    def __init__(self, state: _State, console: Console) -> None:
        super().__init__(state)
        self.live = Live(self, console=console, auto_refresh=False)  # a thread would take time from the training
        self.live.start()

    def show(self) -> None:
        self.live.refresh()

    def close(self) -> None:
        if self.live.console.is_jupyter:  # where rich leaves the last state that was shown
            self.show()
        self.live.stop()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Give what has room: first of all the epoch and the loss."""
        state, width = self.state, options.max_width
        elapsed, left = state.elapsed, state.left and f"{state.left} left"
        times = ", ".join(filter(None, [elapsed, left]))
        full, short = state.texts(short=False), state.texts(short=True)
        room = 0
        for figures, clocks, least in (
            (full, times, 2 * LEAST),
            (short, times, LEAST),
            (short, times, 0),
            (short, elapsed, 0),
            *((short[:count], "", 0) for count in range(len(short), 0, -1)),
        ):
            text = "  ".join([state.head, *figures, *filter(None, [clocks])])
            room = width - len(text) - 1  # the last column stays free: some terminals would begin a line there
            if room >= (least + 2 if least else 0):
                break
        if least:
            wide = min(room - 2, MOST)
            line = ProgressBar(state.epochs, state.completed, finished_style="green")
            yield Text(state.head + "  ", end="")
            segments = console.render(line, options.update(width=wide))
            yield from Segment.adjust_line_length([*segments], wide)  # without colours, nothing stands for what is left
            yield Text(text[len(state.head) :], end="", no_wrap=True)
        else:
            yield Text(text, end="", no_wrap=True, overflow="ellipsis")


class _Lines(Report):
    """Whole lines of plain text."""

    def __init__(self, state: _State, console: Console) -> None:
        self.state, self.file = state, console.file
        self.written, self.at = state.over, state.began

    def epoch(self, history: History) -> None:
        self.state.epoch(history)
        if is_round(self.state.over) or self.state.over == self.state.epochs or time.monotonic() - self.at >= QUIET:
            self._write()

    def _write(self) -> None:
        print(self.state.line, file=self.file, flush=True)
        self.written, self.at = self.state.over, time.monotonic()

    def close(self) -> None:
        if self.written != self.state.over:
            self._write()


def is_round(epoch: int) -> bool:
    """Return whether a number is 1, 2 or 5, with any zeros."""
    return str(epoch).rstrip("0") in ("1", "2", "5")


class _Cell(_Live):
    """One line of plain text under a notebook's cell."""

    refresh = 5 * REFRESH  # each change is a message to the browser

    def __init__(self, state: _State) -> None:
        from IPython.display import display

        super().__init__(state)
        display_: Any = display  # it has no types
        self.display = display_({"text/plain": state.line}, raw=True, display_id=True)

    def show(self) -> None:
        if self.display is not None:
            self.display.update({"text/plain": self.state.line}, raw=True)

    def close(self) -> None:
        self.show()
