"""What goes wrong with layers, models, losses, optimizers and training."""

import functools

import numpy as np
from click.testing import CliRunner

import autograd_mini as ag
import nn
from autograd_mini import errors
from nn import cli
from nn.cli.program import CannotWrite

X = np.random.default_rng(0).normal(size=(6, 3))
LABELS = np.array([0, 1, 0, 1, 1, 0])
ONE_HOT = np.eye(2)[LABELS]
HALF = np.full((6, 2), 0.5)
RAGGED = [[1.0], [1.0, 2.0]]


def model(**options):
    return nn.MLP([3, 4, 2], "tanh", rng=0, **options)


def fit(net=None, data=(X, LABELS), **options):
    net = model() if net is None else net
    usual = {"loss": nn.cross_entropy, "epochs": 1, "progress": False}
    if "optimizer" not in options and isinstance(net, nn.Module):
        usual["optimizer"] = nn.SGD(net.parameters(), lr=0.1)
    with np.errstate(all="ignore"):
        return nn.fit(net, data, **{**usual, **options})


def net_of(forward):
    """Return a module that computes what `forward` makes of a layer's outputs."""

    class Net(nn.Module):
        def __init__(self):
            self.linear = nn.Linear(3, 2, rng=0)

        def forward(self, x):
            return forward(self.linear(x))

    return Net()


def blown_up():
    """Take one step that leaves the finite numbers."""
    net = nn.Linear(3, 2, rng=0)
    return fit(net, (X * 1e10, LABELS), optimizer=nn.SGD(net.parameters(), lr=1e300), batch_size=None)


def with_gradient(parameter, gradient, optimizer=nn.SGD):
    parameter.grad = gradient
    return optimizer([parameter], lr=0.1)


def state(**changes):
    return {**model().state_dict(), **changes}


def command(*arguments):
    result = CliRunner().invoke(cli.main, arguments, standalone_mode=False)
    raise result.exception


