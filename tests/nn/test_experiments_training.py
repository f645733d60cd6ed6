"""Experiments on training: rates, first weights, modes, minima, momentum, stopping; and what experiments return."""

import warnings

import numpy as np
import pytest

import autograd_mini as ag
import nn
from nn.experiments import Experiment, Spread
from nn.experiments.adaptive import OPTIMIZERS
from nn.experiments.arguments import numbers_of, seeds_of, wholes_of
from nn.experiments.inertia import _descend, _draw_error, _several_levels
from nn.experiments.minima import INPUTS, TARGETS, TwoWeights, errors_of
from nn.experiments.result import cell_text
from nn.experiments.starts import INITIALIZERS
from nn.experiments.trials import Trial, digits

NAN, INF = float("nan"), float("inf")
QUICK = {
    "learning_rates": {"factors": (0.01, 0.5, 0.95, 1.05, 8.0), "steps": 60, "seeds": 2, "samples": 100},
    "adaptive_rates": {"rates": (0.001, 0.01, 0.1, 1.0, 10.0), "steps": 30, "seeds": 1, "samples": 60},
    "initializations": {"seeds": 2, "samples": 80, "epochs": 10, "batch_size": 5},
    "batch_modes": {"batch_sizes": (1, 10, 100), "samples": 100, "seeds": 2, "rates": (0.1, 1.0)},
    "local_minima": {"starts": 8, "steps": 1500},
    "momentum": {"factors": (0.9,), "seeds": 40, "steps": 1200},
    "stopping": {"epochs": (3, 30), "thresholds": (1.0,), "patience": 10, "seeds": 2, "samples": 128, "validation": 64},
}


@pytest.fixture(scope="module")
def run():
    """Return a function that runs each experiment once."""
    known = {}

    def found(name):
        if name not in known:
            known[name] = getattr(nn.experiments, name)(**QUICK[name])
        return known[name]

    return found


@pytest.fixture
def pyplot():
    matplotlib = pytest.importorskip("matplotlib")
    before = matplotlib.get_backend()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # other versions of what matplotlib imports
        from matplotlib import pyplot
    pyplot.switch_backend("agg")
    yield pyplot
    pyplot.close("all")
    pyplot.switch_backend(before)


# ---------------------------------------------------------------------------------------------------- what is returned


def one(**changes):
    parts = {
        "title": "Is a < b?",
        "claims": ("R11", "Y5"),
        "finding": "It is, & more.",
        "columns": ("name", "n", "values"),
        "rows": (("<b>", 12345, Spread([1.0, 2.0])), ("", 2.5, Spread([1.0, 2.0], "median"))),
        "data": {"values": np.ones(3)},
        "notes": ("Only if a > 0.",),
        "draw": lambda figure: figure.add_subplot(),
    }
    return Experiment(**parts | changes)


@pytest.mark.parametrize(
    ("values", "kind", "text"),
    [
        ([1.0, 2.0, 3.0], "mean", "2 ± 1"),
        ([0.5], "mean", "0.5"),
        ([0.5], "median", "0.5"),
        ([NAN], "mean", "not finite"),
        ([NAN], "median", "inf"),
        ([1.0, NAN, 3.0], "mean", "2 ± 1.41 (1 of 3 not finite)"),
        ([NAN, INF], "mean", "not finite"),
        ([3.0, 1.0, 2.0, 10.0], "median", "2.5 [1, 10]"),
        ([1.0, NAN, INF], "median", "inf [1, inf]"),
        ([1.0, INF], "median", "inf [1, inf]"),
        ([1e308, 1.5e308], "mean", "1.25e+308 ± 3.54e+307"),
        ([0.0, 0.0], "mean", "0 ± 0"),
        ([1234567.0, 1234567.0], "median", "1,234,567 [1,234,567, 1,234,567]"),
    ],
)
def test_a_spread_says_center_and_width(values, kind, text):
    assert str(Spread(values, kind)) == text


def test_the_deviation_is_that_of_a_sample():
    values = np.random.default_rng(0).normal(size=7)
    assert Spread(values).deviation == pytest.approx(np.std(values, ddof=1))
    assert Spread(values).center == pytest.approx(values.mean())
    assert (Spread(values, "median").low, Spread(values, "median").high) == (values.min(), values.max())
    assert Spread(values, "median").center == np.median(values)


