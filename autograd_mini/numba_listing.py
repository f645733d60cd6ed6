"""Code for numba, loop by loop: each pattern becomes a function, written once, and called with the places of arrays."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from .numba_loops import as_literal, cast, expression

__all__ = ["Kernel", "Kernels", "collapsed"]

INDICES = "ijklmnpq"
OPTIONS = 'error_model="numpy", cache=True, no_cpython_wrapper=True, no_cfunc_wrapper=True'
SHORT = 128  # so long rows are added up here, longer ones by NumPy


def collapsed(shape: tuple[int, ...], strides: list[tuple[int, ...]]) -> tuple[list[int], list[list[int]]]:
    """Return as few axes as go over the same elements: without those of length 1, and neighbours as one."""
    axes = [k for k, n in enumerate(shape) if n != 1]
    sizes: list[int] = []
    steps: list[list[int]] = [[] for _ in strides]
    for k in reversed(axes):
        if sizes and all(s[k] == t[0] * sizes[0] for s, t in zip(strides, steps, strict=True)):
            sizes[0] *= shape[k]
            continue
        sizes.insert(0, shape[k])
        for s, t in zip(strides, steps, strict=True):
            t.insert(0, s[k])
    return sizes, steps


class Place:
    """Where an array lies: base, kind, first element, and the steps from element to element."""

    __slots__ = ("base", "kind", "start", "steps")

    def __init__(self, base: str, kind: str, start: int, steps: tuple[int, ...]) -> None:
        self.base, self.kind, self.start, self.steps = base, kind, start, steps

    @property
    def key(self) -> Any:
        return self.base, self.start, self.steps


class Kernels:
    """The functions written so far, each once."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.texts: list[str] = []
        self.count: dict[str, int] = {}
        self.loops: dict[str, tuple[str, int]] = {}  # what is called of NumPy's: its data, and where that is told
        self.pointers: set[str] = set()  # of which bases the address is needed

    def named(self, hint: str, returns: str, params: list[tuple[str, str]], body: list[str]) -> str:
        """Return the name of the function with this body."""
        signature = f"{returns}({', '.join(kind for _, kind in params)})"
        text = f"({', '.join(name for name, _ in params)}):\n" + "\n".join(f"    {line}" for line in body) + "\n"
        key = f"{signature} {text}"
        if key not in self.names:
            number = self.count[hint] = self.count.get(hint, 0) + 1
            name = self.names[key] = f"{hint}_{number}"
            self.texts.append(f'@njit("{signature}", {OPTIONS})\ndef {name}{text}')
        return self.names[key]

    def shaped(self, kind: str, ndim: int) -> str:
        """Return the name of a function that takes a part of an array and gives it axes."""
        lengths = [f"n{k}" for k in range(ndim)]
        body = [f"return a[at:at + {' * '.join(lengths)}].reshape(({', '.join(lengths)}))"]
        params = [("a", f"{kind}[::1]"), ("at", "i8"), *((n, "i8") for n in lengths)]
        return self.named("shaped", f"{kind}[{':, ' * (ndim - 1)}::1]", params, body)

    def numpys(self, name: str, data: int) -> int:
        """Have a loop of NumPy's declared; return where in `call` its data stands."""
        if name not in self.loops:
            self.loops[name] = f"{name} = types.ExternalFunction({name!r}, types.void(*4 * [types.intp]))", data
        return 20 + list(self.loops).index(name)

    # what the head of the file says, and what `call` holds

    def data(self) -> list[int]:
        """Return the data of NumPy's loops, as they stand in `call`."""
        return [data for _, data in self.loops.values()]

    def header(self) -> list[str]:
        """Return the declarations of NumPy's loops."""
        return [line for line, _ in self.loops.values()]


