"""emit: a Program as loops that numba compiles: the optional backend ``ag.compile(f, backend="numba")``.

The listing is numba's Python. Steps that go over the same elements stand in one loop; a loop is a function of its own,
written once for each pattern, and the program is one function that calls them. Every array lies at a fixed place: in
an argument, in memory that does not move (`fixed`), or in one piece of working memory for each dtype. Products of
matrices, and functions such as exp, are computed by NumPy's own inner loops where they can be called.

What differs from NumPy: sums along several axes may be added up in another order; no floating-point warning is given.
An error (`ensure`, an index out of range) ends the compiled code before anything is written that the caller sees; the
call is then made again step by step in NumPy, which raises it.
"""

from __future__ import annotations

import dataclasses
import math
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from .emit import choose
from .errors import AutogradError
from .numba_files import loaded, loop_of
from .numba_listing import (
    Kernels,
    Place,
    all_true,
    collapsed,
    elementwise,
    fill,
    indexed,
    matmul,
    numpy_loop,
    rows,
    start_of,
)
from .numba_loops import kind_of
from .numba_plan import Group, Plan, offset
from .numba_steps import Op, Unfit
from .program import Listing, Program, Value, values_in
from .simplify import uniform

__all__ = ["emit"]

Array = Any


def emit(program: Program, fixed: dict[Value, Array] | None = None, into: dict[int, Value] | None = None) -> Listing:
    """Return a program as code that numba compiles; as NumPy calls, with the reason, where it cannot be that."""
    try:
        import numba
    except ImportError as error:
        raise ImportError(
            "compile: backend='numba' needs numba, which is not installed. Run pip install 'autograd-mini[jit]', or "
            "leave backend= out."
        ) from error
    fixed, into = fixed or {}, into or {}
    try:
        if getattr(numba.config, "DISABLE_JIT", False):
            raise Unfit("numba is switched off by NUMBA_DISABLE_JIT")
        return Emitter(program, fixed, into).listing()
    except (Unfit, numba.core.errors.NumbaError) as error:
        reason = error if isinstance(error, Unfit) else f"numba does not compile it ({type(error).__name__})"
        listing = choose(program)(program, fixed, into)
        text = f"# {reason}: this program runs without numba\n{listing.text}"
        return dataclasses.replace(listing, text=text)