LAYERS = {
    "nn.Linear(0, 2)": (
        lambda: nn.Linear(0, 2),
        ValueError,
        ["Linear: n_in is 0", "whole number of at least 1", "at least one input and one unit"],
    ),
    "nn.Linear(3, 2.5)": (lambda: nn.Linear(3, 2.5), ValueError, ["n_out is 2.5", "whole number"]),
    "nn.Linear('3', 2)": (lambda: nn.Linear("3", 2), TypeError, ["n_in is '3'", "whole number"]),
    "nn.Linear([3], 2)": (lambda: nn.Linear([3], 2), TypeError, [r"n_in is \[3\]", "whole number"]),
    "nn.Linear(3, 2, bias=np.zeros(2))": (
        lambda: nn.Linear(3, 2, bias=np.zeros(2)),
        TypeError,
        [r"bias is an array of shape \(2,\)", "True or False", r"layer\.bias\.data = values"],
    ),
    "nn.Linear(3, 2, rng='a')": (lambda: nn.Linear(3, 2, rng="a"), ValueError, ["rng is 'a'", "seed", r"np\.random"]),
    "nn.Linear(3, 2, rng=-1)": (lambda: nn.Linear(3, 2, rng=-1), ValueError, ["Linear: rng is -1", "from 0"]),
    "nn.Linear(3, 2, dtype=int)": (
        lambda: nn.Linear(3, 2, dtype=int),
        errors.DTypeError,
        ["Linear: dtype is int64", r"np\.float64 or np\.float32"],
    ),
    "nn.Linear(3, 2, dtype='foo')": (
        lambda: nn.Linear(3, 2, dtype="foo"),
        errors.DTypeError,
        ["Linear: dtype is 'foo'", r"np\.float64"],
    ),
    "nn.Linear(3, 2, initializer='he')": (
        lambda: nn.Linear(3, 2, initializer="he"),
        TypeError,
        ["initializer is 'he'", "must be a function", r"initializer=nn\.init\.he_normal"],
    ),
    "nn.Linear(3, 2, initializer=nn.init.uniform)": (
        lambda: nn.Linear(3, 2, initializer=nn.init.uniform),
        TypeError,
        ["makes an initializer", r"initializer=nn\.init\.uniform\(\)"],
    ),
    "nn.Linear(3, 2, initializer=lambda rng, shape: np.zeros((3, 2)))": (
        lambda: nn.Linear(3, 2, initializer=lambda rng, shape: np.zeros((3, 2))),
        errors.ShapeError,
        [r"Linear\(3, 2\)", r"returned shape \(3, 2\)", r"is \(2, 3\)"],
    ),
    "nn.Linear(3, 2, initializer=lambda rng, shape: None)": (
        lambda: nn.Linear(3, 2, initializer=lambda rng, shape: None),
        errors.DTypeError,
        ["the initializer's result is None", "array of numbers"],
    ),
    "nn.Linear(3, 2, initializer: complex)": (
        lambda: nn.Linear(3, 2, initializer=lambda rng, shape: 1j * np.ones(shape)),
        errors.DTypeError,
        ["the initializer's result holds complex128", "must be real"],
    ),
    "nn.Linear(3, 2, mask=np.ones((3, 2)))": (
        lambda: nn.Linear(3, 2, mask=np.ones((3, 2))),
        errors.ShapeError,
        [r"mask has shape \(3, 2\)", r"is \(2, 3\), \(out, in\)", r"Write mask\.T"],
    ),
    "nn.Linear(3, 2, mask=0.5)": (
        lambda: nn.Linear(3, 2, mask=np.full((2, 3), 0.5)),
        ValueError,
        ["only 1", "holds 0.5"],
    ),
    "nn.Linear(3, 2, mask='a')": (
        lambda: nn.Linear(3, 2, mask="a"),
        errors.DTypeError,
        ["mask is 'a'", "array of numbers"],
    ),
    "layer(x of 4 inputs)": (
        lambda: nn.Linear(3, 2, rng=0)(np.ones((5, 4))),
        errors.ShapeError,
        [r"Linear\(3 -> 2\) takes 3 inputs", r"shape \(5, 4\)", "Samples are rows"],
    ),
    "layer(x.T)": (
        lambda: nn.Linear(3, 2, rng=0)(X.T),
        errors.ShapeError,
        [r"shape \(3, 6\)", r"Did you mean x\.T\?"],
    ),
    "layer(images)": (
        lambda: nn.Linear(64, 2, rng=0)(np.ones((5, 8, 8))),
        errors.ShapeError,
        [r"\(5, 8, 8\)", r"x\.reshape\(len\(x\), -1\)"],
    ),
    "layer of one input(vector)": (
        lambda: nn.Linear(1, 2, rng=0)(np.ones(5)),
        errors.ShapeError,
        [r"\(5,\)", r"Write x\[:, None\]"],
    ),
    "nn.Sequential(nn.Linear(3, 2), nn.Linear(3, 2))(x)": (
        lambda: nn.Sequential(nn.Linear(3, 2), nn.Linear(3, 2))(X),
        errors.ShapeError,
        [r"\(layer 1\)", "takes 3 inputs", r"\(6, 2\)"],
    ),
    "layer(complex x)": (
        lambda: nn.Linear(3, 2, rng=0)(1j * X),
        errors.DTypeError,
        [r"Linear\(3 -> 2\): x holds complex128", r"np\.real"],
    ),
    "layer(text)": (lambda: nn.Linear(3, 2)(np.array(["1", "2", "3"])), errors.DTypeError, ["x holds <U1", "numbers"]),
    "layer([None, None, None])": (
        lambda: nn.Linear(3, 2)([None, None, None]),
        errors.DTypeError,
        ["x holds object", r"np\.asarray\(values, float\)"],
    ),
    "layer(None)": (lambda: nn.Linear(3, 2)(None), errors.DTypeError, ["x is None", "array of numbers"]),
    "nn.squared_error(masked, y)": (
        lambda: nn.squared_error(np.ma.array([1.0, 2.0], mask=[0, 1]), [1.0, 2.0]),
        errors.DTypeError,
        ["squared_error: o is a masked array", r"filled\(value\)"],
    ),
    "layer(ragged)": (
        lambda: nn.Linear(3, 2)(RAGGED),
        errors.ShapeError,
        [r"Linear\(3 -> 2\)", "rows of x differ in length", "one length"],
    ),
    "nn.Sequential([layers])": (
        lambda: nn.Sequential([nn.Linear(3, 2), nn.Tanh()]),
        TypeError,
        ["Layer 0 of Sequential", r"this is \[Linear", r"nn\.Sequential\(\*layers\)"],
    ),
    "nn.Sequential(nn.ReLU)": (
        lambda: nn.Sequential(nn.Linear(3, 2), nn.ReLU),
        TypeError,
        ["Layer 1 of Sequential", "the class ReLU", r"nn\.ReLU\(\)"],
    ),
    "nn.Sequential(np.tanh)": (
        lambda: nn.Sequential(np.tanh),
        TypeError,
        ["Layer 0 of Sequential", "the function tanh", r"nn\.Tanh\(\)"],
    ),
    "nn.Sequential('relu')": (lambda: nn.Sequential("relu"), TypeError, ["this is 'relu'", r"nn\.ReLU\(\)"]),
    "model[5]": (lambda: model()[5], IndexError, ["no layer 5", "has 3"]),
    "nn.MLP([3])": (lambda: nn.MLP([3]), ValueError, [r"sizes is \[3\]", r"as in MLP\(\[64, 32, 10\]\)"]),
    "nn.MLP(3, 2)": (lambda: nn.MLP(3, 2), ValueError, ["sizes is 3", r"MLP\(\[64, 32, 10\]\)"]),
    "nn.MLP([3, 0])": (lambda: nn.MLP([3, 0]), ValueError, [r"MLP: sizes\[1\] is 0", "at least 1"]),
    "nn.MLP([3, 2], 'swish')": (
        lambda: nn.MLP([3, 2], "swish"),
        ValueError,
        ["activation is 'swish'", "identity, relu, sigmoid, softmax, tanh"],
    ),
    "nn.MLP([3, 2], output=nn.Softmax())": (
        lambda: nn.MLP([3, 2], output=nn.Softmax()),
        ValueError,
        [r"output is Softmax\(\)", "names identity, relu"],
    ),
    "nn.init.uniform(1, -1)": (
        lambda: nn.init.uniform(1, -1),
        ValueError,
        [r"init\.uniform: low is 1 and high -1", "must not exceed"],
    ),
    "nn.init.uniform('a')": (lambda: nn.init.uniform("a"), TypeError, ["low is 'a'", "finite number"]),
    "nn.init.he_normal(0, (2, 3))": (
        lambda: nn.init.he_normal(0, (2, 3)),
        TypeError,
        [r"init\.he_normal: rng is 0", "Generator", r"initializer=nn\.init\.he_normal"],
    ),
    "nn.init.xavier_uniform(rng, 3)": (
        lambda: nn.init.xavier_uniform(np.random.default_rng(0), 3),
        TypeError,
        [r"init\.xavier_uniform", "shape 3", r"\(out, in\)"],
    ),
    "nn.sigmoid(complex)": (
        lambda: nn.sigmoid(np.array([1j])),
        errors.DTypeError,
        ["sigmoid: z holds complex128", "must be real"],
    ),
    "nn.relu(complex Tensor)": (
        lambda: nn.relu(ag.Tensor([1j], requires_grad=True)),
        errors.DTypeError,
        ["relu: z holds complex128", "must be real"],
    ),
    "nn.log_softmax(complex)": (lambda: nn.log_softmax([1j, 2]), errors.DTypeError, ["log_softmax: z", "complex128"]),
    "nn.softmax([])": (lambda: nn.softmax([]), errors.ShapeError, [r"softmax: z has shape \(0,\)", "no classes"]),
    "nn.relu('a')": (lambda: nn.relu("a"), errors.DTypeError, ["relu: z is 'a'", "array of numbers"]),
}