class Kernel:
    """One function being written."""

    def __init__(self, kernels: Kernels, returns: str = "void") -> None:
        self.kernels, self.returns = kernels, returns
        self.arrays: dict[str, tuple[str, str]] = {}  # base -> parameter, kind
        self.numbers: list[tuple[str, int | str]] = []
        self.before: list[str] = []
        self.views: dict[str, str] = {}
        self.body: list[str] = []
        self.sizes: list[str] = []
        self.calls = False

    # parameters

    def array(self, base: str, kind: str) -> str:
        """Return the parameter for an array."""
        if base not in self.arrays:
            self.arrays[base] = f"a{len(self.arrays)}", kind
        return self.arrays[base][0]

    def number(self, name: str, value: int | str) -> str:
        """Return the parameter for a number."""
        self.numbers.append((name, value))
        return name

    def dims(self, sizes: list[int]) -> list[str]:
        """Return the parameters for the lengths of the loops."""
        self.sizes = [self.number(f"n{k}", n) for k, n in enumerate(sizes)]
        return self.sizes

    def pointer(self, place: Place, offset: str = "") -> str:
        """Return the address of an array's first element, as code; the caller passes it."""
        self.kernels.pointers.add(place.base)
        more = f" + {size_of(place.kind) * place.start}" if place.start else ""
        return self.number(f"at{len(self.numbers)}", f"{place.base}_address{more}") + offset

    def access(self, name: str, place: Place, steps: list[int], sizes: list[int]) -> tuple[str, int]:
        """Return code for an element of an array, and in how many loops it stands; a view is made before the loops."""
        array = self.array(place.base, place.kind)
        start = self.number(f"{name}_at", place.start)
        used = [k for k, s in enumerate(steps) if s]
        if not used:
            return f"{array}[{start}]", 0
        index = ", ".join(INDICES[k] for k in used)
        expected = 1
        for k in reversed(used):
            if steps[k] != expected:
                break
            expected *= sizes[k]
        else:
            lengths = [self.sizes[k] for k in used]
            self.views[name] = f"{array}[{start}:{start} + {' * '.join(lengths)}]"
            view = self.views[name]
            if len(used) > 1:  # by a function of its own: numba takes half a second for each reshape
                view = f"{self.kernels.shaped(place.kind, len(used))}({array}, {start}, {', '.join(lengths)})"
            self.before.append(f"{name} = {view}")
            return f"{name}[{index}]", used[-1] + 1
        parts = [f"{INDICES[k]} * {self.number(f'{name}_by{k}', steps[k])}" for k in used]
        return f"{array}[{start} + {' + '.join(parts)}]", used[-1] + 1

    def finish(self, hint: str) -> str:
        """Return a call of the function."""
        params = [(name, f"{kind}[::1]") for name, kind in self.arrays.values()]
        params += [(name, "i8") for name, _ in self.numbers]
        values = [*self.arrays, *(str(n) for _, n in self.numbers)]
        if self.calls:
            params.append(("call", "i8[::1]"))
            values.append("call")
        name = self.kernels.named(hint, self.returns, params, [*self.before, *self.body])
        return f"{name}({', '.join(values)})"

    # bodies

    def nest(self, levels: list[list[str]]) -> None:
        """Write loops: lines by how many loops they stand in."""
        for depth, lines in enumerate(levels):
            if depth:
                self.body.append(f"{'    ' * (depth - 1)}for {INDICES[depth - 1]} in range({self.sizes[depth - 1]}):")
            self.body += ["    " * depth + line for line in lines]
        if len(levels) > 1 and not levels[-1]:
            self.body.append("    " * (len(levels) - 1) + "pass")

    def calling(self, loop: tuple[str, int], pointers: list[str], sizes: list[str], steps: list[str]) -> list[str]:
        """Return a call of a loop of NumPy's."""
        self.calls = True
        at = self.kernels.numpys(*loop)
        lines = [f"call[{k}] = {p}" for k, p in enumerate(pointers)]
        lines += [f"call[{4 + k}] = {n}" for k, n in enumerate(sizes)]
        lines += [f"call[{8 + k}] = {s}" for k, s in enumerate(steps)]
        lines.append(f"{loop[0]}(call.ctypes.data, call.ctypes.data + 32, call.ctypes.data + 64, call[{at}])")
        return lines


def size_of(kind: str) -> int:
    return int(kind[1:])


