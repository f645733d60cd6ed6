"""Every message of the package: what it says, how it says it, and that no `raise` is left without a row.

The tests are generated from the rows of tests/messages/*.py. A message is read as the person who caused it reads it:
whole sentences that say what was passed, where, and what to write instead, in the user's words.
"""

import ast
import functools
import re
import traceback

import numpy as np
import pytest

import autograd_mini as ag
import nn

from .cases import GREW
from .messages import AREAS, CODE, PACKAGES, ROWS, chain, made, raised_at
from .messages.tensor import S, X, leaf

NAMES = {*ag.__all__, *nn.__all__}
LONGEST = 400  # characters in a line

# (file, a piece of the statement): why no call from outside can reach it
ROW_BY_ROW = "caught: rows that cannot be swept together are swept one by one"
UNFIT = "caught: the program then runs in NumPy, and its listing says why"
EXEMPT = {
    ("autograd_mini/batching.py", "UnbatchableError("): ROW_BY_ROW,
    ("autograd_mini/batching.py", "matmul of a number"): ROW_BY_ROW,
    ("autograd_mini/batching.py", "AxisError("): ROW_BY_ROW,
    ("autograd_mini/batching.py", "cannot reshape"): ROW_BY_ROW,
    ("autograd_mini/checkpointing.py", "UnbatchableError("): ROW_BY_ROW,
    ("autograd_mini/jacobians.py", "UnbatchableError("): ROW_BY_ROW,
    ("autograd_mini/graph.py", "error.named(name)"): "needs arrays of a library: tests/dask",
    (
        "autograd_mini/arrays.py",
        "raise _fall_back(name, kind)",
    ): "no kind that can be installed falls silent: test_arrays",
    ("autograd_mini/graph.py", "NotImplementedError"): "every rule that is called through something says how",
    ("autograd_mini/numba_steps.py", "Unfit("): UNFIT,
    ("autograd_mini/numba_plan.py", "Unfit("): UNFIT,
    ("autograd_mini/emit_numba.py", "Unfit("): UNFIT,
    ("autograd_mini/check.py", "not its primal's own"): "the sweep has fitted them",
    ("autograd_mini/tracing.py", "kind_name("): "needs arrays of a library: tests/dask",
    ("autograd_mini/tracing.py", "before it is computed"): "nodes are laid out in the order in which they were made",
    ("autograd_mini/tracing.py", "without its value"): "in a trace every node keeps its value",
    ("autograd_mini/tracing.py", "that is gone"): "the recording holds the Tensors that it has met",
    ("autograd_mini/unrolled.py", "raise Unknown"): "caught: the step stays a call on arrays",
    ("autograd_mini/emit_floats.py", "raise ValueError  #"): "caught in what is written: the program runs step by step",
    ("autograd_mini/emit_levels.py", "raise OtherShape"): "caught in what is written: the program runs step by step",
    ("autograd_mini/viz/formulas.py", "pulls back a tuple"): "caught: the formula is then the rule's name",
    ("autograd_mini/viz/symbols.py", "AttributeError(name)"): "caught: the formula is then read off in another way",
    ("nn/grading/check.py", "raise min(errors"): "passed on: what one of the notations raised, with a row of its own",
    ("nn/training/compiled.py", "_Changed("): "caught: the step is then laid out anew",
    ("nn/estimator.py", "raise KeyboardInterrupt"): "Ctrl-C, passed on: tests/nn/test_estimator.py",
    ("nn/training/steps.py", "TraceError(str(error))"): "caught: fit then runs the step as it is written",
    ("nn/training/steps.py", "NonFiniteError(value)"): "caught: fit says where it began",
    ("nn/tabular/training.py", "raise KeyboardInterrupt"): "Ctrl-C, passed on: tests/nn/test_tabular.py",
    ("nn/training/fit.py", "raise KeyboardInterrupt"): "Ctrl-C, which fit ends with: tests/nn/test_checkpoint.py",
    ("nn/optim/optimizer.py", "AttributeError(self.name)"): "of Groups, which then says who has it",
    ("autograd_mini/trees.py", "leaves; {len(new)} were given"): "a tree is rebuilt of as many leaves as it had",
}

