"""fit: its three modes, its three ways to stop, what it records, and what happens when something goes wrong."""

import copy
import functools
import io
import sys

import numpy as np
import pytest
from rich.console import Console

import autograd_mini as ag
import nn
from nn.data import batches

rng = np.random.default_rng(0)
X = rng.normal(size=(10, 3))
Y = rng.normal(size=(10, 2))


def make(seed=0, **options):
    return nn.MLP([3, 5, 2], "tanh", rng=seed, **options)


def fit(model, data=(X, Y), *, lr=0.1, momentum=0.0, loss=nn.squared_error, compile=False, **options):
    optimizer = nn.SGD(model.parameters(), lr, momentum)
    return nn.fit(model, data, loss=loss, optimizer=optimizer, compile=compile, **options)


def same_weights(a, b):
    a, b = (m.state_dict() if isinstance(m, nn.Module) else m for m in (a, b))
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


# ----------------------------------------------------------------------------------------------- the three modes


def test_Y3_Y12_batch_mode_is_gradient_descent_to_the_last_bit():
    model, by_hand = make(), make()
    history = fit(model, lr=0.2, momentum=0.5, epochs=5, batch_size=None)
    optimizer, losses = nn.SGD(by_hand.parameters(), lr=0.2, momentum=0.5), []
    for _ in range(5):
        optimizer.zero_grad()
        loss = nn.squared_error(by_hand(X), Y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert same_weights(model, by_hand)
    assert history.loss == pytest.approx(losses, rel=1e-15)


@pytest.mark.parametrize("batch_size", [1, 4, 10, 32])
def test_Y12_stochastic_and_mini_batches_take_a_step_for_each_batch_in_the_order_of_the_seed(batch_size):
    model, by_hand, order = make(), make(), np.random.default_rng(7)
    fit(model, epochs=3, batch_size=batch_size, rng=7)
    optimizer = nn.SGD(by_hand.parameters(), lr=0.1)
    for _ in range(3):
        for rows in batches(10, batch_size, order):
            optimizer.zero_grad()
            nn.squared_error(by_hand(X[rows]), Y[rows]).backward()
            optimizer.step()
    assert same_weights(model, by_hand)


def test_the_same_seed_gives_the_same_run_bit_for_bit_and_another_another():
    runs = []
    for seed in (3, 3, 4, np.random.default_rng(3)):
        model = make()
        history = fit(model, epochs=4, batch_size=3, rng=seed, validation=(X[:5], Y[:5]))
        runs.append((model, history))
    (first, h0), (again, h1), (other, h2), (from_generator, _) = runs
    assert same_weights(first, again) and same_weights(first, from_generator) and not same_weights(first, other)
    assert (h0.loss, h0.validation_loss, h0.gradient_norms) == (h1.loss, h1.validation_loss, h1.gradient_norms)
    assert h0.loss != h2.loss


def test_the_seed_is_0_by_default():
    a, b = make(), make()
    fit(a, epochs=2, batch_size=3)
    fit(b, epochs=2, batch_size=3, rng=0)
    assert same_weights(a, b)


def test_the_last_smaller_batch_weighs_by_its_samples():
    seen = []

    def loss(o, y):
        value = nn.squared_error(o, y)
        seen.append((len(y), value.item()))
        return value

    history = fit(make(), loss=loss, epochs=2, batch_size=4)
    assert [n for n, _ in seen] == [4, 4, 2] * 2
    for epoch, found in enumerate(history.loss):
        part = seen[3 * epoch : 3 * epoch + 3]
        assert found == pytest.approx(sum(n * value for n, value in part) / 10, rel=1e-14)


def test_M8_with_a_rate_of_almost_0_the_loss_of_mini_batches_is_that_of_the_whole():
    model = make()
    whole = nn.squared_error(nn.evaluate(model, X), Y)
    assert fit(model, lr=1e-300, epochs=1, batch_size=3).loss == pytest.approx([whole], rel=1e-14)


@pytest.mark.parametrize("batch_size", [1, 4, None])
def test_every_mode_learns(batch_size):
    history = fit(make(), epochs=60, batch_size=batch_size)
    assert len(history.loss) == 60 and history.loss[-1] < history.loss[0] / 3


# ------------------------------------------------------------------------------------------- the ways to stop


def overfit(**options):
    """A network that learns noise by heart: its validation loss falls, then rises."""
    noise = np.random.default_rng(1)
    x, x_held = noise.normal(size=(12, 2)), noise.normal(size=(40, 2))
    f = lambda x: x[:, :1] + 0.7 * noise.normal(size=(len(x), 1))  # noqa: E731
    model, held = nn.MLP([2, 20, 1], "tanh", rng=0), (x_held, f(x_held))
    history = fit(model, (x, f(x)), lr=0.1, momentum=0.9, batch_size=4, validation=held, **options)
    return model, history, held


def test_R12_fixed_epochs():
    history = fit(make(), epochs=7)
    assert len(history.loss) == 7 and history.stopped_by == "epochs" and history.best_epoch is None
    assert history.validation_loss == [] and history.metrics == {}


def test_R12_training_loss_below_a_threshold():
    full = fit(make(), epochs=100)
    threshold = 0.5 * (full.loss[40] + full.loss[41])
    history = fit(make(), epochs=100, stop_below=threshold)
    assert history.stopped_by == "loss"
    assert history.loss == full.loss[: len(history.loss)]
    assert history.loss[-1] < threshold <= min(history.loss[:-1])
    assert fit(make(), epochs=3, stop_below=0.0).stopped_by == "epochs"


@pytest.mark.parametrize("patience", [1, 5, 20])
def test_R12_rising_validation_error_stops_and_the_best_weights_come_back(patience):
    model, history, (x, y) = overfit(epochs=1000, patience=patience)
    losses = history.validation_loss
    assert history.stopped_by == "validation"
    assert history.best_epoch == 1 + int(np.argmin(losses))
    assert len(losses) == len(history.loss) == history.best_epoch + patience < 1000
    assert all(later > min(losses) for later in losses[history.best_epoch :])  # it had risen since
    assert nn.squared_error(nn.evaluate(model, x), y) == min(losses)  # to the last bit


def test_R12_the_best_weights_come_back_without_patience_too_and_after_a_threshold():
    model, history, (x, y) = overfit(epochs=60)
    assert history.stopped_by == "epochs" and history.best_epoch < 60 == len(history.loss)
    assert nn.squared_error(nn.evaluate(model, x), y) == min(history.validation_loss)
    model, history, (x, y) = overfit(epochs=60, stop_below=sorted(history.loss)[3])
    assert history.stopped_by == "loss" and history.best_epoch < len(history.loss) < 60
    assert nn.squared_error(nn.evaluate(model, x), y) == min(history.validation_loss)


def test_validation_does_not_change_the_steps():
    with_validation, without = make(), make()
    history = fit(with_validation, epochs=5, batch_size=3, validation=(X, Y))
    assert history.best_epoch == 5  # the last, since it is the training data
    fit(without, epochs=5, batch_size=3)
    assert same_weights(with_validation, without)


def test_no_epochs_leave_the_model_as_it_is():
    model = make()
    before = model.state_dict()
    history = fit(model, epochs=0, validation=(X, Y), patience=3)
    assert same_weights(model, before) and history.loss == [] and history.stopped_by == "epochs"
    assert history.gradient_norms == {name: [] for name in before}


# ---------------------------------------------------------------------------------------------- what it records


def test_gradient_norms_by_parameter_and_epoch():
    model, by_hand = make(), make()
    history = fit(model, epochs=1, batch_size=None)
    nn.squared_error(by_hand(X), Y).backward()
    assert history.gradient_norms == {
        name: [pytest.approx(np.sqrt(np.sum(p.grad**2)), rel=1e-14)] for name, p in by_hand.named_parameters()
    }
    history = fit(make(), lr=1e-300, epochs=2, batch_size=1)  # the mean over the batches, here of equal weights
    norms = []
    for i in range(10):
        by_hand.zero_grad()
        nn.squared_error(by_hand(X[i : i + 1]), Y[i : i + 1]).backward()
        norms.append([np.linalg.norm(p.grad) for p in by_hand.parameters()])
    assert [values[1] for values in history.gradient_norms.values()] == pytest.approx(np.mean(norms, axis=0), rel=1e-12)


def test_a_parameter_that_is_not_used_has_norm_0():
    model = make()
    model.unused = nn.Parameter([1.0])
    assert fit(model, epochs=2).gradient_norms["unused"] == [0, 0]
    assert model.unused.data.tolist() == [1]


def test_the_metric_is_taken_on_the_validation_set():
    labels = (X[:, 0] > 0).astype(int)
    model = nn.MLP([3, 2], rng=0)
    history = fit(
        model, (X, labels), loss=nn.cross_entropy, lr=1.0, epochs=30, validation=(X, labels), metrics=nn.accuracy
    )
    assert list(history.metrics) == ["accuracy"] and len(history.metrics["accuracy"]) == 30
    assert history.metrics["accuracy"][-1] == nn.accuracy(nn.evaluate(model, X), labels) == 1


def test_seconds_are_counted():
    assert 0 < fit(make(), epochs=1).seconds < 10


def test_the_graph_of_the_last_batch_is_freed():
    kept = []

    def loss(o, y):
        kept.append(nn.squared_error(o, y))
        return kept[-1]

    fit(make(), loss=loss, epochs=1, batch_size=None)
    with pytest.raises(ag.errors.GraphFreedError):
        kept[0].backward()


# --------------------------------------------------------------------------------------------------------- data


@pytest.mark.parametrize("kind", [list, tuple, ag.Tensor], ids=["list", "tuple", "Tensor"])
def test_data_may_be_lists_or_tensors(kind):
    a, b = make(), make()
    fit(
        a, (kind(X.tolist()), kind(Y.tolist())), epochs=2, batch_size=3, validation=[kind(X.tolist()), kind(Y.tolist())]
    )
    fit(b, epochs=2, batch_size=3, validation=(X, Y))
    assert same_weights(a, b)


@pytest.mark.parametrize("dtype", [int, np.uint8, bool])
def test_integer_data_train_like_the_same_numbers_as_floats(dtype):
    x, y = (rng.integers(0, 2, (10, k)).astype(dtype) for k in (3, 2))
    a, b = make(), make()
    fit(a, (x, y), epochs=3, validation=(x, y))
    fit(b, (x.astype(float), y.astype(float)), epochs=3, validation=(x.astype(float), y.astype(float)))
    assert same_weights(a, b)


@pytest.mark.parametrize("data", [np.float64, np.float32, int])
def test_a_float32_model_trains_in_float32_on_any_data(data):
    x, y = (4 * X).astype(data), (4 * Y).astype(data)
    seen = []

    def loss(o, y):
        value = nn.squared_error(o, y)
        seen.append((o.dtype, value.dtype))
        return value

    model = make(dtype=np.float32)
    fit(model, (x, y), loss=loss, lr=0.01, momentum=0.9, epochs=3, validation=(x, y))
    assert {dtype for pair in seen for dtype in pair} == {np.dtype(np.float32)}
    assert all(p.dtype == p.grad.dtype == np.float32 for p in model.parameters())
    twin = make()
    fit(twin, (x, y), lr=0.01, momentum=0.9, epochs=3, validation=(x, y))
    np.testing.assert_allclose(nn.evaluate(model, x), nn.evaluate(twin, x), rtol=1e-3, atol=1e-4)


def test_data_are_left_alone():
    x, y = X.copy(), Y.copy()
    fit(make(), (x, y), epochs=2)
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(y, Y)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ((X, Y[:9]), r"data: the inputs have shape \(10, 3\), the targets \(9, 2\): give as many of both"),
        ((X[:0], Y[:0]), r"data: the inputs have shape \(0, 3\).* at least one"),
        ((X[0, 0], Y[0, 0]), r"data: the inputs have shape \(\), the targets \(\)"),
        ((X, Y, Y), r"data must be a pair \(inputs, targets\)"),
        ((X,), r"data must be a pair \(inputs, targets\)"),
        (X, r"data must be a pair \(inputs, targets\)"),
        (None, r"data must be a pair \(inputs, targets\)"),
    ],
)
def test_data_that_do_not_fit_together(data, message):
    model = make()
    before = model.state_dict()
    with pytest.raises(ValueError, match=message):
        fit(model, data)
    with pytest.raises(ValueError, match=message.replace("data", "validation", 1)):
        fit(model, validation="text" if data is None else data)
    assert same_weights(model, before)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size is 0, but must be a whole number of at least 1. None takes all samples"),
        ({"batch_size": -4}, "batch_size is -4"),
        ({"epochs": -1}, "epochs is -1, but must be a whole number of at least 0"),
        ({"patience": 3}, r"patience counts epochs .*\. Pass validation=\(inputs, targets\)"),
        ({"patience": 0, "validation": (X, Y)}, "patience is 0, but must be a whole number of at least 1"),
        ({"metrics": nn.accuracy}, r"metrics are taken on the validation set\. Pass validation="),
    ],
)
def test_options_that_make_no_sense(options, message):
    with pytest.raises(ValueError, match=message):
        fit(make(), **options)


