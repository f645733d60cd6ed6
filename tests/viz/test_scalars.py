"""`draw(y, scalars=True)`: each number by itself, the local derivative of each use, weights in their neuron."""

import re

import numpy as np
import pytest

import nn
from autograd_mini import errors
from autograd_mini.viz import draw
from autograd_mini.viz.scalars import scalars_of

from .nets import GRAPHS, leaf, two_two_two, worked_example


def boxes_by_name(y, cotangent=None, most=300):
    return {box.name: box for box in scalars_of(y, cotangent, most)[0]}


def arrows(graph):
    """Which box leads to which, by their ids; ports left out, and what only holds boxes beside each other."""
    lines = re.findall(r"^\s*(n\d+) -> (n\d+)(?::n\d+:w)? \[(.*?)\]?$", graph.source, re.M)
    return [(tail, head) for tail, head, attributes in lines if "invis" not in attributes]


def written(graph, name):
    """The words in the label of one number's box."""
    label = re.search(rf"label=<(<TABLE(?:(?!</TABLE>>).)*<B>{re.escape(name)}</B>.*?)> class=", graph.source)[1]
    return " ".join(re.sub("<[^>]*>", " ", label).split())


@pytest.mark.parametrize("name", [name for name in GRAPHS if name != "residual_block"])
def test_local_derivatives_add_up_to_the_gradients(name):
    y, _leaves = GRAPHS[name]()
    boxes, _ = scalars_of(y, None, 300)
    sums = dict.fromkeys(boxes, 0.0)
    for box in boxes:
        for source, words in zip(box.inputs, box.locals, strict=True):
            if source.gradient is not None:
                sums[source] += float(words.split("\n")[-1].replace("−", "-")) * float(box.gradient)
    for box in boxes[:-1]:
        if box.gradient is not None:  # local derivatives are written with four digits
            assert sums[box] == pytest.approx(float(box.gradient), rel=1e-3, abs=1e-3)


def test_a_user_s_scalar_code_is_drawn_as_it_is_written():
    x = leaf(3.0, "x")
    graph = draw(x * x + x, scalars=True)
    assert arrows(graph) == [("n0", "n1"), ("n0", "n1"), ("n1", "n2"), ("n0", "n2")]
    assert graph.text().splitlines() == [
        "graph of y",
        "                 local  value  gradient of y",
        "y = z1 + x              12     1",
        "├─ z1 = x * x    1      9      1",
        "│  ├─ x          3      3      7",
        "│  └─ x (above)  3",
        "└─ x (above)     1",
    ]


def test_a_neuron_is_its_weighted_sum_with_its_weights_and_its_activation():
    loss, _ = two_two_two()
    boxes = boxes_by_name(loss)
    names = ["x[0, 0]", "x[0, 1]", "W1[1, 0]", "W1[1, 1]", "b1[1]"]
    assert [source.name for source in boxes["z3[0, 1]"].inputs] == names
    assert [source.name for source in boxes["z3[0, 1]"].inputs if source.within] == names[2:]
    assert boxes["z3[0, 1]"].expression == "x · W1 + b1[1]"
    assert boxes["h1[0, 1]"].locals == ["h1[0, 1]·(1 − h1[0, 1])\n0.2481"]
    assert "z2[0, 1]" not in boxes
    graph = draw(loss, scalars=True)
    assert written(graph, "z3[0, 0]").startswith("W1[0, 0] 0.3355 ∂ 0.005959 × x[0, 0] 0.05 W1[0, 1] −0.5639 ∂ 0.01192")
    assert {boxes[name].id for name in names} <= set(re.findall(r'(?:id|ID)="?(n\d+)', graph.source))


def test_in_a_picture_from_left_to_right_an_arrow_ends_at_its_weight():
    loss, _ = two_two_two()
    boxes = boxes_by_name(loss)
    source = draw(loss, scalars=True, rankdir="LR").source
    neuron, weight, x = (boxes[name].id for name in ("z3[0, 1]", "W1[1, 0]", "x[0, 0]"))
    assert f"{x} -> {neuron}:{weight}:w" in source


