"""Activations, layers and initial weights against PyTorch: outputs, all gradients, running statistics, state names.

A difference is the largest of an array, relative to the array's largest entry; at the edges of an activation's range,
of each number by itself, relative to it or, if it is smaller, to 1.
"""

import json

import numpy as np
import pytest

import autograd_mini as ag
import nn

torch = pytest.importorskip("torch")

from . import torch_parts  # noqa: E402 (which imports torch)
from .parity import difference, record  # noqa: E402

SEEDS = range(5)


def both(x, grad=True):
    """Return one array as a leaf of either library."""
    return ag.Tensor(x, requires_grad=grad), torch.tensor(x, requires_grad=grad)


def swept(mine, theirs, x, rng, steps=1, least=0.0):
    """Yield the differences of output, gradients of inputs and parameters, and buffers, after each of some calls."""
    names = [name for name, _ in theirs.named_parameters()]
    assert [name for name, _ in mine.named_parameters()] == names
    for step in range(steps):
        a, b = both(x + step)
        y, z = mine(a), theirs(b)
        yield difference(y, z, least)
        g = rng.normal(size=z.shape)
        leaves = [a, *mine.parameters()]
        wanted = torch.autograd.grad(z, [b, *theirs.parameters()], torch.tensor(g))
        for found, expected in zip(ag.gradients(y, leaves, g), wanted, strict=True):
            yield difference(found, expected, least)
        state, expected = mine.state_dict(), theirs.state_dict()
        assert list(state) == list(expected)
        for name, value in state.items():
            yield difference(value, expected[name])


# --------------------------------------------------------------------------------------------------- activations

EDGES = np.array([-1e6, -745.0, -40.0, -9.0, -1.0, -1e-9, -0.0, 0.0, 5e-324, 1e-9, 0.5, 9.0, 40.0, 745.0, 1e6])
ACTIVATIONS = {
    "Sigmoid": lambda rng: (nn.Sigmoid(), torch.nn.Sigmoid()),
    "Tanh": lambda rng: (nn.Tanh(), torch.nn.Tanh()),
    "ReLU": lambda rng: (nn.ReLU(), torch.nn.ReLU()),
    "LeakyReLU": lambda rng: [layer(s) for s in [rng.uniform(-1, 2)] for layer in (nn.LeakyReLU, torch.nn.LeakyReLU)],
    "LeakyReLU()": lambda rng: (nn.LeakyReLU(), torch.nn.LeakyReLU()),
    "ELU": lambda rng: [layer(a) for a in [rng.uniform(0, 3)] for layer in (nn.ELU, torch.nn.ELU)],
    "ELU()": lambda rng: (nn.ELU(), torch.nn.ELU()),
    "GELU": lambda rng: (nn.GELU(), torch.nn.GELU()),
    "GELU('tanh')": lambda rng: (nn.GELU("tanh"), torch.nn.GELU("tanh")),
    "SiLU": lambda rng: (nn.SiLU(), torch.nn.SiLU()),
    "Softplus": lambda rng: [
        layer(b, t)
        for b, t in [(rng.uniform(0.1, 5), rng.uniform(1, 50))]
        for layer in (nn.Softplus, torch.nn.Softplus)
    ],
    "Softplus()": lambda rng: (nn.Softplus(), torch.nn.Softplus()),
    "Softmax": lambda rng: (nn.Softmax(), torch.nn.Softmax(-1)),
    "LogSoftmax": lambda rng: (nn.LogSoftmax(), torch.nn.LogSoftmax(-1)),
}


@pytest.mark.parametrize("part", ACTIVATIONS)
def test_activations(part):
    """Also each at its kink, and far from 0 on either side."""
    found = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        mine, theirs = ACTIVATIONS[part](rng)
        for x in (rng.normal(size=(7, 5)) * 10 ** rng.uniform(-3, 2), rng.normal(size=(3, 2, 4))):
            found += swept(mine, theirs, x, rng)
        if not part.endswith("oftmax"):
            for x in EDGES:
                found += swept(mine, theirs, np.array([x]), rng, least=1.0)
        else:
            found += swept(mine, theirs, EDGES[None, :], rng)
    record("activations", part, found)


