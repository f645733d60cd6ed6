"""What goes wrong with the delta rules by hand: their networks, layers, functions, losses and steps."""

import numpy as np

from nn.delta import (
    Activation,
    BatchNorm,
    DeltaNetwork,
    Dense,
    Dropout,
    Flatten,
    Layer,
    LayerNorm,
    Skip,
    augment_inputs,
    augment_weights,
    deltas_by_index,
    from_to_update,
)

RAGGED = [[1.0], [1.0, 2.0]]
X = np.random.default_rng(0).normal(size=(4, 3))
LABELS = np.array([0, 1, 1, 0])
W = [np.full((2, 3), 0.1), np.full((1, 2), 0.2)]
LOG = "binary_cross_entropy"
x, y = [1.0, 2.0, 3.0], [1.0]


def network(weights=W, biases=None, activations=("tanh", "sigmoid"), loss=LOG, masks=None, **options):
    return DeltaNetwork(weights, biases, activations, loss, masks, **options)


def softmaxes():
    return network([np.ones((3, 3))], None, ["softmax"], "cross_entropy")


def squares():
    return network(activations=["tanh", "identity"], loss="squared_error")


def assigned(**arrays):
    """Return a network with arrays put into its first layer."""
    net = network()
    for name, array in arrays.items():
        setattr(net.layers[0], name, array)
    return net


def written_over_its_mask():
    net = network(masks=[[[1, 0, 1], [1, 1, 1]], None])
    net.weights[0][...] = 1
    return net


def reduced(reduction):
    net = network()
    net.reduction = reduction
    return net


class Bare(Layer):
    """A layer of a user's own, without its methods."""


class Forward(Layer):
    """One without the way back."""

    def forward(self, x):
        return x


def of(layer, x=X):
    """Sweep through a network with a layer between two others."""
    net = DeltaNetwork.of([Activation("identity"), layer, Activation("identity")], "squared_error")
    return net.sweep(x, np.zeros(np.shape(x)))


def classes(loss="cross_entropy", f="softmax", **options):
    return network([np.ones((2, 3))], None, [f], loss, **options)


def one_output(loss=LOG, f="sigmoid", **options):
    return network([np.ones((1, 3))], None, [f], loss, **options)


