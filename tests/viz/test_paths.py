"""ag.paths and ag.triangular: counts against counting by hand, sums against the sweep."""

import sys
import warnings
from xml.etree import ElementTree

import numpy as np
import pytest

import autograd_mini as ag
import nn

from .nets import GRAPHS, leaf, places, square, two_two_two, worked_example

WAYS = ["path by path", "forward mode", "finite differences", "reverse sweep"]


@pytest.fixture
def plotting():
    matplotlib = pytest.importorskip("matplotlib")
    before = matplotlib.get_backend()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from matplotlib import pyplot
    pyplot.switch_backend("agg")
    yield
    pyplot.switch_backend(before)


@pytest.mark.parametrize("name", GRAPHS)
def test_M7_the_sum_over_all_paths_is_the_gradient(name):
    y, leaves = GRAPHS[name]()
    for w, gradient in zip(leaves, ag.gradients(y, leaves), strict=True):
        for index in places(w):
            found = ag.paths(y, w, index)
            rtol = 1e-9 if gradient.dtype == float else 1e-4
            assert found.total == pytest.approx(gradient[index], rel=rtol, abs=1e-12)
            assert found.gradient == gradient[index]
            if found.paths:
                assert len(found.paths) == found.count
                assert sum(path.product for path in found.paths) == pytest.approx(found.total, rel=1e-9)
                assert sum(len(path.locals) for path in found.paths) == found.factors


def test_paths_of_a_value_that_is_used_several_times():
    y, (x,) = square()
    found = ag.paths(y, x)
    assert [path.names for path in found.paths] == [("x", "z1", "y"), ("x", "z1", "y"), ("x", "y")]
    assert [path.product for path in found.paths] == [3, 3, 1]
    assert found.multiplications == dict(zip(WAYS, [(5, 5), (4, 4), (8, 8), (4, 4)], strict=True))


@pytest.mark.parametrize(("width", "depth"), [(2, 1), (3, 2), (10, 4)])
def test_M7_the_number_of_paths_is_the_product_of_the_widths(width, depth):
    model = nn.MLP([2] + [width] * (depth + 1) + [1], "tanh", rng=0)
    y = model(np.array([[1.0, 2.0]])).sum()
    found = ag.paths(y, next(iter(model.parameters())), (0, 0))
    assert found.count == width**depth
    assert bool(found.paths) == (width**depth <= 64)


def test_zeros_of_the_data_and_dead_units_do_not_hide_paths():
    w = leaf([[1.0, -1.0], [1.0, -1.0]], "w")
    h = nn.relu(np.array([[0.0, 0.0]]) @ w)
    y = np.sum(h * leaf([[0.0, 0.0]], "v"))
    found = ag.paths(y, w, (0, 1))
    assert found.count == 1
    assert found.total == 0


def test_multiplications_of_a_chain():
    """Three numbers one after the other: w1 lies three uses from the end, w2 two, w3 one."""
    w1, w2, w3 = leaf(2.0, "w1"), leaf(3.0, "w2"), leaf(5.0, "w3")
    y = np.sin(w1) * w2 * w3
    found = ag.paths(y, w1)
    assert found.edges == 5
    assert found.weights == 3
    assert found.multiplications == {
        "path by path": (3, 6),
        "forward mode": (3, 6),
        "finite differences": (10, 30),
        "reverse sweep": (5, 5),
    }


def test_R6_finite_differences_grow_with_the_square_and_the_sweep_does_not():
    nets = [nn.MLP([2, n, n, 1], "tanh", rng=0) for n in (2, 8)]
    small, large = (ag.paths(net(np.ones((1, 2))).sum()) for net in nets)
    grown = large.weights / small.weights
    assert large.multiplications["reverse sweep"][1] / small.multiplications["reverse sweep"][1] < 1.3 * grown
    ratio = large.multiplications["finite differences"][1] / small.multiplications["finite differences"][1]
    assert ratio > 0.7 * grown**2


def test_of_all_leaves_together():
    y, leaves = worked_example()
    each = [ag.paths(y, w, tuple(i)) for w in leaves for i in np.argwhere(np.ones(w.shape))]
    found = ag.paths(y)
    assert found.count == sum(one.count for one in each)
    assert found.factors == sum(one.factors for one in each)
    assert found.multiplications["forward mode"][1] == sum(one.cone for one in each)
    assert found.gradient is None
    assert found.name == "all leaves"
    assert all(one.multiplications["path by path"][1] == found.factors for one in each)


def test_a_view_is_no_step_of_its_own():
    W = leaf([[1.0, 2.0]], "W")
    V = W.T
    y = np.sum(V * 3.0)
    assert ag.paths(y, W, (0, 1)).paths[0].names == ("W[0, 1]", "z2[1, 0]", "y")
    assert ag.paths(y, V, (1, 0)).total == 3


def test_more_than_one_seed():
    w = leaf([1.0, 2.0], "w")
    found = ag.paths(w * w, w, 1, cotangent=[3.0, 5.0])
    assert found.total == 20
    assert found.count == 2