@pytest.mark.parametrize("part", ["ELU()", "GELU", "GELU('tanh')", "SiLU", "Softplus()", "LeakyReLU()", "LogSoftmax"])
def test_second_derivatives_of_activations(part):
    found = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        mine, theirs = ACTIVATIONS[part](rng)
        x, v = rng.normal(size=(2, 6, 4)) * 2
        x[0] = 0  # the kink
        hvp = ag.hvp(lambda z, f=mine: np.sum(f(z) ** 2), x, v)
        leaf = torch.tensor(x, requires_grad=True)
        (g,) = torch.autograd.grad((theirs(leaf) ** 2).sum(), leaf, create_graph=True)
        (expected,) = torch.autograd.grad((g * torch.tensor(v)).sum(), leaf)
        found.append(difference(hvp, expected))
    record("activations", f"{part}, second derivative", found)


# -------------------------------------------------------------------------------------------------------- layers


def twins(mine, theirs, rng):
    """Give both modules the same random parameters, through the state dict, and return them."""
    double = theirs.double()
    state = {
        name: value if value.dtype == torch.int64 else torch.tensor(rng.normal(size=value.shape) ** 2 + 0.1)
        for name, value in double.state_dict().items()
    }
    double.load_state_dict(state)
    mine.load_state_dict({name: value.numpy() for name, value in state.items()})
    return mine, double


NORM_OPTIONS = [
    {},
    {"eps": 1e-3, "momentum": 0.3},
    {"momentum": None},
    {"momentum": 1.0},
    {"momentum": 0.0},
    {"affine": False},
    {"track_running_stats": False},
    {"affine": False, "track_running_stats": False},
]


@pytest.mark.parametrize("options", NORM_OPTIONS, ids=str)
@pytest.mark.parametrize("length", [None, 1, 4])
def test_batch_norm(options, length):
    found = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        mine, theirs = twins(nn.BatchNorm1d(3, **options), torch.nn.BatchNorm1d(3, **options), rng)
        shape = (6, 3) if length is None else (6, 3, length)
        x = rng.normal(size=shape) * rng.uniform(0.1, 10, (3,) if length is None else (3, 1)) + rng.normal()
        found += swept(mine, theirs, x, rng, steps=4)
        mine.eval()
        theirs.eval()
        found += swept(mine, theirs, x, rng, steps=2)
        mine.train()
        theirs.train()
        found += swept(
            mine, theirs, x[:4], rng, steps=2
        )  # of 2 samples, the gradient is but the rest of a cancellation
    record("layers", f"BatchNorm1d {options} {'(n, c)' if length is None else '(n, c, l)'}", found)


@pytest.mark.parametrize("options", [{}, {"eps": 1e-2}, {"elementwise_affine": False}, {"bias": False}], ids=str)
@pytest.mark.parametrize("shape", [(4,), (2, 3)], ids=str)
def test_layer_norm(options, shape):
    found = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        mine, theirs = twins(nn.LayerNorm(shape, **options), torch.nn.LayerNorm(shape, **options), rng)
        for lead in ((5,), (2, 3), (1,)):
            found += swept(mine, theirs, rng.normal(size=(*lead, *shape)) * 3 + 1, rng)
        mine.eval()
        theirs.eval()
        found += swept(mine, theirs, rng.normal(size=(5, *shape)), rng)
    record("layers", f"LayerNorm {options} {shape}", found)


@pytest.mark.parametrize("bias", [True, False])
def test_linear(bias):
    found = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        mine, theirs = twins(nn.Linear(4, 3, bias), torch.nn.Linear(4, 3, bias), rng)
        for lead in ((5,), (), (2, 3)):
            found += swept(mine, theirs, rng.normal(size=(*lead, 4)), rng)
    record("layers", f"Linear bias={bias}", found)


@pytest.mark.parametrize("padding", [None, 2, -1])
def test_embedding(padding):
    found = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        mine, theirs = twins(nn.Embedding(7, 3, padding), torch.nn.Embedding(7, 3, padding), rng)
        for ids in (
            rng.integers(0, 7, (4, 5)),
            rng.integers(0, 7, 30),
            np.array(3),
            np.zeros((2, 0), int),
            np.arange(7),
        ):
            y, z = mine(ids), theirs(torch.tensor(ids))
            g = rng.normal(size=y.shape)
            (expected,) = torch.autograd.grad(z, theirs.weight, torch.tensor(g))
            found += [difference(y, z), difference(ag.gradients(y, mine.weight, g), expected)]
    record("layers", f"Embedding padding_idx={padding}", found)


