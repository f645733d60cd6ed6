"""The same NumPy programs differentiated by the peers: PyTorch, JAX, HIPS autograd, MyGrad.

Run by `scripts/check --peers`. A program is written once, against the namespace it is given.
"""

import numpy as np
import pytest

import autograd_mini as ag
import nn

A = np.random.default_rng(0).uniform(0.2, 0.9, (3, 4))
B = np.random.default_rng(1).uniform(0.2, 0.9, (3, 4))
M = np.random.default_rng(2).normal(size=(4, 3))
ROWS, COLUMNS = np.array([0, 0, 2]), np.array([3, 3, 0])

# name: a scalar function of (namespace, a, b)
PROGRAMS = {
    "arithmetic": lambda np, a, b: np.sum(a * b + a / b - a**2 * b),
    "power": lambda np, a, b: np.sum(a**b),
    "exp_log": lambda np, a, b: np.sum(np.exp(a) * np.log(b) + np.sqrt(a) * np.log1p(b) + np.expm1(a)),
    "trigonometric": lambda np, a, b: np.sum(np.sin(a) * np.cos(b) + np.tan(a)),
    "inverse_trigonometric": lambda np, a, b: np.sum(np.arcsin(a) * np.arccos(b) + np.arctan(a)),
    "hyperbolic": lambda np, a, b: np.sum(np.tanh(a) * np.sinh(b) + np.cosh(a)),
    "inverse_hyperbolic": lambda np, a, b: np.sum(np.arcsinh(a) + np.arctanh(b) + np.arccosh(a + 1.5)),
    "maximum_minimum": lambda np, a, b: np.sum(np.maximum(a, b) * a + np.minimum(a, b)),
    "where": lambda np, a, b: np.sum(np.where(a > b, a * b, a + b)),
    "clip": lambda np, a, b: np.sum(np.clip(a, 0.3, 0.6) * b),
    "absolute": lambda np, a, b: np.sum(np.abs(a - b) * a),
    "logaddexp": lambda np, a, b: np.sum(np.logaddexp(a, b)),
    "matmul": lambda np, a, b: np.sum(np.tanh(a @ M) @ b),
    "matmul_vector": lambda np, a, b: np.sum(a @ b[0] * (b @ a[1])),
    "sum_axis": lambda np, a, b: np.sum(np.sum(a * b, axis=0) ** 2) + np.sum(np.sum(a, axis=1, keepdims=True) * b),
    "mean": lambda np, a, b: np.mean(a * b) * np.sum(np.mean(a, axis=1) ** 2),
    "prod": lambda np, a, b: np.sum(np.prod(a, axis=0)) + np.prod(b),
    "max_min": lambda np, a, b: np.sum(np.max(a, axis=1)) * np.min(b),
    "var_std": lambda np, a, b: np.var(a) + np.sum(np.std(a * b, axis=0)) + np.sum(np.var(b, axis=1)),
    "reshape_transpose": lambda np, a, b: np.sum(np.reshape(a, (4, 3)) * np.transpose(b)),
    "squeeze_expand": lambda np, a, b: np.sum(np.squeeze(np.expand_dims(a, 1), 1) * b),
    "broadcast": lambda np, a, b: np.sum(a * b[0] + a[:, :1] * b),
    "broadcast_to": lambda np, a, b: np.sum(np.broadcast_to(a[0], (3, 4)) * b),
    "concatenate": lambda np, a, b: np.sum(np.concatenate([a, b * a], 1) ** 2),
    "stack": lambda np, a, b: np.sum(np.stack([a, b, a], axis=1) ** 3),
    "split": lambda np, a, b: np.sum(np.split(a, 2, axis=1)[0] * np.split(b, 2, axis=1)[1]),
    "index_basic": lambda np, a, b: np.sum(a[1:, ::-2] * b[:2, 1:3]) + a[0, 1] * b[2, 3],
    "index_repeated": lambda np, a, b: np.sum(a[ROWS] * b),
    "index_pairs": lambda np, a, b: np.sum(a[ROWS, COLUMNS] * b[:, 0]),
    "mlp": lambda np, a, b: np.sum((np.tanh(np.tanh(a @ M) @ M.T) - b) ** 2),
}


def ours(program, order=1):
    def value(a, b):
        return PROGRAMS[program](np, a, b)

    if order == 1:
        return ag.grad(value, (0, 1))(A, B)

    def slope(a, b):
        da, db = ag.grad(value, (0, 1))(a, b)
        return np.sum(da * np.cos(A)) + np.sum(db * np.sin(B))

    return ag.grad(slope, (0, 1))(A, B)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("program", PROGRAMS)
def test_jax(program, order):
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    import jax.numpy as jnp

    def value(a, b):
        return PROGRAMS[program](jnp, a, b)

    def slope(a, b):
        da, db = jax.grad(value, (0, 1))(a, b)
        return jnp.sum(da * np.cos(A)) + jnp.sum(db * np.sin(B))

    theirs = jax.grad(value if order == 1 else slope, (0, 1))(A, B)
    for mine, peer in zip(ours(program, order), theirs, strict=True):
        np.testing.assert_allclose(mine, peer, rtol=1e-9, atol=1e-11)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("program", sorted(PROGRAMS.keys() - {"broadcast_to"}))  # it refuses new leading axes