def test_texts():
    y, (W1, *_) = two_two_two()
    found = ag.paths(y, W1, (0, 0))
    lines = str(found).splitlines()
    assert lines[0] == "2 paths lead from W1[0, 0] to E"
    assert "W1[0, 0] –0.05→ z2[0, 0]" in lines[1]
    assert "= ∂E/∂W1[0, 0] in the sweep" in lines[3]
    assert repr(found) == str(found)
    page = ElementTree.fromstring(found._repr_html_())
    assert [len(table.findall("tr")) for table in page.findall("table")] == [3, 5]
    assert ElementTree.fromstring(ag.paths(y)._repr_html_()).findall("table/tr/th")[1].text.startswith("for all")


def test_nan_is_told():
    w = leaf(np.nan, "w")
    assert "NaN" in str(ag.paths(w * w, w))


def test_odd_names_are_escaped():
    w = leaf(2.0, "<b>w</b>")
    html = ag.paths(w * w, w)._repr_html_()
    assert "<b>" not in html
    ElementTree.fromstring(html)


def test_the_plot_has_a_line_for_each_way(plotting):  # noqa: ARG001
    nets = [nn.MLP([2, n, 1], "tanh", rng=0) for n in (4, 1, 2)]
    first, *others = [ag.paths(net(np.ones((1, 2))).sum()) for net in nets]
    (axes,) = first.plot(*others).axes
    lines = {line.get_label(): line for line in axes.lines}
    assert [*lines] == [*WAYS, "∝ w", "∝ w²"]
    weights, costs = lines["reverse sweep"].get_data()
    assert list(weights) == [found.weights for found in (others[0], others[1], first)]
    assert list(costs) == [found.edges for found in (others[0], others[1], first)]
    assert first.plot().axes[0].get_xscale() == "log"


def test_without_matplotlib_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    y, (x,) = square()
    with pytest.raises(ImportError, match=r"pip install 'autograd-mini\[plot\]'"):
        ag.paths(y, x).plot()


# --- back-substitution -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", GRAPHS)
def test_the_system_is_triangular_and_its_solution_is_the_sweep(name):
    y, leaves = GRAPHS[name]()
    system = ag.triangular(y, max_numbers=400)
    n = len(system.names)
    assert not np.triu(system.matrix).any()
    solved = np.linalg.solve(np.eye(n) - system.matrix.T, system.seed)
    rtol = 1e-4 if name == "half_precision" else 1e-9
    np.testing.assert_allclose(system.gradients, solved, rtol=rtol, atol=1e-12)
    by_name = dict(zip(system.names, system.gradients, strict=True))
    gradients = {s.name: np.asarray(s.gradient) for s in ag.steps(y) if s.gradient is not None}
    for w in leaves:
        name = w.name or next(s.name for s in ag.steps(y) if s.kind == "leaf" and s.value is w._value)
        for index in places(w):
            label = name if w.size == 1 else f"{name}[{', '.join(map(str, index))}]"
            np.testing.assert_allclose(by_name[label], gradients[name][index], rtol=rtol, atol=1e-12)


def test_several_uses_of_one_number_by_another_add_up_in_one_cell():
    y, _ = square()
    system = ag.triangular(y)
    assert system.names == ("x", "z1", "y")
    np.testing.assert_array_equal(system.matrix, [[0, 0, 0], [6, 0, 0], [1, 1, 0]])
    np.testing.assert_array_equal(system.gradients, [7, 1, 1])
    np.testing.assert_array_equal(system.seed, [0, 0, 1])


def test_the_ids_are_those_of_the_boxes():
    y, _ = square()
    named = {step.id: step.name for step in ag.steps(y)}
    system = ag.triangular(y)
    assert [named[i] for i in system.ids] == list(system.names)


@pytest.mark.parametrize("theme", ["light", "dark", "auto"])
def test_the_heat_map_holds_every_number(theme):
    y, _ = two_two_two()
    system = ag.triangular(y)
    svg = ElementTree.fromstring(system.svg(theme))
    found = {g.get("id"): "".join(g.itertext()) for g in svg.iter("{http://www.w3.org/2000/svg}g")}
    cells = {f"m{i}_{j}" for i, j in zip(*np.nonzero(system.matrix), strict=True)}
    assert {name for name in found if name.startswith("m")} == cells
    assert sum(name.startswith("g") for name in found) == len(system.names)
    assert svg.find("{http://www.w3.org/2000/svg}desc").text == str(system)
    assert ("prefers-color-scheme" in system.svg(theme)) == (theme == "auto")


def test_nan_in_the_matrix_does_not_spread_to_other_rows():
    a, b = leaf(np.nan, "a"), leaf(2.0, "b")
    system = ag.triangular(a * a + b)
    gradients = dict(zip(system.names, system.gradients, strict=True))
    assert np.isnan(gradients["a"])
    assert gradients["b"] == 1
    ElementTree.fromstring(system.svg())
    assert "NaN" in repr(system)


def test_it_is_saved_and_shows_itself(tmp_path):
    y, _ = square()
    system = ag.triangular(y)
    path = system.save(tmp_path / "system.svg")
    assert path.read_text("utf-8") == system.svg("auto") + "\n"
    assert system._repr_svg_() == system.svg()


def test_odd_names_are_escaped_in_the_heat_map():
    w = leaf(2.0, "<script>&\"'")
    svg = ag.triangular(w * w).svg()
    assert "<script" not in svg
    ElementTree.fromstring(svg)
