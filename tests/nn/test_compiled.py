"""compile_step and fit's compiled step against the loop that they replace: same losses, parameters, state, errors."""

import copy
import gc
import pickle
import weakref

import numpy as np
import pytest

import autograd_mini as ag
import nn

rng = np.random.default_rng(0)
X = rng.normal(size=(10, 3))
Y = rng.normal(size=(10, 2))
LABELS = rng.integers(0, 2, 10)
ONE_HOT = np.eye(2)[LABELS]
CLOSE = {np.float64: 1e-12, np.float32: 1e-5}


def mlp(activation="tanh", **options):
    return nn.MLP([3, 5, 2], activation, rng=0, **options)


def looped(model, loss, optimizer):
    """Return a step as a user's loop takes it."""

    def step(x, y):
        optimizer.zero_grad()
        value = loss(model(x), y)
        value.backward()
        optimizer.step()
        return value.item()

    return step


def sgd(model):
    return nn.SGD(model.parameters(), lr=0.1, momentum=0.9)


def adam(model):
    return nn.Adam(model.parameters(), lr=0.01)


OPTIMIZERS = {
    "SGD": lambda m: nn.SGD(m.parameters(), lr=0.1),
    "momentum": sgd,
    "nesterov, weight decay": lambda m: nn.SGD(m.parameters(), 0.1, 0.9, 0.01, nesterov=True),
    "Adam": adam,
    "Adam, weight decay": lambda m: nn.Adam(m.parameters(), 0.01, weight_decay=0.1),
    "AdamW": lambda m: nn.AdamW(m.parameters(), 0.01, weight_decay=0.1),
}
LOSSES = {
    "squared_error": (nn.squared_error, "identity", Y),
    "cross_entropy, labels": (nn.cross_entropy, "identity", LABELS),
    "cross_entropy, rows": (nn.cross_entropy, "identity", ONE_HOT),
    "categorical_cross_entropy, labels": (nn.categorical_cross_entropy, "softmax", LABELS),
    "categorical_cross_entropy, rows": (nn.categorical_cross_entropy, "softmax", ONE_HOT),
    "binary_cross_entropy": (nn.binary_cross_entropy, "sigmoid", ONE_HOT),
    "binary_cross_entropy_with_logits": (nn.binary_cross_entropy_with_logits, "identity", ONE_HOT),
}


def assert_same_model(a, b, rtol=1e-12):
    for p, q in zip(a.parameters(), b.parameters(), strict=True):
        np.testing.assert_allclose(p.data, q.data, rtol=rtol, atol=rtol)
        assert p.dtype == q.dtype


def assert_same_optimizer(a, b, rtol=1e-12):
    assert (a.steps, a.missed) == (b.steps, b.missed)
    for one, two in zip(a.state, b.state, strict=True):
        for s, t in zip(one, two, strict=True):
            np.testing.assert_allclose(s, t, rtol=rtol, atol=rtol)


def assert_equals_the_loop(
    make=mlp, loss=nn.squared_error, optimizer=sgd, data=(X, Y), steps=20, between=None, rtol=1e-12, **options
):
    """Train two equal models, one by compiled steps; `between` is done to both before each step."""
    a, b = make(), make()
    oa, ob = optimizer(a), optimizer(b)
    fast, slow = nn.compile_step(a, loss, oa, **options), looped(b, loss, ob)
    for i in range(steps):
        if between is not None:
            between(i, a, oa)
            between(i, b, ob)
        assert fast(*data) == pytest.approx(slow(*data), rel=rtol, abs=rtol), i
        assert_same_model(a, b, rtol)
    assert_same_optimizer(oa, ob, rtol)
    return fast


# -------------------------------------------------------------------------------------------- equal to the loop


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_every_optimizer_takes_the_same_steps(optimizer, dtype):
    assert_equals_the_loop(lambda: mlp(dtype=dtype), optimizer=optimizer, rtol=CLOSE[dtype])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("loss", "output", "y"), LOSSES.values(), ids=LOSSES)
def test_every_loss_gives_the_same_steps(loss, output, y, dtype):
    assert_equals_the_loop(lambda: mlp(output=output, dtype=dtype), loss, adam, (X, y), rtol=CLOSE[dtype])


@pytest.mark.parametrize("optimizer", [sgd, adam], ids=["SGD", "Adam"])
@pytest.mark.parametrize("activation", ["identity", "relu", "sigmoid", "tanh"])
def test_every_activation_gives_the_same_steps(activation, optimizer):
    assert_equals_the_loop(lambda: mlp(activation), optimizer=optimizer)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_the_reduction_of_a_loss_is_kept(reduction):
    def loss(o, y):
        return nn.squared_error(o, y, reduction=reduction)

    assert_equals_the_loop(loss=loss, optimizer=lambda m: nn.SGD(m.parameters(), 0.01))


def test_one_sample_and_lists_and_tensors_as_batches():
    assert_equals_the_loop(data=(X[:1], Y[:1]))
    a, b = mlp(), mlp()
    fast, slow = nn.compile_step(a, nn.squared_error, sgd(a)), looped(b, nn.squared_error, sgd(b))
    for x, y in ((X.tolist(), Y.tolist()), (ag.Tensor(X), ag.Tensor(Y)), (X[::-1], np.asfortranarray(Y))):
        assert fast(x, y) == pytest.approx(slow(x, y), rel=1e-12)
    assert_same_model(a, b)


def test_whole_numbers_as_inputs_and_float64_inputs_of_a_float32_model():
    whole = (X > 0).astype(int)
    assert_equals_the_loop(data=(whole, Y))
    step = assert_equals_the_loop(lambda: mlp(dtype=np.float32), rtol=1e-5)
    assert all(p.dtype == np.float32 for p in step.model.parameters())


def test_a_last_smaller_batch_has_a_program_of_its_own():
    a, b = mlp(), mlp()
    oa, ob = adam(a), adam(b)
    fast, slow = nn.compile_step(a, nn.squared_error, oa), looped(b, nn.squared_error, ob)
    for _ in range(3):
        for rows in (slice(0, 4), slice(4, 8), slice(8, 10)):
            assert fast(X[rows], Y[rows]) == pytest.approx(slow(X[rows], Y[rows]), rel=1e-12)
    assert_same_model(a, b)
    assert_same_optimizer(oa, ob)


def test_the_batch_is_not_written_to_and_may_be_read_only():
    x, y = X.copy(), Y.copy()
    x.flags.writeable = y.flags.writeable = False
    model = mlp()
    step = nn.compile_step(model, nn.squared_error, sgd(model))
    for _ in range(3):
        step(x, y)
    assert np.array_equal(x, X) and np.array_equal(y, Y)


