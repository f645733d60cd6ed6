"""What a training depends on beside weights: frozen parts, modes, generators, numbers; and what it leaves behind."""

import itertools
import os
import signal

import numpy as np
import pytest

import nn

rng = np.random.default_rng(0)
X, Y = rng.normal(size=(20, 4)), rng.normal(size=(20, 1))
LABELS = rng.integers(0, 2, 20)


def net(seed=1):
    return nn.MLP([4, 6, 1], "tanh", rng=seed)


def fit(model, optimizer=None, data=(X, Y), **options):
    optimizer = nn.SGD(model.parameters(), lr=0.1) if optimizer is None else optimizer
    usual = {"loss": nn.squared_error, "epochs": 2, "batch_size": 6, "progress": False}
    return nn.fit(model, data, optimizer=optimizer, **{**usual, **options})


def same(model, other):
    state, others = model.state_dict(), other.state_dict()
    return state.keys() == others.keys() and all(np.array_equal(state[k], others[k]) for k in state)


# ------------------------------------------------------------------------------------------------- going on


class Noise(nn.Module):
    """Adds noise in training, of a generator that it holds in a list or in a dict."""

    def __init__(self, held):
        self.held = held

    def forward(self, x):
        g = self.held[0] if isinstance(self.held, list) else self.held["a"][0]
        return x + g.normal(size=x.shape) if self.training else x


class Augmented(nn.Dataset):
    """Gives rows with noise of its own."""

    def __init__(self, listed):
        g = np.random.default_rng(9)
        self.g = [g] if listed else g

    def __len__(self):
        return len(X)

    def __getitem__(self, rows):
        g = self.g[0] if isinstance(self.g, list) else self.g
        return X[rows] + g.normal(size=X[rows].shape), Y[rows]


class Source:
    """Gives batches in an order of its own."""

    def __init__(self):
        self.g = np.random.default_rng(4)

    def __iter__(self):
        for _ in range(3):
            rows = self.g.permutation(20)[:6]
            yield X[rows], Y[rows]


def unfreezing(model, _optimizer):
    model[0].freeze()

    def after(run):
        if run.epoch == 2:
            model[0].unfreeze()
        if run.epoch == 4:
            model[len(model) - 1].freeze()

    return after


def to_evaluation(model, _optimizer):
    def after(run):
        if run.epoch == 2:
            model[1].eval()

    return after


def by_hand(_model, optimizer):
    def after(run):
        if run.epoch % 2 == 0:
            for group in optimizer.groups:
                group.lr, group.momentum = group.lr * 0.8, 0.3

    return after


def one_cycle(optimizer):
    return nn.OneCycleLR(optimizer, max_lr=0.1, total_steps=100, cycle_momentum=True, every="batch")


GOING_ON = {
    "generator in a list": {"layer": lambda: Noise([np.random.default_rng(5)])},
    "generator in a dict": {"layer": lambda: Noise({"a": (np.random.default_rng(5),)})},
    "dataset that draws": {"data": lambda: Augmented(False)},
    "dataset that draws from a list": {"data": lambda: nn.DataLoader(Augmented(True), 6, rng=3)},
    "part of a dataset that draws": {"data": lambda: Augmented(False), "validation": 0.3},
    "batches that draw": {"data": Source},
    "gradual unfreezing": {"callback": unfreezing},
    "a part put into evaluation mode": {"callback": to_evaluation},
    "numbers assigned by a callback": {"callback": by_hand, "schedule": one_cycle},
}


@pytest.mark.parametrize("compile", [False, None])
@pytest.mark.parametrize("case", GOING_ON)
def test_a_training_in_two_parts_is_the_one_in_one(case, compile, tmp_path):
    path = tmp_path / "run.npz"

    def train(epochs, **options):
        given = dict(GOING_ON[case])
        layer = given.pop("layer", lambda: nn.Tanh())()
        model = nn.Sequential(nn.Linear(4, 5, rng=0), nn.BatchNorm1d(5), layer, nn.Linear(5, 1, rng=2))
        optimizer = nn.SGD(model.parameters(), lr=0.05, momentum=0.9)
        data = given.pop("data", lambda: (X, Y))()
        callback, schedule = given.pop("callback", None), given.pop("schedule", None)
        history = fit(
            model, optimizer, data, epochs=epochs, compile=compile, **given, **options,
            callbacks=() if callback is None else callback(model, optimizer),
            schedule=None if schedule is None else schedule(optimizer),
        )  # fmt: skip
        return model, optimizer, history

    whole, optimizer, history = train(6)
    train(3, checkpoint=path)
    resumed, other, later = train(6, checkpoint=path, resume=True)
    assert same(whole, resumed) and history.loss == later.loss and history.learning_rates == later.learning_rates
    assert [p.requires_grad for p in whole.parameters()] == [p.requires_grad for p in resumed.parameters()]
    assert [m.training for _, m in whole.named_modules()] == [m.training for _, m in resumed.named_modules()]
    assert optimizer.state_dict()["numbers"] == other.state_dict()["numbers"]