INTERNAL = {
    "a module of ours": r"\b(autograd_mini|nn)\.(rules|tensor|graph|table|trees|transforms|batching|checkpointing)\b",
    "a private name": r"(?<![\w.\])])_[a-z]\w+|\._[a-z]\w*",
    "an address": r"\b0x[0-9a-f]+",
    "a class by its repr": r"<class ",
    "a function by its repr": r"<(built-in )?(function|ufunc|method)\b",
    "a word of the code": r"\b(Batched|Segment|StandIn|Plan|Spec|Several|Composite|NoneType)\b",
}


@functools.cache
def sites():
    """Return {(file, first line, last line): source} of every `raise` and `warnings.warn` of the package."""
    found = {}
    for package in PACKAGES:
        for path in sorted((CODE / package).rglob("*.py")):
            source = path.read_text("utf-8")
            lines = source.splitlines()
            for node in ast.walk(ast.parse(source)):
                raises = isinstance(node, ast.Raise) and node.exc is not None
                if raises or (isinstance(node, ast.Expr) and ast.unparse(node).startswith("warnings.warn(")):
                    name = path.relative_to(CODE).as_posix()
                    found[name, node.lineno, node.end_lineno] = "\n".join(lines[node.lineno - 1 : node.end_lineno])
    return found


def site_of(error):
    """Return the statement of the package that raised an exception; None if it was raised elsewhere, or not at all."""
    if error is None:
        return None
    file, line = raised_at(error)
    return next((site for site in sites() if site[0] == file and site[1] <= line <= site[2]), None)


def text_of(error):
    """Return what the user reads."""
    return error.args[0] if isinstance(error, KeyError) else getattr(error, "strerror", None) or str(error)


@pytest.mark.parametrize("mistake", ROWS)
def test_mistake(mistake):
    _, expected, pieces = ROWS[mistake]
    error = made(mistake)
    assert error is not None, "nothing was raised"
    assert isinstance(error, expected), f"{type(error).__name__}: {error}"
    for piece in pieces:
        assert re.search(piece, text_of(error)), f"{piece!r} is not in: {text_of(error)}"
    assert X.grad is None
    assert S.grad is None


def starts_well(text):
    """Return whether a text begins as a sentence does, or with code: `SGD: lr is 0`, `argnums=2, but`, `f returned`."""
    first = text.split()[0]
    return first[0].isupper() or bool(re.search(r"[^a-z]", first)) or len(first) == 1 or first in NAMES


@pytest.mark.parametrize("area", AREAS)
def test_messages_are_sentences_in_the_user_s_words(area):
    """Of errors that the package raises itself; what NumPy and Python say passes as it is."""
    wrong = []
    for error in map(made, AREAS[area]):
        site = site_of(error)
        if site is None or isinstance(error, Warning):  # these are worded as NumPy's
            continue
        text = text_of(error)
        found = [what for what, pattern in INTERNAL.items() if re.search(pattern, text)]
        found += ["too long"] * (max(map(len, text.splitlines())) > LONGEST)
        found += ["no beginning of a sentence"] * (not starts_well(text))
        found += ["no end of a sentence"] * (text.rstrip()[-1] not in ".?)")
        wrong += [f"{what}: {text}" for what in found]
    assert not wrong, "\n".join(wrong)


def test_no_two_rows_have_one_name():
    names = [name for rows in AREAS.values() for name in rows]
    assert sorted(names) == sorted(set(names))


@pytest.mark.skipif(bool(GREW), reason="rows of functions whose signatures grew are left out")
def test_every_raise_of_the_package_is_reached_by_a_row():
    """A message that no test has read is a message that nobody has read."""
    reached = {site_of(error) for name in ROWS for error in chain(made(name))}
    left = {site: source for site, source in sites().items() if site not in reached}
    unread = []
    for (file, line, _), source in left.items():
        exempt = any(file == where and piece in source for where, piece in EXEMPT)
        if not exempt:
            unread.append(f"{file}:{line}: {' '.join(source.split())}")
    assert not unread, f"{len(unread)} raises have no row in tests/messages:\n" + "\n".join(unread)


