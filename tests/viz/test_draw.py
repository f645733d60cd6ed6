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
from autograd_mini.viz import draw
from autograd_mini.viz.arrays import summary
from autograd_mini.viz.boxes import boxes_of

DATA = Path(__file__).parents[1] / "data"
SVG = "{http://www.w3.org/2000/svg}"


def leaf(data, name=None):
    return ag.Tensor(data, requires_grad=True, name=name)


# Each example returns its result and its leaves: a leaf whose Tensor is gone has no value to show.


def square():
    x = leaf(3.0, "x")
    return x * x + x, [x]


def fan_out():
    a = leaf(2.0, "a")
    return a + a, [a]


def bias():
    x, b = ag.Tensor([[1.0, 2.0], [3.0, -4.0], [0.5, 0.25]], name="x"), leaf([0.5, -1.0], "b")
    return np.sum(x + b), [x, b]


def worked_example():
    """The sources' 2-3-2-1 network, with 0 for what is not connected and x0 = 1 for the biases."""
    example = json.loads((DATA / "worked_example.json").read_text("utf-8"))
    x = h = ag.Tensor([[1.0, *example["input"]]], name="x")
    weights = []
    for number in (1, 2, 3):
        weights.append(leaf(np.nan_to_num(np.array(example[f"W{number}"], float)), f"W{number}"))
        with ag.scope(f"layer{number}"):
            h = 1 / (1 + np.exp(-(h @ weights[-1].T)))
    with ag.scope("loss"):
        loss = -np.log(h).sum()
    loss.name = "E"
    return loss, [x, *weights]


def mlp():
    """A 64-32-10 network on a batch of 32, and its weights."""
    rng = np.random.default_rng(0)
    x, labels = ag.Tensor(rng.normal(size=(32, 64)), name="x"), rng.integers(0, 10, 32)
    weights = [leaf(0.2 * rng.normal(size=shape), name) for shape, name in [((32, 64), "W1"), ((10, 32), "W2")]]
    biases = [leaf(np.zeros(32), "b1"), leaf(np.zeros(10), "b2")]
    with ag.scope("layer1"):
        h = np.tanh(x @ weights[0].T + biases[0])
    with ag.scope("layer2"):
        z = h @ weights[1].T + biases[1]
    with ag.scope("cross_entropy"):
        loss = np.mean(ag.logsumexp(z, axis=1) - z[np.arange(32), labels])
    return loss, [*weights, *biases]


def edges(graph):
    return re.findall(r"^\s*(n\d+) -> (n\d+)", graph.source, re.M)


def labels(graph):
    """The label of each box, by the name that stands in it."""
    found = re.findall(r"^\s*n\d+ \[label=<(<TABLE.*?<B>(.*?)</B>.*</TABLE>)> class=", graph.source, re.M)
    return {name: label for label, name in found}


def words(label):
    """The text in a label, without its markup."""
    return " ".join(re.sub("<[^>]*>", " ", label).split())


# --- the same in every run ----------------------------------------------------------------------------------


@pytest.mark.parametrize("example", [square, fan_out, bias, worked_example], ids=lambda f: f.__name__)
def test_golden_dot(example):
    """After a wanted change: UPDATE_GOLDEN=1 pytest tests/viz, and look at what changed."""
    path = DATA / f"draw_{example.__name__}.gv"
    y, _leaves = example()
    source = draw(y).source
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(source, "utf-8")
    assert source == path.read_text("utf-8")


def test_fresh_processes_write_the_same(root):
    program = (
        "import autograd_mini as ag; from autograd_mini.viz import draw\n"
        "a = ag.Tensor(2.0, requires_grad=True, name='a')\n"
        "print(draw(a + a).source)"
    )
    golden = (DATA / "draw_fan_out.gv").read_text("utf-8").split()
    for seed in ("1", "2"):
        env = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"}
        run = subprocess.run([sys.executable, "-c", program], cwd=root, env=env, capture_output=True, check=True)
        assert run.stdout.decode().split() == golden


def test_ids_follow_the_topological_order():
    graph = draw(mlp()[0])
    assert all(int(tail[1:]) < int(head[1:]) for tail, head in edges(graph))
    assert f"n{len(labels(graph)) - 1}" == edges(graph)[-1][1]


# --- what is drawn ------------------------------------------------------------------------------------------


def test_one_edge_for_each_use():
    assert edges(draw(fan_out()[0])) == [("n0", "n1"), ("n0", "n1")]
    assert edges(draw(square()[0])) == [("n0", "n1"), ("n0", "n1"), ("n1", "n2"), ("n0", "n2")]
    x = leaf(2.0)
    assert len(edges(draw(np.sum(np.stack([x] * 20))))) == 21


def test_edges_stand_in_the_order_of_the_operands():
    a, b = leaf(1.0, "a"), leaf(2.0, "b")
    box = boxes_of((a * b) - (b - a), None, 300)[-1]
    assert [[operand.name for operand in source.inputs] for source in box.inputs] == [["a", "b"], ["b", "a"]]


