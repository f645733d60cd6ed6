"""What goes wrong when a backward pass is handed to check_delta_rule."""

import numpy as np

import nn


def backward(x, y, weights, biases):
    """A backward pass in loops."""
    a = [x]
    for W, b in zip(weights, biases, strict=True):
        a.append(1 / (1 + np.exp(-(W @ a[-1] + b))))
    deltas = [(a[-1] - y) * a[-1] * (1 - a[-1])]
    for k in range(len(weights) - 1, 0, -1):
        deltas.insert(0, weights[k].T @ deltas[0] * a[k] * (1 - a[k]))
    return deltas, [np.outer(d, a_in) for d, a_in in zip(deltas, a, strict=False)], deltas


def check(function=backward, **options):
    return nn.check_delta_rule(function, networks=2, **options)


def returning(change):
    """Return a backward pass whose result is something else."""
    return lambda x, y, weights, biases: change(*backward(x, y, weights, biases))


def with_softmax_slope(x, weights, f_primes):
    return [f_primes[-1](W @ x) for W in weights]


def in_columns(X, Y, W1):
    n, A = X.shape[1], 1 / (1 + np.exp(-(W1 @ X)))
    return {"dW1": ((A - Y) * A * (1 - A)) @ X.T / n}


def crashing(y, weights):
    return weights[0] @ y


ROWS = {
    "nn.check_delta_rule(3)": (lambda: check(3), TypeError, ["function is 3", "must be a function"]),
    "nn.check_delta_rule(f, notation='Z')": (
        lambda: check(notation="Z"),
        ValueError,
        ["notation is 'Z'", "'Y'.*'M'.*'R'"],
    ),
    "nn.check_delta_rule(f, samples='stacked')": (
        lambda: check(samples="stacked"),
        ValueError,
        ["samples is 'stacked'", "'rows' or 'columns'"],
    ),
    "nn.check_delta_rule(f, from_to='yes')": (
        lambda: check(from_to="yes"),
        TypeError,
        ["from_to is 'yes'", "must be True or False"],
    ),
    "nn.check_delta_rule(f, factor=2)": (lambda: check(factor=2), ValueError, ["factor is 2", r"0\.5.*or 1", "leave"]),
    "nn.check_delta_rule(f, reduction='none')": (
        lambda: check(reduction="none"),
        ValueError,
        ["reduction is 'none'", "'mean' or 'sum'"],
    ),
    "nn.check_delta_rule(f, loss='hinge')": (
        lambda: check(loss="hinge"),
        ValueError,
        ["loss is 'hinge'", "squared_error"],
    ),
    "nn.check_delta_rule(f of labels)": (
        lambda: check(lambda x, labels, weights: None),
        ValueError,
        ["asks for labels", "loss='cross_entropy'"],
    ),
    "nn.check_delta_rule(f, activations='step')": (
        lambda: check(activations="step"),
        ValueError,
        ["activations is 'step'", "sigmoid"],
    ),
    "nn.check_delta_rule(f, activations=..., loss=...) that do not fit": (
        lambda: check(activations=("tanh", "tanh"), loss="binary_cross_entropy"),
        ValueError,
        ["output activation is 'tanh'", "binary_cross_entropy needs sigmoid"],
    ),
    "nn.check_delta_rule(f of f_prime, activations=two)": (
        lambda: check(lambda x, y, weights, f_prime: None, activations=("tanh", "identity")),
        ValueError,
        ["one for all layers", "f_primes"],
    ),
    "nn.check_delta_rule(f, arguments=unknown)": (
        lambda: check(arguments=["x", "q"]),
        TypeError,
        ["arguments is", "in order", "weights"],
    ),
    "nn.check_delta_rule(dict)": (lambda: check(dict), TypeError, ["parameters of the class dict", "arguments="]),
    "nn.check_delta_rule(f of q)": (
        lambda: check(lambda x, q, weights: None),
        TypeError,
        ["parameter 'q'", "unknown", "arguments="],
    ),
    "nn.check_delta_rule(f of x)": (
        lambda: check(lambda x, y: None),
        TypeError,
        ["neither weights", "parameters such"],
    ),
    "nn.check_delta_rule(f, returns='loss')": (
        lambda: check(returns="loss"),
        ValueError,
        ["returns is 'loss'", "weight_gradients"],
    ),
    "nn.check_delta_rule(f of W0)": (lambda: check(lambda x, y, W0: None), TypeError, ["asks for W0", "from 1"]),
    "nn.check_delta_rule(f'(z) of a softmax)": (
        lambda: check(with_softmax_slope, notation="Y", loss="cross_entropy"),
        ValueError,
        ["derivative of a softmax is a matrix", "o - y", "line"],
    ),
    "nn.check_delta_rule(f returning None)": (
        lambda: check(lambda x, y, weights: None),
        ValueError,
        ["returned None", "changed no weights", "deltas"],
    ),
    "nn.check_delta_rule(f returning a dictionary of what is unknown)": (
        lambda: check(lambda x, y, weights: {"loss": 1.0}),
        ValueError,
        ["the keys loss", "weight_gradients"],
    ),
    "nn.check_delta_rule(f, returns=two) of three": (
        lambda: check(returns=["deltas", "weights"]),
        ValueError,
        ["a tuple of 3 items", "lists 2 terms", "in that order"],
    ),
    "nn.check_delta_rule(f returning four lists)": (
        lambda: check(returning(lambda deltas, dW, db: (deltas, dW, db, dW))),
        ValueError,
        ["returned a tuple of 4 items", "does not say of what", "returns="],
    ),
    "nn.check_delta_rule(f returning a number for a list)": (
        lambda: check(returning(lambda deltas, dW, db: {"deltas": 3.0})),
        ValueError,
        ["deltas came back as 3.0", "one for each"],
    ),
    "nn.check_delta_rule(f returning too few deltas)": (
        lambda: check(returning(lambda deltas, dW, db: {"deltas": deltas[:1]})),
        ValueError,
        ["1 deltas came back for a network of 3 layers"],
    ),
    "nn.check_delta_rule(f returning text)": (
        lambda: check(returning(lambda deltas, dW, db: {"deltas": ["a"] * len(dW)})),
        TypeError,
        ["of the deltas, layer 1 came back as 'a'", "real numbers"],
    ),
    "nn.check_delta_rule(f returning None for a layer)": (
        lambda: check(returning(lambda deltas, dW, db: {"dW": [None for _ in dW]})),
        TypeError,
        ["of the weight_gradients, layer 1 came back as None", "real numbers"],
    ),
    "nn.check_delta_rule(f that raises)": (
        lambda: check(crashing),
        ValueError,
        ["crashing raised ValueError", r"line \d+: return weights\[0\] @ y", r"\(out, in\)", "mend that first"],
    ),
    "nn.check_delta_rule(f, notation=another)": (
        lambda: check(in_columns, notation="Y"),
        ValueError,
        ["in_columns raised IndexError", "With notation='M' it is right: was that meant"],
    ),
}