MODULES = {
    "nn.Module()(x)": (
        lambda: nn.Module()(X),
        NotImplementedError,
        [r"Module has no forward\(\)", r"def forward\(self, x\)"],
    ),
    "model.train(x, ...)": (
        lambda: model().train((X, LABELS)),
        TypeError,
        ["mode is", "True or False", r"nn\.fit\(model, \(inputs, targets\)"],
    ),
    "model.load_state_dict('m.npz')": (
        lambda: model().load_state_dict("m.npz"),
        TypeError,
        ["state is 'm.npz'", r"state_dict\(\)"],
    ),
    "model.load_state_dict(other model)": (
        lambda: model().load_state_dict(model()),
        TypeError,
        ["state is an MLP", r"state_dict\(\)"],
    ),
    "model.load_state_dict({})": (
        lambda: model().load_state_dict({}),
        KeyError,
        ["missing 0.bias, 0.weight", "unknown none", "Build the model"],
    ),
    "model.load_state_dict(shape)": (
        lambda: model().load_state_dict(state(**{"0.bias": np.ones(3)})),
        errors.ShapeError,
        ["load_state_dict: 0.bias", r"\(4,\) in this model", r"\(3,\) in the state"],
    ),
    "model.load_state_dict(complex)": (
        lambda: model().load_state_dict(state(**{"0.bias": 1j * np.ones(4)})),
        errors.DTypeError,
        ["0.bias is float64", "complex128 in the state", r"value\.real"],
    ),
    "model.load_state_dict(text)": (
        lambda: model().load_state_dict(state(**{"0.bias": "abc"})),
        errors.DTypeError,
        ["load_state_dict: 0.bias is 'abc'", "array of numbers"],
    ),
    "nn.Parameter([1, 2])": (lambda: nn.Parameter([1, 2]), errors.DTypeError, ["int64", "Write 3.0 for 3"]),
    "nn.SGD(model, lr=0.1)": (
        lambda: nn.SGD(model(), lr=0.1),
        TypeError,
        ["parameters is an MLP", r"model\.parameters\(\)"],
    ),
    "nn.SGD(model.parameters, lr=0.1)": (
        lambda: nn.SGD(model().parameters, lr=0.1),
        TypeError,
        ["the function parameters", r"model\.parameters\(\)"],
    ),
    "nn.SGD(w, lr=0.1)": (
        lambda: nn.SGD(nn.Parameter([1.0]), lr=0.1),
        TypeError,
        [r"a Parameter of shape \(1,\)", r"SGD\(\[w\], lr=0\.1\)"],
    ),
    "nn.SGD([ag.Tensor(...)], lr=0.1)": (
        lambda: nn.SGD([ag.Tensor([1.0], requires_grad=True)], lr=0.1),
        TypeError,
        ["one of these is a Tensor", r"nn\.Parameter"],
    ),
    "nn.SGD([], lr=0.1)": (lambda: nn.SGD([], lr=0.1), ValueError, ["no parameters", r"model\.parameters\(\)"]),
    "nn.SGD(p, lr=0)": (lambda: nn.SGD([nn.Parameter([1.0])], lr=0), ValueError, ["lr is 0", "positive and finite"]),
    "nn.SGD(p, lr='0.1')": (
        lambda: nn.SGD([nn.Parameter([1.0])], lr="0.1"),
        ValueError,
        ["SGD: lr is '0.1'", "positive and finite"],
    ),
    "nn.SGD(p, lr=None)": (lambda: nn.SGD([nn.Parameter([1.0])], lr=None), TypeError, ["SGD: lr is None", "positive"]),
    "nn.SGD(p, momentum=1)": (
        lambda: nn.SGD([nn.Parameter([1.0])], lr=0.1, momentum=1),
        ValueError,
        ["momentum is 1", r"lie in \[0, 1\)"],
    ),
    "nn.SGD(p, nesterov=True)": (
        lambda: nn.SGD([nn.Parameter([1.0])], lr=0.1, nesterov=True),
        ValueError,
        ["SGD: nesterov", "momentum must be above 0, and it is 0", r"momentum=0\.9"],
    ),
    "opt.lr = -1": (
        lambda: setattr(nn.SGD([nn.Parameter([1.0])], lr=0.1), "lr", -1),
        ValueError,
        ["SGD: lr is -1", "finite and at least 0"],
    ),
    "opt.momentum = 0.9": (
        lambda: setattr(nn.SGD([nn.Parameter([1.0])], lr=0.1), "momentum", 0.9),
        ValueError,
        ["SGD: momentum is 0.9", "made without it", r"SGD\(model\.parameters\(\), lr=0\.1, momentum=0\.9\)"],
    ),
    "adam.weight_decay = 0.1": (
        lambda: setattr(nn.Adam([nn.Parameter([1.0])]), "weight_decay", 0.1),
        ValueError,
        ["Adam: weight_decay is 0.1", "made without it", r"lr=0\.001, weight_decay=0\.1\)"],
    ),
    "nn.SGD(p, weight_decay=-1)": (
        lambda: nn.SGD([nn.Parameter([1.0])], lr=0.1, weight_decay=-1),
        ValueError,
        ["SGD: weight_decay is -1", "at least 0"],
    ),
    "nn.Adam(model)": (
        lambda: nn.Adam(model()),
        TypeError,
        ["Adam: parameters is an MLP", r"model\.parameters\(\)", r"Adam\(\[w\], lr=0\.001\)"],
    ),
    "nn.AdamW([])": (lambda: nn.AdamW([]), ValueError, ["AdamW got no parameters", r"AdamW\(\[w\], lr=0\.001\)"]),
    "nn.AdamW([array])": (
        lambda: nn.AdamW([np.ones(2)]),
        TypeError,
        ["AdamW updates Parameters, and one of these is a ndarray"],
    ),
    "nn.AdamW(p, lr='fast')": (
        lambda: nn.AdamW([nn.Parameter([1.0])], lr="fast"),
        TypeError,
        ["AdamW: lr is 'fast'", "positive and finite"],
    ),
    "nn.Adam(p, betas=0.9)": (
        lambda: nn.Adam([nn.Parameter([1.0])], betas=0.9),
        TypeError,
        ["Adam: betas is 0.9", r"betas=\(0\.9, 0\.999\)"],
    ),
    "nn.Adam(p, betas=(0.9, 1))": (
        lambda: nn.Adam([nn.Parameter([1.0])], betas=(0.9, 1)),
        ValueError,
        [r"Adam: betas\[1\] is 1,", r"lie in \[0, 1\)"],
    ),
    "nn.Adam(p, eps=0)": (
        lambda: nn.Adam([nn.Parameter([1.0])], eps=0),
        ValueError,
        ["Adam: eps is 0", "positive and finite"],
    ),
    "nn.Adam([complex parameter])": (
        lambda: nn.Adam([nn.Parameter([1j], name="c")]),
        errors.DTypeError,
        ["Adam: c is complex128", "must be real", "two Parameters"],
    ),
    "p.grad = other shape; adam.step()": (
        lambda: with_gradient(nn.Parameter(np.ones((2, 3)), name="W1"), np.ones(3), nn.Adam).step(),
        errors.ShapeError,
        ["Adam: the gradient of W1", r"\(3,\)", r"\(2, 3\)"],
    ),
    "p.grad = other shape; step()": (
        lambda: with_gradient(nn.Parameter(np.ones((2, 3)), name="W1"), np.ones(3)).step(),
        errors.ShapeError,
        ["gradient of W1", r"\(3,\)", r"\(2, 3\)", r"backward\(\)"],
    ),
}

