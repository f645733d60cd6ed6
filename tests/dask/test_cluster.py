"""On a cluster of several processes the gradient over a data set in chunks is NumPy's."""

import os

import numpy as np
import pytest

import autograd_mini as ag
import nn

dask = pytest.importorskip("dask", reason="needs the extra: pip install 'autograd-mini[dask]'")
da = pytest.importorskip("dask.array")
distributed = pytest.importorskip("distributed")
psutil = pytest.importorskip("psutil")

RNG = np.random.default_rng(0)
X, LABELS = RNG.normal(size=(300, 12)), RNG.integers(0, 4, 300)
ONE_HOT, BITS = np.eye(4)[LABELS], RNG.integers(0, 2, (300, 4)).astype(float)
W1, B1, W2, B2 = (0.5 * RNG.normal(size=shape) for shape in ((9, 12), (9,), (4, 9), (4,)))


@pytest.fixture(scope="module")
def client():
    """Two workers, each in a process of its own; at the end no process is left."""
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    options = {"n_workers": 2, "threads_per_worker": 1, "memory_limit": "500MB", "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        yield client
    left = [p for p in psutil.Process().children(recursive=True) if p.pid not in before]
    helpers = [p for p in left if any("resource_tracker" in word or "forkserver" in word for word in p.cmdline())]
    _, alive = psutil.wait_procs([p for p in left if p not in helpers], timeout=10)
    assert not alive, "the cluster left processes behind"


def chunked(a):
    return da.from_array(a, chunks=(70, *a.shape[1:]))


def close(found, expected):
    for g, e in zip(found, expected, strict=True):
        assert (g.shape, g.dtype) == (e.shape, e.dtype)
        np.testing.assert_allclose(g, e, rtol=0, atol=1e-12 * np.max(np.abs(e)))


def test_there_are_two_processes_beside_this_one(client):
    assert len({os.getpid(), *client.run(os.getpid).values()}) == 3


@pytest.mark.parametrize(
    "activation, loss, targets",
    [
        ("relu", nn.cross_entropy, LABELS),
        ("tanh", nn.cross_entropy, ONE_HOT),
        ("tanh", nn.binary_cross_entropy_with_logits, BITS),
        ("sigmoid", nn.squared_error, ONE_HOT),
    ],
    ids=["labels", "one-hot", "bits", "squares"],
)
def test_gradient_of_an_mlp(client, activation, loss, targets):
    model = nn.MLP([12, 9, 4], activation=activation, output="identity", rng=0)
    parameters = list(model.parameters())
    value = loss(model(X), targets)
    value.backward()
    expected = [p.grad for p in parameters]
    for p in parameters:
        p.zero_grad()
    with dask.config.set(scheduler=client):
        lazy = loss(model(chunked(X)), chunked(targets))
        lazy.backward()
        found = dask.compute(*[p.grad for p in parameters])
        np.testing.assert_allclose(lazy.item(), value.item(), rtol=1e-12)
    close(found, expected)


def loss_in_numpy(w1, b1, w2, b2, x, labels):
    """A network in NumPy's own functions."""
    z = np.tanh(x @ w1.T + b1) @ w2.T + b2
    chosen = np.sum(np.where(labels[:, None] == np.arange(4), z, 0), axis=1)
    return np.mean(np.log(np.sum(np.exp(z), axis=1)) - chosen)


def test_gradient_of_numpy_code(client):
    f = ag.value_and_grad(loss_in_numpy, argnums=(0, 1, 2, 3))
    value, expected = f(W1, B1, W2, B2, X, LABELS)
    lazy, gradients = f(W1, B1, W2, B2, chunked(X), chunked(LABELS))
    assert all(isinstance(g, da.Array) for g in (lazy, *gradients))
    found = client.gather(client.compute([lazy, *gradients]))
    close(found[1:], expected)
    np.testing.assert_allclose(found[0], value, rtol=1e-12)


def test_training_step_with_gradients_computed_together(client):
    """The way that docs/dask.md shows; two steps, the same as in NumPy."""
    models = [nn.MLP([12, 9, 4], activation="tanh", output="identity", rng=0) for _ in range(2)]
    for model, x, y in zip(models, (X, chunked(X)), (LABELS, chunked(LABELS)), strict=True):
        optimizer = nn.SGD(model.parameters(), lr=0.1, momentum=0.9)
        for _ in range(2):
            optimizer.zero_grad()
            nn.cross_entropy(model(x), y).backward()
            parameters = list(model.parameters())
            with dask.config.set(scheduler=client):
                for p, g in zip(parameters, dask.compute(*[p.grad for p in parameters]), strict=True):
                    p.grad = g
            optimizer.step()
    close(*([p.numpy() for p in model.parameters()] for model in models))