def test_spreads_are_equal_where_their_values_are():
    assert Spread([1.0, NAN]) == Spread([1.0, NAN]) != Spread([1.0, NAN], "median")
    assert len({Spread([1.0]), Spread([1.0]), Spread([2.0])}) == 2


def test_an_experiment_is_a_table_with_what_its_signs_mean():
    assert str(one()) == repr(one())
    assert str(one()).splitlines() == [
        "Is a < b? (R11, Y5)",
        "",
        "name       n       values",
        "─────────────────────────",
        "<b>   12,345  1.5 ± 0.707",
        "         2.5   1.5 [1, 2]",
        "",
        "a ± b: mean and standard deviation over the seeds",
        "a [b, c]: median, least and greatest over the seeds",
        "",
        "It is, & more.",
        "",
        "- Only if a > 0.",
    ]


def test_a_table_without_spreads_explains_no_signs():
    text = str(one(rows=(("a", 1, True),), notes=()))
    assert "over the seeds" not in text and text.endswith("It is, & more.")
    assert "yes" in text


def test_a_table_too_wide_goes_on_below_with_the_columns_that_tell_its_rows_apart():
    head = ("name", "μ", *(f"a head of several words, {i}" for i in range(9)))
    rows = [("a", 0.5, *range(9)), ("a", 0.9, *range(9)), ("b", 0.5, *range(9))]
    text = str(one(columns=head, rows=rows, notes=()))
    blocks = [block.splitlines() for block in text.split("\n\n")[1:-1]]
    assert len(blocks) == 2 and max(map(len, text.splitlines())) <= 100
    for block in blocks:
        assert [line.split()[:2] for line in block[-3:]] == [["a", "0.5"], ["a", "0.9"], ["b", "0.5"]]
        assert set(block[-4]) == {"─"}
    assert [len(block[-1].split()) - 2 for block in blocks] == [5, 4]
    for line in ("a head of", "several words,"):  # a long head over narrow cells takes several lines
        assert line in text


def test_a_table_without_rows_is_its_head():
    assert "name  n  values\n───" in str(one(rows=()))


def test_whole_numbers_too_large_for_a_float_are_shown():
    assert cell_text(10**400) == "1.000e+400" and cell_text(123456) == "123,456"


def test_a_notebook_shows_what_is_escaped():
    html = one()._repr_html_()
    for piece in (
        "Is a &lt; b?",
        "&lt;b&gt;",
        "12,345",
        "1.5 ± 0.707",
        "It is, &amp; more.",
        "<li>Only if a &gt; 0.</li>",
    ):
        assert piece in html
    assert "<b>" not in html
    assert "<ul>" not in one(notes=())._repr_html_()


def test_experiments_are_equal_whatever_draws_them():
    assert one() == one(draw=print, data={})
    assert one() != one(finding="It is not.")


# --------------------------------------------------------------------------------------------------- of all together


@pytest.mark.parametrize("name", QUICK)
def test_it_shows_a_table_and_its_claims(run, name):
    found = run(name)
    assert found.rows and all(len(row) == len(found.columns) for row in found.rows)
    assert found.finding and found.notes and found.title.endswith("?")
    for text in (str(found), found._repr_html_()):
        assert all(claim in text for claim in found.claims)
        assert "nan" not in text


@pytest.mark.parametrize("name", QUICK)
def test_it_draws_its_panels_in_the_style_in_use(run, pyplot, name):
    with pyplot.style.context("dark_background"):
        figure = run(name).plot()
        figure.draw_without_rendering()
    assert figure.axes[0].get_facecolor()[:3] == (0, 0, 0) and figure.axes[0].title.get_color() == "white"
    assert not pyplot.get_fignums()
    titles = [axes.get_title(loc="left") for axes in figure.axes if axes.get_label() != "<colorbar>"]
    assert len(titles) >= 2 and all(titles)
    for axes in figure.axes:
        assert axes.lines or axes.collections or axes.patches