LOSSES = {
    "nn.squared_error(o, labels)": (
        lambda: nn.squared_error(HALF, LABELS),
        errors.ShapeError,
        [r"outputs have shape \(6, 2\), the targets \(6,\)", "cross_entropy", r"np\.eye\(k\)\[y\]"],
    ),
    "nn.squared_error((n, 1), (n,))": (
        lambda: nn.squared_error(HALF[:, :1], ONE_HOT[:, 0]),
        errors.ShapeError,
        [r"\(6, 1\)", r"\(6,\)", r"y\.reshape\(\(-1, 1\)\)"],
    ),
    "nn.squared_error(o, y, 'mean')": (
        lambda: nn.squared_error(HALF, ONE_HOT, "mean"),
        TypeError,
        ["factor is 'mean'", "positive, finite", "reduction="],
    ),
    "nn.squared_error(o, y, factor=-1)": (
        lambda: nn.squared_error(HALF, ONE_HOT, factor=-1),
        ValueError,
        ["squared_error: factor is -1", "positive"],
    ),
    "nn.squared_error(o, None)": (
        lambda: nn.squared_error(HALF, None),
        errors.DTypeError,
        ["squared_error: y is None", "array of numbers"],
    ),
    "nn.squared_error(o, [[None, None], ...])": (
        lambda: nn.squared_error(HALF, [[None, None]] * 6),
        errors.DTypeError,
        ["squared_error: y holds object", "must hold numbers"],
    ),
    "nn.squared_error(complex)": (
        lambda: nn.squared_error(1j * HALF, ONE_HOT),
        errors.DTypeError,
        ["squared_error: o holds complex128", r"np\.abs"],
    ),
    "nn.squared_error(no samples)": (
        lambda: nn.squared_error(HALF[:0], ONE_HOT[:0]),
        errors.ShapeError,
        ["no samples", r"\(0,\)", "no mean of none"],
    ),
    "nn.squared_error(model, y)": (
        lambda: nn.squared_error(model(), ONE_HOT),
        errors.DTypeError,
        ["o is an MLP", "Call it"],
    ),
    "nn.cross_entropy(o, y, reduction='average')": (
        lambda: nn.cross_entropy(HALF, LABELS, reduction="average"),
        ValueError,
        ["cross_entropy: reduction is 'average'", "'mean', 'sum' or 'none'"],
    ),
    "nn.cross_entropy(o, labels from 1)": (
        lambda: nn.cross_entropy(HALF, LABELS + 1),
        ValueError,
        ["label 2 is out of range", "0 to 1", r"np\.unique"],
    ),
    "nn.cross_entropy(o, float labels)": (
        lambda: nn.cross_entropy(HALF, LABELS * 1.0),
        errors.ShapeError,
        [r"integer labels of shape \(6,\)", "not float64", r"y\.astype\(int\)"],
    ),
    "nn.cross_entropy(o, text)": (
        lambda: nn.cross_entropy(HALF, np.array(["a"] * 6)),
        errors.ShapeError,
        ["integer labels", "not <U1", r"np\.unique\(y, return_inverse=True\)\[1\]"],
    ),
    "nn.cross_entropy(o, labels (n, 1))": (
        lambda: nn.cross_entropy(HALF, LABELS[:, None]),
        errors.ShapeError,
        [r"int64 of shape \(6, 1\)", r"Write y\[\.\.\., 0\]"],
    ),
    "nn.cross_entropy(o, 'abc')": (
        lambda: nn.cross_entropy(HALF, "abc"),
        errors.DTypeError,
        ["cross_entropy: y is 'abc'", "array of numbers"],
    ),
    "nn.cross_entropy(0.5, 1)": (
        lambda: nn.cross_entropy(0.5, 1),
        errors.ShapeError,
        ["a single number", r"\(samples, classes\)"],
    ),
    "nn.cross_entropy(o, no distribution)": (
        lambda: nn.cross_entropy(HALF, 0.7 * ONE_HOT),
        ValueError,
        ["add up to 1", "some add up to 0.7", r"keepdims=True"],
    ),
    "nn.binary_cross_entropy(logits, y)": (
        lambda: nn.binary_cross_entropy(HALF + 3, ONE_HOT),
        ValueError,
        ["outputs run from 3.5 to 3.5", "sigmoid", "binary_cross_entropy_with_logits"],
    ),
    "nn.binary_cross_entropy(o, 2)": (
        lambda: nn.binary_cross_entropy(HALF, 2 * ONE_HOT),
        ValueError,
        ["targets run from 0 to 2", "Labels are 0 and 1"],
    ),
    "nn.accuracy((n, 1), labels)": (
        lambda: nn.accuracy(HALF[:, :1], LABELS),
        errors.ShapeError,
        [r"\(6, 1\)", "no largest of one", r"np\.mean\(\(outputs > 0\.5\) == labels\)"],
    ),
    "nn.accuracy(o, one-hot)": (
        lambda: nn.accuracy(HALF, ONE_HOT),
        errors.ShapeError,
        [r"labels of shape \(6,\)", r"not \(6, 2\)", r"labels\.argmax\(-1\)"],
    ),
    "nn.accuracy(o, text)": (
        lambda: nn.accuracy(HALF, np.array(["a"] * 6)),
        errors.DTypeError,
        ["accuracy: labels holds <U1", "numbers"],
    ),
    "nn.accuracy(o, labels from 9)": (
        lambda: nn.accuracy(HALF, LABELS + 9),
        ValueError,
        ["accuracy: label 9 is out of range", "0 to 1"],
    ),
}

