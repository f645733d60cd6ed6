"""`draw(y, collapse=..., fold=...)`: scopes as one box each, repeated blocks drawn once, and nothing hidden by that."""

import re

import numpy as np
import pytest

import autograd_mini as ag
import nn
from autograd_mini import errors
from autograd_mini.viz import draw

from .nets import leaf


def deep(layers=8, bad=None):
    """A network of equal hidden layers; `bad` is the number of one that gets a NaN as a weight."""
    model = nn.MLP([3, *[4] * layers, 2], "tanh", rng=0)
    if bad is not None:
        model.parameters()[2 * (bad - 1)].data[1, 1] = np.nan
    return np.sum(model(np.ones((2, 3)))), list(model.parameters())


def nested():
    """Blocks in an encoder, one of which holds a scope; a head."""
    x, w = leaf([1.0, 2.0], "x"), leaf([0.5, -1.0], "w")
    with ag.scope("encoder"):
        with ag.scope("layer1"):
            h = np.tanh(x * w)
            with ag.scope("inner"):
                h = np.sin(h)
        with ag.scope("layer2"):
            h = np.tanh(h)
    with ag.scope("head"):
        y = np.sum(h * h)
    return y, [x, w]


def names(graph):
    return re.findall(r"^\s*n\d+ \[label=<<TABLE.*?<B>(.*?)</B>", graph.source, re.M)


def headings(graph):
    return re.findall(r'label=<<FONT POINT-SIZE="11"[^>]*><B>(.*?)</B>', graph.source)


def edges(graph):
    return re.findall(r"^\s*n(\d+) -> n(\d+)", graph.source, re.M)


# --- scopes by name --------------------------------------------------------------------------------------------


def test_one_scope_by_its_name():
    y, _leaves = deep(3)
    graph = draw(y, collapse="layer2")
    assert "layer2: h2" in names(graph)
    assert headings(graph) == ["layer1", "layer3", "layer4"]
    assert draw(y, collapse=["layer2"]).source == graph.source


def test_several_scopes_and_nested_ones():
    y, _leaves = nested()
    assert headings(draw(y, collapse="encoder/layer1")) == ["encoder", "layer2", "head"]
    assert headings(draw(y, collapse=["encoder/layer1/inner", "head"])) == ["encoder", "layer1", "layer2"]
    graph = draw(y, collapse=["encoder/layer1", "encoder"])  # the outer one holds the inner
    assert headings(graph) == ["head"]
    assert sum("encoder: " in name for name in names(graph)) == 1


def test_all_scopes_closes_what_holds_values_and_leaves_open_what_only_holds_scopes():
    y, _leaves = nested()
    graph = draw(y, collapse=True)
    assert headings(graph) == ["encoder"]
    assert sorted(name.partition(":")[0] for name in names(graph)) == ["head", "layer1", "layer2", "x"]


def test_a_scope_that_is_entered_twice_is_a_box_for_each_time():
    x, w = leaf(0.5, "x"), leaf(2.0, "w")
    h = x
    for _ in range(2):
        with ag.scope("shared"):
            h = np.tanh(h * w)
        h = h + 1.0
    graph = draw(np.sin(h), collapse="shared")
    assert sum(name.startswith("shared") for name in names(graph)) == 2
    assert all(int(tail) < int(head) for tail, head in edges(graph))


def test_ids_follow_the_order_where_a_value_inside_is_used_outside():
    x = leaf(0.5, "x")
    with ag.scope("block"):
        a = np.sin(x)
        b = np.cos(a)
    graph = draw(np.tanh(a) * b, collapse=True)
    assert all(int(tail) < int(head) for tail, head in edges(graph))


def test_a_closed_scope_says_what_is_not_finite_in_it():
    y, _leaves = deep(3, bad=2)
    closed = draw(y, collapse="layer2")
    line = next(line for line in closed.text().splitlines() if "layer2: h2" in line)
    assert "not finite: W2" in line
    assert "not finite" in closed.source
    assert "not finite" not in draw(deep(3)[0], collapse=True).text()


@pytest.mark.parametrize(
    ("collapse", "said"),
    [("layr2", "Did you mean 'layer2'"), ("inner", "Did you mean 'encoder/layer1/inner'"), (["head", "?"], "It has: ")],
)
def test_an_unknown_scope(collapse, said):
    y, _leaves = nested() if collapse != "layr2" else deep(3)
    with pytest.raises(ValueError, match=r"no scope of this graph") as found:
        draw(y, collapse=collapse)
    assert said in str(found.value)


