"""A history: its text, its JSON, and its pictures."""

import copy
import json
import math
import os
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest

import nn
from nn import History

EPOCHS = np.arange(1, 31)
NAN, INF = math.nan, math.inf


def full(**changes):
    """Return a history that has everything."""
    training, validation = np.exp(-EPOCHS / 5), np.exp(-EPOCHS / 8) + 0.001 * EPOCHS
    parts = {
        "loss": training.tolist(),
        "validation_loss": validation.tolist(),
        "metrics": {"accuracy": (1 - training).tolist(), "f1": (1 - validation).tolist()},
        "learning_rates": [0.1 * 0.5 ** (i // 10) for i in range(30)],
        "gradient_norms": {
            f"{layer}.{kind}": (size * part * training).tolist()
            for layer, size in (("0", 0.01), ("2", 0.1), ("4", 1.0))
            for kind, part in (("weight", 4), ("bias", 3))
        },
        "best_epoch": 28,
        "stopped_by": "validation",
        "uncompiled": "because",
        "seconds": 1.5,
    }
    return History(**parts | changes)


# ----------------------------------------------------------------------------------------------------------- text


@pytest.mark.parametrize(
    ("history", "text"),
    [
        (History(), "History(0 epochs)"),
        (History(loss=[0.5]), "History(1 epoch; loss 0.5)"),
        (History(loss=[0.5, 0.00012345]), "History(2 epochs; loss 0.5 to 0.0001234)"),
        (History(loss=[0.5, NAN], stopped_by="error"), "History(2 epochs; loss 0.5 to nan; stopped by an error)"),
        (
            History(loss=[3, 2, 1], validation_loss=[2.5, 1.5, 2.0], best_epoch=2, stopped_by="interrupt"),
            "History(3 epochs; loss 3 to 1; validation loss 2, best 1.5 in epoch 2; interrupted)",
        ),
        (
            History(loss=[3, 2], metrics={"accuracy": [0.5, 0.75], "r2": []}, stopped_by="loss"),
            "History(2 epochs; loss 3 to 2; accuracy 0.75; stopped by the training loss)",
        ),
        (History(loss=[1], validation_loss=[2], best_epoch=7), "History(1 epoch; loss 1; validation loss 2)"),
    ],
)
def test_its_repr_is_one_short_line(history, text):
    assert repr(history) == text


def test_a_training_s_history_says_how_it_ended():
    X, y = np.arange(20.0).reshape(10, 2) / 20, np.ones((10, 1))
    model = nn.MLP([2, 1], rng=0)
    optimizer = nn.SGD(model.parameters(), 0.1)
    history = nn.fit(model, (X, y), loss=nn.squared_error, optimizer=optimizer, epochs=50, stop_below=0.05)
    assert history.epochs == len(history.loss) < 50
    assert repr(history) == (
        f"History({history.epochs} epochs; loss {history.loss[0]:.4g} to {history.loss[-1]:.4g}; "
        "stopped by the training loss)"
    )


def test_a_notebook_shows_the_first_the_best_and_the_last_epoch():
    html = full(metrics={"<b>": [0.125] * 30})._repr_html_()
    for piece in ("first: epoch 1", "best: epoch 28", "last: epoch 30", "validation loss", "&lt;b&gt;", "0.125"):
        assert piece in html
    assert "<b>" not in html
    for epoch, name in ((1, "loss"), (30, "loss")):
        assert f"<td>{getattr(full(), name)[epoch - 1]:.4g}</td>" in html
    assert "best" not in full(best_epoch=None)._repr_html_().split("<table>")[1]
    assert History()._repr_html_() == "<p>History(0 epochs)</p>"


# ----------------------------------------------------------------------------------------------------------- JSON

ODD = History(
    loss=[0.1, NAN, INF, -INF, 5e-324, 1.7976931348623157e308, -0.0],
    metrics={"r2": [1 / 3, NAN]},
    gradient_norms={"0.weight": [], "": [2.0**-1074]},
    seconds=INF,
)


@pytest.mark.parametrize("history", [History(), full(), ODD, full(best_epoch=None, uncompiled=None)])
def test_it_passes_through_json_to_the_last_bit(history):
    text = json.dumps(history.as_dict(), allow_nan=False)
    again = History.from_dict(json.loads(text))
    assert type(again) is History and json.dumps(again.as_dict()) == text
    assert repr(vars(again)) == repr(vars(history))  # NaN is not equal to itself, -0.0 is equal to 0.0
    assert all(type(v) is float for v in again.loss)


def test_numbers_of_numpy_pass_through_json():
    history = History(loss=[np.float64(0.1), np.float32(0.1)], best_epoch=np.int64(2), metrics={"n": [np.int32(3)]})
    again = History.from_dict(json.loads(json.dumps(history.as_dict())))
    assert again == history and type(again.best_epoch) is int
    assert again.loss[1] == float(np.float32(0.1))


def test_what_as_dict_returns_is_a_copy():
    history = full()
    described = history.as_dict()
    again = History.from_dict(described)
    described["loss"].append(1.0)
    described["metrics"]["accuracy"].clear()
    assert history == again == full()


def test_a_history_of_fewer_parts_can_be_read():
    assert History.from_dict({"loss": [1, "nan"], "best_epoch": None}).epochs == 2


@pytest.mark.parametrize(
    "data",
    [
        None,
        3,
        [],
        {"loss": 3},
        {"loss": "123"},
        {"loss": ["a"]},
        {"loss": [None]},
        {"metrics": [1.0]},
        {"metrics": {"a": 1.0}},
        {"metrics": {"a": "123"}},
        {"best_epoch": 1.5},
        {"best_epoch": "1"},
        {"stopped_by": None},
        {"stopped_by": 3},
        {"uncompiled": 3},
        {"seconds": None},
        {"unknown": 1},
        {1: 1},
    ],
    ids=repr,
)
def test_what_describes_no_history_is_an_error(data):
    with pytest.raises(
        ValueError, match=r"History\.from_dict: data is .*must be what as_dict\(\) of a History returned"
    ):
        History.from_dict(data)


def test_it_can_be_copied_and_pickled():
    assert pickle.loads(pickle.dumps(full())) == copy.deepcopy(full()) == full()


# ------------------------------------------------------------------------------------------------------- pictures


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


def panels(figure):
    """Draw the figure; return its panels by their titles."""
    figure.canvas.draw()
    return {axes.get_title(loc="left"): axes for axes in figure.axes}


def curve(axes, label):
    return next(line.get_ydata() for line in axes.lines if line.get_label() == label)


def names(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


@pytest.mark.usefixtures("pyplot")
def test_every_part_has_its_panel_and_its_numbers():
    history = full()
    found = panels(history.plot())
    assert list(found) == ["loss", "metrics", "gradient norm by layer", "learning rate"]
    np.testing.assert_array_equal(curve(found["loss"], "training"), history.loss)
    np.testing.assert_array_equal(curve(found["loss"], "validation"), history.validation_loss)
    np.testing.assert_array_equal(curve(found["metrics"], "f1"), history.metrics["f1"])
    np.testing.assert_array_equal(found["learning rate"].lines[0].get_ydata(), history.learning_rates)
    for axes in found.values():
        np.testing.assert_array_equal(axes.lines[0].get_xdata(), EPOCHS)


@pytest.mark.usefixtures("pyplot")
def test_Y15_R13_a_layer_has_the_norm_of_its_parameters_together():
    axes = panels(full().plot())["gradient norm by layer"]
    for label, size in (("layer 0", 0.01), ("layer 2", 0.1), ("layer 4", 1.0)):
        np.testing.assert_allclose(curve(axes, label), size * 5 * np.exp(-EPOCHS / 5), rtol=1e-12)
    assert axes.get_yscale() == "log"


@pytest.mark.usefixtures("pyplot")
def test_the_best_epoch_is_marked_where_there_is_one():
    found = panels(full().plot())
    for title in ("loss", "metrics"):
        assert names(found[title])[-1] == "best: epoch 28"
        assert set(curve(found[title], "best: epoch 28")) == {0, 1}  # from the bottom to the top
    assert not any("best" in name for name in names(panels(full(best_epoch=None).plot())["loss"]))


@pytest.mark.usefixtures("pyplot")
@pytest.mark.parametrize(
    ("loss", "scale"),
    [([1.0, 0.11], "linear"), ([1.0, 0.09], "log"), ([1.0, 0.0], "linear"), ([1.0, -3.0], "linear"), ([2.0], "linear")],
)
def test_a_panel_is_logarithmic_if_its_values_span_more_than_a_decade_above_0(loss, scale):
    assert panels(History(loss=loss).plot())["loss"].get_yscale() == scale


@pytest.mark.usefixtures("pyplot")
def test_parts_that_are_missing_have_no_panel():
    assert list(panels(History(loss=[1.0, 0.5]).plot())) == ["loss"]
    one = History(loss=[1.0, 0.5], metrics={"accuracy": [0.1, 0.2], "f1": []}, learning_rates=[0.1, 0.1])
    assert list(panels(one.plot())) == ["loss", "accuracy"]
    assert names(panels(one.plot())["loss"]) == ["training"]
    norms = History(loss=[1.0], gradient_norms={"weight": [3.0], "bias": [4.0]})
    assert curve(panels(norms.plot())["gradient norm by layer"], "the model").tolist() == [5]


@pytest.mark.usefixtures("pyplot")
def test_no_epoch_and_nothing_finite_are_said_in_words():
    for history, text in (
        (History(gradient_norms={"0.weight": []}), "no epochs"),
        (History(loss=[NAN, INF]), "nothing finite"),
    ):
        (axes,) = panels(history.plot()).values()
        assert [t.get_text() for t in axes.texts] == [text]


@pytest.mark.usefixtures("pyplot")
def test_values_that_are_not_finite_are_gaps_and_a_lonely_one_between_them_is_a_dot():
    loss = [1.0] * 25 + [NAN, 2.0, INF, 1.0, 1.0]
    (axes,) = panels(History(loss=loss, validation_loss=[NAN] * 30).plot()).values()
    drawn = curve(axes, "training")
    np.testing.assert_array_equal(np.isfinite(drawn), np.isfinite(loss))
    assert axes.lines[0].get_marker() == "o"
    assert names(axes) == ["training", "validation: nothing finite"]
    assert panels(full().plot())["loss"].lines[0].get_marker() == "None"


@pytest.mark.usefixtures("pyplot")
def test_one_epoch_is_a_dot_over_its_number():
    (axes,) = panels(History(loss=[0.5]).plot()).values()
    low, high = axes.get_xlim()
    assert [tick for tick in axes.get_xticks() if low <= tick <= high] == [1]
    assert axes.lines[0].get_marker() == "o"


@pytest.mark.usefixtures("pyplot")
def test_a_layer_without_a_gradient_is_named_and_not_drawn():
    norms = {"0.weight": [0.0, 0.0], "2.weight": [1.0, 0.5]}
    axes = panels(History(loss=[1.0, 0.5], gradient_norms=norms).plot())["gradient norm by layer"]
    assert names(axes) == ["layer 0: always 0", "layer 2"]


@pytest.mark.usefixtures("pyplot")
def test_many_layers_have_shades_in_their_order_and_some_names_beside_the_lines():
    norms = {f"{i}.weight": [0.5**i, 0.4**i] for i in range(30)}
    axes = panels(History(loss=[1.0, 0.5], gradient_norms=norms).plot())["gradient norm by layer"]
    assert len(axes.lines) == 30 and len({line.get_color() for line in axes.lines}) == 30
    assert names(axes) == ["layer 29", "layer 24", "layer 18", "layer 12", "layer 6", "layer 0"]
    assert axes.get_legend().get_window_extent().x0 >= axes.get_window_extent().x1


def test_it_is_drawn_in_the_colours_of_the_style(pyplot):
    with pyplot.style.context("dark_background"):
        figure = full().plot()
        found = panels(figure)
    assert figure.get_facecolor() == (0, 0, 0, 1)
    mark = next(line for line in found["loss"].lines if str(line.get_label()).startswith("best"))
    assert mark.get_color() == "white"
    settings = dict(pyplot.rcParams)
    full().plot()
    assert dict(pyplot.rcParams) == settings


def test_no_figure_is_kept_where_no_window_can_show_it(pyplot, monkeypatch, tmp_path):
    figure = full().plot()
    assert pyplot.get_fignums() == []
    figure.savefig(tmp_path / "history.png")
    assert (tmp_path / "history.png").stat().st_size > 10_000
    monkeypatch.setattr(pyplot, "get_backend", lambda: "qtagg")
    figure = full().plot()
    assert [pyplot.figure(n) for n in pyplot.get_fignums()] == [figure]


def test_without_matplotlib_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"History\.plot: .*pip install 'autograd-mini\[plot\]'"):
        full().plot()


def test_matplotlib_is_not_imported_before_a_plot_is_asked_for():
    code = "import sys, nn; repr(nn.History()); sys.exit('matplotlib' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0


def test_rows_are_a_table_of_what_there_is_of_each_epoch():
    history = nn.History(loss=[2.0, 1.0], validation_loss=[3.0, 2.0], metrics={"r2": [0.1, 0.2]}, learning_rates=[0.5])
    assert history.rows() == [
        {"epoch": 1, "loss": 2.0, "validation_loss": 3.0, "learning_rate": 0.5, "r2": 0.1},
        {"epoch": 2, "loss": 1.0, "validation_loss": 2.0, "r2": 0.2},
    ]
    assert nn.History().rows() == []