def test_an_optimizer_of_another_model_is_an_error():
    with pytest.raises(ValueError, match="holds no parameter of this model, so nothing would be learned"):
        nn.fit(make(), (X, Y), loss=nn.squared_error, optimizer=nn.SGD(make().parameters(), 0.1))


def test_an_optimizer_of_a_part_trains_that_part():
    model = make()
    before = model.state_dict()
    nn.fit(model, (X, Y), loss=nn.squared_error, optimizer=nn.SGD(model[2].parameters(), 0.1), epochs=2)
    changed = [name for name, value in model.state_dict().items() if not np.array_equal(value, before[name])]
    assert changed == ["2.weight", "2.bias"]


def test_a_loss_that_left_the_graph_says_so():
    with pytest.raises(TypeError, match="the loss returned a float64, which has no gradient"):
        fit(make(), loss=lambda o, y: nn.squared_error(o.numpy(), y))


def test_a_loss_that_is_no_scalar_says_so():
    with pytest.raises(
        ag.errors.ShapeError, match=r"the loss returned shape \(10,\), but must return one number, a scalar"
    ):
        fit(make(), loss=functools.partial(nn.squared_error, reduction="none"))


def test_targets_of_a_wrong_shape_are_named_by_the_loss():
    with pytest.raises(ag.errors.ShapeError, match=r"Write y.reshape\(\(-1, 1\)\)"):
        fit(nn.MLP([3, 1], rng=0), (X, Y[:, 0]))