@pytest.mark.parametrize("name", ["learning_rates", "stopping"])
def test_the_same_arguments_give_the_same_numbers(name):
    small = {
        "learning_rates": {"factors": (0.5, 1.05), "steps": 10, "seeds": 1, "samples": 20},
        "stopping": {"epochs": (2,), "thresholds": (1.0,), "seeds": 1, "samples": 32, "validation": 10},
    }[name]
    function = getattr(nn.experiments, name)
    assert function(**small) == function(**small)


def test_seeds_are_a_number_or_a_list():
    assert seeds_of("f", 2) == seeds_of("f", range(2)) == seeds_of("f", np.array([0, 1])) == (0, 1)
    found = nn.experiments.initializations((1,), seeds=[3, 0], samples=20, epochs=1)
    alone = nn.experiments.initializations((1,), seeds=[3], samples=20, epochs=1)
    np.testing.assert_array_equal(found.data["loss"][:1], alone.data["loss"])


def test_a_trial_begins_anew_with_the_weights_of_another_model():
    ((x, y),) = digits("trial", 0, 30)
    model, other = (nn.MLP([64, 5, 10], "tanh", rng=seed) for seed in (0, 1))
    alone = Trial(nn.MLP([64, 5, 10], "tanh", rng=1), nn.cross_entropy, nn.SGD(other.parameters(), lr=0.1))
    trial = Trial(model, nn.cross_entropy, nn.SGD(model.parameters(), lr=0.1))
    trial.restart(0.1, other.state_dict())
    trial.step(x, y)
    trial.restart(0.1)
    assert trial.value(x, y) == alone.value(x, y)


def test_a_trial_starts_over_from_the_same_weights_with_nothing_remembered():
    ((x, y),) = digits("trial", 0, 30)
    model = nn.MLP([64, 5, 10], "tanh", rng=0)
    trial = Trial(model, nn.cross_entropy, nn.Adam(model.parameters()))
    runs = []
    for rate in (0.1, 0.5, 0.1):
        trial.restart(rate)
        runs.append(trial.descend(x, y, 5))
    np.testing.assert_array_equal(runs[0], runs[2])
    assert runs[0][0] == runs[1][0] and runs[0][-1] != runs[1][-1]


EXTREME = {
    "learning_rates": {"factors": (1e300, 0.5), "steps": 5, "seeds": 1, "samples": 20},
    "adaptive_rates": {"rates": (1e200,), "steps": 2, "seeds": 1, "samples": 20},
    "initializations": {"depths": (1,), "samples": 20, "epochs": 1, "seeds": 1, "rates": (1e300,)},
    "batch_modes": {"batch_sizes": (10, 1), "samples": 10, "epochs": 1, "seeds": 1, "rates": (1e200,)},
    "local_minima": {"starts": 2, "steps": 2, "learning_rate": 1e300},
}


@pytest.mark.usefixtures("pyplot")
@pytest.mark.parametrize("name", EXTREME)
def test_rates_however_large_give_a_table_and_a_picture_without_warnings(name):
    """Warnings are errors here."""
    state = np.random.get_state()[1].copy()
    found = getattr(nn.experiments, name)(**EXTREME[name])
    assert str(found)
    found.plot().draw_without_rendering()
    np.testing.assert_array_equal(np.random.get_state()[1], state)


def test_numbers_are_taken_once_and_in_ascending_order():
    assert numbers_of("f", "n", (3.0, 1.0, 3.0), "be", lambda n: True, "()") == (1.0, 3.0)
    assert wholes_of("f", "n", np.array([4, 2]), "()") == [2, 4]
    with pytest.raises(ValueError, match=r"f: n holds 5, but each of its numbers must be a whole number from 1 to 4"):
        wholes_of("f", "n", [5], "(1,)", 4)


# --------------------------------------------------------------------------------------------------- learning rates


def test_R11_a_loss_that_has_reached_its_minimum_does_not_rise_by_rounding():
    data = nn.experiments.learning_rates((0.9,), seeds=[3], steps=600, samples=20, units=1).data
    assert (data["loss"][0] >= 0).all() and (data["rises"][0] == 0).all()