def test_a_connection_that_a_mask_takes_away_is_not_drawn():
    loss, _ = worked_example()
    boxes = boxes_by_name(loss)
    assert [source.name for source in boxes["z3[0, 2]"].inputs] == ["x[0, 1]", "W1[2, 1]"]
    assert "W1[2, 0]" not in boxes
    assert "x[0, 2]" not in boxes  # whose weights are all absent
    assert sum(name.startswith("W") for name in boxes) == 5 + 5 + 2
    assert float(boxes["z8"].gradient) == pytest.approx(-0.32815414)


def test_it_is_drawn_for_none_of_several_samples():
    w, mask = leaf(np.arange(1.0, 7).reshape(3, 2), "W"), np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    boxes = boxes_by_name(np.sum(np.tanh(np.arange(1.0, 9).reshape(4, 2) @ (w * mask).T)))
    assert {"W[0, 1]", "W[2, 0]"}.isdisjoint(boxes)
    for sample in range(4):
        entering = [[source.name for source in boxes[f"z3[{sample}, {unit}]"].inputs] for unit in range(3)]
        x0, x1 = f"c2[{sample}, 0]", f"c2[{sample}, 1]"
        assert entering == [[x0, "W[0, 0]"], [x0, x1, "W[1, 0]", "W[1, 1]"], [x1, "W[2, 1]"]]


def test_a_zero_in_the_data_is_no_mask():
    w = leaf([1.0, 2.0], "w")
    boxes = boxes_by_name(np.sum(w * np.array([1.0, 0.0])))
    assert {"w[0]", "w[1]"} <= set(boxes)


def test_a_number_that_is_passed_on_is_drawn_once():
    x = leaf([[2.0]], "x")
    y = np.sum(np.sum(x * x, axis=0)) / 1
    assert list(boxes_by_name(y)) == ["x", "y"]


def test_a_leaf_is_drawn_beside_a_result_that_passes_it_on():
    x = leaf([[2.0]], "x")
    assert list(boxes_by_name(np.sum(x))) == ["x", "y"]
    assert list(boxes_by_name(np.max(leaf([1.0, 3.0, 2.0], "x")))) == ["x[1]", "y"]


def test_numbers_whose_values_were_not_kept_are_drawn():
    boxes = boxes_by_name(np.sum(leaf([[2.0]], "x")))  # a leaf that nobody has any more
    assert list(boxes) == ["x", "y"]
    assert boxes["x"].value is None
    a = leaf([1.0, 2.0], "a")
    assert "z1[3]" in boxes_by_name(np.sum(np.concatenate([a, a]) ** 2))


def test_a_hook_that_changes_a_gradient_is_between_two_numbers():
    """What it changed is not drawn as one with what came in: z and z + b, h and the sum of it alone."""
    w, b, x = leaf([[1.0, 2.0]], "w"), leaf([0.5], "b"), leaf([2.0], "x")
    z, h = w @ np.array([3.0, 4.0]), np.exp(x)
    z.register_hook(lambda g: 10 * g)
    h.register_hook(lambda g: 10 * g)
    boxes = boxes_by_name(np.sum((z + b) * np.sum(h)))
    assert [source.name for source in boxes["z2"].inputs] == ["z1", "b"]
    assert float(boxes["z1"].gradient) == pytest.approx(10 * float(boxes["z2"].gradient))
    assert float(boxes["w[0, 1]"].gradient) == pytest.approx(4 * float(boxes["z1"].gradient))
    assert float(boxes["h1"].gradient) == pytest.approx(10 * float(boxes["z3"].gradient))


def test_a_number_may_be_called_as_a_function_is():
    x = leaf([0.5, 1.0], "sin")
    boxes = boxes_by_name(np.sum(np.sin(x) * x))
    assert boxes["h1[1]"].expression == "sin(sin[1])"
    assert boxes["h1[1]"].locals == ["cos(sin[1])\n0.5403"]