@pytest.mark.parametrize("dims", [(1, -1), (0, -1), (0, 1), (1, 2), (-2, -1), (2, 2)], ids=str)
def test_flatten(dims):
    rng = np.random.default_rng(0)
    record(
        "layers",
        f"Flatten{dims}",
        list(swept(nn.Flatten(*dims), torch.nn.Flatten(*dims), rng.normal(size=(2, 3, 4, 5)), rng)),
    )


@pytest.mark.parametrize("projection", [False, True])
def test_residual(projection):
    """PyTorch has no such class; this is eq. 1 and 2 of He et al., 2016, in PyTorch."""
    found = []
    for seed in SEEDS:
        rng, width = np.random.default_rng(seed), 3 if projection else 4
        mine = nn.Residual(
            nn.Sequential(nn.Linear(4, 5, bias=False), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, width)),
            nn.Linear(4, width, bias=False) if projection else None,
        )
        theirs = torch_parts.Residual(
            torch.nn.Sequential(
                torch.nn.Linear(4, 5, bias=False), torch.nn.BatchNorm1d(5), torch.nn.ReLU(), torch.nn.Linear(5, width)
            ),
            torch.nn.Linear(4, width, bias=False) if projection else None,
        )
        found += swept(*twins(mine, theirs, rng), rng.normal(size=(6, 4)), rng, steps=3)
    record("layers", f"Residual projection={projection}", found)


TORCH = {
    "identity": torch.nn.Identity, "sigmoid": torch.nn.Sigmoid, "tanh": torch.nn.Tanh, "relu": torch.nn.ReLU,
    "leaky_relu": torch.nn.LeakyReLU, "elu": torch.nn.ELU, "gelu": torch.nn.GELU, "silu": torch.nn.SiLU,
    "softplus": torch.nn.Softplus, "softmax": lambda: torch.nn.Softmax(-1),
    "log_softmax": lambda: torch.nn.LogSoftmax(-1),
}  # fmt: skip


@pytest.mark.parametrize("activation", nn.layers.ACTIVATIONS)
@pytest.mark.parametrize("batch_norm", [False, True])
def test_a_whole_mlp_in_training_and_evaluation(activation, batch_norm):
    found = []
    for seed in SEEDS[:3]:
        rng = np.random.default_rng(seed)
        mine = nn.MLP([5, 7, 6, 3], activation, activation, batch_norm=batch_norm)
        parts = []
        for layer in mine.layers:
            if isinstance(layer, nn.Linear):
                parts.append(torch.nn.Linear(*layer.weight.shape[::-1], bias=layer.bias is not None))
            elif isinstance(layer, nn.BatchNorm1d):
                parts.append(torch.nn.BatchNorm1d(layer.num_features))
            else:
                parts.append(TORCH[activation]())
        mine, theirs = twins(mine, torch.nn.Sequential(*parts), rng)
        for parameter, other in zip(mine.parameters(), theirs.parameters(), strict=True):
            values = rng.normal(size=parameter.shape)
            parameter.data = values
            other.data = torch.tensor(values)
        x = rng.normal(size=(8, 5))
        least = 1.0 if batch_norm and activation == "identity" else 0.0  # beta's gradient is 0 there, but for rounding
        found += swept(mine, theirs, x, rng, steps=3, least=least)
        mine.eval()
        theirs.eval()
        found += swept(mine, theirs, x, rng)
    record("layers", f"MLP {activation}{', batch_norm' if batch_norm else ''}", found)


# ---------------------------------------------------------------------------------------------------- initial weights

INITIALIZERS = {  # ours, PyTorch's, and what is compared of both: the largest entry, or the size of the entries
    "xavier_uniform": (nn.init.xavier_uniform, torch.nn.init.xavier_uniform_, "bound"),
    "xavier_normal": (nn.init.xavier_normal, torch.nn.init.xavier_normal_, "std"),
    "he_uniform": (nn.init.he_uniform, lambda w: torch.nn.init.kaiming_uniform_(w, nonlinearity="relu"), "bound"),
    "he_normal": (nn.init.he_normal, lambda w: torch.nn.init.kaiming_normal_(w, nonlinearity="relu"), "std"),
    "he_normal leaky": (
        lambda rng, shape: nn.init.he_normal(rng, shape, negative_slope=0.5),
        lambda w: torch.nn.init.kaiming_normal_(w, a=0.5, nonlinearity="leaky_relu"),
        "std",
    ),
    "lecun_normal": (nn.init.lecun_normal, lambda w: torch.nn.init.kaiming_normal_(w, nonlinearity="linear"), "std"),
    "lecun_uniform": (
        nn.init.lecun_uniform,
        lambda w: torch.nn.init.kaiming_uniform_(w, nonlinearity="linear"),
        "bound",
    ),
}