def test_other_data_that_draw_are_refused(tmp_path):
    path = tmp_path / "run.npz"
    fit(net(), data=Augmented(False), checkpoint=path)
    with pytest.raises(ValueError, match=r"data of checksums|on other data"):
        fit(net(), checkpoint=path, resume=True)


@pytest.mark.parametrize(("option", "then"), [("shuffle", "shuffle True"), ("drop_last", "drop_last False")])
def test_batches_that_are_made_otherwise_are_refused(option, then, tmp_path):
    path = tmp_path / "run.npz"
    fit(net(), data=nn.DataLoader((X, Y), 6), checkpoint=path)
    other = nn.DataLoader((X, Y), 6, **{option: option == "drop_last"})
    with pytest.raises(ValueError, match=f"with {then}, and this one has"):
        fit(net(), data=other, checkpoint=path, resume=True)


def test_a_state_of_groups_with_a_number_that_is_none_changes_nothing():
    model = net()
    groups = nn.SGD([{"params": model[0].parameters()}, {"params": model[2].parameters()}], lr=0.1)
    state = groups.state_dict()
    state["groups"][0]["numbers"]["lr"] = 0.5
    state["groups"][1]["numbers"]["lr"] = None
    with pytest.raises(TypeError, match="lr is None"):
        groups.load_state_dict(state)
    assert [group.lr for group in groups.groups] == [0.1, 0.1]


def test_a_generator_that_a_module_holds_in_a_list_or_dict_is_named_once():
    g, h = np.random.default_rng(0), np.random.default_rng(1)
    model = nn.Sequential(Noise([g, h]), Noise({"a": (g,)}))
    assert [(name, found is h) for name, found in model.named_generators()] == [
        ("0.held.0", False), ("0.held.1", True),
    ]  # fmt: skip


# -------------------------------------------------------------------------------------- gradients and frozen parameters


def test_gradients_of_parameters_that_another_optimizer_holds_do_not_add_up():
    runs = []
    for compile in (True, False):
        model = net()
        runs.append(fit(model, nn.SGD(model[2].parameters(), lr=0.05), epochs=4, compile=compile).gradient_norms)
    for compiled, eager in zip(runs[0].values(), runs[1].values(), strict=True):
        np.testing.assert_allclose(eager, compiled, rtol=1e-9)
    assert not any(runs[1]["0.weight"]) and all(runs[1]["2.weight"])


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
@pytest.mark.parametrize("compile", [True, False])
def test_l_bfgs_leaves_what_is_frozen_where_it_is(compile, search):
    model = net()
    optimizer = nn.LBFGS(model.parameters(), lr=0.5, max_iter=4, line_search_fn=search)
    seen = []

    def after(run):
        seen.append((model[0].weight.data.copy(), model[2].weight.data.copy()))
        if run.epoch == 2:
            model[0].freeze()
        if run.epoch == 4:
            model[0].unfreeze()

    fit(model, optimizer, epochs=5, batch_size=None, compile=compile, callbacks=after)
    moved = [[not np.array_equal(a, b) for a, b in zip(*pair, strict=True)] for pair in itertools.pairwise(seen)]
    assert moved == [[True, True], [False, True], [False, True], [True, True]]


def test_l_bfgs_freezes_compiled_as_it_does_as_written():
    weights = []
    for compile in (True, False):
        model = net()
        after = unfreezing(model, None)
        fit(
            model, nn.LBFGS(model.parameters(), max_iter=3), epochs=6, batch_size=None, compile=compile, callbacks=after
        )
        weights.append(np.concatenate([p.data.ravel() for p in model.parameters()]))
    np.testing.assert_allclose(*weights, rtol=1e-7)