def test_too_many_values_are_too_many_when_scopes_are_closed():
    y, _leaves = deep(8)
    with pytest.raises(errors.AutogradError, match=r"has 11 values.*max_nodes=5"):
        draw(y, collapse=True, max_nodes=5)
    assert len(names(draw(y, collapse=True, max_nodes=11))) == 11


# --- blocks that repeat ----------------------------------------------------------------------------------------


def test_equal_layers_are_drawn_once():
    y, leaves = deep(32)
    graph = draw(y, fold=True, notes={"layer2": "the delta rule"})
    assert headings(graph) == ["layer1", "layer2 … layer32: × 31", "layer2", "layer33"]
    assert "layer3 … layer32: h32" in names(graph)
    assert "30 more like layer2" in graph.text()
    assert graph.source.index("the delta rule") > graph.source.index("layer2 … layer32")
    sizes = {}
    for i, (weight, bias) in enumerate(zip(leaves[::2], leaves[1::2], strict=True), 1):
        gradients = ag.gradients(y, [weight, bias])
        sizes[f"layer{i}"] = np.sqrt(np.mean(np.concatenate([g.ravel() for g in gradients]) ** 2))
    inner = {name: sizes[name] for name in list(sizes)[2:-1]}
    low, high = min(inner, key=inner.get), max(inner, key=inner.get)
    assert f"∂ rms {inner[low]:.4g} ({low}) … {inner[high]:.4g} ({high})" in graph.text().replace("−", "-")


def test_the_values_of_the_folded_box_are_those_of_the_last_block():
    y, _leaves = deep(8)
    whole = {line.split(" = ")[0].strip(): line for line in draw(y).text().splitlines()}
    folded = next(line for line in draw(y, fold=True).text().splitlines() if "more like" in line)
    assert folded.split("rms")[-1] == next(line for name, line in whole.items() if "layer8/h8" in name).split("rms")[-1]


def test_a_fold_says_what_is_not_finite_in_it():
    y, _leaves = deep(8, bad=5)
    graph = draw(y, fold=True)
    assert "∂ not finite: layer" in graph.text()
    assert "#7a1fa2" in next(line for line in graph.source.splitlines() if "more like layer2" in line)


def test_layers_that_differ_or_stand_apart_are_not_folded():
    x = leaf(np.ones(3), "x")
    h = x
    for i, function in enumerate([np.tanh, np.sin, np.tanh, np.sin]):
        with ag.scope(f"layer{i}"):
            h = function(h)
    y = np.sum(h)
    assert draw(y, fold=True).source == draw(y).source
    parallel = []
    for i in range(4):
        with ag.scope(f"head{i}"):
            parallel.append(np.tanh(x))
    y = np.sum(np.stack(parallel))
    assert draw(y, fold=True).source == draw(y).source


def test_a_constant_in_the_formula_makes_layers_differ():
    h = leaf(np.ones(3), "x")
    for i, factor in enumerate([2.0, 2.0, 2.0, 3.0]):
        with ag.scope(f"layer{i}"):
            h = h * factor
    assert "layer0 … layer2: × 3" in headings(draw(np.sum(h), fold=True))


def test_repeats_within_a_scope_and_within_repeats():
    h = leaf(np.ones(3), "x")
    with ag.scope("body"):
        for i in range(3):
            with ag.scope(f"block{i}"):
                for j in range(4):
                    with ag.scope(f"part{j}"):
                        h = np.tanh(h)
    graph = draw(np.sum(h), fold=True)
    assert headings(graph) == ["body", "block0 … block2: × 3", "block0", "part0 … part3: × 4", "part0"]
    assert len(names(graph)) == 5


def test_a_fold_of_closed_scopes():
    y, _leaves = deep(8)
    graph = draw(y, fold=True, collapse=True)
    assert names(graph)[1:3] == ["layer1: h1", "layer2 … layer8: × 7: h8"]
    assert "∂ rms" in graph.text()


def test_drawing_less_changes_nothing():
    y, leaves = deep(8)
    before = draw(y).source
    draw(y, fold=True, collapse=["layer1"])
    assert draw(y).source == before
    assert all(leaf.grad is None for leaf in leaves)


def test_a_loop_over_scopes_is_not_folded_into_a_cycle():
    x, weights = leaf([1.0, 2.0], "x"), [leaf([0.5, 0.2], f"w{i}") for i in range(3)]
    h = x
    for _ in range(2):
        for i, w in enumerate(weights):
            with ag.scope(f"block{i}"):
                h = np.tanh(h * w)
    y = np.sum(h)
    assert draw(y, fold=True).source == draw(y).source
    graph = draw(y, fold=True, collapse=True)
    assert all(int(tail) < int(head) for tail, head in edges(graph))
    assert sum(name.startswith("block") for name in names(graph)) == 6
