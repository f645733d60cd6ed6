"""L-BFGS: against PyTorch's figures, against the inverse Hessian that it stands for, and what it leaves behind."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

import autograd_mini as ag
import nn
from nn.optim.lbfgs import DECREASE, FLATTER, Trial, cubic_minimum, direction, strong_wolfe

from . import optim_cases as cases

STORED = json.loads((Path(__file__).parents[1] / "data" / "nn_optim.json").read_text("utf-8"))
FIGURES = STORED["searches"]
RNG = np.random.default_rng(0)
M = RNG.normal(size=(6, 6))
A, B = M @ M.T + np.eye(6), RNG.normal(size=6)  # of a bowl, lowest at A w = B


def closure_of(optimizer, loss_of):
    def closure():
        optimizer.zero_grad()
        loss = loss_of(*optimizer.parameters)
        loss.backward()
        return loss

    return closure


def bowl(w):
    return 0.5 * w @ A @ w - B @ w


def rosenbrock(w):
    return (1 - w[0]) ** 2 + 100 * (w[1] - w[0] ** 2) ** 2


@pytest.mark.parametrize("name", cases.SEARCHES)
def test_steps_are_pytorch_s(name):
    """Its 2.13's, in float64: see test_optim_figures.py.

    Each run multiplies a rounding error by up to 5,000 (measured in PyTorch, from starts one unit in the last place
    apart), and another BLAS rounds in its own way: hence the tolerance.
    """
    losses, weights = zip(*cases.searches(name), strict=True)
    np.testing.assert_allclose(losses, FIGURES[name]["losses"], rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(weights[-1], FIGURES[name]["weights"], rtol=1e-10, atol=1e-11)


def test_a_search_tries_the_lengths_that_pytorch_tries():
    """Along lines that rise and fall several times, from first lengths of 0.001 to 100."""
    assert len(STORED["lines"]) == len(cases.LINES)
    for seed in cases.LINES:
        np.testing.assert_allclose(cases.trials(seed), STORED["lines"][str(seed)], rtol=1e-9, atol=1e-12, err_msg=seed)


def test_there_is_a_figure_for_each_case():
    assert FIGURES.keys() == cases.SEARCHES.keys()


def test_the_two_loops_multiply_by_the_inverse_hessian_of_the_formula():
    g, H = RNG.normal(size=6), 0.7 * np.eye(6)
    pairs = []
    for s in RNG.normal(size=(4, 6)):
        y = A @ s
        rho = 1 / (s @ y)
        pairs.append((y, s, rho))
        left = np.eye(6) - rho * np.outer(s, y)
        H = left @ H @ left.T + rho * np.outer(s, s)
    np.testing.assert_allclose(direction(g, pairs, 0.7), -H @ g, rtol=1e-11)
    np.testing.assert_allclose(H @ y, s, rtol=1e-11)  # the secant equation


def test_without_pairs_the_direction_is_that_of_the_gradient():
    g = RNG.normal(size=6)
    assert np.array_equal(direction(g, [], 1.0), -g)


def test_the_cubic_is_lowest_where_its_slope_is_0():
    """That of t^3 - 3 t is at 1, from whichever two points, in whichever order."""

    def point(t):
        return Trial(t, t**3 - 3 * t, None, 3 * t * t - 3)

    for a, b in ((0.0, 3.0), (3.0, 0.0), (0.5, 1.2), (-0.5, 0.9)):
        assert cubic_minimum(point(a), point(b), -9, 9) == pytest.approx(1, rel=1e-12)
    assert cubic_minimum(point(0.0), point(3.0), 1.5, 2.0) == 1.5
    assert cubic_minimum(point(0.0), point(3.0), 0.1, 0.5) == 0.5


@pytest.mark.parametrize("loss", [math.inf, 5.0])
def test_where_no_cubic_has_a_minimum_the_middle_is_taken(loss):
    slope = math.nan if loss == math.inf else 0.0
    a, b = Trial(0.0, loss if slope == 0 else 1.0, None, slope), Trial(1.0, loss, None, slope)
    assert cubic_minimum(a, b, 0.2, 0.6) == 0.4


PHI = {  # loss along a line, and its slope
    "a bowl": (lambda t: (t - 1) ** 2, lambda t: 2 * (t - 1)),
    "Moré and Thuente, eq. 5.1": (lambda t: -t / (t * t + 2), lambda t: (t * t - 2) / (t * t + 2) ** 2),
    "Moré and Thuente, eq. 5.2": (
        lambda t: (t + 0.004) ** 5 - 2 * (t + 0.004) ** 4,
        lambda t: 5 * (t + 0.004) ** 4 - 8 * (t + 0.004) ** 3,
    ),
    "an edge": (lambda t: 1 / (2 - t) - 0.75 * t if t < 2 else np.inf, lambda t: (2 - t) ** -2.0 - 0.75),
}


@pytest.mark.parametrize("name", ["a bowl", "Moré and Thuente, eq. 5.1", "Moré and Thuente, eq. 5.2"])
@pytest.mark.parametrize("t", [1e-3, 1e-1, 1.0, 10.0])
def test_a_search_ends_where_both_conditions_of_wolfe_hold(name, t):
    phi, slope = PHI[name]
    calls = []

    def evaluate(t):
        calls.append(t)
        return Trial(t, float(phi(t)), None, float(slope(t)))

    first = Trial(0.0, float(phi(0.0)), None, float(slope(0.0)))
    found = strong_wolfe(evaluate, first, t, 40, 1.0)
    assert calls[0] == t and found.t in calls
    assert found.loss <= first.loss + DECREASE * found.t * first.slope
    assert abs(found.slope) <= FLATTER * abs(first.slope)


@pytest.mark.parametrize(("loss", "slope", "good"), [(-1.1e-4, 0.89, True), (-0.9e-4, 0.0, False), (-1, 0.91, False)])
def test_a_length_is_taken_at_once_if_it_is_low_and_flat_enough(loss, slope, good):
    """From a loss of 0 and a slope of -1: lower by 1e-4 of what the slope promises, and 0.9 as steep at most."""
    calls = []

    def evaluate(t):
        calls.append(t)
        return Trial(t, loss, None, slope)

    strong_wolfe(evaluate, Trial(0.0, 0.0, None, -1.0), 1.0, 5, 1.0)
    assert (len(calls) == 1) is good


def test_a_search_that_begins_much_too_far_ends_lower_though_perhaps_not_by_enough():
    """As PyTorch, it takes the lower of two ends for the low one of the book, which has also to be low enough."""
    phi, slope = PHI["Moré and Thuente, eq. 5.1"]
    found = strong_wolfe(lambda t: Trial(t, phi(t), None, slope(t)), Trial(0.0, 0.0, None, -0.5), 1e3, 40, 1.0)
    assert found.loss < 0


def test_a_search_turns_back_from_where_nothing_can_be_computed():
    phi, slope = PHI["an edge"]

    def evaluate(t):
        return Trial(t, float(phi(t)), None, float(slope(t)) if t < 2 else math.nan)

    found = strong_wolfe(evaluate, Trial(0.0, 0.5, None, -0.5), 8.0, 25, 1.0)
    assert 0 < found.t < 2 and found.loss < 0.5


def test_a_search_that_may_not_go_on_returns_the_lower_of_what_it_has_seen():
    first = Trial(0.0, 1.0, None, -2.0)
    assert strong_wolfe(lambda t: Trial(t, (t - 1) ** 2, None, 2 * (t - 1)), first, 5.0, 0, 1.0) is first
    assert strong_wolfe(lambda t: Trial(t, (t - 1) ** 2, None, 2 * (t - 1)), first, 1.9, 0, 1.0).t == 1.9


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_a_bowl_of_six_weights_is_solved_in_some_steps(search):
    w = nn.Parameter(np.zeros(6))
    optimizer = nn.LBFGS([w], max_iter=60, tolerance_change=0.0, line_search_fn=search)
    optimizer.step(closure_of(optimizer, bowl))
    np.testing.assert_allclose(w.data, np.linalg.solve(A, B), rtol=1e-6)
    assert optimizer.steps == 1 and 6 <= optimizer.iterations < 60


def test_a_step_returns_the_loss_before_it_and_counts_what_it_called():
    w = nn.Parameter(np.ones(6))
    optimizer, calls = nn.LBFGS([w], max_iter=4), []
    closure = closure_of(optimizer, bowl)

    def counted():
        calls.append(1)
        return closure()

    loss = optimizer.step(counted)
    assert loss.item() == pytest.approx(bowl(np.ones(6)), rel=1e-15)
    assert optimizer.evaluations == len(calls) == optimizer.iterations == 4


@pytest.mark.parametrize("max_eval", [1, 2, 3, 7])
def test_a_search_calls_the_closure_as_often_as_it_may_and_once_more_at_most(max_eval):
    w = nn.Parameter([-1.2, 1.0])
    optimizer = nn.LBFGS([w], max_iter=20, max_eval=max_eval, line_search_fn="strong_wolfe")
    optimizer.step(closure_of(optimizer, rosenbrock))
    assert optimizer.evaluations <= max_eval + 1


def test_several_parameters_are_taken_as_one_vector_and_updated_in_place():
    whole = nn.Parameter(np.linspace(-1, 1, 6))
    parts = [nn.Parameter(np.linspace(-1, 1, 6)[:4].reshape(2, 2)), nn.Parameter(np.linspace(-1, 1, 6)[4:])]
    arrays = [p.data for p in parts]
    one, two = (nn.LBFGS(p, max_iter=4, line_search_fn="strong_wolfe") for p in ([whole], [*parts, parts[0]]))
    one.step(closure_of(one, bowl))
    two.step(closure_of(two, lambda p, q: bowl(np.concatenate([np.ravel(p), q]))))
    np.testing.assert_allclose(cases.flat(arrays), whole.data, rtol=1e-12)
    assert all(p.data is array for p, array in zip(parts, arrays, strict=True))


def test_a_parameter_without_a_gradient_stays():
    used, unused = nn.Parameter(np.ones(6)), nn.Parameter([3.0])
    optimizer = nn.LBFGS([unused, used], max_iter=4)
    optimizer.step(closure_of(optimizer, lambda _, w: bowl(w)))
    assert unused.data.tolist() == [3.0] and not np.array_equal(used.data, np.ones(6))


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_float32_stays_float32(search):
    net = cases.Net(np.float32)
    optimizer = nn.LBFGS(net.weights, lr=0.2, max_iter=5, line_search_fn=search)
    x, y = cases.X.astype(np.float32), cases.Y.astype(np.float32)
    losses = [optimizer.step(closure_of(optimizer, lambda *_: nn.squared_error(net(x), y))).item() for _ in range(5)]
    assert losses[-1] < losses[0] / 2
    assert {p.dtype for p in net.weights} | {v.dtype for pair in optimizer.pairs for v in pair[:2]} == {
        np.dtype(np.float32)
    }


@pytest.mark.parametrize("name", cases.SEARCHES)
def test_a_run_goes_on_from_its_state_bit_for_bit(name):
    options, _ = cases.SEARCHES[name]
    net, other = cases.Net(), cases.Net()
    optimizer, later = nn.LBFGS(net.weights, **options), nn.LBFGS(other.weights, **options)
    for _ in range(4):
        optimizer.step(cases.closure_of(net, optimizer))
    for p, q in zip(net.weights, other.weights, strict=True):
        q.data = p.data.copy()
    state = optimizer.state_dict()
    later.load_state_dict(state)
    kept = json.dumps(state, default=lambda a: a.tolist())
    for _ in range(5):
        optimizer.step(cases.closure_of(net, optimizer)), later.step(cases.closure_of(other, later))
        assert np.array_equal(cases.flat(p.data for p in net.weights), cases.flat(p.data for p in other.weights))
    assert (later.iterations, later.evaluations, later.steps) == (
        optimizer.iterations, optimizer.evaluations, optimizer.steps,
    )  # fmt: skip
    assert json.dumps(state, default=lambda a: a.tolist()) == kept  # a copy, which later steps leave alone


def test_a_state_from_before_the_first_step_forgets_what_was_remembered():
    w = nn.Parameter(np.ones(6))
    optimizer = nn.LBFGS([w], max_iter=3)
    new = optimizer.state_dict()
    optimizer.step(closure_of(optimizer, bowl))
    optimizer.load_state_dict(new)
    assert optimizer.pairs == [] and optimizer.state_dict() == new


def test_a_state_that_does_not_fit_changes_nothing():
    optimizer, other = nn.LBFGS([nn.Parameter(np.ones(6))], max_iter=3), nn.LBFGS([nn.Parameter([1.0])], max_iter=3)
    optimizer.step(closure_of(optimizer, bowl))
    before = json.dumps(optimizer.state_dict(), default=lambda a: a.tolist())
    states = [other.state_dict(), nn.SGD([nn.Parameter(np.ones(6))], lr=0.1).state_dict(), None]
    other.step(closure_of(other, lambda w: (w * w).sum()))
    for state in [*states, other.state_dict(), nn.LBFGS(optimizer.parameters, max_iter=4).state_dict()]:
        if state is states[0]:
            continue  # it has seen nothing yet, and fits
        with pytest.raises(ValueError, match=r"LBFGS\.load_state_dict"):
            optimizer.load_state_dict(state)
    assert json.dumps(optimizer.state_dict(), default=lambda a: a.tolist()) == before


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_a_loss_that_is_not_finite_ends_a_step_and_leaves_the_weights(search):
    w = nn.Parameter([2.0, 3.0])
    optimizer = nn.LBFGS([w], line_search_fn=search)
    with np.errstate(invalid="ignore"):
        loss = optimizer.step(closure_of(optimizer, lambda w: np.log(-w).sum()))
    assert np.isnan(loss.item()) and w.data.tolist() == [2.0, 3.0]


def test_a_search_comes_back_from_weights_at_which_the_loss_is_nan():
    w = nn.Parameter([1.0])
    optimizer = nn.LBFGS([w], lr=50.0, max_iter=20, max_eval=60, line_search_fn="strong_wolfe")
    with np.errstate(invalid="ignore"):
        for _ in range(3):
            optimizer.step(closure_of(optimizer, lambda w: (w - np.log(2 - w) * 0 - 3 * np.log(w)).sum()))
    assert 1 < w.data[0] < 2


def test_an_interrupted_search_leaves_the_weights_where_the_iteration_began():
    w = nn.Parameter(np.ones(6))
    optimizer = nn.LBFGS([w], max_iter=5, line_search_fn="strong_wolfe")
    closure, calls = closure_of(optimizer, bowl), []

    def interrupted():
        calls.append(w.data.copy())
        if len(calls) == 2:
            raise KeyboardInterrupt
        return closure()

    with pytest.raises(KeyboardInterrupt):
        optimizer.step(interrupted)
    assert not np.array_equal(calls[1], np.ones(6)) and np.array_equal(w.data, np.ones(6))
    optimizer.step(closure)  # and it goes on from there
    assert bowl(w.data) < bowl(np.ones(6))


def test_a_learning_rate_of_0_moves_nothing():
    w = nn.Parameter(np.ones(6))
    for search in (None, "strong_wolfe"):
        optimizer = nn.LBFGS([w], line_search_fn=search)
        optimizer.lr = 0
        optimizer.step(closure_of(optimizer, bowl))
        assert w.data.tolist() == [1.0] * 6


def test_it_is_an_optimizer_that_says_that_it_needs_a_closure():
    optimizer = nn.LBFGS([nn.Parameter([1.0])])
    assert isinstance(optimizer, nn.Optimizer) and optimizer.needs_closure and not nn.SGD.needs_closure
    with pytest.raises(TypeError, match=r"needs a closure.*def closure\(\): opt\.zero_grad\(\)"):
        optimizer.step()


@pytest.mark.parametrize("compiled", [False, True])
def test_fit_takes_its_steps_on_all_samples(compiled):
    model, same = (nn.MLP([3, 4, 2], "tanh", rng=0) for _ in range(2))
    optimizer, by_hand = (nn.LBFGS(m.parameters(), max_iter=4, line_search_fn="strong_wolfe") for m in (model, same))
    data = cases.X, cases.Y
    history = nn.fit(
        model, data, loss=nn.squared_error, optimizer=optimizer, epochs=6, batch_size=None, compile=compiled
    )
    losses = [
        by_hand.step(closure_of(by_hand, lambda *_: nn.squared_error(same(cases.X), cases.Y))).item() for _ in range(6)
    ]
    np.testing.assert_allclose(history.loss, losses, rtol=1e-9)
    assert losses[-1] < losses[0] / 10


def test_complex_parameters_and_several_dtypes_are_refused():
    for values in ([np.ones(2), np.ones(2, np.float32)], [np.ones(2) * 1j]):
        with pytest.raises(ag.errors.DTypeError, match="one real dtype"):
            nn.LBFGS([nn.Parameter(v) for v in values])
