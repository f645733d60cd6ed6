"""What goes wrong in the sweep: a freed graph, values that were written to, rules that return what cannot be."""

import numpy as np

import autograd_mini as ag
from autograd_mini import errors


def leaf(data, **kwargs):
    return ag.Tensor(data, requires_grad=True, **kwargs)


def function(vjp):
    """A function of one's own with this rule, called on Tensors, and swept."""

    @ag.primitive
    def scaled(matrix, factor):
        return matrix * factor

    scaled.__module__ = "mine"
    ag.defvjp(scaled, vjp, lambda g, _y, matrix, _factor: g * matrix)
    scaled(leaf(np.ones((2, 2))), leaf(3.0)).backward(np.ones((2, 2)))


def swept_twice():
    y = np.sum(np.tanh(leaf([1.0, 2.0])))
    y.backward(retain_graph=False)
    y.backward()


def used_after_it_was_freed():
    h = np.tanh(leaf([1.0, 2.0]))
    np.sum(h).backward(retain_graph=False)
    np.sum(h * h).backward()


def gradients_of_what_was_freed():
    x = leaf([1.0, 2.0])
    y = np.sum(np.tanh(x))
    y.backward(retain_graph=False)
    ag.gradients([y], [x])


def updated_before_the_sweep():
    w = leaf([1.0, 2.0], name="w")
    y = np.sum(w * w)
    w.data -= 0.1
    y.backward()


FREED = ["This graph was freed", r"retain_graph=False\)? went through np\.", r"Call backward\(retain_graph=True\)"]

ROWS = {
    "y.backward(retain_graph=False); y.backward()": (swept_twice, errors.GraphFreedError, FREED),
    "sum(h).backward(retain_graph=False); sum(h * h).backward()": (
        used_after_it_was_freed,
        errors.GraphFreedError,
        FREED,
    ),
    "y.backward(retain_graph=False); ag.gradients([y], [x])": (
        gradients_of_what_was_freed,
        errors.GraphFreedError,
        FREED,
    ),
    "y = sum(w * w); w.data -= 0.1; y.backward()": (
        updated_before_the_sweep,
        errors.OverwrittenError,
        [r"np\.multiply", "written to", "w", r"Run backward\(\) before"],
    ),
    "a rule that returns nothing": (
        lambda: function(lambda g, _y, _matrix, factor: None),
        errors.RuleError,
        [r"mine\.scaled", "nothing for its operand matrix", "Is `return` missing"],
    ),
    "a rule that returns another shape": (
        lambda: function(lambda g, _y, _matrix, factor: np.sum(g) * factor),
        errors.RuleError,
        [r"mine\.scaled", r"shape \(\) for its operand matrix", r"\(2, 2\)", "defvjp"],
    ),
}
