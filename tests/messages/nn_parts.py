"""What goes wrong with activations, normalizations, embeddings, residuals, and initial weights."""

import numpy as np

import nn
from autograd_mini import errors

X = np.random.default_rng(0).normal(size=(6, 3))
Z = np.array([1.0, -1.0])


class Elsewhere:
    """What there is to see of an array that may not have been computed yet."""

    shape, ndim, size, dtype = (6, 3), 2, 18, np.dtype(float)

    def __array_function__(self, *_):
        return NotImplemented


ROWS = {
    "nn.gelu(z, 'erf')": (lambda: nn.gelu(Z, "erf"), ValueError, ["gelu: approximate is 'erf'", "'none' or 'tanh'"]),
    "nn.GELU('erf')": (lambda: nn.GELU("erf"), ValueError, ["GELU: approximate is 'erf'", "'none' or 'tanh'"]),
    "nn.leaky_relu(z, 'a')": (
        lambda: nn.leaky_relu(Z, "a"),
        TypeError,
        ["leaky_relu: negative_slope is 'a'", "finite number"],
    ),
    "nn.ELU(np.nan)": (lambda: nn.ELU(np.nan), ValueError, ["ELU: alpha is nan", "finite number"]),
    "nn.Softplus(beta=0)": (lambda: nn.Softplus(beta=0), ValueError, ["Softplus: beta is 0", "positive"]),
    "nn.elu(complex)": (lambda: nn.elu(1j * Z), errors.DTypeError, ["elu: z holds complex128", "must be real"]),
    "nn.BatchNorm1d(0)": (lambda: nn.BatchNorm1d(0), ValueError, ["BatchNorm1d: num_features is 0", "at least 1"]),
    "nn.BatchNorm1d(3, affine='yes')": (
        lambda: nn.BatchNorm1d(3, affine="yes"),
        TypeError,
        ["BatchNorm1d: affine is 'yes'", "True or False"],
    ),
    "nn.BatchNorm1d(3, momentum=2)": (
        lambda: nn.BatchNorm1d(3, momentum=2),
        ValueError,
        ["momentum is 2", r"lie in \[0, 1\]", "None"],
    ),
    "nn.BatchNorm1d(3, dtype=complex)": (
        lambda: nn.BatchNorm1d(3, dtype=complex),
        errors.DTypeError,
        ["BatchNorm1d: dtype is complex128", "must be real", r"dtype=np\.float64"],
    ),
    "nn.BatchNorm1d(3)(x of 4 features)": (
        lambda: nn.BatchNorm1d(3)(np.ones((6, 4))),
        errors.ShapeError,
        [r"BatchNorm1d\(3\) takes 3 features", r"\(n, 3\) or \(n, 3, l\)", r"shape \(6, 4\)"],
    ),
    "nn.BatchNorm1d(3)(x.T)": (
        lambda: nn.BatchNorm1d(3)(X.T),
        errors.ShapeError,
        [r"shape \(3, 6\)", r"Did you mean x\.T\?"],
    ),
    "nn.BatchNorm1d(3)(x[0])": (
        lambda: nn.BatchNorm1d(3)(X[0]),
        errors.ShapeError,
        [r"shape \(3,\)", r"Write x\[None\]"],
    ),
    "nn.BatchNorm1d(3)(one sample)": (
        lambda: nn.BatchNorm1d(3)(X[:1]),
        ValueError,
        [r"BatchNorm1d\(3\): the batch has shape \(1, 3\)", "one value", "two at least", r"model\.eval\(\)"],
    ),
    "nn.BatchNorm1d(3)(complex x)": (
        lambda: nn.BatchNorm1d(3)(1j * X),
        errors.DTypeError,
        [r"BatchNorm1d\(3\): x holds complex128", r"np\.real"],
    ),
    "nn.BatchNorm1d(3)(array of a library)": (
        lambda: nn.BatchNorm1d(3)(Elsewhere()),
        errors.UnsupportedArgumentError,
        [r"BatchNorm1d\(3\): in training", "fetched into memory", r"np\.asarray\(x\)", r"model\.eval\(\)"],
    ),
    "nn.LayerNorm(())": (lambda: nn.LayerNorm(()), ValueError, ["LayerNorm: normalized_shape is empty", "last axis"]),
    "nn.LayerNorm([3, 0])": (lambda: nn.LayerNorm([3, 0]), ValueError, [r"normalized_shape\[1\] is 0", "at least 1"]),
    "nn.LayerNorm(4)(x)": (
        lambda: nn.LayerNorm(4)(X),
        errors.ShapeError,
        [r"LayerNorm\(4\) takes arrays whose last axes are \(4,\)", r"shape \(6, 3\)", "normalized_shape"],
    ),
    "nn.Embedding(4, 3, padding_idx=4)": (
        lambda: nn.Embedding(4, 3, padding_idx=4),
        ValueError,
        ["Embedding: padding_idx is 4", "below 4", "0 to 3"],
    ),
    "nn.Embedding(4, 3)(reals)": (
        lambda: nn.Embedding(4, 3)(X),
        errors.DTypeError,
        ["Embedding: x holds float64", "integers", r"x\.astype\(int\)"],
    ),
    "nn.Embedding(4, 3)([4])": (
        lambda: nn.Embedding(4, 3)([1, 4]),
        ValueError,
        ["Embedding: number 4 is out of range", "0 to 3", "num_embeddings"],
    ),
    "nn.Residual(np.tanh)": (
        lambda: nn.Residual(np.tanh),
        TypeError,
        ["Residual: module is the function tanh", "must be a Module", r"nn\.Sequential\("],
    ),
    "nn.Residual(nn.Linear(3, 2))(x)": (
        lambda: nn.Residual(nn.Linear(3, 2))(X),
        errors.ShapeError,
        [r"returned shape \(6, 2\)", r"inputs have shape \(6, 3\)", r"shortcut=nn\.Linear\(3, 2\)"],
    ),
    "nn.Residual(nn.Linear(3, 2), nn.Linear(3, 1))(x)": (
        lambda: nn.Residual(nn.Linear(3, 2), nn.Linear(3, 1))(X),
        errors.ShapeError,
        [r"returned shape \(6, 2\)", r"shortcut passes shape \(6, 1\)", "same number of outputs"],
    ),
    "nn.Flatten(1.5)": (lambda: nn.Flatten(1.5), TypeError, ["Flatten: start_dim is 1.5", "whole number"]),
    "nn.Flatten()(vector)": (
        lambda: nn.Flatten()(Z),
        errors.ShapeError,
        [r"Flatten: x has shape \(2,\)", "from 1 to -1", r"\(samples, \.\.\.\)"],
    ),
    "class Net(nn.Sequential) with __init__; .config()": (
        lambda: type(
            "Net", (nn.Sequential,), {"__init__": lambda self: nn.Sequential.__init__(self, nn.Tanh())}
        )().config(),
        TypeError,
        ["Net cannot be described", r"config\(\)"],
    ),
    "nn.MLP([3, 2], dropout=1)": (
        lambda: nn.MLP([3, 2], dropout=1),
        ValueError,
        ["MLP: dropout is 1", r"lie in \[0, 1\)"],
    ),
    "nn.MLP([3, 4, 2], batch_norm='yes')": (
        lambda: nn.MLP([3, 4, 2], batch_norm="yes"),
        TypeError,
        ["MLP: batch_norm is 'yes'", "True or False"],
    ),
    "nn.Linear(3, 2, bias_initializer='zeros')": (
        lambda: nn.Linear(3, 2, bias_initializer="zeros"),
        TypeError,
        ["bias_initializer is 'zeros'", "must be a function", r"bias_initializer=nn\.init\.zeros"],
    ),
    "nn.Linear(3, 2, bias_initializer=nn.init.he_normal)": (
        lambda: nn.Linear(3, 2, bias_initializer=nn.init.he_normal),
        TypeError,
        [r"init\.he_normal", r"shape \(2,\)", r"\(out, in\)", r"A bias has no inputs: take nn\.init\.zeros"],
    ),
    "nn.Linear(3, 2, bias_initializer=nn.init.constant)": (
        lambda: nn.Linear(3, 2, bias_initializer=nn.init.constant),
        TypeError,
        [r"bias_initializer is nn\.init\.constant", "makes an initializer", r"nn\.init\.constant\(0\.1\)"],
    ),
    "nn.init.normal(std=-1)": (lambda: nn.init.normal(std=-1), ValueError, [r"init\.normal: std is -1", "at least 0"]),
    "nn.init.constant('a')": (lambda: nn.init.constant("a"), TypeError, [r"init\.constant: value is 'a'", "finite"]),
    "nn.init.gain('gelu')": (
        lambda: nn.init.gain("gelu"),
        ValueError,
        [r"init\.gain: activation is 'gelu'", "identity, sigmoid, tanh, relu, leaky_relu", r"gain=1\.2"],
    ),
    "nn.init.orthogonal(rng, (2, 3), gain=0)": (
        lambda: nn.init.orthogonal(np.random.default_rng(0), (2, 3), gain=0),
        ValueError,
        [r"init\.orthogonal: gain is 0", "positive"],
    ),
}