# --------------------------------------------------------------------------------------- what changes between steps


def schedule(_i, _model, optimizer):
    optimizer.lr = 0.1 / (_i + 1)


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_a_learning_rate_assigned_between_steps_is_that_of_the_next_one(optimizer):
    assert_equals_the_loop(optimizer=optimizer, between=schedule)


def test_the_other_numbers_may_be_assigned_too_0_included():
    def momentum(i, _, o):
        o.momentum, o.weight_decay = (0.0 if i % 3 else 0.5), (0.0 if i % 2 else 0.1)

    assert_equals_the_loop(optimizer=lambda m: nn.SGD(m.parameters(), 0.1, 0.9, 0.01, True), between=momentum)
    assert_equals_the_loop(optimizer=adam, between=lambda i, _, o: setattr(o, "eps", 1e-3 * (i + 1)))


@pytest.mark.parametrize("optimizer", [sgd, adam], ids=["SGD", "Adam"])
def test_a_parameter_frozen_and_later_freed_is_left_alone_meanwhile(optimizer):
    def freeze(i, model, _):
        first, last = model.parameters()[0], model.parameters()[3]
        first.requires_grad = not 5 <= i < 10
        last.requires_grad = not 0 <= i < 3

    assert_equals_the_loop(optimizer=optimizer, between=freeze)


class Two(nn.Module):
    def __init__(self):
        self.a, self.b, self.which = nn.Linear(3, 2, rng=0), nn.Linear(3, 2, rng=1), "a"

    def forward(self, x):
        return getattr(self, self.which)(x)


@pytest.mark.parametrize("optimizer", [sgd, adam], ids=["SGD", "Adam"])
@pytest.mark.parametrize("every", [1, 3])
def test_parameters_that_receive_no_gradient_keep_their_state_and_count(optimizer, every):
    def choose(i, model, _):
        model.which = "a" if i // every % 2 else "b"

    assert_equals_the_loop(Two, optimizer=optimizer, between=choose, steps=30)


def changed(i, model, optimizer):
    first, second = model.parameters()[:2]
    if i == 3:
        model.load_state_dict(mlp().state_dict())
    if i == 5:
        first.data = np.full((5, 3), 0.1)
    if i == 7:
        second.data[...] = 0.2
    if i == 9:
        second.data -= 0.1
    if i == 11:
        optimizer.state = [tuple(np.zeros_like(s) for s in slots) for slots in optimizer.state]
        optimizer.steps = 0
    if i == 13:
        for slots in optimizer.state:
            for s in slots:
                s[...] = 0
    if i == 15:
        optimizer.steps, optimizer.missed = 7, [2, 0, 0, 1]


@pytest.mark.parametrize("optimizer", [sgd, adam], ids=["SGD", "Adam"])
def test_parameters_state_and_counts_that_are_assigned_between_steps_are_those_of_the_next_one(optimizer):
    assert_equals_the_loop(optimizer=optimizer, between=changed)


@pytest.mark.parametrize("optimizer", [sgd, adam], ids=["SGD", "Adam"])
def test_a_parameter_moved_to_other_memory_is_followed(optimizer):
    """The step's vector was then no longer the parameter's memory, and the update went nowhere."""

    def move(i, model, _):
        if i in (4, 9):
            model.layers[0].weight.move_to(np.zeros((5, 3)))

    assert_equals_the_loop(optimizer=optimizer, between=move)


def test_a_parameter_exchanged_in_the_model_is_no_longer_trained_unless_the_optimizer_has_it():
    def exchange(i, model, _):
        if i == 5:
            model.layers[0].weight = nn.Parameter(np.full((5, 3), 0.1))

    assert_equals_the_loop(optimizer=adam, between=exchange)


def test_a_parameter_taken_from_the_optimizer_is_no_longer_updated():
    def take(i, _, optimizer):
        if i == 5:
            for of in (optimizer.parameters, optimizer.state, optimizer.missed):
                of.pop()

    assert_equals_the_loop(between=take)


def dropped(p=0.5, shared=False):
    def make():
        first = np.random.default_rng(5)
        second = first if shared else np.random.default_rng(6)
        return nn.Sequential(
            nn.Linear(3, 8, rng=0), nn.Tanh(), nn.Dropout(p, rng=first), nn.Linear(8, 2, rng=1), nn.Dropout(0.2, second)
        )

    return make


@pytest.mark.parametrize("shared", [False, True])
def test_dropout_draws_the_same_numbers_compiled_or_not(shared):
    assert_equals_the_loop(dropped(shared=shared), optimizer=adam)


def test_dropout_whose_output_is_not_used_still_draws():
    class Net(nn.Module):
        def __init__(self):
            self.linear, self.dropout = nn.Linear(3, 2, rng=0), nn.Dropout(0.5, rng=1)

        def forward(self, x):
            o = self.linear(x)
            self.dropout(o)
            return self.dropout(o)

    assert_equals_the_loop(Net)


def test_train_and_eval_and_the_probability_may_change_between_steps():
    def toggle(i, model, _):
        model.eval() if i % 4 == 1 else model.train()
        model.layers[2].p = {9: 0.3, 13: 0.0, 15: 0.5}.get(i, model.layers[2].p)

    assert_equals_the_loop(dropped(), between=toggle)


# --------------------------------------------------------------------------------------- models and optimizers


class Tied(nn.Module):
    def __init__(self):
        self.a, self.b = nn.Linear(3, 3, rng=0), nn.Linear(3, 3, rng=1)
        self.b.weight = self.a.weight

    def forward(self, x):
        return self.b(np.tanh(self.a(x)))


class Mixed(nn.Module):
    def __init__(self):
        self.a, self.b = nn.Linear(3, 3, rng=0, dtype=np.float32), nn.Linear(3, 2, rng=1)

    def forward(self, x):
        return self.b(np.tanh(self.a(x)))


class Own(nn.Module):
    def __init__(self):
        self.w, self.scale, self.factor = nn.Parameter(np.ones((3, 2))), nn.Parameter(2.0), 1.0

    def forward(self, x):
        z = x @ self.w
        return self.factor * self.scale * np.where(z > 0, z, np.sin(z)) + np.mean(z, axis=0)


MASK = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])


