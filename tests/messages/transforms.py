"""What goes wrong with the functions that take functions: grad, vjp, jvp, jacobian, hvp, checkpoint, and their kin."""

import numpy as np

import autograd_mini as ag
from autograd_mini import errors

from .tensor import leaf

x = np.array([1.0, 2.0, 3.0])
W = leaf(x, name="w")
CONSTANT = ag.Tensor(x, name="c")


class Box:
    """In which a Tensor would not be found."""

    def __init__(self, inside):
        self.inside = inside


def loss(x):
    return np.sum(x * x)


def square(x):
    return x * x


def no_return(x):
    np.sum(x)


def pair(x):
    return np.sum(x), x


def boxed(x):
    return Box(x)


def imaginary(x):
    return 1j * np.sum(x)


def sphere(x):
    return np.sum(np.abs(x) ** 2)


def cotangent(f, g):
    return ag.vjp(f, x)[1](g)


def swept(f, *args):
    """Sweep what a checkpointed function returned."""
    result = ag.checkpoint(f)(*args)
    np.sum(result).backward()


def random_numbers():
    generator = np.random.default_rng(0)

    def noisy(x):
        return np.sum(x * generator.normal(size=3))

    swept(noisy, leaf(x))


def own_leaf(x):
    return np.sum(x * leaf([1.0, 1.0, 1.0]))


def another_tensor():
    closed = [leaf(x)]

    def scaled(x):
        return np.sum(x * closed[0])

    result = ag.checkpoint(scaled)(leaf(x))
    closed[0] = leaf(x)
    result.backward()


def overwritten():
    weight = leaf(x, name="weight")

    def scaled(x):
        return np.sum(x * weight)

    result = ag.checkpoint(scaled)(leaf(x))
    weight.data = 2 * x
    result.backward()


GRAD = {
    "ag.grad(loss(x))": (
        lambda: ag.grad(loss(x)),
        TypeError,
        ["grad takes the function itself", r"ag\.grad\(f\)\(x\)", "float64"],
    ),
    "ag.grad(None)": (lambda: ag.grad(None), TypeError, ["grad takes the function itself", "it got None"]),
    "ag.grad(loss, x)": (
        lambda: ag.grad(loss, x),
        TypeError,
        ["argnums must be an integer or a tuple of integers", r"not array\(\[1\., 2\., 3\.\]\)", r"grad\(f\)\(x\)"],
    ),
    "ag.grad(loss, np.ones((9, 9)))": (
        lambda: ag.grad(loss, np.ones((9, 9))),
        TypeError,
        ["argnums", "not a ndarray", r"grad\(f\)\(x\)"],
    ),
    "ag.grad(loss, 'x')(x)": (lambda: ag.grad(loss, "x")(x), TypeError, ["argnums", "not 'x'", "positions"]),
    "ag.grad(loss, argnums=2)(x)": (
        lambda: ag.grad(loss, argnums=2)(x),
        TypeError,
        ["argnums=2", "1 positional arguments", r"grad\(f\)\(x\)"],
    ),
    "ag.grad(loss)(x=x)": (
        lambda: ag.grad(loss)(x=x),
        TypeError,
        ["argnums=0", "0 positional arguments", r"not grad\(f\)\(x=x\)"],
    ),
    "ag.grad(f, argnums=(0, 0))(x)": (
        lambda: ag.grad(loss, (0, 0))(x),
        TypeError,
        [r"argnums=\(0, 0\) names an argument twice", "Name each once"],
    ),
    "ag.grad(loss)(3)": (
        lambda: ag.grad(loss)(3),
        errors.DTypeError,
        ["grad needs real or complex arguments", "argument 0 has dtype int64", "3.0 for 3", r"astype\(float\)"],
    ),
    "ag.grad(loss)({'w': x, 'name': 'text'})": (
        lambda: ag.grad(lambda p: loss(p["w"]))({"w": x, "name": "text"}),
        errors.DTypeError,
        [r"argument 0\['name'\] has dtype <U4", r"grad\(lambda x: f\(x, option\)\)"],
    ),
    "ag.grad(x)(loss)": (lambda: ag.grad(x)(loss), TypeError, ["takes the function itself", "ndarray"]),
    "ag.grad(of a vector)": (
        lambda: ag.grad(square)(x),
        errors.ShapeError,
        [r"grad needs .* a scalar; square returned shape \(3,\)", r"np\.sum", "vjp"],
    ),
    "ag.value_and_grad(of a vector)": (
        lambda: ag.value_and_grad(square)(x),
        errors.ShapeError,
        [r"value_and_grad needs .*; square returned shape \(3,\)", r"np\.sum"],
    ),
    "ag.hessian(of a vector)": (
        lambda: ag.hessian(square)(x),
        errors.ShapeError,
        [r"hessian needs .*; square returned shape \(3,\)", r"np\.mean"],
    ),
    "ag.hvp(of a vector)": (
        lambda: ag.hvp(square, x, x),
        errors.ShapeError,
        ["hvp needs", "square returned", r"\(3,\)"],
    ),
    "ag.grad(without return)": (
        lambda: ag.grad(no_return)(x),
        errors.DTypeError,
        ["grad needs .* a real scalar; no_return returned None", "`return`"],
    ),
    "ag.grad(of a pair)": (
        lambda: ag.grad(pair)(x),
        errors.DTypeError,
        ["pair returned a tuple", "has_aux=True", "vjp"],
    ),
    "ag.grad(of complex values)": (
        lambda: ag.grad(imaginary)(x),
        errors.DTypeError,
        ["imaginary returned a complex number", r"np\.real"],
    ),
    "ag.grad(of an object)": (lambda: ag.grad(boxed)(x), errors.DTypeError, ["boxed returned a Box", "`return`"]),
    "ag.grad(f, has_aux=True) of a scalar": (
        lambda: ag.grad(loss, has_aux=True)(x),
        TypeError,
        ["grad: with has_aux=True loss must return a pair", "not a Tensor", "return loss, aux"],
    ),
    "ag.elementwise_grad(of a pair)": (
        lambda: ag.elementwise_grad(pair)(x),
        errors.DTypeError,
        ["pair returned a tuple", r"elementwise_grad\(lambda x: f\(x\)\[0\]\)"],
    ),
    "ag.elementwise_grad(of complex values)": (
        lambda: ag.elementwise_grad(imaginary)(x),
        errors.DTypeError,
        ["imaginary returned a complex array", "holomorphic=True"],
    ),
    "ag.elementwise_grad(without return)": (
        lambda: ag.elementwise_grad(no_return)(x),
        errors.DTypeError,
        ["elementwise_grad needs", "None", "`return`"],
    ),
}