def test_R11_the_edge_of_a_quadratic_is_two_over_its_largest_curvature(run):
    data = run("learning_rates").data
    np.testing.assert_allclose(data["measured_edge"], data["edge"], rtol=0.01)


def test_R11_a_rate_too_large_diverges_and_one_below_the_edge_never_rises(run):
    data = run("learning_rates").data
    below = data["factors"] < 1
    assert (data["rises"][0][:, below] == 0).all()
    assert (data["rises"][0][:, ~below] > 0.5).all()
    ended = data["loss"][0, :, :, -1] / data["loss"][0, :, :, 0]
    assert (ended[:, below] < 1).all() and (ended[:, ~below] > 1).all()


def test_R11_between_half_the_edge_and_the_edge_weights_oscillate_and_the_loss_does_not(run):
    data = run("learning_rates").data
    k = data["factors"].tolist().index(0.95)
    assert (data["crossings"][:, k] > 0.5).all() and (data["rises"][0, :, k] == 0).all()
    assert (data["crossings"][:, data["factors"] < 0.5] == 0).all()


def test_R11_a_rate_too_small_is_slow(run):
    data = run("learning_rates").data
    slow, right = (data["factors"].tolist().index(f) for f in (0.01, 0.5))
    assert (data["needed"][0, :, slow] > 5 * data["needed"][0, :, right]).all()
    assert (data["loss"][1, :, slow, -1] > 2 * data["loss"][1, :, right, -1]).all()


def test_R11_a_network_too_fast_goes_up_and_down_above_its_first_loss(run):
    data = run("learning_rates").data
    assert (data["rises"][1, :, -1] > 0.3).all()
    assert (data["loss"][1, :, -1, -1] > data["loss"][1, :, -1, 0]).all()


def test_R11_a_network_may_learn_beyond_the_edge_of_its_start(run):
    data = run("learning_rates").data
    k = data["factors"].tolist().index(1.05)
    assert (data["loss"][1, :, k, -1] < 0.5 * data["loss"][1, :, k, 0]).all()


def test_R11_a_loss_multiplied_moves_the_rates_of_descent_and_momentum_but_not_adam_s(run):
    data = run("adaptive_rates").data
    names = list(OPTIMIZERS)
    shift = data["best_rate"][:, 1] / data["best_rate"][:, 0]
    for name in ("gradient descent", "momentum 0.9"):
        np.testing.assert_allclose(shift[:, names.index(name)], 0.01)
    for name in ("RMSprop", "Adam"):
        np.testing.assert_allclose(shift[:, names.index(name)], 1)


def test_R11_only_rmsprop_and_adam_give_each_weight_a_rate_of_its_own(run):
    own = np.median(run("adaptive_rates").data["own_rate"], axis=0)
    plain, _, rmsprop, adam = own[:, 2] / own[:, 0]
    np.testing.assert_allclose(own[0], 1, rtol=1e-6)
    assert plain < 1.001 and rmsprop > 5 and adam > 5


def test_R11_the_first_step_of_adam_is_as_long_as_its_rate_whatever_the_gradient():
    for scale in (1.0, 1e6):
        w = nn.Parameter(np.array([3.0, -0.002]))
        optimizer = nn.Adam([w], lr=0.1)
        (scale * (w * w).sum()).backward()
        before = w.data.copy()
        optimizer.step()
        np.testing.assert_allclose(np.abs(w.data - before), 0.1, rtol=1e-4)


def test_R11_decades_that_work_are_counted(run):
    data = run("adaptive_rates").data
    assert (data["works"] == (data["loss"] < 0.5)).all()
    np.testing.assert_allclose(data["decades"], data["works"].sum(axis=-1))  # rates a decade apart


def test_R11_a_best_rate_at_the_end_of_those_tried_is_said_to_be_one(run):
    found = nn.experiments.adaptive_rates((1.0, 0.1), steps=5, seeds=1, samples=20, threshold=100)
    assert "may lie beyond, for: gradient descent" in found.finding
    assert (found.data["decades"] <= found.data["tried"]).all() and found.data["tried"] == 2
    assert "may lie beyond" not in run("adaptive_rates").finding.replace("may lie beyond, for: RMSprop.", "")


# ------------------------------------------------------------------------------------------------- the first weights