NETWORK = {
    "DeltaNetwork(loss='mse')": (
        lambda: network(loss="mse"),
        ValueError,
        ["loss 'mse' is unknown", "binary_cross_entropy, cross_entropy, hinge, .*squared_error"],
    ),
    "DeltaNetwork(activations=[np.tanh, ...])": (
        lambda: network(activations=[np.tanh, np.tanh]),
        ValueError,
        ["layer 1: activation tanh is unknown", "as text"],
    ),
    "DeltaNetwork(activations='tanh')": (
        lambda: network(activations="tanh"),
        ValueError,
        ["activations is 'tanh'", "list with an entry for each layer"],
    ),
    "DeltaNetwork(factor=-1)": (lambda: network(factor=-1), ValueError, ["factor is -1", "positive, finite"]),
    "DeltaNetwork(factor='a')": (lambda: network(factor="a"), ValueError, ["factor is 'a'", "positive, finite"]),
    "DeltaNetwork(biases of one layer)": (
        lambda: network(biases=[np.zeros(2)]),
        ValueError,
        ["2 weights, 1 biases, 2 activations, 2 masks", "one of each"],
    ),
    "DeltaNetwork(mask of 0.5)": (
        lambda: network(masks=[np.full((2, 3), 0.5), None]),
        ValueError,
        ["layer 1: mask must hold only 1"],
    ),
    "DeltaNetwork(bias of another shape)": (
        lambda: network(biases=[np.zeros(3), None]),
        ValueError,
        [r"layer 1: bias has shape \(3,\)", r"\(2,\)"],
    ),
    "DeltaNetwork(vector as weights)": (
        lambda: network(W[0]),
        ValueError,
        [r"layer 1: weights have shape \(3,\)", r"\(out, in\)"],
    ),
    "DeltaNetwork(W.T)": (
        lambda: network([W[0], W[1].T]),
        ValueError,
        [r"layer 2: weights of shape \(2, 1\)", "looks transposed", r"W\.T"],
    ),
    "DeltaNetwork(complex)": (
        lambda: network([1j * W[0], W[1]]),
        ValueError,
        ["layer 1: weights must hold real numbers", "complex128"],
    ),
    "DeltaNetwork(ragged)": (lambda: network([RAGGED, W[1]]), ValueError, ["layer 1: weights", "differ in length"]),
    "net.error(x of 2 inputs, y)": (
        lambda: network().error([1.0, 2.0], y),
        ValueError,
        [r"layer 1: x has shape \(2,\)", "3 inputs", r"\(n, 3\)"],
    ),
    "net.error(x, y.T)": (
        lambda: network().error(np.ones((4, 3)), np.ones((1, 4))),
        ValueError,
        [r"y has shape \(1, 4\)", r"outputs have shape \(4, 1\)", r"use y\.T"],
    ),
    "net.error(x, 2)": (lambda: network().error(x, [2]), ValueError, [r"targets must lie in \[0, 1\]", "from 2 to 2"]),
    "net.error(x, no distribution)": (
        lambda: softmaxes().error(x, [0.5, 0.5, 0.5]),
        ValueError,
        ["targets must sum to 1", "keepdims=True"],
    ),
    "net.error(x, float label)": (
        lambda: softmaxes().error(x, 1.0),
        ValueError,
        ["labels must be integers, not float64", r"y\.astype\(int\)"],
    ),
    "net.error(x, label 3)": (
        lambda: softmaxes().error(x, 3),
        ValueError,
        ["labels run from 3 to 3", "labels 0 to 2", "from 0"],
    ),
    "net.error(x, y) of tanh and a log loss": (
        lambda: network(activations=["tanh", "tanh"]).error([-1.0, -2.0, -3.0], y),
        ValueError,
        ["tanh outputs run from", r"\(0, 1\)", "sigmoid"],
    ),
    "net.step(x, y, 0)": (lambda: network().step(x, y, 0), ValueError, ["learning_rate is 0", "positive"]),
    "net.step(x, y, 'a')": (lambda: network().step(x, y, "a"), ValueError, ["learning_rate is 'a'", "positive"]),
    "deltas_by_index(net, batch, y)": (
        lambda: deltas_by_index(network(), np.ones((4, 3)), np.ones((4, 1))),
        ValueError,
        [r"x has shape \(4, 3\)", "one sample", r"x\[0\]"],
    ),
    "deltas_by_index(model, x, y)": (
        lambda: deltas_by_index(np.tanh, x, y),
        TypeError,
        ["net is tanh", r"DeltaNetwork\("],
    ),
    "from_to_update of a log loss": (
        lambda: from_to_update(network(), x, y, 0.1),
        ValueError,
        ["R2 and R3", "binary_cross_entropy and tanh, sigmoid", r"net\.deltas"],
    ),
    "from_to_update(alpha=nan)": (
        lambda: from_to_update(squares(), x, y, np.nan),
        ValueError,
        ["alpha is nan", "finite"],
    ),
    "augment_weights(2 weights, 1 bias)": (
        lambda: augment_weights(W, [np.zeros(2)]),
        ValueError,
        ["2 weights and 1 biases", "one for each layer"],
    ),
    "augment_weights(bias of another shape)": (
        lambda: augment_weights(W, [np.zeros(3), None]),
        ValueError,
        ["layer 1", r"\(2, 3\)", r"the bias \(3,\)"],
    ),
    "augment_inputs(1.0)": (lambda: augment_inputs(1.0), ValueError, ["a is 1.0", "last axis", r"\[1\.0\]"]),
}