def test_a_label_out_of_range_is_named_by_the_loss():
    with pytest.raises(ValueError, match="label 2 is out of range"):
        fit(make(), (X, np.arange(10) % 3), loss=nn.cross_entropy)


# ------------------------------------------------------------------------------------- NaN, interrupts, states


def bomb(at, exception=None, loss=nn.squared_error):
    """A loss that is NaN, or raises, at its at-th call on Tensors (from 1)."""
    calls = iter(range(1, 1000))

    def exploding(o, y):
        value = loss(o, y)
        if not isinstance(o, ag.Tensor) or next(calls) != at:
            return value
        if exception is not None:
            raise exception
        return value * np.nan

    return exploding


def test_an_absurd_learning_rate_stops_with_epoch_and_layer_and_the_best_weights_so_far():
    model = make()
    with np.errstate(all="ignore"), pytest.raises(nn.NonFiniteLossError) as caught:
        fit(model, lr=1e150, epochs=50, batch_size=None, validation=(X, Y))
    message, history = str(caught.value), caught.value.history
    epoch = len(history.loss) + 1
    assert message.startswith(f"In epoch {epoch} the ")
    assert "layer 2, Linear(5 -> 2)" in message
    assert "learning rate is too large: try a tenth" in message and "best weights so far were restored" in message
    assert history.stopped_by == "error" and history.seconds > 0
    assert len(history.gradient_norms["0.weight"]) == len(history.validation_loss) == epoch - 1
    assert all(np.isfinite(p.data).all() for p in model.parameters())
    assert isinstance(caught.value, ag.errors.AutogradError) and isinstance(caught.value, ArithmeticError)


