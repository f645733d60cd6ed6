"""summary: a model as a table, a row for each part, with its outputs' shape and its parameters."""

from __future__ import annotations

import html
import math
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

import autograd_mini as ag

from .checks import shown
from .layers import Linear
from .module import Buffer, Module, Parameter, evaluating, observe, restored

__all__ = ["Summary", "SummaryRow", "summary"]

WIDTH = 80  # columns of the text, where names and descriptions can be cut to fit
LEAST = 16  # so much of a description is left


class SummaryRow(NamedTuple):
    """One part of a model.

    `depth` is how deep it is nested, 0 for the model; `name` is its dotted name, empty for the model; `module`
    describes it. `output` is the shape of its outputs, empty if no input was given. `parameters` are those that it
    holds itself and that no row above has counted, `trainable` and `frozen`; `shared` says where the others are.
    """

    depth: int
    name: str
    module: str
    output: str
    trainable: int
    frozen: int
    shared: str

    @property
    def parameters(self) -> int:
        """Trainable and frozen ones."""
        return self.trainable + self.frozen


@dataclass(frozen=True)
class Summary:
    """The table that `summary` makes; shows itself as text and, in a notebook, as HTML.

    Attributes
    ----------
    rows : tuple of SummaryRow
        The model, then its parts in their order, each followed by its own.
    trainable, frozen : int
        Numbers of parameters, each counted once.
    buffers : int
        Numbers in buffers.
    bytes : int
        What parameters and buffers take in memory.
    multiply_adds : int or None
        Multiplications with an addition, of the Linear layers on the input given; None without one.
    """

    rows: tuple[SummaryRow, ...]
    trainable: int
    frozen: int
    buffers: int
    bytes: int
    multiply_adds: int | None = None

    @property
    def parameters(self) -> int:
        """All parameters, each counted once."""
        return self.trainable + self.frozen

    def totals(self) -> str:
        """Return the sums in one line."""
        parts = [f"{self.parameters:,} parameters"]
        if self.frozen:
            parts[0] += f" ({self.trainable:,} trainable, {self.frozen:,} frozen)"
        if self.buffers:
            parts.append(f"{self.buffers:,} in buffers")
        parts.append(_memory(self.bytes))
        if self.multiply_adds is not None:
            parts.append(f"{self.multiply_adds:,} multiply-adds")
        return ", ".join(parts)

    def cells(self) -> Iterator[tuple[str, ...]]:
        """Yield the rows as text, cell by cell; the first is the heading."""
        yield ("part", "is", "output", "parameters", "")
        above = [""]
        for row in self.rows:
            above[row.depth :] = [f"{row.name}." if row.name else ""]
            name = "  " * (row.depth - 1) + row.name.removeprefix(above[row.depth - 1]) if row.depth else "model"
            notes = [row.shared] if row.shared else []
            if row.frozen:
                notes.insert(0, f"{row.frozen:,} frozen" if row.trainable else "frozen")
            yield (name, row.module, row.output, f"{row.parameters:,}" if row.parameters else "", ", ".join(notes))

    def _columns(self) -> list[int]:
        """Return the columns to show: not the outputs or the notes if there are none."""
        _, *body = self.cells()
        return [i for i in range(5) if i == 3 or any(row[i] for row in body)]

    def __str__(self) -> str:
        table, columns = [list(row) for row in self.cells()], self._columns()
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        over = sum(widths[i] for i in columns) + 2 * (len(columns) - 1) - WIDTH
        if over > 0:
            widths[1] = max(widths[1] - over, min(LEAST, widths[1]))
        lines = []
        for row in table:
            row[1] = row[1] if len(row[1]) <= widths[1] else row[1][: widths[1] - 1] + "…"
            cells = [row[i].rjust(widths[i]) if i == 3 else row[i].ljust(widths[i]) for i in columns]
            lines.append("  ".join(cells).rstrip())
        line = "─" * max(map(len, lines))
        return "\n".join([lines[0], line, *lines[1:], line, *textwrap.wrap(self.totals(), WIDTH)])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head, *body = self.cells()
        columns = self._columns()
        aligned = ["left", "left", "left", "right", "left"]
        rule = "border-bottom:1px solid rgba(128,128,128,.5)"

        def line(cells: tuple[str, ...], tag: str, depth: int) -> str:
            out = ""
            for i in columns:
                indent = 0.6 + 1.2 * max(depth - 1, 0) if i == 0 else 0.6
                style = f"text-align:{aligned[i]};padding:.2em .6em .2em {indent:g}em;{rule if tag == 'th' else ''}"
                out += f'<{tag} style="{style}">{html.escape(cells[i].strip())}</{tag}>'
            return f'<tr style="background:none">{out}</tr>'

        rows = "".join(line(cells, "td", row.depth) for cells, row in zip(body, self.rows, strict=True))
        return (
            f'<table class="summary" style="background:none;color:inherit"><thead>{line(head, "th", 0)}</thead>'
            f"<tbody>{rows}</tbody></table><p>{html.escape(self.totals())}</p>"
        )