@pytest.mark.parametrize("optimizer", [sgd, adam], ids=["SGD", "Adam"])
@pytest.mark.parametrize(
    ("make", "y"),
    [(Tied, X), (Mixed, Y), (Own, Y), (lambda: nn.Linear(3, 2, mask=MASK, rng=0), Y)],
    ids=["tied", "float32 and float64", "one's own", "masked"],
)
def test_models_of_other_kinds(make, y, optimizer):
    assert_equals_the_loop(make, optimizer=optimizer, data=(X, y))


def test_a_masked_weight_stays_0():
    layer = nn.Linear(3, 2, mask=MASK, rng=0)
    step = nn.compile_step(layer, nn.squared_error, nn.AdamW(layer.parameters(), 0.01))
    for _ in range(5):
        step(X, Y)
    assert np.all(layer.weight.data[MASK == 0] == 0)


def test_an_attribute_of_a_model_that_changes_is_not_frozen():
    assert_equals_the_loop(Own, optimizer=adam, between=lambda i, m, _: setattr(m, "factor", 1.0 + i // 5))


@pytest.mark.parametrize("part", [slice(2, None), slice(0, 1), slice(None, None, -1)])
def test_an_optimizer_over_a_part_of_the_model_leaves_the_rest_alone(part):
    assert_equals_the_loop(optimizer=lambda m: nn.Adam(m.parameters()[part], 0.01))


def test_steps_of_several_optimizers_and_losses_share_one_model():
    """Each lays the parameters out in another order: the one that comes next must notice."""
    a, b = mlp(), mlp()
    kinds = [
        (nn.squared_error, lambda m: nn.Adam(m.parameters()[:2], 0.01), Y),
        (nn.cross_entropy, lambda m: nn.Adam(m.parameters()[::-1], 0.01), LABELS),
        (nn.squared_error, lambda m: nn.SGD(m.parameters()[1:3], 0.1, 0.9), Y),
        (nn.squared_error, sgd, Y),
    ]
    fast = [nn.compile_step(a, loss, make(a)) for loss, make, _ in kinds]
    slow = [looped(b, loss, make(b)) for loss, make, _ in kinds]
    for _ in range(3):
        for one, two, (_, _, y) in zip(fast, slow, kinds, strict=True):
            assert one(X, y) == pytest.approx(two(X, y), rel=1e-12)
            assert_same_model(a, b)


def test_two_losses_share_one_optimizer():
    a, b = mlp(), mlp()
    oa, ob = adam(a), adam(b)
    pairs = [
        (nn.compile_step(a, f, oa), looped(b, f, ob), y) for f, y in ((nn.squared_error, Y), (nn.cross_entropy, LABELS))
    ]
    for _ in range(6):
        for fast, slow, y in pairs:
            assert fast(X, y) == pytest.approx(slow(X, y), rel=1e-12)
    assert_same_model(a, b)
    assert_same_optimizer(oa, ob)


@pytest.mark.parametrize("optimizer", [sgd, adam], ids=["SGD", "Adam"])
@pytest.mark.parametrize("first", [0, 1])
def test_compiled_and_written_out_steps_may_take_turns(optimizer, first):
    a, b = mlp(), mlp()
    oa, ob = optimizer(a), optimizer(b)
    mine = [looped(a, nn.squared_error, oa), nn.compile_step(a, nn.squared_error, oa)]
    slow = looped(b, nn.squared_error, ob)
    for i in range(12):
        assert mine[(i // 3 + first) % 2](X, Y) == pytest.approx(slow(X, Y), rel=1e-12)
    assert_same_model(a, b)
    assert_same_optimizer(oa, ob)


@pytest.mark.parametrize("travel", [copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))], ids=["deepcopy", "pickle"])
def test_model_and_optimizer_go_on_as_copies_and_the_old_ones_too(travel):
    a, b = mlp(), mlp()
    oa, ob = adam(a), adam(b)
    fast, slow = nn.compile_step(a, nn.squared_error, oa), looped(b, nn.squared_error, ob)
    for _ in range(4):
        fast(X, Y)
        slow(X, Y)
    (a2, oa2), (b2, ob2) = travel((a, oa)), travel((b, ob))
    fast2, slow2 = nn.compile_step(a2, nn.squared_error, oa2), looped(b2, nn.squared_error, ob2)
    for _ in range(4):
        assert fast2(X, Y) == pytest.approx(slow2(X, Y), rel=1e-12)
    assert fast(X, Y) == pytest.approx(slow(X, Y), rel=1e-12)
    assert_same_model(a, b)
    assert_same_model(a2, b2)
    assert_same_optimizer(oa2, ob2)


@pytest.mark.parametrize("travel", [copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))], ids=["deepcopy", "pickle"])
def test_a_copy_of_a_step_trains_the_copies_of_model_and_optimizer(travel):
    model = mlp()
    step = nn.compile_step(model, nn.squared_error, adam(model))
    step(X, Y)
    other = travel(step)
    assert other.model is not model
    assert other.optimizer.parameters[0] is other.model.parameters()[0]
    before = model.state_dict()
    losses = [other(X, Y) for _ in range(3)]
    assert all(np.array_equal(before[name], value) for name, value in model.state_dict().items())
    assert [step(X, Y) for _ in range(3)] == pytest.approx(losses, rel=1e-12)


class Decayed(nn.Optimizer):
    """Its rate depends on the step alone, and what it multiplies by stands in a list, and in a global."""

    slot_names, number_names = ("mean",), ("rate",)

    def __init__(self, parameters, lr):
        super().__init__(parameters, lr)
        self.factors = [1.0]

    def numbers(self, t=None):
        return (self.lr / (self.steps + 1 if t is None else t),)

    def update(self, p, g, state, rate):
        mean = 0.5 * state[0] + g
        return p - GLOBAL * self.factors[0] * rate * np.sign(mean), (mean,)


GLOBAL = 1.0


def test_an_optimizer_of_one_s_own():
    assert_equals_the_loop(optimizer=lambda m: Decayed(m.parameters(), 0.1), between=schedule)


def test_what_an_optimizer_of_one_s_own_reads_is_not_frozen(monkeypatch):
    def change(i, _, optimizer):
        optimizer.factors[0] = 1.0 + i // 4
        monkeypatch.setitem(globals(), "GLOBAL", 2.0 if i > 10 else 1.0)

    assert_equals_the_loop(optimizer=lambda m: Decayed(m.parameters(), 0.1), between=change)