def test_a_linear_model_that_diverges_names_its_largest_layer():
    model = nn.Sequential(nn.Linear(3, 4, rng=0), nn.Linear(4, 2, rng=1))
    with np.errstate(all="ignore"), pytest.raises(nn.NonFiniteLossError, match=r"In epoch 2 the loss became") as caught:
        fit(model, lr=1e100, epochs=50, batch_size=None)
    assert "that of layer 1, Linear(4 -> 2), and only the loss itself is not" in str(caught.value)


def test_what_is_larger_than_memory_is_looked_through_in_pieces(monkeypatch):
    for module in ("nn.training.fit", "nn.training.steps"):
        monkeypatch.setattr(sys.modules[module], "PIECE", 4)
    asked = []

    class Net(nn.MLP):
        def forward(self, x):
            asked.append(len(x))
            return super().forward(x)

    wild = X.copy()
    wild[7] = 1e308  # in the second piece
    with np.errstate(all="ignore"), pytest.raises(nn.NonFiniteLossError, match=r"output of layer 0, Linear") as caught:
        fit(Net([3, 5, 2], rng=0), (wild, Y), batch_size=5)
    assert "is the first that is not finite" in str(caught.value) and asked[-3:] == [4, 4, 2]
    wild[9, 0] = np.nan
    with pytest.raises(nn.NonFiniteLossError, match="the inputs hold NaN"):
        fit(make(), (wild, Y), batch_size=5)


def test_a_dataset_to_validate_with_is_read_in_pieces(monkeypatch):
    monkeypatch.setattr(sys.modules["nn.training.fit"], "PIECE", 4)
    asked = []

    class Held(nn.Dataset):
        def __len__(self):
            return len(X)

        def __getitem__(self, rows):
            asked.append(rows.tolist())
            return X[rows], Y[rows]

    model, whole = make(), make()
    history = fit(model, epochs=1, validation=Held())
    assert asked == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    np.testing.assert_allclose(history.validation_loss, fit(whole, epochs=1, validation=(X, Y)).validation_loss)


def test_the_layer_whose_output_is_first_not_finite_is_named():
    model = nn.MLP([3, 4, 4, 2], "relu", rng=0)
    model[2].weight.data = np.full((4, 4), 1e308)
    before = model.state_dict()
    with np.errstate(all="ignore"), pytest.raises(nn.NonFiniteLossError, match="In epoch 1 the loss became") as caught:
        fit(model, (np.abs(X) + 1, Y))
    assert "the output of layer 2, Linear(4 -> 4), is the first that is not finite" in str(caught.value)
    assert same_weights(model, before)


def test_a_model_of_one_layer_is_called_the_model():
    model = nn.Linear(3, 2, rng=0)
    model.weight.data = np.full((2, 3), 1e308)
    with (
        np.errstate(all="ignore"),
        pytest.raises(nn.NonFiniteLossError, match=r"output of the model, Linear\(3 -> 2\)"),
    ):
        fit(model, (np.abs(X) + 1, Y))


def test_a_loss_that_overflows_by_itself_is_told_apart():
    model = make()
    model[2].bias.data = [1e200, 1e200]
    with np.errstate(all="ignore"), pytest.raises(nn.NonFiniteLossError, match="only the loss itself is not"):
        fit(model)


def test_a_parameter_that_is_not_finite_is_named():
    model = make()
    model[2].bias.data = [np.nan, 0]
    with pytest.raises(nn.NonFiniteLossError, match=r"In epoch 1 .*: the parameter 2.bias holds NaN or infinite"):
        fit(model)


def test_a_last_step_into_infinity_does_not_pass_unseen():
    model = make()
    before = model.state_dict()
    with (
        np.errstate(all="ignore"),
        pytest.raises(nn.NonFiniteLossError, match="In epoch 1 the weights left the finite"),
    ):
        fit(model, (1e3 * X, 1e3 * Y), lr=1e308, epochs=1, batch_size=None)
    assert same_weights(model, before)


@pytest.mark.parametrize("where", ["inputs", "targets"])
@pytest.mark.parametrize("batch_size", [None, 2])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_data_that_are_not_finite_are_named(where, batch_size, value):
    x, y = X.copy(), Y.copy()
    {"inputs": x, "targets": y}[where][7, 1] = value
    model = make()
    with (
        np.errstate(invalid="ignore"),
        pytest.raises(nn.NonFiniteLossError, match=f"In epoch 1 .*: the {where} hold") as caught,
    ):
        fit(model, (x, y), loss=nn.squared_error if where == "targets" else bomb(-1), batch_size=batch_size)
    assert "np.isfinite" in str(caught.value) and "learning rate" not in str(caught.value)
    assert all(np.isfinite(p.data).all() for p in model.parameters())


