"""Storage: what the forward pass keeps for the backward pass, what checkpoints save of it, and what they cost."""

from __future__ import annotations

import math
import tracemalloc
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

import autograd_mini as ag

from ..checks import whole
from ..layers import Linear, Sequential, Tanh
from ..losses import squared_error
from ..module import Module, observe, root_of
from .arguments import seeds_of, wholes_of
from .panels import ink, legend, panel
from .result import Experiment, Spread, number

__all__ = ["memory", "stored_bytes"]


def stored_bytes(result: ag.Tensor, apart: Sequence[Any] = ()) -> int:
    """Return how many bytes of arrays the graph of a result keeps alive, besides some that others keep anyway.

    Parameters
    ----------
    result : Tensor
    apart : sequence of array
        Such as the parameters and the inputs.

    Examples
    --------
    >>> import numpy as np, autograd_mini as ag
    >>> from nn.experiments.storage import stored_bytes
    >>> x = ag.Tensor(np.ones(1000), requires_grad=True)
    >>> stored_bytes(np.sum(np.exp(x)))  # exp keeps its result, 8 bytes each; the sum, a number, is small
    8008
    """
    left_out = {id(root_of(array)) for array in apart}
    end: Any = result.node
    seen, waiting = {end}, [end]
    arrays: dict[int, Any] = {}
    while waiting:
        node = waiting.pop()
        for value in (node.out, *(node.args or ())):
            if isinstance(value, np.ndarray) and id(root_of(value)) not in left_out:
                arrays[id(root_of(value))] = root_of(value)
        for parent in node.parents:
            if parent is not None and parent not in seen:
                seen.add(parent)
                waiting.append(parent)
    return sum(array.nbytes for array in arrays.values())


def _in_segments(model: Sequential, x: Any, segments: int) -> Any:
    """Return the model's outputs; with segments, each of which keeps its inputs only and is computed again."""
    if not segments:
        return model(x)
    ends = np.linspace(0, len(model), segments + 1).round().astype(int)
    for a, b in pairwise(ends):
        x = ag.checkpoint(model[int(a) : int(b)])(x)
    return x


def _measured(depth: int, width: int, samples: int, seed: int, segments: int) -> tuple[list[float], Any]:
    """Return bytes stored, the peak of the whole, calls of layers; and the gradient."""
    rng = np.random.default_rng(seed)
    model = Sequential(*(Sequential(Linear(width, width, rng=rng), Tanh()) for _ in range(depth)))
    x, y = rng.normal(size=(samples, width)), rng.normal(size=(samples, width))
    calls = 0

    def count(module: Module, _output: Any) -> None:
        nonlocal calls
        calls += isinstance(module, Linear)

    parameters = model.parameters()
    started = not tracemalloc.is_tracing()
    if started:
        tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        with observe(count):
            loss = squared_error(_in_segments(model, x, segments), y)
            stored = stored_bytes(loss, [x, y, *(p.data for p in parameters)])
            loss.backward(retain_graph=False)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        if started:
            tracemalloc.stop()
    return [stored, peak, calls], np.concatenate([p.grad.ravel() for p in parameters])