def test_a_complex_parameter_steps_against_the_conjugate():
    class Net(nn.Module):
        def __init__(self):
            self.w = nn.Parameter(np.array([[1.0 + 1j, 2.0], [0.5, -1j], [1j, 1.0]]))

        def forward(self, x):
            return np.abs(x @ self.w) ** 2

    assert_equals_the_loop(Net, optimizer=lambda m: nn.SGD(m.parameters(), 1e-3, 0.9))


# --------------------------------------------------------------------------------------------- beside the step


@pytest.mark.parametrize("optimizer", [OPTIMIZERS["SGD"], adam], ids=["SGD", "Adam"])
def test_graphs_recorded_before_a_step_notice_the_update(optimizer):
    model = mlp()
    step = nn.compile_step(model, nn.squared_error, optimizer(model))
    for _ in range(3):
        value = nn.squared_error(model(X), Y)
        step(X, Y)
        with pytest.raises(ag.errors.OverwrittenError):
            value.backward()


def test_a_step_leaves_no_grad_and_does_not_look_at_what_is_there():
    model = mlp()
    step = nn.compile_step(model, nn.squared_error, sgd(model))
    for p in model.parameters():
        p.grad = np.full(p.shape, np.nan)
    step(X, Y)
    assert all(np.isfinite(p.data).all() for p in model.parameters())


def test_gradients_are_there_if_they_are_kept():
    a, b = mlp(), mlp()
    step = nn.compile_step(a, nn.squared_error, sgd(a), keep_gradients=True)
    step(X, Y)
    nn.squared_error(b(X), Y).backward()
    for p, q in zip(a.parameters(), b.parameters(), strict=True):
        np.testing.assert_allclose(step.gradients[p], q.grad, rtol=1e-12, atol=1e-15)


def test_the_loss_is_a_float_and_that_before_the_step():
    model = mlp()
    expected = nn.squared_error(nn.evaluate(model, X), Y)
    value = nn.compile_step(model, nn.squared_error, sgd(model))(X, Y)
    assert type(value) is float
    assert value == pytest.approx(expected, rel=1e-12)


def test_a_nan_goes_where_the_loop_takes_it():
    x = X.copy()
    x[0, 0] = np.nan
    a, b = mlp(), mlp()
    assert np.isnan(nn.compile_step(a, nn.squared_error, sgd(a))(x, Y))
    assert np.isnan(looped(b, nn.squared_error, sgd(b))(x, Y))
    for p, q in zip(a.parameters(), b.parameters(), strict=True):
        np.testing.assert_allclose(p.data, q.data, rtol=1e-12)


WRONG = {
    "a label too large": (nn.cross_entropy, np.where(np.arange(10) == 7, 2, LABELS)),
    "a label below 0": (nn.cross_entropy, np.where(np.arange(10) == 7, -1, LABELS)),
    "rows that do not add up to 1": (nn.cross_entropy, 0.9 * ONE_HOT),
    "targets above 1": (nn.binary_cross_entropy_with_logits, 2 * ONE_HOT),
}


@pytest.mark.parametrize("known", [False, True], ids=["at the first step", "later"])
@pytest.mark.parametrize(("loss", "y"), WRONG.values(), ids=WRONG)
def test_targets_that_are_wrong_raise_the_error_of_the_loop_and_change_nothing(loss, y, known):
    model = mlp()
    optimizer = adam(model)
    step = nn.compile_step(model, loss, optimizer)
    if known:
        step(X, LABELS if y.ndim == 1 else ONE_HOT)
    before, state = model.state_dict(), copy.deepcopy(optimizer.state)
    with pytest.raises(ValueError) as eager:
        loss(model(X), y)
    with pytest.raises(ValueError) as compiled:
        step(X, y)
    assert str(compiled.value) == str(eager.value)
    assert all(np.array_equal(before[name], value) for name, value in model.state_dict().items())
    assert all(
        np.array_equal(s, t)
        for one, two in zip(state, optimizer.state, strict=True)
        for s, t in zip(one, two, strict=True)
    )
    assert optimizer.steps == known
    assert step(X, LABELS if y.ndim == 1 else ONE_HOT) > 0


def test_masked_and_matrix_batches_are_refused_as_by_the_loop():
    model = mlp()
    step = nn.compile_step(model, nn.squared_error, sgd(model))
    step(X, Y)
    with pytest.raises(ag.errors.DTypeError, match="MaskedArray"):
        step(np.ma.masked_array(X, mask=X > 0), Y)


def test_a_step_shows_its_source_once_it_was_taken():
    model = mlp()
    step = nn.compile_step(model, nn.squared_error, sgd(model))
    with pytest.raises(ag.errors.TraceError, match="Take a step first"):
        step.source()
    step(X, Y)
    assert "np.tanh" in step.source() or "tanh" in step.source()


def test_prepare_compiles_and_changes_nothing():
    model = nn.Sequential(nn.Linear(3, 2, rng=0), nn.Dropout(0.5, rng=0))
    optimizer = adam(model)
    step, before = nn.compile_step(model, nn.squared_error, optimizer), model.state_dict()
    drawn = model.layers[1].rng.bit_generator.state
    step.prepare(X, Y)
    assert all(np.array_equal(before[name], value) for name, value in model.state_dict().items())
    assert optimizer.steps == 0
    assert model.layers[1].rng.bit_generator.state == drawn


def test_a_step_that_is_dropped_goes_with_its_model():
    model = mlp()
    step = nn.compile_step(model, nn.squared_error, adam(model))
    step(X, Y)
    gone = [weakref.ref(model), weakref.ref(step), weakref.ref(model.parameters()[0])]
    del model, step
    gc.collect()
    assert [ref() for ref in gone] == [None] * 3


def test_parameters_are_parts_of_one_vector_with_their_values():
    model = mlp()
    before = model.state_dict()
    nn.compile_step(model, nn.squared_error, sgd(model)).prepare(X, Y)
    bases = {id(p.data.base) for p in model.parameters()}
    assert len(bases) == 1
    assert all(np.array_equal(before[name], value) for name, value in model.state_dict().items())


def test_a_parameter_of_which_a_view_is_in_use_is_not_moved_from_under_it():
    model = mlp()
    view = model.layers[0].weight.T
    with pytest.raises(ag.errors.UnsupportedArgumentError, match="a view of W1 is in use"):
        nn.compile_step(model, nn.squared_error, sgd(model))(X, Y)
    del view
    assert nn.compile_step(model, nn.squared_error, sgd(model))(X, Y) > 0


# ------------------------------------------------------------------------------------------------------- fit