@pytest.mark.parametrize("where", ["inputs", "targets"])
def test_validation_data_that_are_not_finite_are_named(where):
    x, y = X.copy(), Y.copy()
    {"inputs": x, "targets": y}[where][7, 1] = np.nan
    with pytest.raises(nn.NonFiniteLossError, match=f"In epoch 1 the validation loss became nan: the {where} hold"):
        fit(make(), validation=(x, y))


def test_after_nan_the_weights_of_the_lowest_validation_loss_come_back():
    noise = np.random.default_rng(1)
    held = (X, Y + 2 * noise.normal(size=Y.shape))
    model = make()
    with pytest.raises(nn.NonFiniteLossError) as caught:
        fit(model, loss=bomb(41), lr=0.3, epochs=100, batch_size=None, validation=held)
    history = caught.value.history
    assert len(history.loss) == len(history.validation_loss) == 40
    assert history.best_epoch == 1 + int(np.argmin(history.validation_loss)) < 40
    assert nn.squared_error(nn.evaluate(model, held[0]), held[1]) == min(history.validation_loss)


def test_after_nan_without_validation_the_weights_from_which_the_best_epoch_began_come_back():
    model, twin = make(), make()
    with pytest.raises(nn.NonFiniteLossError) as caught:
        fit(model, loss=bomb(21), epochs=100, batch_size=None)
    losses = caught.value.history.loss
    assert len(losses) == 20 and min(losses) == losses[-1]
    fit(twin, epochs=19, batch_size=None)
    assert same_weights(model, twin)
    assert nn.squared_error(model(X), Y).item() == losses[-1]


def test_ctrl_c_returns_what_was_reached_with_the_best_weights():
    held = (X, Y + np.random.default_rng(1).normal(size=Y.shape))
    model, twin = make(), make()
    history = fit(model, loss=bomb(41, KeyboardInterrupt()), lr=0.3, epochs=100, batch_size=None, validation=held)
    assert history.stopped_by == "interrupt" and history.epochs == 40
    fit(twin, lr=0.3, epochs=40, batch_size=None, validation=held)
    assert same_weights(model, twin)
    assert (model(X).requires_grad, model.training) == (True, True)  # it can go on
    fit(model, epochs=1)


def test_ctrl_c_without_validation_leaves_the_weights_of_the_last_step():
    model, twin = make(), make()
    assert fit(model, loss=bomb(4, KeyboardInterrupt()), epochs=100, batch_size=None).stopped_by == "interrupt"
    fit(twin, epochs=3, batch_size=None)
    assert same_weights(model, twin)


def test_training_goes_on_where_it_stopped():
    at_once, in_parts = make(), make()
    fit(at_once, lr=0.1, momentum=0.9, epochs=6, batch_size=None)
    optimizer = nn.SGD(in_parts.parameters(), lr=0.1, momentum=0.9)
    for _ in range(2):
        options = {"epochs": 3, "batch_size": None, "compile": False}
        nn.fit(in_parts, (X, Y), loss=nn.squared_error, optimizer=optimizer, **options)
    assert same_weights(at_once, in_parts)


def test_a_copy_of_model_and_optimizer_together_goes_on_like_the_original():
    model = make()
    optimizer = nn.SGD(model.parameters(), lr=0.1, momentum=0.9)
    nn.fit(model, (X, Y), loss=nn.squared_error, optimizer=optimizer, epochs=3)
    pairs = [(model, optimizer), copy.deepcopy((model, optimizer))]
    for m, o in pairs:
        nn.fit(m, (X, Y), loss=nn.squared_error, optimizer=o, epochs=3)
    assert same_weights(*(m for m, _ in pairs))


# ------------------------------------------------------------------------------------------------------ evaluate


class Modes(nn.Module):
    """Notes in which mode it was called."""

    def __init__(self):
        self.seen, self.part, self.frozen = [], nn.Linear(3, 2, rng=0), nn.Identity()
        self.frozen.eval()

    def forward(self, x):
        z = self.part(x)
        self.seen.append((self.training, self.part.training, z.requires_grad))
        return self.frozen(z)


def test_evaluate_gives_an_array_in_evaluation_mode_and_records_nothing():
    model = Modes()
    outputs = nn.evaluate(model, X)
    assert type(outputs) is np.ndarray and model.seen == [(False, False, False)]
    np.testing.assert_array_equal(outputs, model(X).numpy())
    assert (model.training, model.part.training, model.frozen.training) == (True, True, False)  # as it was
    assert nn.evaluate(model, X.tolist()).shape == (10, 2)
    model.eval()
    nn.evaluate(model, X)
    assert not model.training


def test_evaluate_restores_the_modes_and_the_recording_when_forward_raises():
    model = Modes()
    with pytest.raises(ag.errors.ShapeError):
        nn.evaluate(model, X[:, :2])
    assert (model.training, model.part.training, model.frozen.training) == (True, True, False)
    assert model(X).requires_grad


def test_fit_trains_in_training_mode_and_validates_in_evaluation_mode():
    model = Modes().eval()
    fit(model, epochs=2, batch_size=None, validation=(X, Y))
    assert model.seen == [(True, True, True), (False, False, False)] * 2
    assert model.training


# -------------------------------------------------------------------------------------------------- progress bar