def elementwise(
    kernels: Kernels,
    shape: tuple[int, ...],
    ops: list[Any],
    reads: dict[Any, Place],
    writes: dict[Any, Place],
    sums: dict[Any, tuple[Place, Any]],
) -> str | None:
    """Write a loop over elements.

    ops: (out, kind, function, [args], extra) with args values or numbers; reads: the places of values that are not
    made here; writes: of those that are kept; sums: for each reduction its place and start.
    """
    places: list[Place] = []
    for place in [*reads.values(), *writes.values(), *(p for p, _ in sums.values())]:
        if not any(place.key == p.key for p in places):
            places.append(place)
    sizes, steps = collapsed(shape, [p.steps for p in places])
    kernel = Kernel(kernels)
    kernel.dims(sizes)
    levels: list[list[str]] = [[] for _ in range(len(sizes) + 1)]
    of = {p.key: k for k, p in enumerate(places)}
    code: dict[Any, tuple[str, str]] = {}
    spots: dict[Any, tuple[str, int]] = {}

    def spot(place: Place) -> tuple[str, int]:
        if place.key not in spots:
            k = of[place.key]
            spots[place.key] = kernel.access(f"x{k}", place, steps[k], sizes)
        return spots[place.key]

    loaded: dict[Any, str] = {}
    for value, place in reads.items():
        if place.key not in loaded:
            where, depth = spot(place)
            name = loaded[place.key] = f"r{len(loaded)}"
            levels[depth].append(f"{name} = {where}")
        code[value] = loaded[place.key], place.kind
    for place, _ in sums.values():
        spot(place)
    count = itertools.count()
    for out, kind, function, args, extra in ops:
        operands = []
        for arg in args:
            operands.append(code[arg] if arg in code else (arg, ""))
        if kind == "reduce":
            place, _ = sums[out]
            where, _ = spot(place)
            value = cast(operands[0][0], operands[0][1], place.kind)
            found = expression(function, [place.kind] * 2, place.kind, [where, "t"], True)
            assert found is not None
            levels[-1] += [f"t = {value}", f"{where} = {found[0]}"]
            continue
        text, made = number_of(function, operands, extra, out)
        result = extra_kind(out)
        name = f"t{next(count)}"
        levels[-1].append(f"{name} = {cast(text, made, result)}")
        code[out] = name, result
        if out in writes:
            where, _ = spot(writes[out])
            levels[-1].append(f"{where} = {name}")
    for place, start in sums.values():
        where, depth = spot(place)
        name = where.split("[")[0]
        if depth:
            kernel.before += [f"{name}_all = {kernel.views[name]}", f"for q in range({name}_all.size):"]
            kernel.before.append(f"    {name}_all[q] = {start}")
        else:
            kernel.before.append(f"{where} = {start}")
    kernel.nest(levels)
    return kernel.finish("loop")


def extra_kind(value: Any) -> str:
    return "b1" if value.dtype.kind == "b" else f"{value.dtype.kind}{value.dtype.itemsize}"


def number_of(function: Any, operands: list[tuple[Any, str]], extra: Any, out: Any) -> tuple[str, str]:
    """Return an operation on numbers as code, and the kind of what it makes."""
    result = extra_kind(out)

    def literal(number: Any, kind: str) -> str:
        text = as_literal(number, kind)
        assert text is not None, (number, kind)
        return text

    if function is None:  # a copy, perhaps in another dtype
        text, kind = operands[0]
        return (text, kind) if kind else (literal(text, result), result)
    if function is np.where:
        text, kind = operands[0]
        condition = cast(text, kind, "b1") if kind else str(bool(text))
        a, b = (cast(t, k, result) if k else literal(t, result) for t, k in operands[1:])
        return f"({a} if {condition} else {b})", result
    kinds, made, library = extra
    args = [cast(t, k, want) if k else literal(t, want) for (t, k), want in zip(operands, kinds, strict=True)]
    found = expression(function, kinds, made, args, library)
    assert found is not None
    return found


def numpy_loop(kernels: Kernels, shape: tuple[int, ...], places: list[Place], loop: tuple[str, int], hint: str) -> str:
    """Write a call of a loop of NumPy's over arrays; for each row, if they do not lie in one line."""
    sizes, steps = collapsed(shape, [p.steps for p in places])
    if not sizes:
        sizes, steps = [1], [[0] for _ in places]
    kernel = Kernel(kernels)
    kernel.dims(sizes)
    levels: list[list[str]] = [[] for _ in sizes]
    pointers, by = [], []
    for place, step in zip(places, steps, strict=True):
        offset = "".join(
            f" + {INDICES[k]} * {kernel.number(f'at{len(kernel.numbers)}_by{k}', s * size_of(place.kind))}"
            for k, s in enumerate(step[:-1])
            if s
        )
        pointers.append(kernel.pointer(place, offset))
        by.append(kernel.number(f"by{len(kernel.numbers)}", size_of(place.kind) * step[-1]))
    levels[-1] += kernel.calling(loop, pointers, [kernel.sizes[-1]], by)
    kernel.nest(levels)
    return kernel.finish(hint)