LAYERS = {
    "Dense([1.0, 2.0])": (lambda: Dense([1.0, 2.0]), ValueError, [r"Dense: W has shape \(2,\)", r"\(out, in\)"]),
    "Dense(W, b of another shape)": (
        lambda: Dense(W[0], np.zeros(3)),
        ValueError,
        [r"Dense: bias has shape \(3,\)", r"needs shape \(2,\)"],
    ),
    "Dense.forward of 2 inputs": (
        lambda: Dense(W[0]).forward(np.ones((4, 2))),
        ValueError,
        [r"Dense: it got an array of shape \(4, 2\)", "takes 3 inputs in the last axis"],
    ),
    "layer.W = W.T": (
        lambda: assigned(W=W[0].T).step(x, y, 0.1),
        ValueError,
        [r"Dense: W is now float64 of shape \(3, 2\)", r"floats of shape \(2, 3\)", "that was there"],
    ),
    "layer.W = integers": (
        lambda: assigned(W=np.ones((2, 3), int)).step(x, y, 0.1),
        ValueError,
        ["Dense: W is now int64", "must be floats"],
    ),
    "layer.W = a list": (
        lambda: assigned(W=[[1.0] * 3] * 2).step(x, y, 0.1),
        ValueError,
        [r"Dense: W is now \[\[1\.0, 1\.0", "must be floats"],
    ),
    "layer.b = a column": (
        lambda: assigned(b=np.zeros((2, 1))).error(x, y),
        ValueError,
        [r"Dense: b is now float64 of shape \(2, 1\)", r"floats of shape \(2,\)"],
    ),
    "net.weights[0][...] = 1, over a mask": (
        lambda: written_over_its_mask().error(x, y),
        ValueError,
        ["Dense: W is not 0 where its mask is", r"W \*= mask"],
    ),
    "Activation('swish')": (lambda: Activation("swish"), ValueError, ["Activation: 'swish' is unknown", "silu"]),
    "Activation('tanh', alpha=1)": (
        lambda: Activation("tanh", alpha=1),
        ValueError,
        ["Activation: tanh has no option 'alpha'; it takes none"],
    ),
    "Activation('elu', slope=1)": (
        lambda: Activation("elu", slope=1),
        ValueError,
        ["elu has no option 'slope'; it takes alpha"],
    ),
    "Activation('elu', alpha='a')": (
        lambda: Activation("elu", alpha="a"),
        ValueError,
        ["Activation: elu: alpha is 'a'", "finite number"],
    ),
    "Activation('softplus', beta=0)": (
        lambda: Activation("softplus", beta=0),
        ValueError,
        ["softplus: beta is 0", "positive, finite"],
    ),
    "Activation('gelu', approximate='Tanh')": (
        lambda: Activation("gelu", approximate="Tanh"),
        ValueError,
        ["gelu: approximate 'Tanh' is unknown", "none, tanh"],
    ),
    "Activation((f, f')) with f' of another shape": (
        lambda: of(Activation((np.tanh, lambda z: np.ones((2, 1, 1))))),
        ValueError,
        ["Activation: the backward pass returned", r"\{'x': \(2, 4, 3\)\}", r"\{'x': \(4, 3\)\}", "one for each z"],
    ),
    "a layer without forward": (lambda: of(Bare()), NotImplementedError, ["Bare: a layer needs a method forward"]),
    "a layer without backward": (
        lambda: of(Forward()),
        NotImplementedError,
        ["Forward: a layer needs a method backward", r"\{name: dE/dp\}"],
    ),
    "LayerNorm(gamma, beta of another shape)": (
        lambda: LayerNorm(np.ones(3), np.zeros(2)),
        ValueError,
        [r"LayerNorm: gamma has shape \(3,\), beta \(2,\)", "both must have"],
    ),
    "LayerNorm(1.0)": (lambda: LayerNorm(1.0), ValueError, [r"LayerNorm: gamma and beta have shape \(\)", "1 axis"]),
    "LayerNorm(gamma, axes=2)": (
        lambda: LayerNorm(np.ones(3), axes=2),
        ValueError,
        [r"LayerNorm: gamma and beta have shape \(3,\)", "must have 2 axes"],
    ),
    "LayerNorm(eps=-1)": (lambda: LayerNorm(eps=-1), ValueError, ["LayerNorm: eps is -1", "0 or more"]),
    "LayerNorm(axes=0)": (lambda: LayerNorm(axes=0), ValueError, ["LayerNorm: axes is 0", "whole number, 1 at least"]),
    "LayerNorm(axes=3) of rows": (
        lambda: of(LayerNorm(axes=3)),
        ValueError,
        [r"LayerNorm: it got an array of shape \(4, 3\)", "takes 3 axes"],
    ),
    "LayerNorm(gamma) of other rows": (
        lambda: of(LayerNorm(np.ones(4))),
        ValueError,
        [r"LayerNorm: it got an array of shape \(4, 3\)", r"gamma or beta has shape \(4,\)"],
    ),
    "BatchNorm(gamma of each sample)": (
        lambda: BatchNorm(np.ones((4, 3))),
        ValueError,
        [r"BatchNorm: gamma and beta have shape \(4, 3\)", "must have 1 axis"],
    ),
    "BatchNorm(mean=...)": (
        lambda: BatchNorm(mean=np.zeros(3)),
        ValueError,
        ["BatchNorm: one of mean and variance is None", "give both"],
    ),
    "BatchNorm(variance below 0)": (
        lambda: BatchNorm(mean=np.zeros(3), variance=[1.0, -1.0, 1.0]),
        ValueError,
        ["BatchNorm: variance", "0 or more"],
    ),
    "BatchNorm(mean of each sample)": (
        lambda: of(BatchNorm(mean=np.zeros((4, 1)), variance=np.ones((4, 1)))),
        ValueError,
        [r"BatchNorm: mean has shape \(4, 1\)", r"must have \(3,\)"],
    ),
    "BatchNorm() of one sample": (
        lambda: of(BatchNorm(), X[:1]),
        ValueError,
        [r"BatchNorm: it got an array of shape \(1, 3\)", "n of 2 or more", "give it a mean and a variance"],
    ),
    "Dropout(p=1)": (lambda: Dropout([1, 0, 1], p=1), ValueError, ["Dropout: p is 1", r"\[0, 1\)"]),
    "Dropout(kept=0.5)": (lambda: Dropout([0.5, 1]), ValueError, ["Dropout: kept must hold only 1", "0"]),
    "Dropout(kept of each sample) of one": (
        lambda: of(Dropout(np.ones((4, 3))), X[0]),
        ValueError,
        [r"Dropout: kept has shape \(4, 3\)", r"array of shape \(3,\)", "one number for each unit"],
    ),
    "Flatten() of one sample": (
        lambda: of(Flatten(), X[0]),
        ValueError,
        [r"Flatten: it got an array of shape \(3,\)", r"x\[None\]"],
    ),
    "Skip([])": (lambda: Skip([]), ValueError, [r"Skip: layers is \[\]", "one at least", r"Dense\(W, b\)"]),
    "Skip(layers, None)": (
        lambda: Skip([Activation("tanh")], None),
        ValueError,
        ["Skip: shortcut is None", "list of layers"],
    ),
    "Skip([Dense(W)]) of other widths": (
        lambda: of(Skip([Dense(W[0])])),
        ValueError,
        [r"Skip: its layers return shape \(4, 2\), the shortcut \(4, 3\)", "Dense layer into the shortcut"],
    ),
    "DeltaNetwork.of(['tanh'])": (
        lambda: DeltaNetwork.of(["tanh"], "huber"),
        ValueError,
        [r"DeltaNetwork\.of: layers", "list of layers", r"Activation\('tanh'\)"],
    ),
    "DeltaNetwork.of(a generator)": (
        lambda: DeltaNetwork.of((layer for layer in [Flatten()]), "huber"),
        ValueError,
        [r"DeltaNetwork\.of: layers is", "list of layers, one at least"],
    ),
    "net.error(1.0, 1.0) of an Activation": (
        lambda: DeltaNetwork.of([Activation("tanh")], "huber").error(1.0, 1.0),
        ValueError,
        [r"x has shape \(\)", "samples in rows"],
    ),
    "deltas_by_index(a network with Skip)": (
        lambda: deltas_by_index(DeltaNetwork.of([Skip([Activation("tanh")])], "huber"), x, x),
        ValueError,
        ["deltas_by_index: the network has other layers", r"Use net\.sweep"],
    ),
}

