"""Joining, cutting, repeating and padding."""

from typing import Any

import numpy as np

import autograd_mini as ag

from .base import Case, Draw, on

real = Draw(__name__)
V, M, T, S, E, Z = real(3), real(2, 3), real(2, 3, 2), real(), real(0, 3), real.complex(2, 3)
CASES: dict[Any, list[Case]] = {}

CASES[np.concatenate] = [
    on((M, real(1, 3))), on([M, real(2, 2), real(2, 1)], axis=1), on([M, real(2, 2)], -1), on([M, V, S], axis=None),
    on([E, M]),
    on([M, [[1.0, 2.0, 3.0]], np.ones((1, 3), int), real(2, 3)]), on([V, real(2)], dtype=np.float32),
    on([3.0, M, [1, 2], S], None),
    on([V, real(2)], axis=0, dtype="float32", casting="unsafe"), on([V]), on((V, V)), on(T),
    on((ag.Tensor(np.ones(2)), V)),
]  # fmt: skip
CASES[np.stack] = [
    on([M, real(2, 3)]), on((M, real(2, 3), real(2, 3)), axis=1), on([M, real(2, 3)], -1), on([S, real(), 2.0]),
    on([V, [1, 2, 3]], axis=-2),
    on([V, real(3)], dtype=np.float32), on([V, real(3)], axis=1, dtype="float32", casting="unsafe"), on(M, axis=1),
    on([E, E]), on([V]),
]  # fmt: skip
CASES[np.split] = [
    on(real(6), 3), on(real(6), [2, 3]), on(M, 3, axis=1), on(M, [1], -1), on(M, indices_or_sections=(1, 2), axis=1),
    on(real(6), [2, 9, 11]),
    on(real(6), [4, 2]), on(real(6), [-2]), on(real(6), []), on(real(6), np.array([1, 4])), on(real(6), np.int64(2)),
    on(E, [0, 1], axis=1), on(real(4, 2), 2.0), on(Z, 3, 1),
]  # fmt: skip
CASES[np.array_split] = [
    on(real(7), 3), on(real(7), [2, 3]), on(M, 2, axis=1), on(M, [1], -1), on(V, 5), on(E, 2), on(E, 2, axis=1),
    on(M, indices_or_sections=(1, 2), axis=1), on(real(8), np.array([1, 4])), on(Z, 2, 1), on(real(6), [4, 2]),
]  # fmt: skip
CASES[np.hsplit] = [on(M, 3), on(M, [1, 2]), on(real(6), 2), on(real(6), indices_or_sections=[1]), on(T, 3), on(E, 3)]
CASES[np.vsplit] = [on(M, 2), on(T, [1]), on(real(4, 2), indices_or_sections=2), on(E, [0, 0]), on(Z, 2)]
CASES[np.dsplit] = [on(T, 2), on(T, [1]), on(real(2, 1, 2, 3), indices_or_sections=2), on(real(0, 1, 2), 2)]
if hasattr(np, "unstack"):
    CASES[np.unstack] = [on(M), on(V), on(T, axis=1), on(T, axis=-1), on(E, axis=1), on(Z, axis=1)]

CASES[np.hstack] = [
    on((M, real(2, 1))), on([V, real(2)]), on((V, S)), on([S, S]), on([T, real(2, 1, 2)]), on([M, [[1.0], [2.0]]]),
    on(T), on([V, real(2)], dtype=np.float32), on([V, real(2)], dtype="float32", casting="unsafe"), on([E, E]), on([V]),
    on(tup=[Z, M]),
]  # fmt: skip
CASES[np.vstack] = [
    on((M, V)), on([V, real(3)]), on([M, real(1, 3), real(2, 3)]), on([S, S]), on([T, real(1, 3, 2)]), on(T),
    on([V, [1, 2, 3]]), on([V, real(3)], dtype=np.float32), on([V, V], dtype="float32", casting="unsafe"), on([E, V]),
    on(tup=[Z, M]),
]  # fmt: skip
CASES[np.dstack] = [on((M, real(2, 3))), on([V, real(3)]), on([S, S]), on([T, M]), on([E, E]), on(tup=[Z, M]), on(T)]
CASES[np.column_stack] = [
    on((V, real(3))), on([V, real(3, 2)]), on([S, S]), on([M, real(2)]), on([V, [1, 2, 3]]), on([T, real(2, 1, 2)]),
    on(tup=[Z, M]), on([real(0), real(0)]),
]  # fmt: skip
CASES[np.append] = [
    on(V, real(2)), on(V, 3.0), on(V, [1, 2]), on([1, 2], V), on(M, real(2, 2)), on(M, real(1, 3), 0),
    on(M, values=real(2, 1), axis=-1), on(S, S), on(E, V), on(arr=Z, values=M, axis=1),
]  # fmt: skip
CASES[np.block] = [
    on([V, real(2)]), on([[M, real(2, 1)], [real(1, 3), real(1, 1)]]), on([[V], [real(3)]]), on([S, V]), on([[S, 2.0]]),
    on([[[S]], [[S]]]), on([T, real(2, 3, 1)]), on([[M, real(2, 1)], [np.ones((1, 4))]]), 
    on([[V, 1.0], [np.arange(4)]]),
    on([V, T[:1, :1, :]]), on([M]), on([[Z, M]]), on(M), on([[E], [V]]), on([S, T[:1, :1]]),
]  # fmt: skip