def rows(
    kernels: Kernels,
    sizes: list[int],
    x: Place,
    xs: list[int],
    out: Place,
    os: list[int],
    ufunc: Any,
    start: str | None,
    loop: tuple[str, int] | None,
) -> str:
    """Write a reduction of each row, the last axis, whose elements lie one after the other."""
    kernel = Kernel(kernels)
    *outer, last = kernel.dims(sizes)
    length, kind = sizes[-1], out.kind
    depth = len(outer)
    levels: list[list[str]] = [[] for _ in range(depth + 1)]
    array = kernel.array(x.base, x.kind)
    at = kernel.number("x_at", x.start)
    offset = "".join(f" + {INDICES[k]} * {kernel.number(f'x_by{k}', s)}" for k, s in enumerate(xs[:-1]) if s)
    where, _ = kernel.access("out", out, os, sizes)
    lines = levels[-1]
    adding = ufunc is np.add and kind[0] == "f" and x.kind == kind
    long = length > (SHORT if ufunc is np.add else 16) and loop is not None and x.kind == kind
    if long and loop is not None:
        lines.append(f"{where} = {start if start is not None else f'{array}[{at}{offset}]'}")
        size = size_of(kind)
        spot = "".join(f" + {INDICES[k]} * {kernel.number(f'to_by{k}', s * size)}" for k, s in enumerate(os) if s)
        to, of = kernel.pointer(out, spot), kernel.pointer(x, f" + {size_of(kind)} * (0{offset})")
        lines += kernel.calling(loop, [to, of, to], [last], ["0", str(size_of(kind)), "0"])
        kernel.nest(levels)
        return kernel.finish(f"{ufunc.__name__}_rows")
    lines.append(f"x = {array}[{at}{offset}:{at}{offset} + {last}]")
    first = "q"
    if adding and length >= 8:
        accumulators = [f"s{k}" for k in range(8)]
        lines.append(" = ".join(accumulators) + f" = {kind}(0)")
        lines.append(f"for q in range(0, {last} - 7, 8):")
        lines += [f"    {s} += x[q + {k}]" if k else f"    {s} += x[q]" for k, s in enumerate(accumulators)]
        lines.append("s = ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7))")
        lines.append(f"for q in range({last} - {last} % 8, {last}):")
        lines.append("    s += x[q]")
        if start not in (None, f"{kind}(0)"):
            lines.append(f"s = {start} + s")
    else:
        lines.append(f"s = {start if start is not None else cast('x[0]', x.kind, kind)}")
        found = expression(ufunc, [kind] * 2, kind, ["s", "t"], True)
        assert found is not None
        lines += [f"for {first} in range({last}):", f"    t = {cast('x[q]', x.kind, kind)}", f"    s = {found[0]}"]
    lines.append(f"{where} = s")
    kernel.nest(levels)
    return kernel.finish(f"{ufunc.__name__}_rows")


def start_of(ufunc: Any, kind: str, initial: Any) -> str:
    """Return what a reduction starts with, as code."""
    if initial is not None:
        text = as_literal(initial, kind)
        assert text is not None
        return text
    if ufunc in (np.add, np.logical_or):
        return "False" if kind == "b1" else f"{kind}(0)"
    if ufunc in (np.multiply, np.logical_and):
        return "True" if kind == "b1" else f"{kind}(1)"
    low = ufunc is np.maximum
    if kind[0] == "f":
        return f"{kind}({'-' * low}inf)"
    limits = np.iinfo(kind)
    return str(as_literal(int(limits.min if low else limits.max), kind))