# --- where the error is --------------------------------------------------------------------------------------------


def mismatched(x):
    y = np.sin(x)
    z = y @ np.ones((5, 4))  # here
    return np.sum(z * y)


A = np.ones((3, 4))
FORWARD = {
    "f(t)": lambda: mismatched(leaf(A)),
    "ag.grad(f)(x)": lambda: ag.grad(mismatched)(A),
    "ag.jacobian(f)(x)": lambda: ag.jacobian(mismatched)(A),
    "ag.hessian(f)(x)": lambda: ag.hessian(mismatched)(A),
    "ag.vjp(f, x)": lambda: ag.vjp(mismatched, A),
    "ag.jvp(f, (x,), (v,))": lambda: ag.jvp(mismatched, (A,), (A,)),
    "ag.hvp(f, x, v)": lambda: ag.hvp(mismatched, A, A),
    "ag.ggnvp(f)(x, v)": lambda: ag.ggnvp(mismatched)(A, A),
    "ag.checkpoint(f)(t)": lambda: ag.checkpoint(mismatched)(leaf(A)),
    "ag.no_grad()(f)(t)": lambda: ag.no_grad()(mismatched)(leaf(A)),
    "ag.grad(ag.checkpoint(f))(x)": lambda: ag.grad(ag.checkpoint(mismatched))(A),
}


@pytest.mark.parametrize("call", FORWARD.values(), ids=FORWARD)
def test_the_last_line_of_the_user_s_code_is_the_one_that_is_wrong(call):
    with pytest.raises(ag.errors.ShapeError, match=r"\(3, 4\)") as caught:
        call()
    own = [frame for frame in traceback.extract_tb(caught.tb) if frame.filename == __file__]
    assert own[-1].line.endswith("# here")
    assert caught.value.__cause__ is None or not isinstance(caught.value.__cause__, ag.errors.AutogradError)


@ag.primitive
def doubled(x):
    return 2 * x


@ag.primitive
def halved(x):
    return x / 2


@ag.primitive
def tripled(x):
    return 3 * x


ag.defvjp(doubled, lambda g, _y, _x: g[:1])
ag.defvjp(halved, lambda g, _y, _x: None)
ag.defvjp(tripled, lambda g, _y, _x: g @ np.ones((7, 7)))


def overwritten():
    x = leaf(A, name="x")
    y = np.sum(x * x)
    x.data = 2 * A
    y.backward()


def freed():
    y = np.sum(np.exp(leaf(A)))
    y.backward(retain_graph=False)
    y.backward()


def hooked():
    y = np.exp(leaf(A))
    y.register_hook(lambda g: g[0])
    np.sum(y).backward()


BACKWARD = {  # what is swept, and the operation that the message names
    "a rule that returns another shape": (lambda: np.sum(doubled(leaf(A))).backward(), "doubled"),
    "a rule that returns nothing": (lambda: np.sum(halved(leaf(A))).backward(), "halved"),
    "a rule that fails": (lambda: np.sum(tripled(leaf(A))).backward(), "tripled"),
    "t.data = ... before backward()": (overwritten, r"np\.multiply"),
    "backward() of a freed graph": (freed, r"np\.sum|np\.exp"),
    "a hook that returns another shape": (hooked, "hook"),
}


@pytest.mark.parametrize(("call", "operation"), BACKWARD.values(), ids=BACKWARD)
def test_an_error_in_backward_names_the_operation(call, operation):
    with pytest.raises((ag.errors.AutogradError, ValueError)) as caught:
        call()
    said = "\n".join([str(caught.value), *getattr(caught.value, "__notes__", [])])
    assert re.search(operation, said), said


def test_what_is_exempt_exists():
    for file, piece in EXEMPT:
        assert any(site[0] == file and piece in source for site, source in sites().items()), (file, piece)