LOSSES = {
    "DeltaNetwork(loss='huber', detla=1)": (
        lambda: network(loss="huber", detla=1),
        ValueError,
        ["DeltaNetwork: huber has no option 'detla'; it takes delta"],
    ),
    "DeltaNetwork(detla=None)": (
        lambda: network(loss="huber", detla=None),
        ValueError,
        ["DeltaNetwork: huber has no option 'detla'"],
    ),
    "DeltaNetwork(delta=1) of squared_error": (
        lambda: network(loss="squared_error", delta=1),
        ValueError,
        ["squared_error has no option 'delta'; it takes none"],
    ),
    "DeltaNetwork(loss='huber', delta=0)": (
        lambda: network(loss="huber", delta=0),
        ValueError,
        ["huber: delta is 0", "positive, finite"],
    ),
    "DeltaNetwork(label_smoothing=2)": (
        lambda: classes(label_smoothing=2),
        ValueError,
        ["label_smoothing is 2", r"\[0, 1\]"],
    ),
    "DeltaNetwork(ignore_index=1.5)": (
        lambda: classes(ignore_index=1.5),
        ValueError,
        ["ignore_index is 1.5", "whole number"],
    ),
    "DeltaNetwork(ignore_index=1), y distributions": (
        lambda: classes(ignore_index=1).error(X, np.eye(2)[LABELS]),
        ValueError,
        [r"ignore_index is 1.*distributions, shape \(4, 2\)", "Leave out its row"],
    ),
    "DeltaNetwork(ignore_index=0), y all 0": (
        lambda: classes(ignore_index=0).error(X, 0 * LABELS),
        ValueError,
        ["no sample counts", "reduction='sum'"],
    ),
    "DeltaNetwork(weight=[1, -1])": (
        lambda: classes(weight=[1, -1]),
        ValueError,
        [r"cross_entropy: weight is \[1, -1\]", "0 or more"],
    ),
    "DeltaNetwork(weight='balanced')": (
        lambda: classes(weight="balanced"),
        ValueError,
        ["cross_entropy: weight must hold real numbers"],
    ),
    "DeltaNetwork(weight of each sample), cross_entropy": (
        lambda: classes(weight=np.ones((4, 1))).error(X, LABELS),
        ValueError,
        [r"cross_entropy: weight has shape \(4, 1\)", r"one number for each class, shape \(2,\)"],
    ),
    "DeltaNetwork(weight=(n,)), binary_cross_entropy": (
        lambda: one_output(weight=np.ones(4)).error(X, np.ones((4, 1))),
        ValueError,
        [r"binary_cross_entropy: weight has shape \(4,\)", r"shape \(4, 1\)", r"weight\[:, None\]"],
    ),
    "DeltaNetwork(weight), labels out of range": (
        lambda: classes(weight=[1, 2]).error(X, [0, 1, 2, 0]),
        ValueError,
        ["labels run from 0 to 2", "labels 0 to 1"],
    ),
    "DeltaNetwork(log_outputs='no')": (
        lambda: classes("kl_divergence", log_outputs="no"),
        ValueError,
        ["log_outputs is 'no'", "True or False"],
    ),
    "DeltaNetwork(log_outputs=True) of an identity": (
        lambda: classes("kl_divergence", "identity", log_outputs=True).error([1, 1, 1], [0.5, 0.5]),
        ValueError,
        ["logarithms of probabilities, but these identity outputs go up to 3", "log_softmax"],
    ),
    "net.error(x, 0 and 1) of hinge": (
        lambda: classes("hinge", "identity").error(X, np.eye(2)[LABELS]),
        ValueError,
        ["hinge: targets must be -1 or 1, or integer labels", r"2 \* y - 1"],
    ),
    "net.error(x, labels) of hinge with one output": (
        lambda: one_output("hinge", "identity").error(X, LABELS),
        ValueError,
        [r"y has shape \(4,\)", r"use y\.reshape\(4, 1\)\.$"],
    ),
    "DeltaNetwork(loss=(J, slope of another shape))": (
        lambda: one_output((np.subtract, lambda o, y: (o - y).sum(axis=-1))).deltas(X, np.zeros((4, 1))),
        ValueError,
        [r"the loss's second function returned shape \(4,\)", r"outputs', \(4, 1\)", "one slope for each output"],
    ),
    "DeltaNetwork(loss=(J,))": (lambda: network(loss=(np.square,)), ValueError, ["loss", "is unknown", "as text"]),
    "net.reduction = 'none'": (
        lambda: reduced("none").error(x, y),
        ValueError,
        ["reduction 'none' is unknown", "mean, sum"],
    ),
}