PLACES = [
    0,
    -1,
    [0, 2],
    [1, 1],
    slice(1, None),
    slice(None, None, -2),
    np.array([0, 2]),
    [],
    np.array([True, False, True]),
]
CASES[np.delete] = [on(V, obj) for obj in PLACES] + [
    on(M, 4), on(M, [0, 5]), on(M, 1, 0), on(M, obj=[0, 1], axis=-1), on(T, slice(0, 2), 1), on(E, 1, axis=1),
    on(E, []),     on(Z, 1, 1), on(V, ag.Tensor(1)), on(V, ag.Tensor([0, 1])), on(V, [True, False, False]),
]  # fmt: skip
CASES[np.insert] = [on(V, obj, 2.5) for obj in PLACES] + [
    on(V, 1, S), on(V, [0, 2], real(2)), on(V, [2, 0, 2], real(3)), on(V, 1, real(2)), on(M, 1, S),
    on(M, [1, 3], real(2)),
    on(M, 1, real(3), 0), on(M, 1, real(2), axis=1), on(M, [1], real(2, 1), axis=1), on(M, [0, 2], real(2, 2), -1),
    on(M, 1, real(2, 4).T, 1), on(M, [0, 2], S, 1), on(T, -1, real(2, 3), 2), on(T, 1, real(2, 2), axis=1),
    on(arr=V, obj=slice(0, 2), values=real(2)), on(V, np.array([False, True, True]), real(2)),
    on(E, 0, real(3), axis=0),
    on(real(0), 0, S), on(V, ag.Tensor([0, 1]), real(2)), on(Z, 1, V, 0),
]  # fmt: skip
CASES[np.resize] = [
    on(V, 7), on(M, (3, 3)), on(M, (2, 2)), on(S, (2, 2)), on(M, new_shape=()), on(M, (0, 2)), on(E, (2, 2)), on(Z, 8),
    on(V, (2, 1, 3)),
]  # fmt: skip
ROUND = np.array([1.0, 0.5, 2.0])
CASES[np.trim_zeros] = [
    on(V), on(ROUND, "f"), on(V, trim="b"), on(M), on(M, "fb"), on(M, axis=0), on(M, "B", (0, 1)), on(V, axis=-1),
    on(Z), on(real(0)), on(M, axis=()),
]  # fmt: skip
CASES[np.repeat] = [
    on(V, 2), on(M, 3), on(M, 2, 0), on(M, 2, axis=-1), on(T, repeats=2, axis=1), on(M, [1, 0, 2], 1), on(M, [2], 1),
    on(V, np.array([0, 2, 1])), on(S, 3), on(S, [2]), on(V, 0), on(V, 1), on(E, 2), on(E, 2, 1), on(M, [2, 1], axis=0),
    on(V, ag.Tensor(2)), on(V, ag.Tensor([1, 2, 0])), on(Z, 2, 1), on(V, np.int64(2)), on(M, [1, 0, 2, 0, 1, 1]),
    on(S, 2, 0),
]  # fmt: skip
CASES[np.tile] = [
    on(V, 2), on(M, 2), on(M, (2, 3)), on(M, (2, 1, 2)), on(T, 2), on(T, reps=(2, 1)), on(S, 3), on(S, (2, 2)),
    on(V, 0), on(V, ()), on(V, (2, 2, 1)), on(E, (2, 2)), on(M, 1), on(A=M, reps=[1, 2]), on(M, np.array([2, 1])),
    on(Z, 2), on(S, ()), on(V, (1,)),
]  # fmt: skip
CASES[np.lib.stride_tricks.sliding_window_view] = [
    on(V, 2), on(real(6), 3), on(M, (2, 2)), on(T, 2, 1), on(T, window_shape=(2, 2), axis=(0, 1)), on(V, (2,), -1),
    on(V, 2, subok=False), on(T, (2, 2), (1, 1)), on(Z, 2, 1), on(E, 1, axis=1),
]  # fmt: skip