START = {name: i for i, name in enumerate(INITIALIZERS)}
EQUAL = [START["zeros"], START["constant 0.1"]]
DRAWN = [i for i in START.values() if i not in EQUAL]


def test_R9_units_that_start_equal_stay_equal(run):
    data = run("initializations").data
    assert (data["weight_difference"][..., EQUAL] == 0).all()
    assert (data["gradient_difference"][..., EQUAL] < 1e-12).all()
    assert (data["trained_difference"][..., EQUAL] < 1e-6).all()
    assert (data["trained_difference"][..., DRAWN] > 0.005).all()


def test_R9_units_that_stay_equal_learn_less(run):
    loss = run("initializations").data["loss"][:, 0]
    assert (loss[:, EQUAL].min(axis=1) > 2 * loss[:, START["Xavier"]]).all()


def test_R9_large_weights_saturate_the_units(run):
    saturated = run("initializations").data["saturated"]
    assert (saturated[..., START["uniform ±5"]] > 0.3).all()
    assert (np.delete(saturated, START["uniform ±5"], axis=-1) < 0.01).all()


def test_R9_small_weights_are_right_for_one_hidden_layer_and_lose_the_gradient_in_three(run):
    data, small, xavier = run("initializations").data, START["uniform ±0.01"], START["Xavier"]
    gradient, loss = data["first_gradient"], data["loss"]
    assert (gradient[:, 1, small] < 1e-3 * gradient[:, 0, small]).all()
    assert (gradient[:, 1, small] < 1e-3 * gradient[:, 1, xavier]).all()
    assert (loss[:, 0, small] < 2.0).all() and (loss[:, 1, small] > 2.2).all()


def test_R9_with_zeros_only_the_last_bias_of_a_tanh_or_relu_network_has_a_gradient(run):
    sigmoid, tanh, relu = run("initializations").data["zero_gradients"].tolist()
    assert sigmoid == [2, 2] and tanh == relu == [1, 1]


# ---------------------------------------------------------------------------------------------------------- modes


def test_Y12_small_batches_come_first_by_samples_and_large_ones_by_updates(run):
    data = run("batch_modes").data
    samples, updates = data["samples_needed"], data["updates_needed"]
    assert (np.diff(samples, axis=1) > 0).all() and (np.diff(updates, axis=1) < 0).all()
    np.testing.assert_array_equal(samples[:, -1], 100 * updates[:, -1])


def test_Y12_after_equal_samples_stochastic_and_mini_batches_have_the_lower_loss(run):
    end = run("batch_modes").data["loss"][:, :, -1]
    assert (end[:, 0] < end[:, 2]).all() and (end[:, 1] < end[:, 2]).all()


def test_Y12_the_noise_of_a_gradient_falls_with_the_root_of_the_batch_size(run):
    noise = run("batch_modes").data["first_noise"]
    law = np.sqrt((100 - 10) / (10 * 99))
    assert ((0.4 * law < noise[:, 1] / noise[:, 0]) & (noise[:, 1] / noise[:, 0] < 2.5 * law)).all()
    assert (noise[:, 2] < 1e-10).all()


def test_Y12_updates_from_few_samples_raise_the_loss_of_all_more_often(run):
    rises = run("batch_modes").data["rises"].mean(axis=0)
    assert rises[0] > rises[2] and rises[1] > rises[2]


def test_Y12_each_mode_has_the_rate_that_served_it_best(run):
    data = run("batch_modes").data
    np.testing.assert_array_equal(data["rate"], data["rates"][data["tried"].argmin(axis=1)])


def test_losses_are_taken_at_equal_numbers_of_samples():
    found = nn.experiments.batch_modes((7, 30), samples=30, epochs=2, seeds=1, rates=(0.3,))
    loss = found.data["loss"][0]
    assert loss.shape == (2, 21) and len(found.data["seen"]) == 21
    assert len(set(loss[1].tolist())) == 3  # the first, and one after each of two updates
    assert loss[1, 9] == loss[1, 0] and loss[1, 10] != loss[1, 9]