def test_hips_autograd(program):
    anp = pytest.importorskip("autograd.numpy")
    from autograd import grad

    for i, mine in enumerate(ours(program)):
        peer = grad(lambda a, b: PROGRAMS[program](anp, a, b), i)(A, B)
        np.testing.assert_allclose(mine, peer, rtol=1e-10, atol=1e-12)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("program", sorted(PROGRAMS.keys() - {"split"}))  # MyGrad has no split
def test_mygrad(program):
    mg = pytest.importorskip("mygrad")
    a, b = mg.tensor(A), mg.tensor(B)
    PROGRAMS[program](np if program == "where" else mg, a, b).backward()
    for mine, peer in zip(ours(program), (a.grad, b.grad), strict=True):
        np.testing.assert_allclose(mine, peer if peer is not None else 0, rtol=1e-10, atol=1e-12)


def torch_twin(model, torch):
    """Return a torch.nn.Sequential with the same weights."""
    layers = []
    for layer in model.layers:
        if isinstance(layer, nn.Linear):
            n_out, n_in = layer.weight.shape
            twin = torch.nn.Linear(n_in, n_out, dtype=torch.float64)
            twin.weight.data = torch.tensor(layer.weight.data.copy())
            twin.bias.data = torch.tensor(layer.bias.data.copy())
        else:
            twin = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh, "sigmoid": torch.nn.Sigmoid}[
                layer.function.__name__
            ]()
        layers.append(twin)
    return torch.nn.Sequential(*layers)


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
@pytest.mark.parametrize("loss", ["cross_entropy", "squared_error", "binary_cross_entropy_with_logits"])
def test_torch_training_steps(activation, loss):
    """Fifty steps of SGD with momentum on the digits give the same weights as PyTorch's."""
    torch = pytest.importorskip("torch")
    X, labels = nn.load_digits()
    X, labels = X[:64], labels[:64]
    model = nn.MLP([64, 16, 10], activation, rng=0)
    twin = torch_twin(model, torch)
    opt = nn.SGD(model.parameters(), lr=0.05, momentum=0.9)
    peer = torch.optim.SGD(twin.parameters(), lr=0.05, momentum=0.9)
    one_hot = np.eye(10)[labels]
    y, of_torch = {
        "cross_entropy": (labels, lambda o: torch.nn.functional.cross_entropy(o, torch.tensor(labels))),
        "squared_error": (one_hot, lambda o: 0.5 * ((o - torch.tensor(one_hot)) ** 2).sum(1).mean()),
        "binary_cross_entropy_with_logits": (
            one_hot,
            lambda o: torch.nn.functional.binary_cross_entropy_with_logits(
                o, torch.tensor(one_hot), reduction="none"
            ).sum(1).mean(),
        ),
    }[loss]  # fmt: skip
    for _ in range(50):
        opt.zero_grad()
        mine = getattr(nn, loss)(model(X), y)
        mine.backward(retain_graph=False)
        opt.step()
        peer.zero_grad()
        theirs = of_torch(twin(torch.tensor(X)))
        theirs.backward()
        peer.step()
        assert abs(mine.item() - theirs.item()) < 1e-12
    for p, q in zip(model.parameters(), twin.parameters(), strict=True):
        np.testing.assert_allclose(p.data, q.detach().numpy(), rtol=0, atol=1e-12)


OPTIMIZERS = {  # name: the class, in both, and its options
    "SGD, weight decay": ("SGD", {"lr": 0.05, "weight_decay": 0.01}),
    "SGD, momentum, weight decay": ("SGD", {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.01}),
    "SGD, Nesterov": ("SGD", {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.01, "nesterov": True}),
    "Adam": ("Adam", {}),
    "Adam, options": ("Adam", {"lr": 0.01, "betas": (0.8, 0.95), "eps": 1e-4, "weight_decay": 0.01}),
    "AdamW": ("AdamW", {}),
    "AdamW, options": ("AdamW", {"lr": 0.01, "betas": (0.8, 0.95), "eps": 1e-4, "weight_decay": 0.1}),
    "AdamW, no decay": ("AdamW", {"weight_decay": 0.0}),
}


@pytest.mark.parametrize("missing", [False, True], ids=["all gradients", "one now and then missing"])
@pytest.mark.parametrize(("name", "options"), OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_torch_optimizers(name, options, missing):
    """Fifty steps on the same gradients, the learning rate falling on the way, give PyTorch's values to 1e-12."""
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    shapes = [(5, 3), (3,), ()]
    ours = [nn.Parameter(rng.normal(size=s)) for s in shapes]
    theirs = [torch.nn.Parameter(torch.tensor(p.data.copy())) for p in ours]
    opt, peer = getattr(nn, name)(ours, **{"lr": 1e-3, **options}), getattr(torch.optim, name)(theirs, **options)
    for t in range(50):
        opt.lr = peer.param_groups[0]["lr"] = options.get("lr", 1e-3) / (1 + t / 10)
        for i, (p, q) in enumerate(zip(ours, theirs, strict=True)):
            g = rng.normal(size=p.shape) * 10.0 ** rng.integers(-6, 3, p.shape)
            absent = missing and (i + t) % 3 == 0
            p.grad, q.grad = (None, None) if absent else (np.asarray(g), torch.tensor(g))
        opt.step()
        peer.step()
        for p, q in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(p.data, q.detach().numpy(), rtol=1e-12, atol=1e-14)