def fit_both(make=mlp, loss=nn.squared_error, optimizer=sgd, data=(X, Y), **options):
    """Fit two equal models, one compiled; return [(model, optimizer, history)] of both."""
    found = []
    for compiled in (True, False):
        model = make()
        of = optimizer(model)
        history = nn.fit(
            model, data, loss=loss, optimizer=of, compile=compiled, **{"epochs": 6, "batch_size": 4, **options}
        )
        found.append((model, of, history))
    return found


def assert_same_runs(runs, rtol=1e-12):
    (a, oa, ha), (b, ob, hb) = runs
    assert ha.loss == pytest.approx(hb.loss, rel=rtol)
    assert ha.validation_loss == pytest.approx(hb.validation_loss, rel=rtol)
    assert ha.gradient_norms.keys() == hb.gradient_norms.keys()
    for name, norms in ha.gradient_norms.items():
        assert norms == pytest.approx(hb.gradient_norms[name], rel=rtol, abs=rtol)
    assert (ha.best_epoch, ha.stopped_by, ha.metrics) == (hb.best_epoch, hb.stopped_by, hb.metrics)
    assert ha.uncompiled is None
    assert_same_model(a, b, rtol)
    assert_same_optimizer(oa, ob, rtol)
    for p, q in zip(a.parameters(), b.parameters(), strict=True):
        assert (p.grad is None) == (q.grad is None)
        if p.grad is not None:
            np.testing.assert_allclose(p.grad, q.grad, rtol=rtol, atol=rtol)
            assert p.grad.flags.writeable and p.grad.flags.owndata


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize("batch_size", [1, 4, None])
def test_fit_gives_the_same_run_compiled_or_not(optimizer, batch_size):
    assert_same_runs(fit_both(optimizer=optimizer, batch_size=batch_size, epochs=2 if batch_size == 1 else 6))


@pytest.mark.parametrize(("loss", "output", "y"), LOSSES.values(), ids=LOSSES)
def test_fit_gives_the_same_run_with_every_loss(loss, output, y):
    assert_same_runs(fit_both(lambda: mlp(output=output), loss, data=(X, y)))


def test_fit_gives_the_same_run_with_validation_patience_and_a_metric():
    options = {"validation": (X[:5], LABELS[:5]), "patience": 2, "metrics": nn.accuracy, "epochs": 30}
    assert_same_runs(fit_both(loss=nn.cross_entropy, data=(X, LABELS), **options))


def test_fit_gives_the_same_run_with_dropout_and_evaluation_between_epochs():
    assert_same_runs(fit_both(dropped(), validation=(X[:5], Y[:5])))


def test_fit_gives_the_same_run_with_parameters_without_gradient_or_frozen():
    def frozen():
        model = mlp()
        model.parameters()[0].requires_grad = False
        return model

    assert_same_runs(fit_both(Two))
    assert_same_runs(fit_both(frozen, optimizer=adam))


def test_fit_gives_the_same_run_over_a_part_of_the_model():
    runs = fit_both(optimizer=lambda m: nn.SGD(m.parameters()[2:], 0.1, 0.9))
    (a, _, ha), (b, _, hb) = runs
    assert ha.loss == pytest.approx(hb.loss, rel=1e-12)
    assert_same_model(a, b)


def test_fit_compiles_by_default_and_says_so():
    model = mlp()
    assert nn.fit(model, (X, Y), loss=nn.squared_error, optimizer=sgd(model), epochs=1).uncompiled is None
    other = mlp()
    nn.fit(other, (X, Y), loss=nn.squared_error, optimizer=sgd(other), epochs=1, compile=True)
    assert_same_model(model, other, 0)


def test_fit_goes_on_where_it_stopped():
    runs = []
    for compiled in (True, False):
        model = mlp()
        optimizer = adam(model)
        histories = [
            nn.fit(model, (X, Y), loss=nn.squared_error, optimizer=optimizer, epochs=3, batch_size=4, compile=compiled)
            for _ in range(2)
        ]
        runs.append((model, optimizer, histories[1]))
    assert_same_runs(runs)


def looking(o, y):
    """A loss that looks at a value."""
    value = nn.squared_error(o, y)
    return value if value.item() > 0 else 2 * value


def test_fit_runs_a_loss_that_looks_at_values_as_it_is_written_and_says_why():
    a, b = mlp(), mlp()
    runs = [
        (m, o := sgd(m), nn.fit(m, (X, Y), loss=looking, optimizer=o, epochs=3, compile=compiled))
        for m, compiled in ((a, None), (b, False))
    ]
    assert "item()" in runs[0][2].uncompiled
    assert "test_compiled.py" in runs[0][2].uncompiled
    assert runs[0][2].loss == runs[1][2].loss
    assert_same_model(a, b, 0)


def test_fit_compile_true_raises_instead_and_changes_nothing():
    model = mlp()
    before = model.state_dict()
    with pytest.raises(ag.errors.TraceError, match=r"item\(\)"):
        nn.fit(model, (X, Y), loss=looking, optimizer=sgd(model), epochs=3, compile=True)
    assert all(np.array_equal(before[name], value) for name, value in model.state_dict().items())


class Counts(nn.Module):
    """Counts its calls, keeps a running mean, and drops out units by draws of its own."""

    def __init__(self):
        self.linear, self.calls, self.mean = nn.Linear(3, 2, rng=0), [], ag.Tensor(np.zeros(2))
        self.rng = np.random.default_rng(0)

    def forward(self, x):
        o = self.linear(x) * (self.rng.random(2) > 0.3)
        self.calls.append(len(x))
        self.mean = 0.9 * self.mean + 0.1 * np.mean(o, axis=0).detach()
        return o


def test_fit_falls_back_without_a_trace_of_having_tried():
    models = []
    for compiled in (None, False):
        model = Counts()
        history = nn.fit(
            model, (X, Y), loss=nn.squared_error, optimizer=sgd(model), epochs=3, batch_size=4, compile=compiled
        )
        models.append((model, history))
    (a, ha), (b, hb) = models
    assert ha.uncompiled is not None and hb.uncompiled is None
    assert ha.loss == hb.loss
    assert a.calls == b.calls == [4, 4, 2] * 3
    assert np.array_equal(a.mean.numpy(), b.mean.numpy())
    assert a.rng.bit_generator.state == b.rng.bit_generator.state
    assert_same_model(a, b, 0)