def matmul(
    kernels: Kernels,
    loop: tuple[str, int] | None,
    batch: int,
    sizes: tuple[int, int, int],
    places: list[Place],
    steps: list[int],
) -> str | None:
    """Write a product of matrices: sizes m, k, n; steps of the batch for a, b, c, and then of the matrices."""
    m, k, n = sizes
    kernel = Kernel(kernels)
    size = size_of(places[0].kind)
    if loop is not None:
        pointers = [kernel.pointer(p) for p in places]
        lengths = [kernel.number(*pair) for pair in (("batch", batch), ("m", m), ("k", k), ("n", n))]
        by = [kernel.number(f"by{i}", size * s) for i, s in enumerate(steps)]
        kernel.body += kernel.calling(loop, pointers, lengths, by)
        return kernel.finish("matmul")
    names = [kernel.number(*pair) for pair in (("m", m), ("k", k), ("n", n))]
    matrices = []
    for name, place, (rows_, columns), (r, q) in zip(
        "xyz", places, ((0, 1), (1, 2), (0, 2)), (steps[3:5], steps[5:7], steps[7:9]), strict=True
    ):
        array, at = kernel.array(place.base, place.kind), kernel.number(f"{name}_at", place.start)
        p, s = names[rows_], names[columns]
        lengths_ = sizes[rows_], sizes[columns]
        if (q == 1 or lengths_[1] == 1) and (r == lengths_[1] or lengths_[0] == 1):
            matrices.append(f"{array}[{at}:{at} + {p} * {s}].reshape(({p}, {s}))")
        elif (r == 1 or lengths_[0] == 1) and (q == lengths_[0] or lengths_[1] == 1) and name != "z":
            matrices.append(f"{array}[{at}:{at} + {p} * {s}].reshape(({s}, {p})).T")
        else:
            return None
    kernel.body.append(f"np.dot({', '.join(matrices)})")
    return kernel.finish("matmul")


def indexed(
    kernels: Kernels, shape: tuple[int, ...], numbers: list[Place], lengths: list[int], by: list[int], inner: Place,
    plain: Place, adds: bool,
) -> str:  # fmt: skip
    """Write ``plain = inner[numbers]`` or ``inner[numbers] += plain``; it returns 1 if a number is out of range.

    inner: steps of the axes beyond the index, 0 for those of the index; lengths, by: of the axes that are indexed.
    """
    sizes, steps = collapsed(shape, [*(p.steps for p in numbers), inner.steps, plain.steps])
    kernel = Kernel(kernels, "i8")
    kernel.dims(sizes)
    levels: list[list[str]] = [[] for _ in range(len(sizes) + 1)]
    offset = []
    for k, place in enumerate(numbers):
        where, depth = kernel.access(f"y{k}", place, steps[k], sizes)
        length = kernel.number(f"length{k}", lengths[k])
        levels[depth] += [
            f"r{k} = {where}", f"if r{k} < 0:", f"    r{k} += {length}", f"if r{k} < 0 or r{k} >= {length}:",
            "    return 1",
        ]  # fmt: skip
        offset.append(f"r{k} * {kernel.number(f'by{k}', by[k])}")
    array = kernel.array(inner.base, inner.kind)
    at = kernel.number("inner_at", inner.start)
    rest = [f"{INDICES[k]} * {kernel.number(f'inner_by{k}', s)}" for k, s in enumerate(steps[-2]) if s]
    there = f"{array}[{' + '.join([at, *offset, *rest])}]"
    here, _ = kernel.access("x", plain, steps[-1], sizes)
    levels[-1].append(f"{there} += {here}" if adds else f"{here} = {there}")
    kernel.nest(levels)
    kernel.body.append("return 0")
    return kernel.finish("put" if adds else "take")


def all_true(kernels: Kernels, shape: tuple[int, ...], place: Place) -> str:
    """Write a test that returns 1 if an array is not True everywhere."""
    sizes, steps = collapsed(shape, [place.steps])
    kernel = Kernel(kernels, "i8")
    kernel.dims(sizes)
    levels: list[list[str]] = [[] for _ in range(len(sizes) + 1)]
    where, _ = kernel.access("x", place, steps[0], sizes)
    levels[-1] += [f"if not {where}:", "    return 1"]
    kernel.nest(levels)
    kernel.body.append("return 0")
    return kernel.finish("all_true")


def fill(kernels: Kernels, size: int, place: Place, start: str | None = None) -> str:
    """Write the same number everywhere, zero if none is given."""
    kernel = Kernel(kernels)
    kernel.dims([size])
    where, _ = kernel.access("x", place, [1], [size])
    number = start or ("False" if place.kind == "b1" else f"{place.kind}(0)")
    kernel.nest([[], [f"{where} = {number}"]])
    return kernel.finish("fill")
