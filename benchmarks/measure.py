"""How it is measured: first whether the contenders compute the same, then in turns, block by block.

A row of results is {"about", "unit", "samples": {contender: [one number a round]}, "absent": {contender: why},
"first": {contender: seconds until the first step was done}}. A ratio of two contenders is the median over the rounds
of the ratio in a round: what slows the machine for a while slows both.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.contenders import Made, NotOffered, load, make
from benchmarks.workloads import WORKLOADS, Chain, Workload

Row = dict[str, Any]
Maker = Callable[[str, Workload], Made]
BASELINE = "numpy"


class Differs(Exception):
    """A contender computes something else than hand-written NumPy does."""


def outcome(result: Any) -> tuple[float, Any]:
    """Return the loss, and the derivative as an array of its own if there is one."""
    if isinstance(result, tuple):
        return float(result[0]), np.array(np.asarray(result[1]))
    return float(result), None


def floating(made: Made) -> Made:
    """Return the contender with a step that returns its loss as a float, whatever its library returns."""
    return made._replace(step=lambda *arguments: float(made.step(*arguments)))


def six_steps(workload: Workload, made: Made) -> tuple[list[Any], float, Made]:
    """Return what six steps give, over different batches, the seconds of the first, and what is to be timed."""
    batches = [tuple(map(made.convert, batch)) for batch in workload.arguments()]
    start = time.perf_counter()
    result = made.step(*batches[0])
    found = [outcome(result)]
    first = time.perf_counter() - start
    found += [outcome(made.step(*batches[i % len(batches)])) for i in range(1, 6)]
    return found, first, made if type(result) in (float, tuple) else floating(made)


def compare(workload: Workload, found: list[Any], expected: list[Any]) -> None:
    """Raise if losses or derivatives differ from those of hand-written NumPy."""
    for i, ((loss, derivative), (loss0, derivative0)) in enumerate(zip(found, expected, strict=True)):
        if not abs(loss - loss0) <= workload.rtol * max(abs(loss0), 1e-3):
            raise Differs(f"step {i + 1} of six has the loss {loss:.8g}, and hand-written NumPy {loss0:.8g}")
        if derivative0 is not None:
            if derivative is None or derivative.shape != derivative0.shape:
                raise Differs(f"its derivative has not the shape {derivative0.shape}")
            error = np.max(np.abs(derivative - derivative0))
            if not error <= workload.rtol * np.max(np.abs(derivative0)):
                raise Differs(f"its derivative is off by {error:.2g}")


def prepared(workload: Workload, names: Sequence[str], maker: Maker = make) -> tuple[dict[str, Made], Row]:
    """Return the contenders that compute the same, and the row with the reasons why others do not take part."""
    row: Row = {"about": workload.about, "unit": "s", "samples": {}, "absent": {}, "refused": {}, "first": {}}
    expected, *_ = six_steps(workload, maker(BASELINE, workload))
    taken: dict[str, Made] = {}
    for name in dict.fromkeys((BASELINE, *names)):
        start = time.perf_counter()
        try:
            made = maker(name, workload)
            built = time.perf_counter() - start
            found, first, made = six_steps(workload, made)
            if name != "gemm":  # products alone have no loss
                compare(workload, found, expected)
        except NotOffered as reason:
            row["absent"][name] = str(reason)
        except Differs as reason:
            row["refused"][name] = str(reason)
        except Exception as error:  # one contender's failure is its own, and is reported
            text = str(error).strip().splitlines() or [""]
            row["refused"][name] = f"{type(error).__name__}: {text[0][:200]}"
        else:
            taken[name] = made
            row["first"][name] = built + first
    return taken, row


def timed(workload: Workload, names: Sequence[str], rounds: int, block: float, run_in: float = 0.0) -> Row:
    """Return the row of a workload: seconds a step, a number per round and contender."""
    for name in names:
        with contextlib.suppress(NotOffered):  # said below
            load(name)  # else what is imported would count as the time to compile
    made, row = prepared(workload, names)
    arguments = {n: tuple(map(m.convert, workload.arguments()[0])) for n, m in made.items()}
    counts = {}
    for name, m in made.items():
        counts[name] = calibrated(m.step, arguments[name], block)
        row["samples"][name] = []
    gc.collect()
    gc.freeze()
    order = list(made)
    for i in range(rounds):
        for name in order[i % len(order) :] + order[: i % len(order)]:
            step, batch = made[name].step, arguments[name]
            if run_in:  # another library's workers may still spin
                repeated(step, batch, max(1, int(counts[name] * run_in / block)))
            row["samples"][name].append(repeated(step, batch, counts[name]))
    gc.unfreeze()
    return row


def repeated(step: Callable[..., Any], arguments: tuple[Any, ...], count: int) -> float:
    """Return the seconds a step takes, over `count` of them."""
    turns = range(count)
    start = time.perf_counter()
    for _ in turns:
        step(*arguments)
    return (time.perf_counter() - start) / count


def calibrated(step: Callable[..., Any], arguments: tuple[Any, ...], block: float) -> int:
    """Return how many steps fill a block; what runs for it is the warm-up."""
    count = 1
    while True:
        seconds = repeated(step, arguments, count) * count
        if seconds >= block / 2:
            return max(1, round(count * block / seconds))
        count *= 4 if seconds < block / 8 else 2


def ratio(row: Row, above: str, below: str) -> float | None:
    """Return the median over the rounds of one contender's number over another's, or None if one has none."""
    a, b = row["samples"].get(above), row["samples"].get(below)
    return statistics.median(x / y for x, y in zip(a, b, strict=True)) if a and b else None


def median(row: Row, name: str) -> float | None:
    """Return a contender's median."""
    return statistics.median(row["samples"][name]) if row["samples"].get(name) else None