def test_a_loss_that_changes_again_and_again_is_compiled_until_it_is_too_often():
    histories = []
    for compiled in (None, False):
        model, factor = mlp(), 1.0

        def loss(o, y):
            return factor * nn.squared_error(o, y)  # noqa: B023 (it is to change)

        def metric(_o, _y):
            nonlocal factor
            factor *= 0.9
            return factor

        histories.append(
            nn.fit(
                model, (X, Y), loss=loss, optimizer=sgd(model), epochs=12, validation=(X, Y), metrics=metric,
                compile=compiled,
            )
        )  # fmt: skip
    assert histories[0].loss == pytest.approx(histories[1].loss, rel=1e-12)
    assert "closed-over factor changed" in histories[0].uncompiled


def test_hooks_on_parameters_are_part_of_the_step():
    def make():
        model = mlp()
        model.layers[0].weight.register_hook(lambda g: np.clip(g, -0.01, 0.01))
        return model

    assert_equals_the_loop(make)
    assert_same_runs(fit_both(make))


def test_under_debug_fit_runs_the_step_as_it_is_written():
    model = mlp()
    with ag.debug():
        history = nn.fit(model, (X, Y), loss=nn.squared_error, optimizer=sgd(model), epochs=1)
    assert "ag.debug()" in history.uncompiled


def test_a_penalty_on_the_parameters_belongs_to_the_loss():
    def make_loss(model, rate):
        return lambda o, y: nn.squared_error(o, y) + rate * sum(np.sum(p * p) for p in model.parameters())

    a, b = mlp(), mlp()
    fast = nn.compile_step(a, make_loss(a, 0.1), adam(a))
    slow = looped(b, make_loss(b, 0.1), adam(b))
    for _ in range(5):
        assert fast(X, Y) == pytest.approx(slow(X, Y), rel=1e-12)
    assert_same_model(a, b)


class OwnStep(nn.SGD):
    def step(self):
        for p in self.parameters:
            p.data = p.data - self.lr * p.grad


def test_fit_runs_an_optimizer_with_a_step_of_its_own_as_it_is_written():
    model, other = mlp(), mlp()
    history = nn.fit(model, (X, Y), loss=nn.squared_error, optimizer=OwnStep(model.parameters(), 0.1), epochs=3)
    assert history.uncompiled == "OwnStep has a step() of its own"
    nn.fit(other, (X, Y), loss=nn.squared_error, optimizer=nn.SGD(other.parameters(), 0.1), epochs=3, compile=False)
    assert_same_model(model, other, 1e-15)
    with pytest.raises(TypeError, match=r"leave step\(\) to nn.Optimizer"):
        nn.fit(model, (X, Y), loss=nn.squared_error, optimizer=OwnStep(model.parameters(), 0.1), compile=True)


def test_fit_falls_back_where_a_model_keeps_a_view_of_a_parameter():
    model, other = mlp(), mlp()
    view = model.layers[0].weight.T
    history = nn.fit(model, (X, Y), loss=nn.squared_error, optimizer=sgd(model), epochs=3)
    assert "a view of W1 is in use" in history.uncompiled
    nn.fit(other, (X, Y), loss=nn.squared_error, optimizer=sgd(other), epochs=3, compile=False)
    assert_same_model(model, other, 0)
    assert view.shape == (3, 5)


def test_fit_falls_back_in_the_middle_of_a_run():
    """The parameters are to be laid out anew, since one is frozen, and a view of another is in use by then."""
    runs = []
    for compiled in (None, False):
        model, views = mlp(), []

        def metric(_o, _y):
            if len(views) == 2:  # noqa: B023
                model.parameters()[3].requires_grad = False  # noqa: B023
            views.append(model.layers[0].weight.T)  # noqa: B023
            return 0.0

        optimizer = adam(model)
        history = nn.fit(
            model, (X, Y), loss=nn.squared_error, optimizer=optimizer, epochs=6, validation=(X, Y), metrics=metric,
            compile=compiled,
        )  # fmt: skip
        runs.append((model, optimizer, history))
    (a, oa, ha), (b, ob, hb) = runs
    assert "a view of W1 is in use" in ha.uncompiled
    assert ha.loss == pytest.approx(hb.loss, rel=1e-12)
    assert_same_model(a, b)
    assert_same_optimizer(oa, ob)


@pytest.mark.parametrize("compiled", [None, False])
def test_fit_says_the_same_of_labels_out_of_range(compiled):
    model = mlp()
    labels = np.where(np.arange(10) == 7, 5, LABELS)
    with pytest.raises(ValueError, match="label 5 is out of range"):
        nn.fit(
            model, (X, labels), loss=nn.cross_entropy, optimizer=sgd(model), epochs=2, batch_size=4, compile=compiled
        )


def test_fit_stops_at_a_loss_that_is_not_finite_with_the_same_words_and_weights():
    found = []
    for compiled in (True, False):
        model = mlp()
        with np.errstate(all="ignore"), pytest.raises(nn.NonFiniteLossError) as caught:
            nn.fit(
                model, (X, 1e3 * Y), loss=nn.squared_error, optimizer=nn.SGD(model.parameters(), 1e6), epochs=60,
                batch_size=4, compile=compiled,
            )  # fmt: skip
        found.append((str(caught.value), caught.value.history, model))
    (text, history, model), (other_text, other, other_model) = found
    assert text == other_text
    assert history.loss == pytest.approx(other.loss, rel=1e-9)
    assert history.stopped_by == other.stopped_by == "error"
    assert_same_model(model, other_model, 1e-9)


def test_fit_names_the_layer_that_left_the_finite_numbers():
    class Explodes(nn.Module):
        def __init__(self):
            self.linear = nn.Linear(3, 2, rng=0)

        def forward(self, x):
            return np.exp(1e3 * (1 + self.linear(x) ** 2))

    texts = []
    for compiled in (True, False):
        model = Explodes()
        with np.errstate(all="ignore"), pytest.raises(nn.NonFiniteLossError) as caught:
            nn.fit(model, (X, Y), loss=nn.squared_error, optimizer=sgd(model), compile=compiled)
        texts.append(str(caught.value))
    assert texts[0] == texts[1]


def test_fit_interrupted_leaves_what_the_steps_so_far_did():
    class Interrupts:
        def __init__(self):
            self.calls = 0

        def __call__(self, _o, _y):
            self.calls += 1
            if self.calls == 3:
                raise KeyboardInterrupt
            return 0.0

    models = []
    for compiled in (True, False):
        model = mlp()
        history = nn.fit(
            model, (X, Y), loss=nn.squared_error, optimizer=sgd(model), epochs=9, validation=(X, Y),
            metrics=Interrupts(), compile=compiled,
        )  # fmt: skip
        assert (history.stopped_by, history.epochs, len(history.validation_loss)) == ("interrupt", 2, 2)
        models.append(model)
    assert_same_model(*models)


