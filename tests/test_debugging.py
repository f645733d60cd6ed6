"""ag.debug: the first nan or inf and moved residuals, each with the user's line."""

import copy
import threading
import warnings
import weakref

import numpy as np
import pytest

import autograd_mini as ag
import nn
from autograd_mini import debugging
from autograd_mini.errors import NonFiniteError, OverwrittenError


def leaf(data, name="x"):
    return ag.Tensor(np.array(data, float), requires_grad=True, name=name)


def report(function, error=NonFiniteError):
    with ag.debug(), pytest.raises(error) as caught:
        function()
    return str(caught.value)


FORWARD = {
    "log of zero": (lambda: np.log(leaf([1, 0, 2])), ["np.log gave -inf", "1 of 3", "(1,)", "from 0 to 2; there 0"]),
    "log of a negative": (lambda: np.log(leaf([1.0, -4.0])), ["np.log gave nan", "there -4"]),
    "exp overflow": (lambda: np.exp(leaf([1.0, 1000.0])), ["np.exp gave inf", "there 1000", "logsumexp"]),
    "division by zero": (
        lambda: leaf([[1.0, 2.0], [3.0, 4.0]], "a") / np.array([1.0, 0.0]),
        ["np.divide gave inf", "2 of 4", "(0, 1)", "a: shape (2, 2)", "b: shape (2,), from 0 to 1; there 0"],
    ),
    "a number divided by zero": (lambda: 1 / leaf(0.0), ["np.divide gave inf.", "a: 1", "x: 0"]),
    "fractional power": (lambda: leaf([-8.0]) ** (1 / 3), ["np.power gave nan", "b: 0.333333"]),
    "inf - inf": (lambda: leaf([np.inf]) - np.inf, ["np.subtract gave nan", "1 of 1 are inf"]),
    "0 * inf": (lambda: leaf([0.0]) * np.inf, ["np.multiply gave nan"]),
    "a product": (lambda: leaf([[1e200]]) @ np.array([[1e200]]), ["np.matmul gave inf"]),
    "a constant Tensor": (lambda: np.sqrt(ag.Tensor([-1.0])), ["np.sqrt gave nan"]),
    "nothing recorded": (ag.no_grad()(lambda: np.sqrt(leaf([-1.0]))), ["np.sqrt gave nan"]),
    "one of several outputs": (
        lambda: np.linalg.slogdet(leaf(np.zeros((2, 2)))),
        ["np.linalg.slogdet gave -inf"],
    ),
    "nan in the data": (
        lambda: leaf([1.0, 2.0], "w") * ag.Tensor([1.0, np.nan], name="data"),
        ["np.multiply gave nan", "data: shape (2,)", "1 of 2 are nan", "data had nan already"],
    ),
    "nan in a plain array": (lambda: np.ones((2, 2)) * np.nan @ leaf([1.0, 2.0]), ["np.matmul", "a had nan already"]),
}  # fmt: skip


@pytest.mark.parametrize("name", FORWARD)
def test_the_first_nan_or_inf_of_the_forward_pass_is_named(name):
    function, pieces = FORWARD[name]
    text = report(function)
    for piece in [*pieces, "test_debugging.py:", "lambda"]:
        assert piece in text


def test_the_line_is_the_users_also_in_a_model():
    model = nn.MLP([2, 3, 1], activation="relu", rng=0)

    def step():
        return model(np.array([[1.0, np.nan]]))  # the line

    text = report(step)
    assert "return model(np.array([[1.0, np.nan]]))  # the line" in text
    assert "in step, scope layer1" in text


def sweep(function):
    def run():
        function().backward()

    return run