@pytest.fixture
def plain(monkeypatch):
    """No variable that makes a terminal of what is none."""
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "JUPYTER_COLUMNS"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("plain")
def test_outside_a_terminal_nothing_is_printed(capsys):
    fit(make(), epochs=3, validation=(X, Y))
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("plain")
def test_in_a_log_file_a_bar_that_was_asked_for_is_lines_without_control_characters(capsys):
    labels = np.arange(10) % 2
    history = fit(
        make(), (X, labels), loss=nn.cross_entropy, epochs=3, validation=(X, labels), metrics=nn.accuracy, progress=True
    )
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert err == "" and [line.split()[1] for line in lines] == ["1/3", "2/3", "3/3"]
    assert all(c.isprintable() for line in lines for c in line)
    for figure in (history.loss, history.validation_loss, history.metrics["accuracy"]):
        assert f"{figure[-1]:.4f}" in out


def test_in_a_terminal_the_bar_is_shown_unless_it_is_refused(monkeypatch):
    for progress, shown in ((None, True), (True, True), (False, False)):
        screen = io.StringIO()
        monkeypatch.setattr(
            "nn.training.progress.Console", functools.partial(Console, file=screen, force_terminal=True, width=100)
        )
        fit(make(), epochs=3, progress=progress)
        assert ("3/3" in screen.getvalue()) is shown


@pytest.mark.parametrize("widgets", [True, False])
def test_in_a_notebook_the_bar_needs_ipywidgets(monkeypatch, widgets):
    shown = []
    monkeypatch.setattr(
        "nn.training.progress.Console", functools.partial(Console, file=io.StringIO(), force_jupyter=True)
    )
    monkeypatch.setattr("nn.training.progress.find_spec", lambda name: name if widgets else None)
    monkeypatch.setattr("rich.live.Live.refresh", lambda live: shown.append(live))
    fit(make(), epochs=3)
    assert bool(shown) is widgets


@pytest.mark.usefixtures("plain")
def test_the_bar_is_put_away_when_training_fails(capsys):
    with pytest.raises(nn.NonFiniteLossError):
        fit(make(), loss=bomb(3), epochs=5, batch_size=None, progress=True)
    assert "2/5" in capsys.readouterr().out
    fit(make(), epochs=2, progress=True)  # rich allows one live display at a time
    assert "2/2" in capsys.readouterr().out


def test_outputs_without_an_axis_of_outputs_are_refused():
    class Flat(nn.Module):
        def __init__(self):
            self.linear = nn.Linear(2, 1, rng=0)

        def forward(self, x):
            return self.linear(x)[:, 0]

    model = Flat()
    with pytest.raises(ag.errors.ShapeError, match=r"\(4,\) for 4 samples.*o\[:, None\]"):
        nn.fit(
            model,
            (np.ones((4, 2)), np.ones(4)),
            loss=nn.squared_error,
            optimizer=nn.SGD(model.parameters(), lr=0.1),
            epochs=1,
        )


# ------------------------------------------------------------------------- what data, what held out, what measured


def pairs(batch_size, seed):
    order = np.random.default_rng(seed)
    return [(X[rows], Y[rows]) for rows in batches(10, batch_size, order)]