def test_fit_puts_the_training_mode_back_and_compiles_for_that():
    model = dropped()()
    model.eval()
    history = nn.fit(model, (X, Y), loss=nn.squared_error, optimizer=sgd(model), epochs=2)
    assert model.training and history.uncompiled is None


# ---------------------------------------------------------------------------------------------------- refused


def test_a_loss_that_depends_on_no_parameter_is_refused_as_by_the_loop():
    class Cut(nn.Module):
        def __init__(self):
            self.linear = nn.Linear(3, 2, rng=0)

        def forward(self, x):
            return self.linear(x).detach()

    for compiled in (None, False):
        model = Cut()
        with pytest.raises(ag.errors.NothingRecordedError, match="does not depend on any parameter"):
            nn.fit(model, (X, Y), loss=nn.squared_error, optimizer=sgd(model), epochs=1, compile=compiled)
    model = Cut()
    with pytest.raises(ag.errors.NothingRecordedError, match="does not depend on any parameter of the optimizer"):
        nn.compile_step(model, nn.squared_error, sgd(model))(X, Y)


def test_a_loss_that_is_no_scalar_is_refused():
    model = mlp()
    step = nn.compile_step(model, lambda o, y: (o - y) ** 2, sgd(model))
    with pytest.raises(ag.errors.ShapeError, match="must return one number"):
        step(X, Y)


def test_random_numbers_drawn_without_fresh_are_refused():
    draws = np.random.default_rng(0)
    model = mlp()
    step = nn.compile_step(model, lambda o, y: nn.squared_error(o + draws.normal(size=o.shape), y), sgd(model))
    with pytest.raises(ag.errors.TraceError, match=r"ag\.fresh"):
        step(X, Y)


# ------------------------------------------------------------------------------------------------ still more


class Odd(nn.Module):
    """Has a parameter of no entries, one of one number, and one that no loss depends on."""

    def __init__(self):
        self.none, self.one, self.idle = nn.Parameter(np.zeros((0, 3))), nn.Parameter(2.0), nn.Parameter(np.ones(2))
        self.w = nn.Parameter(np.ones((3, 2)))

    def forward(self, x):
        return self.one * (x @ self.w) + np.sum(self.none)


@pytest.mark.parametrize("optimizer", [lambda m: nn.SGD(m.parameters(), 0.01, 0.9), adam], ids=["SGD", "Adam"])
def test_parameters_of_no_entries_of_one_number_and_without_use(optimizer):
    assert_equals_the_loop(Odd, optimizer=optimizer)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_a_model_of_some_size_on_batches_of_two_sizes(optimizer, dtype):
    draws = np.random.default_rng(1)
    x, y = draws.normal(size=(64, 50)), draws.integers(0, 10, 64)
    a, b = (nn.MLP([50, 64, 32, 10], "relu", rng=0, dtype=dtype) for _ in range(2))
    oa, ob = optimizer(a), optimizer(b)
    fast, slow = nn.compile_step(a, nn.cross_entropy, oa), looped(b, nn.cross_entropy, ob)
    for n in [64, 20] * 5:
        assert fast(x[:n], y[:n]) == pytest.approx(slow(x[:n], y[:n]), rel=CLOSE[dtype])
    assert_same_model(a, b, CLOSE[dtype])
    assert_same_optimizer(oa, ob, CLOSE[dtype])


@pytest.mark.parametrize("dtype", ["i1", "u1", "?", "i8"])
def test_labels_of_every_integer_dtype(dtype):
    assert_equals_the_loop(loss=nn.cross_entropy, data=(X, LABELS.astype(dtype)), steps=3)


def test_a_state_kept_by_hand_brings_back_the_same_run():
    model = mlp()
    optimizer = adam(model)
    step = nn.compile_step(model, nn.squared_error, optimizer)
    for _ in range(3):
        step(X, Y)
    kept = copy.deepcopy((optimizer.state, optimizer.steps, optimizer.missed, model.state_dict()))
    first = [step(X, Y) for _ in range(3)]
    optimizer.state, optimizer.steps, optimizer.missed = copy.deepcopy(kept[:3])
    model.load_state_dict(kept[3])
    assert [step(X, Y) for _ in range(3)] == first
    for slots, old in zip(optimizer.state, kept[0], strict=True):
        for s, value in zip(slots, old, strict=True):
            s[...] = value
    optimizer.steps = kept[1]
    model.load_state_dict(kept[3])
    assert [step(X, Y) for _ in range(3)] == first


def test_a_step_whose_recording_failed_can_be_taken_later():
    class Fails(nn.Module):
        def __init__(self):
            self.linear, self.fail = nn.Linear(3, 2, rng=0), False

        def forward(self, x):
            if self.fail:
                raise RuntimeError("not yet")
            return self.linear(x)

    a, b = Fails(), Fails()
    oa = adam(a)
    fast, slow = nn.compile_step(a, nn.squared_error, oa), looped(b, nn.squared_error, adam(b))
    for i in range(6):
        a.fail = i % 2 == 0
        if a.fail:
            with pytest.raises(RuntimeError, match="not yet"):
                fast(X, Y)
        else:
            assert fast(X, Y) == pytest.approx(slow(X, Y), rel=1e-12)
    assert oa.steps == 3
    assert_same_model(a, b)


@pytest.mark.parametrize(("x", "y"), [(X[:, :2], Y), (X, Y[:, :1]), (X, Y[:5])])
def test_batches_of_a_wrong_shape_raise_the_error_of_the_loop_and_change_nothing(x, y):
    model = mlp()
    step = nn.compile_step(model, nn.squared_error, sgd(model))
    step(X, Y)
    before = model.state_dict()
    with pytest.raises(ag.errors.ShapeError) as eager:
        nn.squared_error(model(x), y)
    with pytest.raises(ag.errors.ShapeError) as compiled:
        step(x, y)
    assert str(compiled.value) == str(eager.value)
    assert all(np.array_equal(before[name], value) for name, value in model.state_dict().items())


def test_a_compiled_model_beside_the_step_sees_the_parameters_that_move_and_change():
    model = mlp()
    infer = ag.no_grad()(ag.compile(lambda x: model(x)))
    infer(X)
    step = nn.compile_step(model, nn.squared_error, sgd(model))
    for _ in range(12):
        step(X, Y)
        np.testing.assert_allclose(infer(X), model(X).numpy(), rtol=1e-13)
    assert len(infer.__wrapped__.entries) == 2  # before the parameters moved, and after