WIDTHS = [1, (2, 1), ((1, 2),), ((0, 1), (2, 0)), ((1,), (2,)), np.array([[1, 0], [0, 1]]), 0]
LONG = [on(V, (4, 9)), on(real(2), (5, 4)), on(real(1), (2, 3)), on(M, ((3, 1), (0, 7))), on(T, 2), on(real(1, 3), 2)]
PAD = [on(M, width) for width in WIDTHS] + [on(V, 2), on(T, ((0, 1), (1, 0), (2, 1))), on(M, {1: (2, 1)}), on(Z, 1),
       on(M, {-1: 1, 0: (0, 2)}), on(S, 0), on(E, ((0, 0), (1, 1))), on(V, ag.Tensor(2)), *LONG]  # fmt: skip


def mode(name, rows, **kwargs):
    return [on(*row.args, name, **row.kwargs, **kwargs) for row in rows]


STAT = [
    on(M, 1, stat_length=2), on(M, 2, stat_length=(1, 2)), on(T, 1, stat_length=((1, 2), (2, 1), (1, 1))), on(V, 2),
    on(V, (1, 2), stat_length=None), on(V, (1, 2), stat_length=9), on(M, ((1, 2), (0, 3)), stat_length=((1,), (2,))),
]  # fmt: skip
CASES[np.pad] = [
    *PAD, on(V, (1, 2), mode="constant"), on(E, 1), on(array=M, pad_width=1, constant_values=2.5),
    on(M, 1, constant_values=(1, 2.0)), on(M, ((1, 2), (0, 3)), "constant", constant_values=((1, 2), (3.0, 4))),
    on(M, 1, constant_values=((1,), (2,))),
    *mode("edge", PAD), *mode("reflect", PAD), *mode("symmetric", PAD), *mode("wrap", PAD),
    *mode("reflect", PAD, reflect_type="odd"), *mode("symmetric", PAD, reflect_type="odd"),
    *mode("reflect", PAD[:2], reflect_type="even"),
    *mode("linear_ramp", PAD), *mode("linear_ramp", PAD[:2], end_values=3.5),
    on(M, 2, "linear_ramp", end_values=(1, 2)),
    on(M, ((1, 2), (0, 3)), "linear_ramp", end_values=((1, 2), (3.0, 4))),
    *mode("mean", PAD), *mode("mean", STAT),
    *mode("maximum", [r for r in PAD if r.args[0] is not Z]), *mode("maximum", STAT),
    *mode("minimum", [r for r in PAD if r.args[0] is not Z]), *mode("minimum", STAT),
    *mode("median", [r for r in PAD if r.args[0] is not Z and r.args[0] is not T]), *mode("median", STAT),
]  # fmt: skip

REFUSED: list[tuple[Any, Case, str]] = [
    (np.pad, on(M, 1, "empty"), "mode"), (np.pad, on(M, 1, lambda *_: None), "mode"),
    (np.lib.stride_tricks.sliding_window_view, on(V, 2, writeable=True), "writeable"),
]  # fmt: skip
INVALID: list[tuple[Any, Case, type[Exception]]] = [
    (np.pad, on(M, -1), ValueError), (np.pad, on(M, 1.5), TypeError), (np.pad, on(M, 1, "edgy"), ValueError),
    (np.pad, on(M, 1, "edge", stat_length=1), ValueError), (np.pad, on(E, 1, "edge"), ValueError),
    (np.pad, on(E, 1, "mean"), ValueError), (np.pad, on(M, 1, "maximum", stat_length=0), ValueError),
    (np.pad, on(M, ((1, 2), (1, 2), (1, 2))), ValueError),
    (np.pad, on(M, ((1, 2), (1, 2), (1, 2)), "mean"), ValueError), (np.pad, on(M, -1, "mean"), ValueError),
    (np.array_split, on(V, 0), ValueError), (np.hsplit, on(S, 1), ValueError), (np.vsplit, on(V, 1), ValueError),
    (np.dsplit, on(M, 1), ValueError), (np.block, on([V, [V]]), ValueError), (np.block, on((V, V)), TypeError),
    (np.block, on([V, []]), ValueError), (np.block, on([[V], [[1, 2, 3]]]), ValueError),
    (np.delete, on(V, 3), IndexError), (np.insert, on(V, 4, 1.0), IndexError),
    (np.insert, on(V, [0, 1], real(3)), ValueError), (np.trim_zeros, on(V, "x"), ValueError),
    (np.repeat, on(V, [1, 2]), ValueError), (np.repeat, on(V, -1), ValueError), (np.repeat, on(V, 2, 1), IndexError),
    (np.tile, on(V, -1), ValueError), (np.hstack, on([V, M]), ValueError), (np.delete, on(V, 0, 1), IndexError),
    (np.vstack, on([V, real(2)]), ValueError), (np.append, on(M, V, 0), ValueError),
]  # fmt: skip
if hasattr(np, "unstack"):
    INVALID.append((np.unstack, on(S), ValueError))