def test_one_batch_size_is_not_compared_with_itself():
    for size in (7, 20):
        finding = nn.experiments.batch_modes((size,), samples=20, epochs=1, seeds=1, rates=(0.3,)).finding
        assert finding.count(f"with batches of {size}") == 1 + (size < 20) and "first" not in finding


# --------------------------------------------------------------------------------------------------------- minima


def test_Y5_the_error_has_local_minima_of_different_depth(run):
    data = run("local_minima").data
    least = data["minimum"]
    assert least.sum() == 4
    assert (data["gradients"][least] < 1e-5).all() and (data["eigenvalues"][least] > 0.01).all()
    levels = np.sort(data["errors"][least])
    assert levels[-1] > 1.2 * levels[0]
    assert data["kinds"][:4] == ("global minimum", "global minimum", "local minimum", "local minimum")


def test_Y5_each_minimum_has_the_mirror_image_of_exchanged_units(run):
    data = run("local_minima").data
    minima = data["points"][data["minimum"]]
    for w in minima:
        assert np.linalg.norm(minima - w[::-1], axis=1).min() < 1e-3


def test_Y5_the_error_is_not_convex(run):
    assert (run("local_minima").data["curvature"] < 0).any()


def test_Y5_who_starts_with_equal_weights_ends_in_a_saddle(run):
    data = run("local_minima").data
    equal = data["starts"][:, 0] == data["starts"][:, 1]
    kinds = {data["kinds"][k] for k in data["point"][equal]}
    assert kinds == {"saddle"}
    saddle = data["kinds"].index("saddle")
    assert data["eigenvalues"][saddle, 0] < 0 < data["eigenvalues"][saddle, 1]


def test_no_place_near_a_minimum_is_lower(run):
    data = run("local_minima").data
    angles = np.linspace(0, 2 * np.pi, 16)
    around = 0.05 * np.stack([np.cos(angles), np.sin(angles)])
    for w, error in zip(data["points"][data["minimum"]], data["errors"][data["minimum"]], strict=True):
        assert (errors_of(w[:, None] + around, INPUTS[:, None], TARGETS[:, None]) > error).all()


def test_many_networks_at_once_are_each_its_own():
    W = np.random.default_rng(0).normal(size=(2, 5))
    together = TwoWeights(W)(INPUTS[:, None]).numpy()
    for k in range(5):
        hidden = nn.Linear(1, 2, bias_initializer=nn.init.ones)
        hidden.weight.data = W[:, k, None]
        output = nn.Linear(2, 1, bias=False, initializer=nn.init.ones)
        alone = nn.Sequential(hidden, nn.Tanh(), output)(INPUTS[:, None]).numpy()
        np.testing.assert_allclose(together[:, k], alone[:, 0])


def test_Y5_linear_units_have_no_local_minimum_beside_the_best(run):
    """What the note says: E of w1 and w2 in series is not convex, and its only other point at rest is a saddle."""
    error = lambda w: (w[0] * w[1] - 1.0) ** 2 / 2  # noqa: E731
    values = np.linalg.eigvalsh(ag.hessian(error)(np.zeros(2)))
    np.testing.assert_allclose(ag.grad(error)(np.zeros(2)), 0)
    assert values[0] < 0 < values[1]
    assert any("linear units" in note for note in run("local_minima").notes)


def test_a_descent_that_has_not_come_to_rest_is_no_minimum():
    found = nn.experiments.local_minima(starts=3, steps=1)
    assert (found.data["point"] == -1).all() and not found.data["minimum"].any()
    assert found.rows[-1][0] == "not at rest, or flat"
    assert found.finding.startswith("No minima were found. Of 9 starts 100 % end not at rest")


@pytest.mark.parametrize("target", [0.5, 5.0])
def test_neither_a_valley_nor_a_plateau_is_a_minimum(target):
    """One sample and two weights: E is 0 along a curve, or falls for ever; rounding alone makes curvatures positive."""
    found = nn.experiments.local_minima([1.0], [target], starts=4)
    assert not found.data["minimum"].any() and [row[0] for row in found.rows] == ["not at rest, or flat"]


@pytest.mark.usefixtures("pyplot")
def test_an_error_that_is_one_number_everywhere_is_not_called_non_convex_and_is_drawn():
    found = nn.experiments.local_minima([0.0], [0.5], starts=3, steps=2)
    assert "not convex" not in found.finding
    found.plot().draw_without_rendering()