# --- what needs a process of its own ---------------------------------------------------------------------------------

LONG = Chain("long-chain", 1, times=50_000)
MODULES = ("numpy", "autograd_mini", "nn", "torch", "jax", "autograd", "mygrad", "micrograd.engine")


def peak(reset: bool = False) -> float | None:
    """Return the megabytes of memory that the process held at most, since the last reset; None where that is unknown.

    Linux only: elsewhere the peak cannot be reset, and includes what the imports took.
    """
    try:
        if reset:
            Path("/proc/self/clear_refs").write_text("5")
        status = Path("/proc/self/status").read_text()
    except OSError:
        return None
    (line,) = (line for line in status.splitlines() if line.startswith("VmRSS" if reset else "VmHWM"))
    return int(line.split()[1]) / 1024


# kind of child: rows that its answers fill: (about, unit)
APART: dict[str, dict[str, tuple[str, str]]] = {
    "long-chain": {
        "long-chain": ("100,000 operations on one number, forward and backward", "s"),
        "long-chain-memory": ("the same: peak memory", "MB"),
    },
    "memory": {
        "memory": ("peak memory of steps of large, float32, SGD, after the first", "MB"),
        "memory-first": ("the same, of the first step, in which a program may be compiled", "MB"),
    },
    "import": {"import": ("time to import", "s")},
}


def child(kind: str, name: str) -> None:
    """Print the numbers of one measurement, by row, as JSON: this process does nothing else."""
    answer: dict[str, Any] = {}
    workload, small = [w for n in ("large", "small") for w in WORKLOADS if w.name == n]
    if kind == "long-chain":
        workload, small = LONG, Chain("warm-up", 1)
    try:
        six_steps(small, make(name, small))  # loads what is loaded at the first step
        gc.collect()
        before = peak(reset=True)
        made = make(name, workload)
        batch = tuple(map(made.convert, workload.arguments()[0]))
        start = time.perf_counter()
        outcome(made.step(*batch))
        if kind == "long-chain":
            answer["long-chain"] = time.perf_counter() - start
        first = peak()
        gc.collect()
        peak(reset=True)
        if kind == "memory":
            for _ in range(5):
                outcome(made.step(*batch))
        later = peak()
        if before is None or first is None or later is None:
            if kind == "memory":
                answer["absent"] = "this system does not say how much memory a process held"
        elif kind == "memory":
            answer |= {"memory-first": first - before, "memory": later - before}
        else:
            answer["long-chain-memory"] = first - before
    except NotOffered as reason:
        answer = {"absent": str(reason)}
    except Exception as error:  # its failure is its own, and is reported
        answer = {"refused": f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:200]}"}
    print(json.dumps(answer))


def apart(kind: str, names: Sequence[str], rounds: int, script: Path) -> dict[str, Row]:
    """Return rows whose every number comes from a fresh process, the contenders in turns."""
    rows: dict[str, Row] = {
        name: {"about": text, "unit": unit, "samples": {}, "absent": {}, "refused": {}, "first": {}}
        for name, (text, unit) in APART[kind].items()
    }
    for _ in range(rounds):
        for who in names:
            if any(who in row["absent"] or who in row["refused"] for row in rows.values()):
                continue
            command = [sys.executable, str(script), "--child", kind, who]
            done = subprocess.run(command, capture_output=True, text=True, env=os.environ)
            lines = done.stdout.splitlines()
            if lines:
                answer = json.loads(lines[-1])
            else:
                said = done.stderr.strip().splitlines() or [f"its process ended with {done.returncode}"]
                answer = {"refused": said[-1][:200]}
            for name, row in rows.items():
                for verdict in ("absent", "refused"):
                    if verdict in answer:
                        row[verdict][who] = answer[verdict]
                if name in answer:
                    row["samples"].setdefault(who, []).append(answer[name])
    return rows