def summary(model: Module, x: Any = None) -> Summary:
    """Return a table of a model's parts, with their parameters and, given an input, the shapes of their outputs.

    What several parts share is counted once, in the first. To find the shapes, the model is run once on the input, in
    evaluation mode and not recorded; its mode, buffers and random generators are afterwards as they were.

    Parameters
    ----------
    model : Module
        The model, or any part of one.
    x : array_like or tuple of int, optional
        An input; or the shape of one, samples first, as in ``(1, 64)``: then the input is zeros of the parameters'
        dtype. For integers, as an Embedding takes them, give an input.

    Returns
    -------
    Summary

    Raises
    ------
    TypeError
        If the model is no Module.
    ValueError
        If a size in the shape is less than 1.

    Examples
    --------
    >>> import nn
    >>> nn.summary(nn.MLP([64, 32, 10], rng=0), (1, 64))
    part   is                output   parameters
    ────────────────────────────────────────────
    model  MLP               (1, 10)
    0      Linear(64 -> 32)  (1, 32)       2,080
    1      ReLU()            (1, 32)
    2      Linear(32 -> 10)  (1, 10)         330
    ────────────────────────────────────────────
    2,410 parameters, 18.8 KiB, 2,368 multiply-adds
    """
    if not isinstance(model, Module):
        raise TypeError(f"summary: model is {shown(model)}, but must be a Module, such as nn.MLP([64, 32, 10]).")
    outputs: dict[int, list[Any]] | None = None if x is None else _outputs(model, _input(model, x))
    counted: dict[int, str] = {}
    first: dict[int, str] = {}
    rows = []
    for depth, name, module in _places(model):
        description, output = _described(module), ""
        if outputs is not None:
            output = _shapes(outputs.get(id(module), []))
        if id(module) in first:
            rows.append(SummaryRow(depth, name, description, output, 0, 0, f"same as {first[id(module)] or 'model'}"))
            continue
        first[id(module)] = name
        trainable = frozen = 0
        shared = []
        for part, parameter in _held(module, Parameter):
            if id(parameter) in counted:
                shared.append(f"{part} is {counted[id(parameter)]}")
                continue
            counted[id(parameter)] = f"{name}.{part}" if name else part
            if parameter.requires_grad:
                trainable += parameter.size
            else:
                frozen += parameter.size
        rows.append(SummaryRow(depth, name, description, output, trainable, frozen, ", ".join(shared)))
    buffers = [buffer for _, buffer in model.named_buffers()]
    return Summary(
        tuple(rows),
        sum(row.trainable for row in rows),
        sum(row.frozen for row in rows),
        sum(buffer.size for buffer in buffers),
        sum(leaf.size * leaf.dtype.itemsize for leaf in [*model.parameters(), *buffers]),
        None if outputs is None else _multiply_adds(model, outputs),
    )


def _places(model: Module) -> Iterator[tuple[int, str, Module]]:
    """Yield depth, dotted name and module of every place in a model; what was met before is not entered again."""
    seen: set[int] = set()
    stack = [(0, "", model)]
    while stack:
        depth, name, module = stack.pop()
        yield depth, name, module
        if id(module) not in seen:
            seen.add(id(module))
            parts = [(depth + 1, f"{name}.{part}" if name else part, child) for part, child in module.children()]
            stack.extend(parts[::-1])


def _held(module: Module, kind: type[Any]) -> Iterator[tuple[str, Any]]:
    """Yield the parameters that a module holds itself, not through a part of it."""
    below = tuple(f"{part}." for part, _ in module.children())
    for name, leaf in module.named_parameters(remove_duplicate=False):
        if isinstance(leaf, kind) and not name.startswith(below):
            yield name, leaf


def _described(module: Module) -> str:
    """Return a module's repr; of one that has parts or a repr of several lines, its class."""
    if next(module.children(), None) is not None or "\n" in (text := repr(module)):
        return type(module).__name__
    return text


def _input(model: Module, x: Any) -> Any:
    """Return what to run the model on."""
    if not isinstance(x, tuple) or not all(isinstance(n, (int, np.integer)) for n in x):
        return x
    if not all(n > 0 for n in x):
        raise ValueError(f"summary: x is {shown(x)}, a shape, but its sizes must be at least 1. Write (1, inputs).")
    dtypes = [p.dtype for p in model.parameters()]
    return np.zeros(x, dtypes[0] if dtypes else float)


def _outputs(model: Module, x: Any) -> dict[int, list[Any]]:
    """Return what each module puts out, by its id, in the order of the calls; leave the model as it was."""
    found: dict[int, list[Any]] = {}
    buffers: list[tuple[Buffer, Any]] = [(buffer, buffer.data.copy()) for _, buffer in model.named_buffers()]
    try:
        with (
            evaluating(model),
            restored(model),
            ag.no_grad(),
            observe(lambda module, output: found.setdefault(id(module), []).append(output)),
        ):
            model(x)
    finally:
        for buffer, value in buffers:
            if not np.array_equal(buffer.data, value, equal_nan=value.dtype.kind in "fc"):
                buffer.data = value
    return found


def _shapes(outputs: list[Any]) -> str:
    """Return the shape of a module's outputs; of each call, where they differ."""
    shapes = [_shape(output) for output in outputs]
    if not shapes:
        return "not called"
    times = f" × {len(shapes)}" if len(shapes) > 1 else ""
    return ", ".join(shapes) if len(set(shapes)) > 1 else shapes[0] + times


def _shape(output: Any) -> str:
    if isinstance(output, (list, tuple)):
        return f"[{', '.join(map(_shape, output))}]"
    if isinstance(output, dict):
        return f"[{', '.join(f'{key}: {_shape(value)}' for key, value in output.items())}]"
    return str(output.shape) if hasattr(output, "shape") else type(output).__name__


def _multiply_adds(model: Module, outputs: dict[int, list[Any]]) -> int:
    total = 0
    for _, module in model.named_modules():
        if isinstance(module, Linear):
            total += sum(math.prod(np.shape(output)) for output in outputs.get(id(module), ())) * module.weight.shape[1]
    return total


def _memory(size: int) -> str:
    """Return a number of bytes as one reads it."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            break
        size /= 1024  # type: ignore[assignment]
    return f"{size} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