@pytest.mark.parametrize(
    "wrap",
    [
        lambda found: found,
        lambda found: lambda: iter(found),
        lambda found: [(x.tolist(), y.tolist()) for x, y in found],
    ],
    ids=["list", "function", "lists"],
)
def test_batches_of_one_s_own_give_the_run_that_their_arrays_give(wrap):
    a, b = make(), make()
    found = pairs(4, 7)
    history = fit(a, wrap(found), epochs=3)
    optimizer, losses = nn.SGD(b.parameters(), lr=0.1), []
    for _ in range(3):
        total = 0.0
        for x, y in found:
            optimizer.zero_grad()
            loss = nn.squared_error(b(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(x)
        losses.append(total / 10)
    assert same_weights(a, b) and history.loss == losses


def test_a_loader_gives_the_run_of_its_arrays_and_goes_on_from_fit_to_fit():
    a, b = make(), make()
    loader = nn.DataLoader((X, Y), batch_size=3, rng=7)
    fit(a, loader, epochs=2, batch_size=999)
    fit(b, epochs=2, batch_size=3, rng=7)
    assert same_weights(a, b)
    other = nn.DataLoader((X, Y), batch_size=3, rng=7)
    c = make()
    fit(c, other, epochs=1)
    fit(c, other, epochs=1)
    assert same_weights(a, c)


def test_a_generator_that_is_used_up_is_told_in_the_second_epoch():
    model = make()
    with pytest.raises(ValueError, match="epoch 2"):
        fit(model, iter(pairs(4, 7)), epochs=2)
    assert fit(make(), iter(pairs(4, 7)), epochs=1).epochs == 1


def test_a_fraction_held_out_is_the_split_of_the_seed():
    labels = np.arange(10) % 2
    a, b = nn.MLP([3, 2], rng=0), nn.MLP([3, 2], rng=0)
    history = fit(a, (X, labels), loss=nn.cross_entropy, epochs=4, validation=0.4, rng=3)
    generator = np.random.default_rng(3)
    train, held = nn.train_validation_split((X, labels), 0.4, rng=generator)
    assert np.bincount(held[1]).tolist() == [2, 2]
    other = fit(b, train, loss=nn.cross_entropy, epochs=4, validation=held, rng=generator)
    assert history.validation_loss == other.validation_loss and same_weights(a, b)
    assert len(fit(make(), epochs=1, validation=3).validation_loss) == 1
    c, d = make(), make()
    fit(c, nn.ArrayDataset(X, Y), epochs=2, validation=0.4, rng=3)
    fit(d, epochs=2, validation=0.4, rng=3)
    assert same_weights(c, d)


@pytest.mark.parametrize("size", [0, 1.0, 1.5, -0.1, 10, np.nan])
def test_a_fraction_that_leaves_nothing_is_refused(size):
    with pytest.raises(ValueError, match=r"validation is .*, but must be a fraction between 0 and 1"):
        fit(make(), validation=size)


def test_a_fraction_of_batches_is_refused():
    with pytest.raises(ValueError, match="which is not split"):
        fit(make(), pairs(4, 7), validation=0.2)


def test_held_out_batches_are_measured_as_a_whole_and_in_order():
    model, twin = make(), make()
    loader = nn.DataLoader((X, Y), batch_size=3, rng=0)
    history = fit(model, epochs=3, batch_size=4, validation=loader, metrics="r2")
    expected = fit(twin, epochs=3, batch_size=4, validation=(X, Y), metrics="r2")
    assert history.validation_loss == pytest.approx(expected.validation_loss, rel=1e-13)
    assert history.metrics["r2"] == pytest.approx(expected.metrics["r2"], rel=1e-12)
    assert loader.state_dict() == nn.DataLoader((X, Y), batch_size=3, rng=0).state_dict()  # it was not shuffled


def test_several_metrics_by_name_by_function_and_under_names_of_one_s_own():
    labels = (X[:, 0] > 0).astype(int)
    options = {"loss": nn.cross_entropy, "epochs": 2, "validation": (X, labels)}

    def wrong(outputs, targets):
        return np.sum(outputs.argmax(1) != targets)

    metrics = fit(nn.MLP([3, 2], rng=0), (X, labels), metrics=["accuracy", wrong], **options).metrics
    assert list(metrics) == ["accuracy", "wrong"]
    assert metrics["wrong"] == pytest.approx([10 * (1 - a) for a in metrics["accuracy"]])
    metrics = fit(nn.MLP([3, 2], rng=0), (X, labels), metrics={"hits": nn.accuracy}, **options).metrics
    assert list(metrics) == ["hits"]


def test_the_loss_says_whether_a_column_of_outputs_holds_logits():
    """All logits lie between 0 and 1, where they could be probabilities: of each, the class is 1."""
    model = nn.Linear(1, 1, rng=0)
    model.weight.data = [[0.2]]
    targets = np.ones((10, 1))
    history = fit(
        model, (np.ones((10, 1)), targets), loss=nn.binary_cross_entropy_with_logits, lr=1e-9, epochs=1,
        validation=(np.ones((10, 1)), targets), metrics="accuracy",
    )  # fmt: skip
    assert history.metrics["accuracy"] == [1.0]


# ------------------------------------------------------------------------ schedules, clipping, callbacks, L-BFGS


def test_a_schedule_by_epochs_is_followed_and_noted():
    model, by_hand = make(), make()
    optimizer = nn.SGD(model.parameters(), lr=0.4)
    schedule = nn.StepLR(optimizer, step_size=2, gamma=0.5)
    options = {"loss": nn.squared_error, "epochs": 5, "batch_size": None, "compile": False}
    history = nn.fit(model, (X, Y), optimizer=optimizer, schedule=schedule, **options)
    assert history.learning_rates == [0.4, 0.4, 0.2, 0.2, 0.1]
    for lr in history.learning_rates:
        nn.fit(by_hand, (X, Y), optimizer=nn.SGD(by_hand.parameters(), lr), **{**options, "epochs": 1})
    assert same_weights(model, by_hand)


@pytest.mark.parametrize("compile", [True, False])
def test_a_schedule_by_batches_takes_a_step_after_each(compile):
    model = make()
    optimizer, seen = nn.SGD(model.parameters(), lr=1.0), []
    schedule = nn.LambdaLR(optimizer, lambda t: 0.5**t, every="batch")

    class Note(nn.Callback):
        def on_batch_end(self, run):
            seen.append((run.epoch, run.batch, run.optimizer.lr))

    options = {"loss": nn.squared_error, "epochs": 2, "batch_size": 4, "compile": compile, "rng": 7}
    nn.fit(model, (X, Y), optimizer=optimizer, schedule=schedule, callbacks=Note(), **options)
    assert seen == [(e, b, 0.5 ** (3 * (e - 1) + b)) for e in (1, 2) for b in (1, 2, 3)]
    by_hand, order = make(), np.random.default_rng(7)
    optimizer = nn.SGD(by_hand.parameters(), lr=1.0)
    for k, rows in enumerate([rows for _ in range(2) for rows in batches(10, 4, order)]):
        optimizer.lr = 0.5**k
        optimizer.zero_grad()
        nn.squared_error(by_hand(X[rows]), Y[rows]).backward()
        optimizer.step()
    for p, q in zip(model.parameters(), by_hand.parameters(), strict=True):
        np.testing.assert_allclose(p.data, q.data, rtol=1e-12)


def test_a_plateau_looks_at_the_validation_loss_or_else_at_the_training_loss():
    for held, losses in (((X, -Y), "validation_loss"), (None, "loss")):
        model = make()
        optimizer = nn.SGD(model.parameters(), lr=0.3)
        schedule = nn.ReduceLROnPlateau(optimizer, factor=0.5, patience=0, threshold=0)
        history = nn.fit(
            model, (X, Y), loss=nn.squared_error, optimizer=optimizer, schedule=schedule, epochs=12, validation=held
        )
        best, expected, lr = np.inf, [], 0.3
        for value in getattr(history, losses):
            expected.append(lr)
            lr = lr if value < best else lr / 2
            best = min(best, value)
        assert history.learning_rates == expected and (held is None or lr < 0.3)


def test_a_schedule_of_another_optimizer_is_refused():
    model = make()
    schedule = nn.StepLR(nn.SGD(model.parameters(), lr=0.1), step_size=1)
    with pytest.raises(ValueError, match="the schedule is of another optimizer"):
        fit(model, schedule=schedule)
    with pytest.raises(TypeError, match=r"schedule is 0\.9, but must be a schedule"):
        fit(model, schedule=0.9)


def test_clipping_bounds_every_step():
    model = make()
    before = model.state_dict()
    history = fit(model, (X, 1e6 * Y), lr=1.0, epochs=1, batch_size=None, clip_norm=0.5)
    moved = np.sqrt(sum(np.sum((p.data - before[name]) ** 2) for name, p in model.named_parameters()))
    assert moved == pytest.approx(0.5, rel=1e-9)
    assert max(norms[0] for norms in history.gradient_norms.values()) > 1e3  # as it was before clipping
    model = make()
    fit(model, (X, 1e6 * Y), lr=1.0, epochs=1, batch_size=None, clip_value=0.5)
    assert max(np.max(np.abs(p.data - before[name])) for name, p in model.named_parameters()) == 0.5


class Diary(nn.Callback):
    def __init__(self):
        self.lines = []

    def on_train_begin(self, run):
        self.lines.append(("begin", run.history.epochs))

    def on_epoch_begin(self, run):
        self.lines.append(("epoch", run.epoch))

    def on_batch_end(self, run):
        self.lines.append(("batch", run.batch, np.isfinite(run.loss)))

    def on_epoch_end(self, run):
        self.lines.append(("over", run.epoch, len(run.history.validation_loss)))

    def on_train_end(self, run):
        self.lines.append(("end", run.history.stopped_by))


def test_callbacks_are_called_in_order():
    diary = Diary()
    fit(make(), epochs=2, batch_size=6, validation=(X, Y), callbacks=[diary])
    assert diary.lines == [
        ("begin", 0),
        *[line for e in (1, 2) for line in (("epoch", e), ("batch", 1, True), ("batch", 2, True), ("over", e, e))],
        ("end", "epochs"),
    ]


def test_a_callback_can_stop_the_training_and_a_function_is_one():
    history = fit(make(), epochs=50, callbacks=lambda run: run.stop() if run.epoch == 3 else None)
    assert (history.stopped_by, history.epochs) == ("callback", 3)


def test_the_end_is_told_after_a_failure_too():
    diary = Diary()
    with pytest.raises(nn.NonFiniteLossError):
        fit(make(), loss=bomb(2), epochs=5, batch_size=None, callbacks=[diary])
    assert diary.lines[-1] == ("end", "error")


@pytest.mark.parametrize("callback", [3, "print", nn.Callback])
def test_what_is_no_callback_is_refused(callback):
    with pytest.raises(TypeError, match=r"a callback is .*, but must be an nn\.Callback, or a function"):
        fit(make(), callbacks=[callback])


@pytest.mark.parametrize("compile", [True, False])
def test_l_bfgs_trains_on_all_samples_as_its_steps_by_hand(compile):
    model, by_hand = make(), make()
    optimizer = nn.LBFGS(model.parameters(), lr=0.5, max_iter=4, line_search_fn="strong_wolfe")
    options = {"loss": nn.squared_error, "epochs": 5, "batch_size": None, "compile": compile}
    history = nn.fit(model, (X, Y), optimizer=optimizer, **options)
    optimizer = nn.LBFGS(by_hand.parameters(), lr=0.5, max_iter=4, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = nn.squared_error(by_hand(X), Y)
        loss.backward()
        return loss

    losses = [optimizer.step(closure).item() for _ in range(5)]
    assert history.loss == pytest.approx(losses, rel=1e-9) and history.loss[-1] < history.loss[0] / 3
    assert history.uncompiled is None
    first = fit(make(), epochs=1, batch_size=None).gradient_norms
    assert {name: norms[:1] for name, norms in history.gradient_norms.items()} == pytest.approx(
        {name: pytest.approx(norms, rel=1e-12) for name, norms in first.items()}
    )


def test_l_bfgs_says_what_it_cannot_do():
    model = make()
    optimizer = nn.LBFGS(model.parameters())
    with pytest.raises(ValueError, match="the data come in 3 batches, but must come in one with LBFGS"):
        nn.fit(model, (X, Y), loss=nn.squared_error, optimizer=optimizer, batch_size=4)
    with pytest.raises(ValueError, match="clip_norm and clip_value are not for LBFGS"):
        nn.fit(model, (X, Y), loss=nn.squared_error, optimizer=optimizer, batch_size=None, clip_norm=1.0)
    model[2].bias.data = [np.nan, 0]
    with pytest.raises(nn.NonFiniteLossError, match=r"the parameter 2\.bias holds NaN"):
        nn.fit(model, (X, Y), loss=nn.squared_error, optimizer=optimizer, batch_size=None)