class Unit(np.random.Generator):
    """Draws 1 in place of a normal number, and the upper bound in place of a uniform one."""

    def normal(self, mean, std, shape):
        return np.full(shape, mean + std)

    def uniform(self, _low, high, shape):
        return np.full(shape, high)


@pytest.mark.parametrize("name", INITIALIZERS)
@pytest.mark.parametrize("shape", [(30, 200), (7, 3)], ids=str)
def test_initial_weights_are_drawn_from_the_same_distribution(name, shape, monkeypatch):
    """Of bounds and deviations, not of draws: PyTorch's are told by what it asks its own generator for."""
    mine, theirs, kind = INITIALIZERS[name]
    asked = []

    def uniform_(self, _low, high, **_):
        asked.append(high)
        return self

    def normal_(self, _mean, std, **_):
        asked.append(std)
        return self

    monkeypatch.setattr(torch.Tensor, "uniform_", uniform_)
    monkeypatch.setattr(torch.Tensor, "normal_", normal_)
    theirs(torch.empty(shape, dtype=torch.float64))
    found = mine(Unit(np.random.PCG64(0)), shape)
    assert kind in ("bound", "std")
    record("initial weights", f"init.{name} {shape}", [difference(found[0, 0], np.array(asked[0]))])


def test_gains():
    slopes = np.random.default_rng(0).uniform(-1, 2, 5)
    pairs = [(nn.init.gain(name), torch.nn.init.calculate_gain(name)) for name in ("sigmoid", "tanh", "relu")]
    pairs += [(nn.init.gain("identity"), torch.nn.init.calculate_gain("linear"))]
    pairs += [(nn.init.gain("leaky_relu"), torch.nn.init.calculate_gain("leaky_relu"))]
    pairs += [(nn.init.gain("leaky_relu", s), torch.nn.init.calculate_gain("leaky_relu", float(s))) for s in slopes]
    record("initial weights", "init.gain", [difference(a, np.array(b)) for a, b in pairs])


def test_orthogonal_is_pytorchs_of_the_same_normal_numbers():
    for shape in ((6, 4), (4, 6), (5, 5)):
        drawn = np.random.default_rng(0).normal(size=(max(shape), min(shape)))
        q, r = torch.linalg.qr(torch.tensor(drawn))
        q = q * torch.diag(r).sign()
        expected = 1.5 * (q if shape[0] >= shape[1] else q.T)
        found = nn.init.orthogonal(np.random.default_rng(0), shape, gain=1.5)
        record("initial weights", f"init.orthogonal {shape}", [difference(found, expected)])


def test_the_stored_figures_are_pytorchs():
    """Those that tests/nn/test_parts.py holds the parts against where there is no PyTorch."""
    stored = json.loads(torch_parts.FILE.read_text("utf-8"))
    assert [entry["part"] for entry in stored] == [part for part, _ in torch_parts.CASES]
    for case, entry in zip(torch_parts.CASES, stored, strict=True):
        now = torch_parts.figures(*case)
        assert now.keys() == entry.keys()
        for key in ("x", "g", "evaluation"):
            assert difference(np.array(entry[key]), np.array(now[key])) <= 1e-14
        for old, new in ((entry["state"], now["state"]), (entry["after"], now["after"])):
            assert old.keys() == new.keys()
            assert all(difference(np.array(old[name]), np.array(new[name])) <= 1e-14 for name in old)
        for old, new in zip(entry["training"], now["training"], strict=True):
            assert difference(np.array(old["y"]), np.array(new["y"])) <= 1e-14
            assert old["gradients"].keys() == new["gradients"].keys()
            assert all(
                difference(np.array(old["gradients"][name]), np.array(new["gradients"][name])) <= 1e-13
                for name in old["gradients"]
            )