def test_l_bfgs_may_begin_with_a_learning_rate_of_0():
    weights = []
    for compile in (True, False):
        model = net()
        optimizer = nn.LBFGS(model.parameters(), max_iter=2)
        schedule = nn.LambdaLR(optimizer, lambda t: t / 4)
        fit(model, optimizer, epochs=4, batch_size=None, compile=compile, schedule=schedule)
        weights.append(np.concatenate([p.data.ravel() for p in model.parameters()]))
    np.testing.assert_allclose(*weights, rtol=1e-9)


# ------------------------------------------------------------------------------------------------ optimizers


class Sign(nn.SGD):
    """Descends by the gradient's sign."""

    def update(self, p, g, _state, lr, *_):
        return p - lr * np.sign(g), ()


def test_an_update_of_a_subclass_is_that_of_large_parameters_too():
    for size in (10, 50_000):
        p = nn.Parameter(np.zeros(size))
        p.grad = np.full(size, 5.0)
        Sign([p], lr=0.1).step()
        assert (p.data == -0.1).all()


class ByNorm(nn.Optimizer):
    """Steps of one length for each parameter."""

    def update(self, p, g, _state, lr):
        return p - lr * g / np.sqrt(np.sum(g * g)), ()


def test_an_update_that_looks_at_a_whole_parameter_is_not_given_parts_or_all_of_them():
    p = nn.Parameter(np.zeros((500, 100)))
    p.grad = np.ones((500, 100))
    ByNorm([p], lr=0.1).step()
    np.testing.assert_allclose(p.data, -0.1 / np.sqrt(50_000), rtol=1e-12)
    one, other = net(), net()
    history = fit(one, ByNorm(one.parameters(), lr=0.1))
    fit(other, ByNorm(other.parameters(), lr=0.1), compile=False)
    assert same(one, other) and "update() of ByNorm is not elementwise" in history.uncompiled
    assert Sign(other.parameters(), lr=0.1).is_elementwise() and nn.Adam(other.parameters()).is_elementwise()


class Clamped(nn.SGD):
    """Keeps weights from below 0."""

    def step(self):
        super().step()
        for p in self.parameters:
            p.data = np.maximum(p.data, 0)


def test_a_step_of_a_subclass_is_not_left_out_by_a_compiled_step():
    model = net()
    with pytest.raises(TypeError, match=r"Clamped has a step\(\) of its own"):
        nn.compile_step(model, nn.squared_error, Clamped(model.parameters(), lr=0.1))
    assert fit(model, Clamped(model.parameters(), lr=0.1)).uncompiled == "Clamped has a step() of its own"
    assert min(p.data.min() for p in model.parameters()) == 0


def test_an_optimizer_that_stepped_by_hand_is_not_laid_out_anew_at_each_compiled_step():
    model = net()
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    nn.squared_error(model(X), Y).backward()
    optimizer.step()
    step = nn.compile_step(model, nn.squared_error, optimizer)
    step(X, Y)
    vectors = step._parts[0].vectors[0].vector
    nn.squared_error(model(X), Y).backward()
    optimizer.lr = 0.05  # the numbers that `step` keeps become others
    optimizer.step()
    step(X, Y)
    assert step._parts[0].vectors[0].vector is vectors and not step._watched


def numbers_of(optimizer):
    return optimizer.state_dict()["numbers"]


def test_a_state_with_a_number_that_is_wrong_changes_nothing():
    optimizer = nn.Adam(net().parameters(), lr=0.01)
    before = numbers_of(optimizer)
    state = optimizer.state_dict() | {"numbers": {"eps": 0.5, "lr": -1.0, "weight_decay": 0.0}}
    with pytest.raises(ValueError, match="lr is -1"):
        optimizer.load_state_dict(state)
    assert numbers_of(optimizer) == before
    with pytest.raises(ValueError, match="counts the steps of 1 parameters"):
        optimizer.load_state_dict(optimizer.state_dict() | {"missed": [0]})


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"lr": [-1.0]}, "a learning rate is -1"), ({"base": [1.0, 2.0]}, "for 2 parameter groups")],
)
def test_a_state_of_a_schedule_that_is_wrong_changes_nothing(changes, message):
    optimizer = nn.SGD(net().parameters(), lr=0.1)
    schedule = nn.StepLR(optimizer, 1)
    before = schedule.state_dict()
    with pytest.raises(ValueError, match=message):
        schedule.load_state_dict({**before, "t": 3, **changes})
    assert schedule.state_dict() == before