BACKWARD = {
    "sqrt at zero": (lambda: np.sqrt(leaf([4.0, 0.0])).sum(), ["np.sqrt gave inf", "operand x", "(1,)", "np.sqrt(t +"]),
    "a dead branch": (
        lambda: np.where([True, False], np.sqrt(leaf([4.0, 0.0])), 0.0).sum(),
        ["np.sqrt gave nan", "there 0", "0 * inf is nan", "safe: np.where(t > 0"],
    ),
    "a power at zero": (lambda: (leaf([0.0, 1.0]) ** 0.5).sum(), ["np.power gave inf", "operand x"]),
    "equal eigenvalues": (
        lambda: np.linalg.eigh(leaf(np.eye(2)))[1][0].sum(),
        ["np.linalg.eigh gave nan", "equal eigenvalues"],
    ),
    "inside a checkpoint": (
        lambda: ag.checkpoint(lambda x: np.sqrt(x) * x)(leaf([1.0, 0.0])).sum(),
        ["np.sqrt gave nan"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BACKWARD)
def test_the_first_nan_or_inf_of_the_sweep_is_named(name):
    function, pieces = BACKWARD[name]
    text = report(sweep(function))
    for piece in ["In the sweep", *pieces, "test_debugging.py:"]:
        assert piece in text


def test_a_graph_stays_watched_behind_the_block():
    x = leaf([0.0])
    with ag.debug():
        y = np.sqrt(x).sum()
    with pytest.raises(NonFiniteError, match=r"np\.sqrt gave inf"):
        y.backward()
    assert x.grad is None


def test_a_cotangent_that_no_rule_made_is_told_apart():
    with ag.debug():
        y = leaf([1.0]) * 2
    with pytest.raises(NonFiniteError, match=r"arrives at np\.multiply is not finite"):
        y.backward(np.array([np.inf]))


@pytest.mark.parametrize(
    "transform",
    [
        lambda f, x: ag.grad(lambda x: np.sum(f(x)))(x),
        lambda f, x: ag.vjp(f, x)[1](np.ones(2)),
        lambda f, x: ag.jvp(f, (x,), (np.ones(2),)),
        lambda f, x: ag.jacobian(f)(x),
        lambda f, x: ag.hvp(lambda x: np.sum(f(x) ** 3), x, np.ones(2)),
    ],
    ids=["grad", "vjp", "jvp", "jacobian", "hvp"],
)
def test_transforms_are_watched(transform):
    text = report(lambda: transform(np.sqrt, np.array([0.0, 1.0])))
    assert "In the sweep, np.sqrt gave inf" in text or "In the sweep, the rule of np.sqrt" in text
    assert "safe: np.where(t > 0, np.sqrt(" in text


QUIET = {
    "an inf that was put in": lambda: np.exp(np.where([True, False], leaf([1.0, 2.0]), -np.inf)),
    "a nan that was put in": lambda: np.nanmean(np.where([True, False], leaf([1.0, 2.0]), np.nan)),
    "a nan that is skipped": lambda: np.nansum(leaf([1.0, np.nan])),
    "a nan that is moved": lambda: leaf([1.0, np.nan])[1:].reshape(1, 1).T,
    "plain NumPy": lambda: np.log(np.ones(2)),
    "norm at zero": lambda: ag.grad(np.linalg.norm)(np.zeros(2)),
    "no numbers at all": lambda: np.log(leaf([])),
}


@pytest.mark.parametrize("name", QUIET)
def test_what_is_no_accident_is_let_through(name):
    with ag.debug():
        QUIET[name]()


def test_results_and_gradients_are_those_without():
    def loss(w):
        h = np.tanh(np.array([[1.0, 2.0], [3.0, 4.0]]) @ w)
        parts = np.split(np.concatenate([h, h[::-1]]), 2)
        return np.sum(np.where(h > 0.5, parts[0], parts[1]) ** 2) + np.linalg.svd(h)[1].sum()

    w = np.array([[0.1, -0.2], [0.3, 0.4]])
    plain = ag.grad(loss)(w), ag.hessian(loss)(w), ag.jacobian(lambda w: np.cumsum(w, 0))(w)
    with ag.debug():
        watched = ag.grad(loss)(w), ag.hessian(loss)(w), ag.jacobian(lambda w: np.cumsum(w, 0))(w)
    for a, b in zip(plain, watched, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_model_trains_as_without():
    def weights(block):
        model = nn.MLP([2, 4, 1], rng=0)
        x = np.random.default_rng(0).normal(size=(20, 2))
        with block:
            optimizer = nn.SGD(model.parameters(), lr=0.1)
            options = {"epochs": 3, "rng": 0, "compile": False}  # under debug there is no program
            nn.fit(model, (x, x[:, :1]), loss=nn.squared_error, optimizer=optimizer, **options)
        return [p.data for p in model.parameters()]

    for a, b in zip(weights(ag.scope("plain")), weights(ag.debug()), strict=True):
        np.testing.assert_array_equal(a, b)


# --- residuals that were written to ---------------------------------------------------------------


def written_leaf(x):
    y = (x * x).sum()
    x.numpy()[0] = 5.0
    return y


def written_plain_array(x):
    a = np.array([1.0, 2.0])
    y = (x * a).sum()
    a[0] = 5.0
    return y


def written_index(x):
    index = np.array([0, 1])
    y = (x[index] ** 2).sum()
    index[0] = 1
    return y


def written_mask(x):
    mask = np.array([True, False])
    y = np.where(mask, x, 0.0).sum()
    mask[:] = False
    return y


def written_result(x):
    y = np.tanh(x)
    y.numpy()[0] = 5.0
    return y.sum()


def written_list_of_a_splat(x):
    a = np.array([1.0, 2.0])
    y = np.einsum("i,i,i", x, x, a)
    a[0] = 5.0
    return y


WRITTEN = [written_leaf, written_plain_array, written_index, written_mask, written_result, written_list_of_a_splat]


@pytest.mark.parametrize("function", WRITTEN, ids=lambda f: f.__name__)
def test_a_residual_that_was_written_to_is_found(function):
    with ag.debug():
        y = function(leaf([1.0, 2.0]))
    with pytest.raises(OverwrittenError, match=r"(?s)was written to afterwards.*test_debugging\.py:\d+, in written_"):
        y.backward()


def test_a_bare_write_to_a_parameter_is_found_by_name():
    model = nn.MLP([2, 3, 1], rng=0)
    with ag.debug():
        loss = nn.squared_error(model(np.ones((4, 2))), np.ones((4, 1)))
    model.parameters()[2].data[...] = 0
    with pytest.raises(OverwrittenError, match=r"W2.*(?s:.)*scope layer2"):
        loss.backward()


def test_a_write_that_no_rule_reads_is_let_through():
    x, a = leaf([1.0, 2.0]), np.array([1.0, 2.0])
    with ag.debug():
        y = (x + a).sum()
    a[0] = 5.0
    y.backward()
    np.testing.assert_array_equal(x.grad, [1.0, 1.0])


def test_a_keyword_that_was_written_to_is_found():
    shift = np.array([1])
    x = leaf([1.0, 2.0, 3.0])
    with ag.debug():
        y = (np.roll(x, shift) * [1.0, 2.0, 3.0]).sum()
    shift[0] = 2
    with pytest.raises(OverwrittenError, match=r"np\.roll had used"):
        y.backward()


def test_a_rule_that_writes_into_its_cotangent_is_stopped():
    @ag.primitive
    def sine(x):
        return np.sin(x)

    def rule(g, _y, x):
        g *= np.cos(x)
        return g

    ag.defvjp(sine, rule)
    with ag.debug():
        y = sine(leaf([1.0])).sum()
    with pytest.raises(ValueError, match="read-only"):
        y.backward()


# --- what was lost once: each was found by a review ---------------------------------------------------


def test_a_tuple_whose_first_output_is_an_integer_keeps_its_gradients():
    @ag.primitive
    def top(x):
        return np.argmax(x), np.max(x)

    ag.defvjp(top, lambda g, y, x: np.where(np.arange(x.size) == y[0], g[1], 0.0))
    x = leaf([1.0, 3.0, 2.0])
    with ag.debug():
        (top(x)[1] * 5).backward()
    np.testing.assert_array_equal(x.grad, [0.0, 5.0, 0.0])


def test_numbers_without_axes_are_looked_at_in_the_sweep():
    text = report(lambda: np.sqrt(leaf(0.0)).backward())
    assert "np.sqrt gave inf for its operand x" in text
    text = report(lambda: np.sqrt(np.sum((leaf([2.0, 2.0]) - 2) ** 2)).backward())
    assert "np.sqrt gave inf" in text and "safe: " in text
    assert "np.sqrt gave inf" in report(lambda: ag.grad(np.sqrt)(0.0))


def test_a_cotangent_that_overflows_its_leaf_is_named():
    x = ag.Tensor(np.ones(2, np.float32), requires_grad=True, name="x")
    text = report(lambda: (x * np.array([1e300, 1.0])).sum().backward())
    assert "np.multiply gave inf for its operand x (as float32)" in text


def test_a_training_loop_that_frees_its_graphs_may_print_its_loss():
    x = leaf([1.0, 2.0])
    with ag.debug():
        for _ in range(3):
            loss = (x * x).sum()
            loss.backward(retain_graph=False)
            assert (loss.item(), loss.data, float(loss.detach())) == (5.0, 5.0, 5.0)


def test_what_may_be_written_to_otherwise_may_be_written_to():
    x = leaf([1.0, 2.0])
    with ag.debug():
        t = np.zeros_like(x)
        t[0] = x[1]
        u = (x * 2).detach()
        u[0] = 5.0
        with ag.no_grad():
            m = x * 1
            m *= 0.9
    np.testing.assert_array_equal(t.data, [2.0, 0.0])
    np.testing.assert_array_equal(u.data, [5.0, 4.0])
    t.sum().backward()
    np.testing.assert_array_equal(x.grad, [0.0, 1.0])


def test_blocks_that_are_left_in_another_order_leave_nothing_behind():
    before = np.geterr()
    a, b, c = ag.debug(), ag.debug(), ag.no_grad()
    for order in ([a, b, c], [c, b, a], [b, a, c]):
        for block in (a, c, b):
            block.__enter__()
        for block in order:
            block.__exit__(None, None, None)
        assert np.geterr() == before and np.geterrcall() is None
        with np.errstate(all="ignore"):
            assert np.log(leaf(0.0)).item() == -np.inf


def test_what_was_cut_off_is_not_kept_alive():
    x = leaf(np.ones(100_000))
    with ag.debug():
        total = ag.Tensor(0.0)
        for _ in range(3):
            h = np.tanh(x) * 2
            total = total + h.mean().detach()
            behind = weakref.ref(h)
            del h
            assert behind() is None
        y = total * leaf(1.0, "w")
    assert not total.requires_grad
    assert ag.why(y, x).kind == "detached" and ag.draw(y).source


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.where([True, False], x, np.float32(-np.inf)),
        lambda x: np.var(x, where=[True, False]),
        lambda x: np.nanvar(np.concatenate([x, [np.nan]])),
        lambda x: np.linspace(x, x + 1, num=1),
        lambda x: np.pad(x, 1, mode="linear_ramp"),
        lambda x: np.roll(np.concatenate([x, [np.nan]]), 1),
    ],
)
def test_values_that_a_function_masks_itself_are_no_accident(function):
    with ag.debug():
        function(leaf([1.0, 2.0]))


def test_a_composite_is_named_by_its_own_name():
    text = report(lambda: np.mean(leaf([])))
    assert "np.mean gave nan" in text
    assert "test_debugging.py:" in text


def test_a_handler_of_the_user_s_own_stays():
    seen = []
    with np.errstate(divide="call", call=lambda kind, flag: seen.append(kind)):
        with ag.debug():
            np.log(np.zeros(1))
        np.log(np.zeros(1))
    assert seen == ["divide by zero"] * 2


def test_a_watched_rule_may_be_copied():
    with ag.debug():
        y = leaf(1.0) * 2
    assert copy.copy(y.node.rule).name == "np.multiply"


# --- the block ------------------------------------------------------------------------------------


def test_every_node_remembers_its_line():
    x = leaf([1.0, 2.0])
    with ag.debug():
        y = np.tanh(x)
    assert (y.node.extra.place.file, y.node.extra.place.code) == (__file__, "y = np.tanh(x)")
    assert np.tanh(x).node.extra is None


def test_it_is_over_behind_the_block_whatever_happens():
    x = leaf([0.0])
    for _ in range(2):
        with pytest.raises(NonFiniteError), ag.debug():
            np.log(x)
        with np.errstate(all="ignore"):
            assert np.log(x).item() == -np.inf
    assert np.geterr() == np.geterr() and np.geterrcall() is None

    @ag.debug()
    def f():
        return np.log(x)

    for _ in range(2):
        with pytest.raises(NonFiniteError):
            f()


def test_blocks_nest_with_the_others():
    x = leaf([2.0])
    with ag.debug(), ag.no_grad():
        with ag.recording(), ag.scope("inner"), ag.keep(), ag.debug():
            y = x * x
        z = x * x
    assert y.node.extra.place.scope == ("inner",) and y.requires_grad
    assert not z.requires_grad and ag.why(z, x).kind == "recording off"


def test_another_thread_is_not_watched():
    found = []

    def work():
        with np.errstate(all="ignore"):
            found.append(np.log(leaf([0.0])).item())

    with ag.debug():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert found == [-np.inf]


def test_numpy_still_warns_of_what_is_not_recorded():
    with ag.debug(), pytest.warns(RuntimeWarning, match="divide by zero"):
        np.log(np.zeros(1))
    with ag.debug(), warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(NonFiniteError):
            np.log(leaf([0.0]))


def test_it_takes_no_argument():
    with pytest.raises(TypeError, match=r"@ag\.debug\(\)"):

        @ag.debug
        def f():
            pass


def test_a_watched_graph_can_be_drawn():
    x = leaf([1.0, 2.0])
    with ag.debug():
        watched = (x[:1] * np.linalg.slogdet(np.outer(x, x) + np.eye(2))[1]).sum()
    plain = (x[:1] * np.linalg.slogdet(np.outer(x, x) + np.eye(2))[1]).sum()
    assert ag.draw(watched).source == ag.draw(plain).source


# --- safe forms -----------------------------------------------------------------------------------

EDGES = {  # operands at the edge, and one inside
    np.log1p: ([-1.0, 0.5],),
    np.cbrt: ([0.0, 8.0],),
    np.arcsin: ([1.0, 0.5],),
    np.arccos: ([-1.0, 0.5],),
    np.arctanh: ([1.0, 0.5],),
    np.arccosh: ([1.0, 1.5],),
    np.exp: ([1000.0, 999.0],),
    np.exp2: ([2000.0, 1999.0],),
    np.expm1: ([1000.0, 999.0],),
    np.sinh: ([1000.0, 1.0],),
    np.cosh: ([1000.0, 1.0],),
    np.power: ([0.0, 2.0], 0.5),
    np.float_power: ([0.0, 2.0], 0.5),
    np.true_divide: ([1.0, 2.0], [0.0, 4.0]),
    np.remainder: ([1.0, 2.0], [0.0, 4.0]),
    np.fmod: ([1.0, 2.0], [0.0, 4.0]),
}


@pytest.mark.parametrize("function", debugging.SAFE, ids=lambda f: f.__name__)
def test_a_safe_form_is_safe_where_the_function_is_not(function):
    operands = [np.array(v) for v in EDGES.get(function, ([0.0, 2.0],))]
    with np.errstate(all="ignore"):
        value = function(*operands)
        slopes = ag.grad(lambda *ops: np.sum(function(*ops)), tuple(range(len(operands))))(*operands)
        assert not all(np.isfinite(a).all() for a in (value, *slopes)), "the example is no edge"
    form = debugging.SAFE[function].form.replace("{name}", function.__name__)
    names = ("t",) if len(operands) == 1 else ("a", "b")
    safe = eval(f"lambda {', '.join(names)}: {form}", {"np": np})
    with ag.debug():
        value, slopes = ag.value_and_grad(lambda *ops: np.sum(safe(*ops)), tuple(range(len(operands))))(*operands)
    assert all(np.isfinite(a).all() for a in (value, *slopes))