# -------------------------------------------------------------------------------------------------------- momentum


def variants(data, name):
    return [k for k, (called, _, _) in enumerate(data["variants"]) if called == name]


def test_Y16_momentum_ends_in_the_global_minimum_more_often(run):
    data = run("momentum").data
    share = data["found"].mean(axis=(0, 2))
    assert len(data["problems"]) >= 5
    assert share[variants(data, "same α")[0]] > share[0] + 0.02


def test_Y16_steps_as_long_without_momentum_do_not_do_the_same(run):
    data = run("momentum").data
    share = data["found"].mean(axis=(0, 2))
    assert share[variants(data, "same α")[0]] > share[variants(data, "plain, α / (1 - μ)")[0]]


def test_Y16_momentum_does_not_always_help(run):
    data = run("momentum").data
    momentum, plain = data["found"][:, 1:2].mean(axis=-1), data["found"][:, :1].mean(axis=-1)
    assert (momentum <= plain).any() and momentum.min() < 1  # on some errors nothing is gained, and minima remain


def test_Y16_momentum_s_steps_are_longer_unless_its_rate_is_made_smaller(run):
    data = run("momentum").data
    plain, same, effective = (data["step"][:, variants(data, n)[0]] for n in ("plain", "same α", "same α / (1 - μ)"))
    assert (same > 1.5 * plain).all()
    assert (effective < 1.5 * plain).all()


def test_the_problems_are_chosen_by_other_starts_than_those_measured(run):
    """Chosen by the same ones, plain descent would miss the global minimum in every problem."""
    data = run("momentum").data
    assert data["tried"] == 40 and set(data["problems"]) < set(range(40))
    assert (data["found"][:, 0].all(axis=-1)).any() and not data["found"][:, 0].all()
    x, y, begins, others = _draw_error(int(data["problems"][0]), 16)
    assert x.shape == y.shape == (4, 16) and begins.shape == others.shape == (2, 16)
    assert not np.isin(begins, others).any()
    ends, _ = _descend(others[:, None], x[:, None], y[:, None], 0.2, 0.0, QUICK["momentum"]["steps"])
    assert _several_levels(ends, x[:, None], y[:, None]).all()


# -------------------------------------------------------------------------------------------------------- stopping


def test_R12_training_on_costs_more_than_the_best_weights(run):
    data = run("stopping").data
    longest, best = data["names"].index("30 epochs"), len(data["names"]) - 2
    assert (data["loss"][:, longest] > data["loss"][:, best]).all()
    assert (data["training_loss"][:, longest] < data["training_loss"][:, best]).all()


def test_R12_the_validation_loss_stops_when_it_rises_and_brings_the_best_weights_back(run):
    data = run("stopping").data
    used, kept = data["used"][:, -2], data["kept"][:, -2]
    np.testing.assert_array_equal(used - kept, 10)  # the patience
    for curves, epoch, last in zip(data["curves"], kept.astype(int), used.astype(int), strict=True):
        assert curves[1][:last].argmin() + 1 == epoch
    on_others = [curves[2][int(epoch) - 1] for curves, epoch in zip(data["curves"], kept, strict=True)]
    np.testing.assert_allclose(data["loss"][:, -2], on_others)


def test_R12_the_last_weights_are_those_of_the_epochs_that_were_too_many(run):
    data = run("stopping").data
    last = [curves[2][int(epoch) - 1] for curves, epoch in zip(data["curves"], data["used"][:, -1], strict=True)]
    np.testing.assert_allclose(data["loss"][:, -1], last)
    assert data["loss"][:, -2].mean() < data["loss"][:, -1].mean()


def test_R12_a_threshold_stops_when_the_training_loss_is_below_it(run):
    data = run("stopping").data
    w = data["names"].index("training loss below 1")
    assert (data["training_loss"][:, w] < 1).all() and (data["used"][:, w] < 30).all()


def test_R12_a_fixed_number_of_epochs_is_trained(run):
    data = run("stopping").data
    assert (data["used"][:, 0] == 3).all() and (data["used"][:, 1] == 30).all()