def test_gradients_are_the_engines():
    loss, weights = mlp()
    boxes = {box.name: box for box in boxes_of(loss, None, 300)}
    shown = labels(draw(loss))
    for weight, gradient in zip(weights, ag.gradients(loss, weights), strict=True):
        np.testing.assert_array_equal(boxes[weight.name].gradient, gradient)
        assert words(shown[weight.name]).endswith(f"∂ {summary(gradient)}")


def test_gradients_of_a_cotangent():
    w = leaf([1.0, 2.0], "w")
    y = w * w
    assert words(labels(draw(y, cotangent=[1.0, 10.0]))["w"]) == "w (2,) 1 2 ∂ 2 40"
    with pytest.raises(errors.ShapeError, match="cotangent has shape"):
        draw(y, cotangent=1.0)


def test_a_gradient_that_does_not_exist_is_a_dash():
    w, c = leaf([1.0, 2.0], "w"), ag.Tensor([3.0, 4.0], name="c")
    shown = labels(draw((w * c).sum()))
    assert words(shown["c"]) == "c (2,) 3 4 ∂ –"
    graph = draw(w * c)  # no scalar, no cotangent
    assert all("∂ –" in words(label) for label in labels(graph).values())
    assert "no gradients: y is not a scalar" in words(graph.source)


def test_drawing_changes_nothing():
    x = leaf(3.0, "x")
    y = x * x + x
    draw(y)
    assert x.grad is None
    y.backward()
    with ag.no_grad():
        draw(y)
    assert x.grad == 7
    y.backward()
    assert x.grad == 14


def test_operands_that_are_numbers_stand_in_the_expression():
    a = leaf([1.0, 2.0, 3.0], "a")
    expressions = {
        "2.0 * a": 2.0 * a,
        "a + 1.0": a + 1.0,
        "a ** 2": a**2,
        "a * 0.3333": a * (1 / 3),
        "-a": -a,
        "tanh(a)": np.tanh(a),
        "a[1:, None]": a[1:, None],
        "a[..., ::2]": a[..., ::2],
        "sum(a, axis=0)": a.sum(axis=0),
        "a.T": a.T,
    }
    for expression, y in expressions.items():
        box = boxes_of(y, None, 300)[-1]
        assert (box.expression, [source.name for source in box.inputs]) == (expression, ["a"])


def test_operands_that_are_arrays_are_grey_boxes():
    a = leaf([1.0, 2.0], "a")
    graph = draw(np.sum(a * np.array([3.0, 4.0]))).source
    assert "class=constant" in graph
    assert "a * c1" in graph


def test_names():
    w, c1 = leaf(np.ones((2, 2))), ag.Tensor(np.ones((2, 2)), name="c1")
    y = np.tanh(w @ c1 @ np.eye(2)).sum()
    assert [box.name for box in boxes_of(y, None, 300)] == ["w1", "c1", "z1", "c2", "z2", "h1", "y"]


def test_scopes_are_clusters_with_their_weights():
    source = draw(mlp()[0], notes={"layer1": "δ = W & <b>\nsecond line"}).source
    layer1 = source[source.index("<B>layer1</B>") : source.index("<B>layer2</B>")]
    assert "<B>W1</B>" in layer1
    assert "<B>x</B>" not in layer1
    assert "δ = W &amp; &lt;b&gt;" in layer1
    with pytest.raises(ValueError, match="'layer3', which is no scope of this graph: cross_entropy, layer1, layer2"):
        draw(mlp()[0], notes={"layer3": "?"})


def test_nested_scopes():
    x = leaf(1.0, "x")
    with ag.scope("outer"):
        with ag.scope("inner"):
            y = np.sin(x)
        z = np.cos(y)
    source = draw(z, notes={"outer/inner": "a note"}).source
    assert source.index("<B>outer</B>") < source.index("<B>inner</B>") < source.index("a note")


def test_collapsed_scopes():
    graph = draw(mlp()[0], collapse=True)
    assert list(labels(graph)) == ["x", "layer1: h1", "layer2: z6", "cross_entropy: y"]
    assert edges(graph) == [("n0", "n1"), ("n1", "n2"), ("n2", "n3"), ("n2", "n3")]
    assert "6 values, 2 of them leaves" in graph.source


# --- values that are gone, odd or broken -----------------------------------------------------------------------


def test_a_value_that_was_not_kept():
    x = leaf(np.ones((50, 50)), "x")
    assert "not kept: record under ag.keep()" in words(labels(draw((x + 1).sum()))["z1"])
    with ag.keep():
        y = (x + 1).sum()
    assert "rms 2" in words(labels(draw(y))["z1"])