class Emitter(Plan):
    """Writes the code."""

    def listing(self) -> Listing:
        """Write everything, and compile it."""
        kernels, readable = Kernels(), self.readable
        line_of = {id(step): n for n, line in enumerate(readable.lines) for step in line.steps}
        said: set[int] = set()
        body: list[str] = []
        flat: list[str] = []
        for k, value in enumerate(self.taken.given):
            if not value.ndim:
                name, start = self.base[value]
                body.append(f"{name}[{start}] = {self.memory[value].kind}({self.given_names[k]})")
            elif value.ndim > 1:
                flat.append(f"{self.given_names[k]}_flat = {self.given_names[k]}.reshape({value.size})")
        for end, name in self.outs:
            if end.ndim > 1:
                flat.append(f"{name}_flat = {name}.reshape({end.size})")
        for i, group in enumerate(self.groups):
            lines = {line_of[id(o.step)] for o in group.ops if o.step is not None and id(o.step) in line_of} - said
            said |= lines
            for n in sorted(lines):
                body += [f"# {text}" for text in readable.lines[n].text]
            if not math.prod(group.shape) and group.ops[0].kind in ("each", "reduce"):
                body += self.nothing(kernels, group)
                continue
            call = self.call(kernels, group)
            if call is None:
                continue
            body += [f"if {call}:", f"    return {i + 1}"] if group.ops[0].kind in ("ensure", "take", "put") else [call]
        for end, target in self.copies:
            call = self.copy(kernels, end, target)
            body += [] if call is None else [call]
        addresses = [f"{base}_address = {base}.ctypes.data" for base in sorted(kernels.pointers)]
        return self.compiled(kernels, [*flat, *addresses, *body, "return 0"])

    def copy(self, kernels: Kernels, end: Value, target: Value) -> str | None:
        if not end.size:
            return None
        name, start = self.base[target]
        seen = self.fixed[target]
        start += offset(seen, self.memory[target].seen)
        to = Place(name, self.memory[target].kind, start, tuple(s // seen.itemsize for s in seen.strides))
        out = Value(end.shape, end.dtype)
        entry = (out, "each", None, [end], None)
        return elementwise(kernels, end.shape, [entry], {end: self.place(end)}, {out: to}, {})

    def call(self, kernels: Kernels, group: Group) -> str | None:
        """Write the code of a group; None if there is nothing to do."""
        op = group.ops[0]
        if op.kind == "each" or (op.kind == "reduce" and group.fuses):
            return self.each(kernels, group)
        out = op.out
        if op.kind == "ensure":
            x = op.args[0]
            return all_true(kernels, x.shape, self.place(x)) if x.size else None
        assert out is not None
        if op.kind == "reduce":
            return self.reduction(kernels, op)
        if op.kind == "fill":
            return fill(kernels, out.size, self.place(out)) if out.size else None
        if not out.size and op.kind != "take":
            return None
        if op.kind == "loop":
            places = [self.place(a, out.shape) for a in op.args]
            return numpy_loop(kernels, out.shape, [*places, self.place(out)], op.extra, op.function.__name__)
        if op.kind == "dot":
            return self.product(kernels, op)
        return self.indexed(kernels, op)

    def each(self, kernels: Kernels, group: Group) -> str | None:
        shape = group.shape
        ops: list[Any] = []
        reads: dict[Value, Place] = {}
        writes: dict[Value, Place] = {}
        sums: dict[Value, tuple[Place, str]] = {}
        made: set[Value] = set()
        for op in group.ops:
            out = op.out
            assert out is not None
            args = []
            for arg in op.args:
                if isinstance(arg, Value) and arg not in made:
                    if self.is_number(arg):
                        arg = uniform(self.taken.constant[arg])
                    else:
                        reads[arg] = self.place(arg, shape)
                args.append(arg)
            if op.kind == "reduce":
                axes, initial = op.extra
                place = self.place(out)
                steps = list(place.steps) if out.ndim == len(shape) else [0] * len(axes) + list(place.steps)
                place.steps = tuple(0 if k in axes else s for k, s in enumerate(steps))
                sums[out] = place, start_of(op.function, place.kind, initial)
                ops.append((out, "reduce", op.function, args, None))
                continue
            ops.append((out, "each", op.function, args, op.extra))
            made.add(out)
            if out in self.stored:
                writes[out] = self.place(out, shape)
        return elementwise(kernels, shape, ops, reads, writes, sums)

    def nothing(self, kernels: Kernels, group: Group) -> list[str]:
        """Write what a loop over no elements leaves behind: what its reductions start with."""
        calls = []
        for op in group.ops:
            if op.kind == "reduce" and op.out is not None and op.out.size:
                place = self.place(op.out)
                calls.append(fill(kernels, op.out.size, place, start_of(op.function, place.kind, op.extra[1])))
        return calls

    def reduction(self, kernels: Kernels, op: Op) -> str | None:
        x, out, (axes, initial) = op.args[0], op.out, op.extra
        assert out is not None
        if not out.size:
            return None
        place, to = self.place(x), self.place(out)
        kind = to.kind
        steps = list(to.steps)
        if out.ndim != x.ndim:
            left = iter(steps)
            steps = [0 if k in axes else next(left) for k in range(x.ndim)]
        # where the result has one element, the axes that are kept have length 1
        mark = [0 if k in axes or x.shape[k] == 1 else s for k, s in enumerate(steps)]
        sizes, (xs, os) = collapsed(x.shape, [place.steps, tuple(mark)])
        to.steps = tuple(mark)
        row = bool(sizes) and os[-1] == 0 and xs[-1] == 1 and all(os[:-1]) and x.size > 0
        if row:
            start = None
            if initial is not None or op.function not in (np.maximum, np.minimum):
                start = start_of(op.function, kind, initial)
            dtype = np.dtype("?" if kind == "b1" else kind)
            return rows(kernels, sizes, place, xs, to, os, op.function, start, loop_of(op.function, (dtype,) * 3))
        entry = (out, "reduce", op.function, [x], None)
        return elementwise(kernels, x.shape, [entry], {x: place}, {}, {out: (to, start_of(op.function, kind, initial))})

    def product(self, kernels: Kernels, op: Op) -> str:
        a, b = op.args
        out = op.out
        assert out is not None
        places = [self.place(v) for v in (a, b, out)]
        m, k = (a.shape[-2] if a.ndim > 1 else 1), a.shape[-1]
        n = b.shape[-1] if b.ndim > 1 else 1
        batch = out.shape[: out.ndim - (a.ndim > 1) - (b.ndim > 1)]
        core = [
            (*places[0].steps[-2:],) if a.ndim > 1 else (k, *places[0].steps),
            (*places[1].steps[-2:],) if b.ndim > 1 else (*places[1].steps, 1),
            ((places[2].steps[-2:] if b.ndim > 1 else (places[2].steps[-1], 1)) if a.ndim > 1 else
             ((n, places[2].steps[-1]) if b.ndim > 1 else (1, 1))),
        ]  # fmt: skip
        sizes = [(m, k), (k, n), (m, n)]
        core = [tuple(t or (sizes[i][1] if j == 0 else 1) for j, t in enumerate(c)) for i, c in enumerate(core)]
        outer = []
        for value, place, drop in zip((a, b, out), places, ((a.ndim > 1) + 1, (b.ndim > 1) + 1, 0), strict=True):
            if value is out:
                drop = (a.ndim > 1) + (b.ndim > 1)
            own = place.steps[: value.ndim - drop] if value.ndim > drop else ()
            outer.append((0,) * (len(batch) - len(own)) + tuple(own))
        lengths, steps = collapsed(batch, outer)
        if len(lengths) > 1:
            raise Unfit("a product of stacks of matrices in several axes has no fused form")
        by = [s[0] if s else 0 for s in steps]
        if op.extra is None and lengths:
            raise Unfit("a product of stacks of matrices has no fused form here")
        flat = [*by, *(t for c in core for t in c)]
        call = matmul(kernels, op.extra, lengths[0] if lengths else 1, (m, k, n), places, flat)
        if call is None:
            raise Unfit("a product of matrices that lie in strides has no fused form here")
        return call

    def indexed(self, kernels: Kernels, op: Op) -> str | None:
        taking = op.kind == "take"
        x, numbers = op.args[0], op.args[1:]
        out = op.out
        assert out is not None
        target, plain = (x, out) if taking else (out, x)
        shape = plain.shape
        if not math.prod(shape):
            if numbers[0].size:
                raise Unfit("an index of rows of nothing has no fused form")
            return None
        index_ndim = numbers[0].ndim
        place = self.place(target)
        inner = Place(place.base, place.kind, place.start, (0,) * index_ndim + place.steps[len(numbers) :])
        places = []
        for number in numbers:
            p = self.place(number)
            p.steps = (*p.steps, *(0,) * (len(shape) - index_ndim))
            places.append(p)
        lengths = list(target.shape[: len(numbers)])
        by = list(place.steps[: len(numbers)])
        return indexed(kernels, shape, places, lengths, by, inner, self.place(plain), not taking)

    def compiled(self, kernels: Kernels, body: list[str]) -> Listing:
        """Put the code together, compile it, and return what calls it."""
        works = sorted(self.work)
        bases = [name for name, _ in self.fixed_bases.values()]
        params, kinds = [], []
        for value, name in zip(self.taken.given, self.given_names, strict=True):
            kind = self.memory[value].kind
            if value.ndim:
                kinds.append(array_kind(kind, value.ndim))
            else:
                kinds.append({"f": "f8", "i": "i8", "u": "u8", "b": "b1"}[kind[0]])
            params.append(name)
        for end, name in self.outs:
            params.append(name)
            kinds.append(array_kind(self.memory[end].kind, end.ndim))
        for name, memory in zip(bases, self.fixed_bases.values(), strict=True):
            params.append(name)
            kinds.append(array_kind(str(kind_of(memory[1].dtype)), 1))
        for kind in works:
            params.append(f"work_{kind}")
            kinds.append(array_kind(kind, 1))
        if kernels.loops:
            params.append("call")
            kinds.append("i8[::1]")
        name = self.name
        lines = [
            "import math", "", "import numpy as np", "from numba import njit, types", "",
            "inf, nan = np.inf, np.nan",
            "f4, f8, b1 = np.float32, np.float64, np.bool_",
            "i1, i2, i4, i8 = np.int8, np.int16, np.int32, np.int64",
            "u1, u2, u4, u8 = np.uint8, np.uint16, np.uint32, np.uint64",
        ]  # fmt: skip
        if kernels.loops:
            lines += ["# NumPy's own loops: of the addresses of arrays, lengths, steps in bytes"]
            lines += kernels.header()
        for text in kernels.texts:
            lines += ["", "", *text.rstrip().split("\n")]
        lines += ["", "", f'@njit("i8({", ".join(kinds)})", error_model="numpy", cache=True)']
        lines += [f"def {name}({', '.join(params)}):"]
        lines += [f"    {line}" for line in body]
        code = "\n".join(lines) + "\n"
        main = loaded(code, name, name)
        return Listing(code, self.wrapped(main, works, kernels.data()), {})

    def wrapped(self, main: Callable[..., int], works: list[str], data: list[int]) -> Callable[..., tuple[Array, ...]]:
        """Return the function that is called: it makes the arrays of the results."""
        given = self.taken.given
        inputs = [v for v in self.program.inputs if v not in self.fixed]
        call = np.zeros(20 + len(data), np.int64)
        call[20:] = data
        working = {kind: np.zeros(self.work[kind], "?" if kind == "b1" else kind) for kind in works}
        for kind, start, array in self.baked:
            working[kind][start : start + array.size] = array.reshape(-1)
        space: dict[str, Any] = {
            "main": main,
            "empty": np.empty,
            "plain": plain_array,
            "slow": Slow(self.program, self.fixed, self.into, inputs),
        }
        lock = threading.Lock()
        space |= {"acquire": lock.acquire, "release": lock.release}
        names = dict(zip(given, self.given_names, strict=True))
        arguments = [names[v] for v in inputs]
        lines = [f"def {self.name}({', '.join(arguments)}):", "    if not acquire(False):"]
        lines += [f"        return slow({', '.join(arguments)})", "    try:"]
        tidy, outs, passed = [], [], []
        for k, value in enumerate(given):
            name = names[value]
            if value not in inputs:
                space[f"constant{k}"] = self.program.constants[value].read
                lines.append(f"        {name} = constant{k}()")
            if value.ndim:
                tidy.append(f"{name}_ = plain({name})")
                passed.append(name)
            else:
                passed.append(f"{ {'f': 'float', 'b': 'bool'}.get(value.dtype.kind, 'int') }({name})")
        for end, name in self.outs:
            space[f"d_{name}"] = end.dtype
            lines.append(f"        {name} = empty({end.shape}, d_{name})")
            outs.append(name)
        rest = []
        for name, flat in self.fixed_bases.values():
            space[name] = flat
            rest.append(name)
        for kind in works:
            space[f"work_{kind}"] = working[kind]
            rest.append(f"work_{kind}")
        if data:
            space["call"] = call
            rest.append("call")
        lines += ["        try:", f"            status = main({', '.join([*passed, *outs, *rest])})"]
        lines += ["        except TypeError:", *(f"            {line}" for line in tidy)]
        again = [f"{p}_" if p in arguments or p in self.given_names else p for p in passed]
        lines += [f"            status = main({', '.join([*again, *outs, *rest])})"]
        lines += ["        if status:", f"            return slow({', '.join(arguments)})"]
        found = []
        for k, end in enumerate(self.ends):
            if k in self.into:
                continue
            if end.ndim:
                found.append(f"out{k}")
            else:
                base, start = self.base[end]
                found.append(f"{base}[{start}]")
        lines += [f"        return ({', '.join(found)}{',' if len(found) == 1 else ''})"]
        lines += ["    finally:", "        release()"]
        exec(compile("\n".join(lines) + "\n", f"<numba: {self.name}>", "exec"), space)
        return space[self.name]  # type: ignore[no-any-return]


class Slow:
    """The program step by step: for a call while another one runs, and for one that fails, which raises its error."""

    def __init__(
        self, program: Program, fixed: dict[Value, Array], into: dict[int, Value], inputs: list[Value]
    ) -> None:
        self.program = dataclasses.replace(program, outputs=tuple(values_in(program.outputs)))
        self.fixed, self.into, self.inputs = fixed, into, inputs

    def __call__(self, *arrays: Array) -> tuple[Array, ...]:
        known = {**dict(zip(self.inputs, arrays, strict=True)), **self.fixed}
        known |= {v: c.read() for v, c in self.program.constants.items() if v not in known}
        for step in self.program.steps:
            try:
                with np.errstate(**(step.errstate or {})):
                    known[step.outs[0] if step.outs else None] = step.call(known.__getitem__)  # type: ignore[index]
            except AutogradError:
                raise
            except Exception as error:
                if step.place is not None:
                    error.add_note(f"This happened in the compiled program of {self.program.name}, for {step.place}")
                raise
        results = [np.array(known[v])[()] for v in self.program.outputs]
        for k, target in self.into.items():
            self.fixed[target][...] = results[k]
        return tuple(result for k, result in enumerate(results) if k not in self.into)


def plain_array(x: Any) -> Array:
    """Return an array as the compiled code takes it: in one piece, writeable, aligned, of no subclass: a copy."""
    return np.array(x, order="C", subok=False)


def array_kind(kind: str, ndim: int) -> str:
    """Return numba's name for the type of an array."""
    return f"{kind}[{':, ' * (ndim - 1)}::1]"