TRAINING = {
    "nn.fit(np.tanh, ...)": (lambda: fit(np.tanh, optimizer=None), TypeError, ["model is the function tanh", "Module"]),
    "nn.evaluate(None, x)": (lambda: nn.evaluate(None, X), TypeError, ["evaluate: model is None", "Module"]),
    "nn.fit(model, X)": (
        lambda: fit(data=X),
        ValueError,
        ["data must be a pair", r"an array of shape \(6, 3\)", r"data=\(X, y\)"],
    ),
    "nn.fit(model, [(x, y), ...])": (
        lambda: fit(data=list(zip(X, LABELS, strict=True))),
        ValueError,
        ["a list of 6", r"tuple\(zip\(\*samples\)\)"],
    ),
    "nn.fit(model, (X, y[:3]))": (
        lambda: fit(data=(X, LABELS[:4])),
        ValueError,
        [r"inputs have shape \(6, 3\), the targets \(4,\)", "as many of both"],
    ),
    "nn.fit(model, (X.T, y))": (lambda: fit(data=(X.T, LABELS)), ValueError, [r"\(3, 6\)", r"Did you mean X\.T\?"]),
    "nn.fit(model, (ragged, y))": (
        lambda: fit(data=(RAGGED, [0, 1])),
        errors.ShapeError,
        ["the inputs of data", "differ in length"],
    ),
    "nn.fit(model with a softmax, loss of logits)": (
        lambda: fit(nn.MLP([3, 2], output="softmax"), loss=functools.partial(nn.cross_entropy, label_smoothing=0.1)),
        ValueError,
        [r"ends in Softmax\(\), but cross_entropy takes logits", "loss=nn.categorical_cross_entropy"],
    ),
    "nn.fit(model with a sigmoid, loss of logits)": (
        lambda: fit(nn.MLP([3, 1], output="sigmoid"), loss=nn.binary_cross_entropy_with_logits),
        ValueError,
        [r"ends in Sigmoid\(\)", "loss=nn.binary_cross_entropy"],
    ),
    "nn.fit(loss='cross_entropy')": (
        lambda: fit(loss="cross_entropy"),
        TypeError,
        ["loss is 'cross_entropy'", r"loss=nn\.cross_entropy"],
    ),
    "nn.fit(optimizer=nn.SGD)": (
        lambda: fit(optimizer=nn.SGD),
        TypeError,
        ["optimizer is the class SGD", r"nn\.SGD\(model\.parameters\(\), lr=0\.1\)"],
    ),
    "nn.fit(optimizer of another model)": (
        lambda: fit(optimizer=nn.SGD(model().parameters(), lr=0.1)),
        ValueError,
        ["no parameter of this model", r"model\.parameters\(\)"],
    ),
    "nn.fit(epochs=-1)": (lambda: fit(epochs=-1), ValueError, ["fit: epochs is -1", "at least 0"]),
    "nn.fit(epochs=1.5)": (lambda: fit(epochs=1.5), ValueError, ["fit: epochs is 1.5", "whole number"]),
    "nn.fit(batch_size=0)": (lambda: fit(batch_size=0), ValueError, ["batch_size is 0", "None takes all"]),
    "nn.fit(patience=3)": (lambda: fit(patience=3), ValueError, ["patience counts", r"validation=\(inputs, targets\)"]),
    "nn.fit(patience=0)": (
        lambda: fit(patience=0, validation=(X, LABELS)),
        ValueError,
        ["patience is 0", "None does not stop early"],
    ),
    "nn.fit(stop_below=nan)": (lambda: fit(stop_below=np.nan), ValueError, ["stop_below is nan", "finite number"]),
    "nn.fit(metrics without validation)": (
        lambda: fit(metrics=nn.accuracy),
        ValueError,
        ["metrics", r"validation=\(inputs, targets\)"],
    ),
    "nn.fit(metric that returns None)": (
        lambda: fit(metrics=lambda o, y: None, validation=(X, LABELS)),
        TypeError,
        ["metric .* returned None", "`return`"],
    ),
    "nn.fit(rng='a')": (lambda: fit(rng="a"), ValueError, ["fit: rng is 'a'", "seed"]),
    "nn.fit(loss that returns a float)": (
        lambda: fit(loss=lambda o, y: nn.cross_entropy(o, y).item()),
        TypeError,
        ["the loss returned a float", r"without \.numpy\(\), \.item\(\) or \.detach\(\)"],
    ),
    "nn.fit(loss that returns None)": (
        lambda: fit(loss=lambda o, y: None),
        TypeError,
        ["the loss returned None", "NumPy functions"],
    ),
    "nn.fit(loss of detached outputs)": (
        lambda: fit(loss=lambda o, y: nn.cross_entropy(o.detach(), y)),
        errors.NothingRecordedError,
        ["does not depend on any parameter", r"\.detach\(\)"],
    ),
    "nn.fit(reduction='none')": (
        lambda: fit(loss=functools.partial(nn.cross_entropy, reduction="none")),
        errors.ShapeError,
        [r"the loss returned shape \(6,\)", "scalar", "reduction='mean'"],
    ),
    "nn.fit(complex loss)": (
        lambda: fit(loss=lambda o, y: 1j * o.sum()),
        errors.DTypeError,
        ["the loss returned complex128", r"np\.abs"],
    ),
    "forward() without return": (
        lambda: fit(net_of(lambda z: None)),
        TypeError,
        ["the model returned None", "`return`", r"forward\(\)"],
    ),
    "forward() that returns a pair": (
        lambda: fit(net_of(lambda z: (z, z))),
        TypeError,
        ["the model returned", "one array", "outputs alone"],
    ),
    "forward() that returns (n,)": (
        lambda: fit(net_of(lambda z: z[:, 0]), (X, ONE_HOT[:, 0]), loss=nn.squared_error),
        errors.ShapeError,
        [r"shape \(6,\) for 6 samples", r"o\[:, None\]"],
    ),
    "nn.fit with NaN in the data": (
        lambda: fit(data=(X * np.nan, LABELS)),
        nn.NonFiniteLossError,
        ["In epoch 1 the loss became nan", "the inputs hold NaN", r"np\.isfinite"],
    ),
    "nn.fit with NaN in the validation set": (
        lambda: fit(validation=(X * np.nan, LABELS)),
        nn.NonFiniteLossError,
        ["In epoch 1 the validation loss became nan", "inputs"],
    ),
    "nn.fit with too large a step": (
        blown_up,
        nn.NonFiniteLossError,
        ["In epoch 1 the weights", "learning rate is too large", "a tenth"],
    ),
    "nn.stratified_split(y, 6)": (
        lambda: nn.stratified_split(LABELS, 6),
        ValueError,
        ["size is 6", "of 6 samples", "between 1 and 5"],
    ),
    "nn.stratified_split(y, 0.25)": (
        lambda: nn.stratified_split(LABELS, 0.25),
        ValueError,
        ["size is 0.25", "whole number", "between 1 and 5"],
    ),
    "nn.stratified_split(one-hot, 2)": (
        lambda: nn.stratified_split(ONE_HOT, 2),
        errors.ShapeError,
        [r"not \(6, 2\)", r"labels\.argmax\(-1\)"],
    ),
    "nn.stratified_split([], 1)": (lambda: nn.stratified_split([], 1), ValueError, ["0 labels", "at least 2 samples"]),
    "autograd-mini demo --out a file": (
        lambda: command("demo", "--quiet", "--out", __file__),
        CannotWrite,
        ["cannot be written to", "nn.py", "File exists|Not a directory"],
    ),
}

ROWS = LAYERS | MODULES | LOSSES | TRAINING