def memory(
    seeds: Any = 2, *, depths: Sequence[int] = (4, 9, 16, 36), width: int = 16, samples: int = 512
) -> Experiment:
    r"""Measure the memory of a forward pass as the depth grows, and what `autograd_mini.checkpoint` saves (claim R7).

    The sweep reads what the forward pass stored: the activations of n layers. With checkpoints around each of s
    segments only their inputs are stored; in the sweep one segment after the other is computed again and keeps its own
    n/s activations for as long: about :math:`s + n / s` at once, which is least, :math:`2 \sqrt n`, at
    :math:`s = \sqrt n` (Chen, Xu, Zhang and Guestrin, 2016). The price is a second forward pass.

    Parameters
    ----------
    seeds : int or iterable of int
        How many networks are drawn, or from which seeds. Sizes do not depend on them.
    depths : sequence of int
        Numbers of layers; with checkpoints, in a number of segments that is next to the square root.
    width : int
        Units of each layer, and inputs.
    samples : int
        Rows of the batch.

    Returns
    -------
    Experiment
        Its data: ``stored``, bytes on the graph after the forward pass, ``peaks``, the most that Python's tracemalloc
        saw at once until the end of the sweep, and ``calls`` of layers, (seeds, 2, depths), without checkpoints and
        with them; ``by_segments``, the same three for the deepest network in different numbers of ``segments``,
        (numbers, 3); ``differences``, the largest one between the gradients, (seeds, depths).

    Raises
    ------
    TypeError, ValueError
        If an argument is none of these.

    Examples
    --------
    >>> import nn
    >>> found = nn.experiments.memory(seeds=1, depths=[4, 16], width=8, samples=100)
    >>> found.data["calls"][0]  # without checkpoints, and with
    array([[ 4, 16],
           [ 8, 32]])
    """
    chosen = seeds_of("memory", seeds)
    width, samples = whole("memory", "width", width, 1), whole("memory", "samples", samples, 1)
    sizes = np.array(wholes_of("memory", "depths", depths, "(4, 9, 16, 36)"))
    roots = [round(math.sqrt(n)) for n in sizes]
    stored, peaks, calls = np.empty((3, len(chosen), 2, len(sizes)), int)
    differences = np.empty((len(chosen), len(sizes)))
    for s, seed in enumerate(chosen):
        for n, depth in enumerate(sizes):
            gradients = []
            for k, segments in enumerate((0, roots[n])):
                found, gradient = _measured(int(depth), width, samples, seed, segments)
                stored[s, k, n], peaks[s, k, n], calls[s, k, n] = found
                gradients.append(gradient)
            differences[s, n] = np.abs(gradients[1] - gradients[0]).max()
    deepest = int(sizes[-1])
    cuts = np.array(sorted({1, roots[-1], deepest, *(n for n in range(1, deepest) if deepest % n == 0)}))
    by_segments = np.array([_measured(deepest, width, samples, chosen[0], int(n))[0] for n in cuts], int)
    kib = 1 / 1024
    rows = tuple(
        (
            f"{sizes[n]}, in {roots[n]} segments" if k else f"{sizes[n]}",
            Spread(stored[:, k, n] * kib, "median"),
            Spread(peaks[:, k, n] * kib, "median"),
            int(calls[0, k, n]),
        )
        for n in range(len(sizes))
        for k in (0, 1)
    )
    least = cuts[by_segments[:, 1].argmin()]

    def middle(values: Any) -> str:
        return number(np.median(values[:, -1]) * kib)

    finding = (
        f"With {deepest} layers the graph keeps {middle(stored[:, 0])} KiB, at most {middle(peaks[:, 0])} KiB are in "
        f"use at once, and a layer is computed {calls[0, 0, -1] / deepest:.3g} time; in segments, {roots[-1]} of them, "
        f"{middle(stored[:, 1])} KiB, {middle(peaks[:, 1])} KiB and {calls[0, 1, -1] / deepest:.3g} times. Least is in "
        f"use at once if the segments are {least} (square root: {math.sqrt(deepest):.1f}). The gradients differ by "
        f"{differences.max():.1g} at most."
    )
    if len(sizes) > 1:
        growth = [np.polyfit(np.log(sizes), np.log(np.median(v, axis=0)), 1)[0] for v in (stored[:, 0], stored[:, 1])]
        finding += (
            f" With the depth n, what is stored grows like n^{growth[0]:.2f}, and like n^{growth[1]:.2f} with "
            "checkpoints."
        )
    notes = (
        "The O(n) of the note is that of layers or of operations, not of weights: what is stored for a layer is its "
        "activations, samples times units, and does not depend on the number of its weights.",
        "Checkpoints store less until the sweep, but the sweep needs one segment's activations at once: one segment "
        "saves nothing, and as many as layers store the input of each.",
        "The peak holds the gradients and what operations need for a moment, too.",
    )

    def draw(figure: Any) -> None:
        left, right = figure.subplots(1, 2)
        panel(left, "as the depth grows", "layers", "KiB", log="xy")
        panel(right, f"{deepest} layers, in segments", "segments", "KiB", log="x")
        for k, name in enumerate(("all kept", "checkpoints")):
            left.plot(sizes, np.median(stored[:, k], axis=0) * kib, "o-", color=f"C{k}", label=f"{name}: stored")
            left.plot(sizes, np.median(peaks[:, k], axis=0) * kib, "o--", color=f"C{k}", label=f"{name}: peak")
        left.set_xticks(sizes, [str(n) for n in sizes])
        right.plot(cuts, by_segments[:, 0] * kib, "o-", color="C1", label="stored")
        right.plot(cuts, by_segments[:, 1] * kib, "o--", color="C1", label="peak")
        right.axhline(np.median(peaks[:, 0, -1]) * kib, color="C0", linestyle="--", label="peak, all kept")
        right.axvline(math.sqrt(deepest), color=ink(right), linestyle=":", linewidth=1)
        right.set_xticks(cuts, [str(n) for n in cuts])
        right.set_ylim(bottom=0)
        for axes in (left, right):
            axes.tick_params(which="minor", axis="x", bottom=False, labelbottom=False)
            legend(axes)

    return Experiment(
        "What does the forward pass keep, and what do checkpoints save?",
        ("R7",),
        finding,
        ("layers", "stored, KiB", "peak, KiB", "calls of layers"),
        rows,
        {
            "seeds": chosen,
            "depths": sizes,
            "stored": stored,
            "peaks": peaks,
            "calls": calls,
            "segments": cuts,
            "by_segments": by_segments,
            "differences": differences,
        },
        notes,
        draw=draw,
    )