STEPS = {
    "net.step(x, y, 0.1, momentum=1)": (
        lambda: network().step(x, y, 0.1, momentum=1),
        ValueError,
        [r"net\.step: momentum is 1", r"\[0, 1\)", "Y16"],
    ),
    "net.step(x, y, np.array([0.1]))": (
        lambda: network().step(x, y, np.array([0.1])),
        ValueError,
        ["learning_rate is", "positive and finite"],
    ),
    "net.descend(one sample)": (
        lambda: network().descend(x, y, 0.1, 1),
        ValueError,
        [r"net\.descend: x has shape \(3,\)", r"x\[None\]"],
    ),
    "net.descend(x, y of other rows)": (
        lambda: network().descend(X, np.ones((3, 1)), 0.1, 1),
        ValueError,
        [r"x has shape \(4, 3\), y \(3, 1\)", "as many in one as in the other"],
    ),
    "net.descend(epochs=0)": (
        lambda: network().descend(X, np.ones((4, 1)), 0.1, 0),
        ValueError,
        [r"net\.descend: epochs is 0", "1 at least"],
    ),
    "net.descend(batch_size=2.5)": (
        lambda: network().descend(X, np.ones((4, 1)), 0.1, 1, batch_size=2.5),
        ValueError,
        [r"net\.descend: batch_size is 2\.5", "whole number"],
    ),
    "net.descend(seed='a')": (
        lambda: network().descend(X, np.ones((4, 1)), 0.1, 1, seed="a"),
        ValueError,
        [r"net\.descend: seed is 'a'", "whole number from 0", r"np\.random\.Generator"],
    ),
    "net.error(a masked array, y)": (
        lambda: network().error(np.ma.masked_array(X, X > 0), np.ones((4, 1))),
        ValueError,
        ["x is a masked array", r"a\.filled"],
    ),
    "net.error(a generator, y)": (
        lambda: network().error((row for row in X), np.ones((4, 1))),
        ValueError,
        ["x must hold real numbers, not object"],
    ),
    "from_to_update(model, x, y, alpha)": (
        lambda: from_to_update(np.tanh, x, y, 0.1),
        TypeError,
        ["net is tanh", r"DeltaNetwork\("],
    ),
    "augment_weights(bias of None)": (
        lambda: augment_weights([W[1]], [[None]]),
        ValueError,
        ["augment_weights, layer 1: bias must hold real numbers"],
    ),
}

ROWS = NETWORK | LAYERS | LOSSES | STEPS