PRODUCTS = {
    "ag.vjp(square(x), x)": (lambda: ag.vjp(square(x), x), TypeError, ["vjp takes the function itself", r"\(f, x\)"]),
    "ag.vjp(without return)": (
        lambda: ag.vjp(no_return, x),
        errors.DTypeError,
        ["vjp needs a function that returns arrays", "None", "`return`"],
    ),
    "ag.vjp(of an object)": (
        lambda: ag.vjp(boxed, x),
        errors.DTypeError,
        ["among its results is a Box", "return these themselves"],
    ),
    "pullback([1, 1, 1])": (
        lambda: cotangent(square, [1.0, 1.0, 1.0]),
        errors.ShapeError,
        ["returned 1 arrays and its pullback got 3 cotangents", r"np\.array\(\[\.\.\.\]\)"],
    ),
    "pullback((g,))": (
        lambda: cotangent(square, (x,)),
        errors.ShapeError,
        ["structure of the function's result", "a tuple of 1 where an array is needed"],
    ),
    "pullback({'b': g}) of {'a': y}": (
        lambda: cotangent(lambda x: {"a": x}, {"b": x}),
        errors.ShapeError,
        ["a dict with the keys 'b' where a dict with the keys 'a'"],
    ),
    "pullback(g, 1.0) of (y, None)": (
        lambda: cotangent(lambda x: (x, (None, x)), (x, (x, None))),
        errors.ShapeError,
        [r"at \[1\]\[0\]: a ndarray where None is needed"],
    ),
    "pullback([g1]) of (y1, [y2])": (
        lambda: cotangent(lambda x: (x, [x]), [x, x]),
        errors.ShapeError,
        [r"at \[1\]: a ndarray where a list of 1 is needed"],
    ),
    "pullback(g of another shape)": (
        lambda: cotangent(square, np.ones(2)),
        errors.ShapeError,
        [r"vjp: the cotangent has shape \(2,\)", r"\(3,\)"],
    ),
    "ag.jvp(f, x, v)": (
        lambda: ag.jvp(square, x, x),
        TypeError,
        ["primals must be a tuple", "not ndarray", r"jvp\(f, \(x,\), \(v,\)\)"],
    ),
    "ag.jvp(f, (x,), ())": (
        lambda: ag.jvp(square, (x,), ()),
        errors.ShapeError,
        ["each tangent must have the structure", "a tuple of 0 where a tuple of 1"],
    ),
    "ag.jvp(f, (x,), (list,))": (
        lambda: ag.jvp(square, (x,), ([1.0, 2.0, 3.0],)),
        errors.ShapeError,
        [r"at \[0\]: a list of 3 where an array is needed"],
    ),
    "ag.jvp(f, (x,), (v of another shape,))": (
        lambda: ag.jvp(square, (x,), (1.0,)),
        errors.ShapeError,
        [r"tangent 0 has shape \(\)", r"\(3,\)", r"np\.broadcast_to\(v, \(3,\)\)"],
    ),
    "ag.jvp(f, (x,), ('a',))": (
        lambda: ag.jvp(square, (x,), ("a",)),
        errors.DTypeError,
        ["tangent 0 has dtype <U1", "numbers"],
    ),
    "ag.jvp(f, (x,), (complex,))": (
        lambda: ag.jvp(square, (x,), (1j * x,)),
        errors.DTypeError,
        ["tangent 0 is complex128", r"real \(float64\)", r"np\.real"],
    ),
    "ag.hvp(f, x, v of another shape)": (
        lambda: ag.hvp(loss, x, np.ones(2)),
        errors.ShapeError,
        [r"hvp: the vector has shape \(2,\)", r"\(3,\)", "broadcast_to"],
    ),
    "ag.hvp(f, {'w': x}, {'w': v})": (
        lambda: ag.hvp(lambda p: loss(p["w"]), {"w": x}, {"w": 1.0}),
        errors.ShapeError,
        [r"the vector at \['w'\] has shape \(\)", r"\(3,\)"],
    ),
    "ag.hvp(f, complex x, v)": (
        lambda: ag.hvp(sphere, 1j * x, x),
        errors.DTypeError,
        ["hvp needs real arguments; argument 0 is complex128", "vjp and jvp"],
    ),
    "ag.ggnvp(f)(x)": (lambda: ag.ggnvp(square)(x), TypeError, [r"call it \(x, v\)", "not with 1 arguments"]),
    "ag.ggnvp(f, argnums=(0, 1))": (
        lambda: ag.ggnvp(square, argnums=(0, 1)),
        TypeError,
        [r"one integer here, not \(0, 1\)", "tree"],
    ),
    "ag.ggnvp(f, g that returns an array)": (
        lambda: ag.ggnvp(square, square)(x, x),
        errors.ShapeError,
        [r"ggnvp needs .* a scalar; square returned shape \(3,\)", r"np\.sum"],
    ),
    "ag.jacobian(complex x)": (
        lambda: ag.jacobian(square)(1j * x),
        errors.DTypeError,
        ["argument 0 is complex128", r"jacobian\(f, holomorphic=True\)"],
    ),
    "ag.hessian(complex x)": (
        lambda: ag.hessian(sphere)(1j * x),
        errors.DTypeError,
        ["hessian needs real arguments; argument 0 is complex128", "imaginary part"],
    ),
    "ag.jacobian(f, holomorphic=True)(real x)": (
        lambda: ag.jacobian(square, holomorphic=True)(x),
        errors.DTypeError,
        ["argument 0 is float64", r"astype\(complex\)", "leave holomorphic out"],
    ),
    "ag.jacobian(np.abs, holomorphic=True)": (
        lambda: ag.jacobian(np.abs, holomorphic=True)(1j * x),
        errors.DTypeError,
        ["needs complex results, not float64", "vjp"],
    ),
    "ag.jacobian(of text)": (
        lambda: ag.jacobian(lambda x: "text")(x),
        errors.DTypeError,
        ["jacobian needs .* arrays of numbers", "a str", "`return`"],
    ),
    "ag.jacobian(without return)": (
        lambda: ag.jacobian(no_return)(x),
        errors.DTypeError,
        ["jacobian needs", "None", "`return`"],
    ),
}