# ------------------------------------------------------------------------------------ groups, buffers, clipping


class Standardized(nn.Module):
    """Keeps a running mean of its inputs, counts its calls, and reads what it assigned."""

    def __init__(self):
        self.mean, self.calls = nn.Buffer(np.zeros(3)), nn.Buffer(0)
        self.linear = nn.Linear(3, 2, rng=0)

    def forward(self, x):
        if self.training:
            self.mean.assign(0.75 * self.mean.value + 0.25 * np.mean(x, axis=0))
            self.calls.assign(self.calls.value + 1)
        return self.linear(x - self.mean.value) / (1 + 1 / (1 + self.calls.value))


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_buffers_get_the_values_that_the_loop_gives_them(backend):
    if backend == "numba":
        pytest.importorskip("numba", reason="numba is not installed: pip install 'autograd-mini[jit]'")
    models = [Standardized() for _ in range(2)]
    (compiled, eager), optimizers = models, [nn.SGD(m.parameters(), 0.1, 0.5) for m in models]
    step = nn.compile_step(compiled, nn.squared_error, optimizers[0], backend=backend)
    for i in range(12):
        for model in models:
            model.train(i % 5 != 4)  # in evaluation mode they stay
        value = step(X[i % 2 :], Y[i % 2 :])
        eager.zero_grad()
        loss = nn.squared_error(eager(X[i % 2 :]), Y[i % 2 :])
        loss.backward()
        optimizers[1].step()
        assert value == pytest.approx(loss.item(), rel=1e-12)
        assert compiled.calls.data == eager.calls.data
        np.testing.assert_allclose(compiled.mean.data, eager.mean.data, rtol=1e-13)
    assert eager.calls.data == 10
    assert_same_model(*models)


def test_a_buffer_loaded_or_assigned_between_steps_is_read():
    models = [Standardized() for _ in range(2)]
    (compiled, eager), optimizers = models, [nn.SGD(m.parameters(), 0.1) for m in models]
    step = nn.compile_step(compiled, nn.squared_error, optimizers[0])
    for i in range(6):
        step(X, Y)
        eager.zero_grad()
        nn.squared_error(eager(X), Y).backward()
        optimizers[1].step()
        for model in models:
            if i == 2:
                model.load_state_dict(Standardized().state_dict())
            if i == 4:
                model.mean.assign(np.ones(3))
    assert_same_model(*models)


def grouped(model):
    first, *rest = model.parameters()
    return nn.Groups([
        nn.SGD([first], 0.1, momentum=0.9),
        *nn.Adam([{"params": rest[:1], "lr": 1e-2, "weight_decay": 0.1}, {"params": rest[1:]}], 1e-3).groups,
    ])  # fmt: skip


@pytest.mark.parametrize("clip", [{}, {"clip_norm": 0.05}, {"clip_value": 0.01}], ids=["", "norm", "value"])
def test_groups_and_clipping_equal_the_loop(clip):
    models = [mlp() for _ in range(2)]
    optimizers = [grouped(m) for m in models]
    step = nn.compile_step(models[0], nn.squared_error, optimizers[0], keep_gradients=True, **clip)
    for i in range(8):
        for optimizer in optimizers:
            optimizer.groups[1].lr = 0.1 / (1 + i)
        step(X, Y)
        optimizers[1].zero_grad()
        nn.squared_error(models[1](X), Y).backward()
        for p, q in zip(models[0].parameters(), models[1].parameters(), strict=True):
            np.testing.assert_allclose(step.gradients[p], q.grad, rtol=1e-11, atol=1e-14)  # before clipping
        if "clip_norm" in clip:
            nn.clip_grad_norm_(models[1].parameters(), clip["clip_norm"])
        elif clip:
            nn.clip_grad_value_(models[1].parameters(), clip["clip_value"])
        optimizers[1].step()
    assert_same_model(*models)
    assert [g.steps for g in optimizers[0].groups] == [8, 8, 8]


def test_a_norm_is_that_of_all_vectors_together():
    """Two dtypes make two vectors; clipped apart, the larger gradient would not shorten the smaller one."""

    class Mixed(nn.Module):
        def __init__(self):
            self.a, self.b = nn.Parameter(np.ones(2)), nn.Parameter(np.ones(2, np.float32))

        def forward(self, x):
            return x @ (100 * self.a) + x @ self.b

    model = Mixed()
    step = nn.compile_step(model, lambda o, _y: o.sum(), nn.SGD(model.parameters(), 1.0), clip_norm=1.0)
    step(np.ones((1, 2)), np.ones(1))
    change_a, change_b = 1 - model.a.data, 1 - model.b.data.astype(float)
    assert np.sqrt(np.sum(change_a**2) + np.sum(change_b**2)) == pytest.approx(1, rel=1e-5)
    assert change_a[0] / change_b[0] == pytest.approx(100, rel=1e-4)


@pytest.mark.parametrize("clip", [{}, {"clip_norm": 0.05}, {"clip_value": 0.01}], ids=["", "norm", "value"])
def test_fit_with_groups_and_clipping_gives_the_same_run(clip):
    (a, _, ha), (b, _, hb) = fit_both(optimizer=grouped, **clip)
    assert_same_model(a, b)
    assert ha.loss == pytest.approx(hb.loss, rel=1e-11)
    for name, norms in ha.gradient_norms.items():
        assert norms == pytest.approx(hb.gradient_norms[name], rel=1e-9)
    for p, q in zip(a.parameters(), b.parameters(), strict=True):
        np.testing.assert_allclose(p.grad, q.grad, rtol=1e-9, atol=1e-13)


def test_fit_by_batches_that_write_buffers_gives_the_same_run():
    (a, *_), (b, *_) = fit_both(Standardized)
    assert_same_model(a, b)
    np.testing.assert_allclose(a.mean.data, b.mean.data, rtol=1e-12)
    assert a.calls.data == b.calls.data > 0


def test_one_kind_of_clipping_at_a_time():
    model = mlp()
    with pytest.raises(ValueError, match="clip_norm and clip_value are both given"):
        nn.compile_step(model, nn.squared_error, sgd(model), clip_norm=1.0, clip_value=1.0)
    with pytest.raises(ValueError, match="clip_norm is 0"):
        nn.compile_step(model, nn.squared_error, sgd(model), clip_norm=0)
    with pytest.raises(TypeError, match=r"optimizer is .*, but must be one of nn's that steps from one gradient"):
        nn.compile_step(model, nn.squared_error, nn.LBFGS(model.parameters()))