def test_expressions_leave_nothing_out_and_take_nothing_for_all():
    x = leaf([1.0, 3.0, 2.0], "x")
    assert boxes_by_name(np.max(x))["y"].expression == "max(x)"
    assert "initial=5.0" in boxes_by_name(np.sum(x * x, initial=5.0))["y"].expression
    assert "where=" in boxes_by_name(np.sum(x * x, where=np.array([True, False, True])))["y"].expression


def test_several_samples_share_weights_that_stand_together():
    model = nn.MLP([2, 2, 1], "tanh", rng=0)
    loss = nn.squared_error(model(np.array([[1.0, 2.0], [3.0, -1.0]])), np.ones((2, 1)))
    boxes = boxes_by_name(loss)
    groups = {name: box.group for name, box in boxes.items() if name[0] in "Wb"}
    assert groups["W1[0, 0]"] == groups["W1[0, 1]"] == groups["b1[0]"] != ""
    assert groups["W1[1, 0]"] == groups["W1[1, 1]"] == groups["b1[1]"] != groups["b1[0]"]
    assert not any(box.within for box in boxes.values())
    assert draw(loss, scalars=True).source.count("cluster_group_") == 3


def test_a_result_of_several_numbers():
    x = leaf([1.0, 2.0], "x")
    graph = draw(x * x, scalars=True, cotangent=[1.0, 10.0])
    assert graph.text().splitlines()[0] == "graph of y"
    assert "y[0] = x[0] * x[0]" in graph.text()
    assert "y[1] = x[1] * x[1]" in graph.text()
    with pytest.raises(errors.ShapeError, match="cotangent"):
        draw(x * x, scalars=True)


def test_what_is_not_selected_is_not_drawn():
    x = leaf([1.0, 2.0, 3.0], "x")
    assert list(boxes_by_name(np.sin(x)[1])) == ["x[1]", "y"]


def test_data_that_nothing_is_known_of_but_its_values():
    x, w = leaf([1.0, np.nan], "x"), leaf([np.inf, 1.0], "w")
    graph = draw(np.sum(x * w), scalars=True, theme="dark")
    assert "NaN" in graph.text()
    assert "inf" in graph.text()
    assert boxes_by_name(np.sum(leaf(np.ones((0, 2)), "e")))["y"].value == 0


def test_names_are_escaped_and_ids_are_the_same_in_every_run():
    name = "<script>\"'ñ"
    w = leaf([[1.0, 2.0]], name)
    graph = draw(np.sum(np.array([[3.0, 4.0]]) @ w.T), scalars=True, title=name)
    assert "<script>" not in re.sub('tooltip="[^"]*"', "", graph.source.replace('\\"', ""))
    assert "<script" not in graph.svg().split("</desc>")[1]
    assert graph.source == draw(two := np.sum(np.array([[3.0, 4.0]]) @ w.T), scalars=True, title=name).source
    assert two.shape == ()


def test_too_many_numbers():
    y = np.sum(nn.MLP([64, 32, 10], rng=0)(np.ones((8, 64))))
    with pytest.raises(errors.AutogradError, match=r"holds 3,\d{3} single numbers.*max_nodes=300.*draw\(y\)"):
        draw(y, scalars=True)
    x = leaf(np.ones(20), "x")
    with pytest.raises(errors.AutogradError, match=r"holds 41 single numbers.*max_nodes=41"):
        draw(np.sum(x * x), scalars=True, max_nodes=30)
    assert len(boxes_by_name(np.sum(x * x), most=41)) == 41


def test_scopes_are_not_closed_over_single_numbers():
    loss, _ = two_two_two()
    for option in ({"collapse": True}, {"collapse": "layer1"}, {"fold": True}):
        with pytest.raises(ValueError, match="scalars=True draws single numbers"):
            draw(loss, scalars=True, **option)