@pytest.mark.parametrize("search", [None, {}, {"recent": None}])
def test_a_state_of_l_bfgs_without_its_search_is_refused(search):
    optimizer = nn.LBFGS(net().parameters())
    with pytest.raises(ValueError, match="the search of the state is"):
        optimizer.load_state_dict({**optimizer.state_dict(), "search": search})


# ------------------------------------------------------------------------------------------------- history


def test_the_rate_of_an_epoch_is_that_of_its_last_step():
    model = net()
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    schedule = nn.StepLR(optimizer, 1, gamma=0.5, every="batch")
    rates = fit(model, optimizer, epochs=3, batch_size=10, schedule=schedule).learning_rates
    np.testing.assert_allclose(rates, [0.05, 0.0125, 0.003125], rtol=1e-12)


def test_two_metrics_of_one_name_are_refused():
    with pytest.raises(ValueError, match="two metrics are called <lambda>"):
        fit(net(), validation=(X, Y), metrics=[lambda _o, _t: 1.0, lambda _o, _t: 2.0])


# ------------------------------------------------------------------------------------------------- callbacks


def test_a_callback_whose_methods_are_attributes_is_called_after_each_batch_too():
    calls, callback = [], nn.Callback()
    callback.on_batch_end = lambda run: calls.append((run.epoch, run.batch))
    fit(net(), callbacks=callback, batch_size=10)
    assert calls == [(1, 1), (1, 2), (2, 1), (2, 2)]


def test_what_a_callback_raises_is_told_as_an_error_with_the_best_weights():
    seen, weights = [], []

    class Failing(nn.Callback):
        def on_epoch_end(self, run):
            weights.append(run.model.state_dict())
            if run.epoch == 3:
                raise RuntimeError("enough")

        def on_train_end(self, run):
            seen.append((run.history.stopped_by, run.history.epochs, int(np.argmin(run.history.validation_loss))))

    model = net()
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(RuntimeError, match="enough"):
        fit(model, epochs=5, validation=(X, -Y), callbacks=Failing())
    ((reason, epochs, best),) = seen
    assert (reason, epochs) == ("error", 3) and signal.getsignal(signal.SIGINT) is before
    assert all(np.array_equal(value, weights[best][name]) for name, value in model.state_dict().items())


def test_ctrl_c_ends_a_training_inside_a_callback_and_the_one_around_it():
    before, inner = signal.signal(signal.SIGINT, signal.default_int_handler), []

    class Press(nn.Callback):
        def on_batch_end(self, run):
            if run.epoch == 2:
                os.kill(os.getpid(), signal.SIGINT)

    try:
        outer = fit(net(), epochs=5, callbacks=lambda _: inner.append(fit(net(2), epochs=5, callbacks=Press())))
    finally:
        signal.signal(signal.SIGINT, before)
    assert [(h.stopped_by, h.epochs) for h in inner] == [("interrupt", 1)]
    assert (outer.stopped_by, outer.epochs) == ("interrupt", 1)


# ------------------------------------------------------------------------------------------------- modules


def test_names_of_a_state_that_are_no_text_are_listed():
    model = net()
    with pytest.raises(KeyError, match="unknown 1"):
        model.load_state_dict({**model.state_dict(), 1: 2})


@pytest.mark.parametrize("compiled", [False, True])
def test_parameters_of_one_model_can_be_exchanged_by_a_state(compiled):
    model = nn.Sequential(nn.Linear(2, 2, bias=False, rng=0), nn.Linear(2, 2, bias=False, rng=1))
    if compiled:  # both lie in one vector then
        nn.compile_step(model, nn.squared_error, nn.SGD(model.parameters(), lr=0.1))(X[:, :2], X[:, :2])
    first, second = model[0].weight.data.copy(), model[1].weight.data.copy()
    model.load_state_dict({"0.weight": model[1].weight, "1.weight": model[0].weight.data})
    assert np.array_equal(model[0].weight.data, second) and np.array_equal(model[1].weight.data, first)


def test_training_goes_where_floating_point_errors_raise():
    model = net()
    with np.errstate(all="raise"):
        assert fit(model, epochs=1).uncompiled is None
