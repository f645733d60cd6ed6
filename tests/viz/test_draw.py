"""`draw`: what a picture says, that it says the same in every run, and that drawing changes nothing."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import autograd_mini as ag
from autograd_mini import errors
from autograd_mini.viz import Graph, draw
from autograd_mini.viz.arrays import summary
from autograd_mini.viz.boxes import boxes_of

DATA = Path(__file__).parents[1] / "data"


def leaf(data, name=None):
    return ag.Tensor(data, requires_grad=True, name=name)


def square():
    x = leaf(3.0, "x")
    return x * x + x


def fan_out():
    a = leaf(2.0, "a")
    return a + a


def bias():
    x = ag.Tensor([[1.0, 2.0], [3.0, -4.0], [0.5, 0.25]], name="x")
    return np.sum(x + leaf([0.5, -1.0], "b"))


def worked_example():
    example = json.loads((DATA / "worked_example.json").read_text("utf-8"))
    h, loss = ag.Tensor([[1.0, *example["input"]]], name="x"), None
    for number in (1, 2, 3):
        weights = np.array(example[f"W{number}"], float)  # None, an absent connection, becomes NaN
        weight = leaf(np.nan_to_num(weights), f"W{number}")
        with ag.scope(f"layer{number}"):
            h = 1 / (1 + np.exp(-(h @ weight.T)))
    with ag.scope("loss"):
        loss = -np.log(h).sum()
    loss.name = "E"
    return loss


def mlp(batch=32):
    rng = np.random.default_rng(0)
    x, labels = ag.Tensor(rng.normal(size=(batch, 64)), name="x"), rng.integers(0, 10, batch)
    w1, b1 = leaf(0.2 * rng.normal(size=(64, 32)), "W1"), leaf(np.zeros(32), "b1")
    w2, b2 = leaf(0.2 * rng.normal(size=(32, 10)), "W2"), leaf(np.zeros(10), "b2")
    with ag.scope("layer1"):
        h = np.tanh(x @ w1 + b1)
    with ag.scope("layer2"):
        z = h @ w2 + b2
    with ag.scope("cross_entropy"):
        loss = np.mean(ag.logsumexp(z, axis=1) - z[np.arange(batch), labels])
    loss.weights = None if False else (w1, b1, w2, b2) if hasattr(loss, "__dict__") else None
    return loss


GOLDEN = {"square": square, "fan_out": fan_out, "bias": bias, "worked_example": worked_example}


def edges(graph):
    return re.findall(r"^\s*(n\d+) -> (n\d+)", graph.source, re.M)


# --- the same in every run ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_dot(name):
    """After a wanted change: UPDATE_GOLDEN=1 pytest tests/viz, and look at the difference."""
    path = DATA / f"draw_{name}.gv"
    source = draw(GOLDEN[name]()).source
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(source, "utf-8")
    assert source == path.read_text("utf-8")


def test_fresh_processes_write_the_same(root):
    program = (
        "import autograd_mini as ag; from autograd_mini.viz import draw\n"
        "a = ag.Tensor(2.0, requires_grad=True, name='a')\n"
        "print(draw(a + a).source, end='')"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=root,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            check=True,
        ).stdout.decode()
        for seed in ("1", "2")
    ]
    assert runs[0].splitlines() == runs[1].splitlines() == (DATA / "draw_fan_out.gv").read_text("utf-8").splitlines()


def test_ids_follow_the_topological_order():
    assert all(int(tail[1:]) < int(head[1:]) for tail, head in edges(draw(mlp())))


# --- what is drawn ------------------------------------------------------------------------------------------


def test_one_edge_for_each_use():
    assert edges(draw(fan_out())) == [("n0", "n1"), ("n0", "n1")]
    assert edges(draw(square())) == [("n0", "n1"), ("n0", "n1"), ("n1", "n2"), ("n0", "n2")]


def test_edges_stand_in_the_order_of_the_operands():
    a, b = leaf(1.0, "a"), leaf(2.0, "b")
    graph = draw((a * b) - (b - a))
    assert "b - a" in graph.source
    ids = {name: re.search(rf"(n\d+) \[label=<.*?<B>{name}</B>", graph.source)[1] for name in "ab"}
    product, difference = edges(graph)[:2], edges(graph)[2:4]
    assert [tail for tail, _ in product] == [ids["a"], ids["b"]]
    assert [tail for tail, _ in difference] == [ids["b"], ids["a"]]


def test_gradients_are_the_engine_s():
    loss = mlp()
    boxes = {box.name: box for box in boxes_of(loss, None, 300)}
    leaves = [node.owner() for node in _leaves(loss)]
    assert len(leaves) == 0 or leaves  # the Tensors may be gone; the next test keeps them
    assert boxes["W1"].gradient.shape == (64, 32)


def _leaves(y):
    from autograd_mini.graph import toposort

    return [node for node in toposort([y.node]) if node.rule is None]