GRADIENTS = {
    "ag.gradients(y, x) by an array": (
        lambda: ag.gradients(loss(W), x),
        errors.NothingRecordedError,
        [r"gradients\(\), input 0 needs a Tensor, not ndarray", r"ag\.Tensor"],
    ),
    "ag.gradients(y, [w, c])": (
        lambda: ag.gradients(loss(W) * CONSTANT.sum(), [W, CONSTANT]),
        errors.NothingRecordedError,
        ["input c is a leaf with requires_grad=False", "requires_grad to True"],
    ),
    "ag.gradients([y1, y2], w, [1.0])": (
        lambda: ag.gradients([loss(W), loss(W)], W, [1.0]),
        errors.ShapeError,
        ["2 outputs", "as many cotangents, not 1"],
    ),
    "ag.gradients([y], w, 1.0)": (
        lambda: ag.gradients([loss(W)], W, 1.0),
        TypeError,
        ["list of cotangents, not a float", r"cotangents=\[g"],
    ),
}

CHECKPOINT = {
    "ag.checkpoint(f(x))": (
        lambda: ag.checkpoint(square(x)),
        TypeError,
        ["checkpoint takes a function", r"ag\.checkpoint\(f\)\(x\)", "ndarray"],
    ),
    "ag.checkpoint(f)(iterator)": (
        lambda: swept(sum, iter([W, W])),
        errors.UnsupportedArgumentError,
        ["checkpoint: sum got a list_iterator", "use it up", "Pass a list"],
    ),
    "ag.checkpoint(random numbers)": (
        random_numbers,
        errors.LostGradientError,
        ["noisy does not return what it returned", "random numbers", "pass them as arguments"],
    ),
    "ag.checkpoint(f that makes a leaf)": (
        lambda: swept(own_leaf, leaf(x)),
        errors.LostGradientError,
        ["own_leaf makes a leaf", "Make it outside"],
    ),
    "ag.checkpoint(f that closes over another Tensor)": (
        another_tensor,
        errors.LostGradientError,
        ["scaled uses other Tensors", "Pass it as an argument"],
    ),
    "ag.checkpoint(f), then w.data = ...": (
        overwritten,
        errors.OverwrittenError,
        [r"ag\.checkpoint had used", r"t\.data = \.\.\.", r"weight \(3,\)"],
    ),
}

ROWS = GRAD | PRODUCTS | GRADIENTS | CHECKPOINT