def test_a_leaf_that_is_gone_and_one_that_a_rule_has_kept():
    y = np.sum(leaf([1.0, 2.0], "gone") + 1.0)
    assert "not kept: its Tensor is gone" in words(labels(draw(y))["gone"])
    with ag.keep():
        y = np.sum(leaf([1.0, 2.0], "x") + ag.Tensor([1.0, 2.0], name="constant"))
    assert "not kept: its Tensor is gone" in words(labels(draw(y))["constant"])
    y = np.sum(leaf([1.0, 2.0], "kept") * [3.0, 4.0] * leaf([1.0, 1.0]))
    assert words(labels(draw(y))["z1"]).startswith("z1 (2,) kept * c1 3 8")


def test_nan_and_inf_are_marked():
    x = leaf([1.0, np.nan, -np.inf], "x")
    assert words(labels(draw(x.sum()))["x"]) == "x (3,) 1 NaN −inf ∂ 1 1 1"
    big = leaf(np.where(np.eye(5) > 0, np.inf, 1.0), "big")
    label = labels(draw(big.sum()))["big"]
    assert words(label) == "big (5, 5) × × × × × 5 inf ∂ rms 1"
    assert label.count('BGCOLOR="#7a1fa2"') == 5


def test_a_gradient_that_is_not_finite():
    x = leaf(0.0, "x")
    with np.errstate(all="raise"):  # the picture marks what its sweep meets
        graph = draw(np.sqrt(x))
    assert words(labels(graph)["x"]) == "x 0 ∂ inf"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (-0.0, "0"),
        (np.zeros((0, 3)), "empty"),
        (np.float32(1e38) * np.ones(20, np.float32), "rms 1e+38"),
        (np.full(20, 1e300), "rms 1e+300"),
        (np.array([[[-2.5]]]), "−2.5"),
        (np.ones((2, 2, 2)), "rms 1"),
        (np.ones((1000, 1)), "rms 1"),
        (np.array([1 + 2j, 3]), "1+2j 3+0j"),
    ],
    ids=str,
)
def test_shapes_and_dtypes(data, said):
    x = leaf(data, "x")
    assert f" {said} " in words(labels(draw(x * 1, cotangent=np.ones(x.shape)))["x"])


def test_names_are_escaped():
    name = "a\"b' <script>&amp;\n\\N\x00 ∇名\\"
    x = leaf(1.0, name)
    with ag.scope(name):
        y = np.sin(x)
    svg = draw(y, title=name, notes={name: name}).svg()
    tree = ElementTree.fromstring(svg)
    assert not list(tree.iter(f"{SVG}script"))
    texts = [" ".join(element.text.split()) for element in tree.iter(f"{SVG}text")]
    assert sum(text.startswith("a\"b' <script>&amp;") for text in texts) == 4  # title, scope, note, leaf
    assert texts.count("a\"b' <script>&amp; \\N ∇名\\") == 2  # title, scope


def test_gradients_of_very_different_sizes():
    x, z = leaf(1.0, "x"), leaf(1.0, "z")
    shown = labels(draw(1e-200 * (1e-120 * x) + 1e200 * z))
    assert words(shown["x"]) == "x 1 ∂ 1e−320"
    assert words(shown["z"]) == "z 1 ∂ 1e+200"


def test_long_names_are_shortened():
    assert f"<B>{'x' * 23}…</B>" in draw(leaf(1.0, "x" * 100)).source


# --- what cannot be drawn --------------------------------------------------------------------------------------


def test_nothing_recorded():
    with ag.no_grad():
        y = leaf(1.0) * 2
    for constant in (y, ag.Tensor(1.0), 3.0):
        with pytest.raises(errors.NothingRecordedError, match=r"draw\(\)"):
            draw(constant)


def test_a_freed_graph():
    y, _ = square()
    y.backward(retain_graph=False)
    with pytest.raises(errors.GraphFreedError, match="retain_graph"):
        draw(y)


def test_too_many_values():
    z = leaf(0.5, "x")
    for _ in range(300):
        z = np.sin(z)
    with pytest.raises(errors.AutogradError, match=r"301 values.*max_nodes=300.*collapse=True.*max_nodes=301"):
        draw(z)
    assert len(edges(draw(z, max_nodes=301))) == 300


@pytest.mark.parametrize("option", [{"theme": "blue"}, {"rankdir": "up"}])
def test_unknown_options(option):
    with pytest.raises(ValueError, match="it is one of"):
        draw(square()[0], **option)


# --- the tree for the terminal ---------------------------------------------------------------------------------


def test_text():
    assert draw(square()[0]).text().splitlines() == [
        "graph of y",
        "                 shape  value  gradient of y",
        "y = z1 + x              12     1",
        "├─ z1 = x * x           9      1",
        "│  ├─ x                 3      7",
        "│  └─ x (above)",
        "└─ x (above)",
    ]


def test_text_of_a_long_chain_stays_narrow():
    z = leaf(0.5, "x")
    for _ in range(2000):
        z = np.sin(z)
    assert max(map(len, draw(z, max_nodes=3000).text().splitlines())) < 100


def test_a_dtype_among_the_arguments_is_called_by_its_name():
    x = leaf([1.0, 2.0], "x")
    assert "dtype=float32" in draw(np.sum(np.concatenate([x, x], dtype=np.float32, casting="same_kind"))).text()
