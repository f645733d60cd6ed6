"""The claims of docs/claims.md that no other test shows, or shows only in part, each in a few lines.

Where a claim holds only under conditions, a second test shows a case outside them.
"""

import itertools
import math
import tracemalloc

import numpy as np
import pytest

import autograd_mini as ag
import nn
from nn.delta import DeltaNetwork

SEEDS = range(3)


def network(sizes, activation, seed, *, output="identity", scale=1.0, loss="squared_error", **options):
    """Return the delta rules of a random network; its weights have Xavier's size, times `scale`."""
    rng = np.random.default_rng(seed)
    weights = [scale * nn.init.xavier_uniform(rng, (n_out, n_in)) for n_in, n_out in itertools.pairwise(sizes)]
    biases = [rng.uniform(-0.5, 0.5, len(W)) for W in weights]
    return DeltaNetwork(weights, biases, [activation] * (len(weights) - 1) + [output], loss, **options)


def noisy(seed, n=40):
    """Return a task of regression: 3 inputs, one target, which has noise."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    return X, np.tanh(X @ rng.normal(size=(3, 1))) + 0.3 * rng.normal(size=(n, 1))


def train(data, batch_size, lr, seed, epochs=10):
    model = nn.MLP([3, 4, 1], "tanh", rng=seed)
    optimizer = nn.SGD(model.parameters(), lr)
    return nn.fit(
        model, data, loss=nn.squared_error, optimizer=optimizer, epochs=epochs, batch_size=batch_size, rng=seed
    )


def descend(slope, w, lr, steps, momentum=0.0):
    """Return the path of gradient descent by nn.SGD on a function whose slope is known."""
    parameter, path = nn.Parameter(np.array(w, float)), [np.array(w, float)]
    optimizer = nn.SGD([parameter], lr, momentum)
    for _ in range(steps):
        parameter.grad = np.asarray(slope(parameter.data))
        optimizer.step()
        path.append(parameter.data.copy())
    return np.array(path)


# ------------------------------------------------------------------------------------------------- forward, phases


@pytest.mark.parametrize("seed", SEEDS)
def test_M1_equation_2_as_printed_is_impossible(seed):
    """Z = sigma(A) would keep every z in (0, 1); A = sigma(Z) is what the forward pass computes."""
    net = network((3, 8, 8, 2), "sigmoid", seed, output="sigmoid", scale=3)
    z, a = net.forward(np.random.default_rng(seed).normal(size=(5, 3)))
    for z_l, a_l in zip(z, a[1:], strict=True):
        np.testing.assert_allclose(a_l, 1 / (1 + np.exp(-z_l)), rtol=1e-14)
        assert np.abs(z_l - 1 / (1 + np.exp(-a_l))).max() > 0.1
    assert min(z_l.min() for z_l in z) < 0 and max(z_l.max() for z_l in z) > 1


@pytest.mark.parametrize("seed", SEEDS)
def test_Y3_a_step_taken_during_the_backward_pass_takes_wrong_gradients(seed):
    """Three phases, one after the other: the delta rule reads the weights with which the forward pass was made."""
    net, before = (network((3, 4, 2), "tanh", seed) for _ in range(2))
    x, y = np.ones(3), np.zeros(2)
    a, deltas = before.forward(x).a, before.deltas(x, y)
    net.step(x, y, 0.3)
    early = before.weights[1] - 0.3 * np.outer(deltas[1], a[1])  # the last layer has moved already,
    wrong = (early.T @ deltas[1]) * (1 - a[1] ** 2)  # and the sweep goes on through it
    moved = before.weights[0] - net.weights[0]
    np.testing.assert_allclose(moved, 0.3 * np.outer(deltas[0], x), rtol=1e-12)
    assert np.abs(moved - 0.3 * np.outer(wrong, x)).max() > 1e-2 * np.abs(moved).max()


@pytest.mark.parametrize("seed", SEEDS)
def test_R15_one_rule_updates_every_layer(seed):
    """w_new - w = -alpha delta_i a_j, with the delta of the layer's own end: first, hidden and output layer."""
    sizes = (3, 5, 4, 6, 2)
    net, before = (network(sizes, "tanh", seed, output="sigmoid") for _ in range(2))
    x, y = np.random.default_rng(seed).normal(size=3), np.zeros(2)
    net.step(x, y, 0.2)
    a, deltas = before.forward(x).a, before.deltas(x, y)
    for layer in range(4):
        moved = net.weights[layer] - before.weights[layer]
        np.testing.assert_allclose(moved, -0.2 * np.outer(deltas[layer], a[layer]), rtol=1e-9, atol=1e-15)
        assert np.abs(moved).max() > 1e-5
    model = nn.MLP(sizes, "tanh", "sigmoid", rng=seed)  # the engine's gradients have that form, too: rank 1
    for slope in ag.gradients(nn.squared_error(model(x), y), [layer.weight for layer in model.layers[::2]]):
        assert np.linalg.matrix_rank(slope, tol=1e-12 * np.abs(slope).max()) == 1


@pytest.mark.parametrize("seed", SEEDS)
def test_R16_a_weight_moves_in_proportion_to_its_input_and_to_its_Delta(seed):
    def growth(x, y):
        net, before = (network((3, 2), "tanh", seed) for _ in range(2))  # one layer, with identity outputs
        net.step(x, y, 0.1)
        return net.weights[0] - before.weights[0], before

    x = np.array([0.7, -1.2, 0.4])
    o = growth(x, np.zeros(2))[1].predict(x)
    once, net = growth(x, o + np.array([1.0, -1.0]))  # Delta = y - o = [1, -1]
    assert (np.sign(once) == np.sign(np.outer([1, -1], x))).all()  # both positive, or both negative: it grows
    np.testing.assert_allclose(growth(x, o + np.array([3.0, -3.0]))[0], 3 * once, rtol=1e-9)  # 3 times the Delta
    doubled = net.predict(2 * x)
    np.testing.assert_allclose(
        growth(2 * x, doubled + np.array([1.0, -1.0]))[0], 2 * once, rtol=1e-9
    )  # twice the input
    assert not growth(np.array([0.7, 0.0, 0.4]), np.zeros(2))[0][:, 1].any()  # nothing in, nothing learned


@pytest.mark.parametrize("seed", SEEDS)
def test_Y6_batch_normalization_couples_the_samples_so_that_their_gradients_do_not_add_up(seed):
    """A sum of gradients needs a sum of errors, each of one sample: with the batch's mean in it, it is none."""
    x, y = noisy(seed, n=6)
    apart = {}
    for name, normal in (("plain", nn.Identity()), ("normalized", nn.BatchNorm1d(3))):
        model = nn.Sequential(normal, nn.Linear(3, 1, rng=seed))
        W = model[1].weight
        whole = ag.gradients(nn.squared_error(model(x), y, reduction="sum"), W)
        halves = [ag.gradients(nn.squared_error(model(x[i::2]), y[i::2], reduction="sum"), W) for i in (0, 1)]
        apart[name] = np.abs(sum(halves) - whole).max() / np.abs(whole).max()
    assert apart["plain"] < 1e-12 and apart["normalized"] > 0.05


def test_Y9_the_slope_from_the_output_has_no_digits_left_where_the_output_rounds_to_1():
    """At z = 40 it is 0 instead of 4e-18, at z = -40 it is right: nothing is lost but what was nothing."""
    slope = ag.grad(nn.sigmoid)
    assert nn.sigmoid(40.0) == 1 and slope(40.0) == 0
    assert slope(-40.0) == pytest.approx(np.exp(-40), rel=1e-14)


def test_Y10_the_output_delta_of_a_softmax_is_o_minus_y_only_if_y_adds_up_to_1():
    z, y = np.array([0.3, -1.0, 0.5]), np.array([0.5, 0.4, 0.3])
    o = nn.softmax(z)
    delta = ag.grad(lambda z: -(y * nn.log_softmax(z)).sum())(z)
    np.testing.assert_allclose(delta, 1.2 * o - y, rtol=1e-14)  # in general o_i sum_k y_k - y_i
    assert np.abs(delta - (o - y)).max() > 0.05


def test_R16_the_sense_of_one_sample_may_be_outvoted_in_a_batch():
    """Over a batch it is the sum of the products a Delta that has the sign; with momentum, that of the steps before."""
    net = DeltaNetwork([[[0.0]]], None, ["identity"], "squared_error")
    x, y = np.array([[1.0], [2.0]]), np.array([[1.0], [-3.0]])  # a Delta: +1, -6
    net.step(x, y, 0.1)
    assert net.weights[0] < 0 < x[0, 0] * y[0, 0]
    path = descend(lambda w: w, [1.0], 0.5, 4, momentum=0.9)[:, 0]  # E = w^2 / 2, so Delta = -w
    assert path[2] < 0 and path[3] < path[2]  # Delta > 0 there, and yet the weight falls


# --------------------------------------------------------------------------------------------------- the landscape


def landscape():
    """Return E(w1, w2) of o = tanh(w1 x) - tanh(w2 x) / 2 over four samples."""
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(4, 1)), rng.normal(size=(4, 1))
    output = np.array([[1.0, -0.5]])

    def E(w):
        return nn.squared_error(nn.tanh(x @ w[None, :]) @ output.T, y)

    return E


def minimum(E, w):
    """Descend, then sharpen by Newton's method; assert that it is a minimum."""
    slope = ag.grad(E)
    w = descend(slope, w, 0.5, 150)[-1]
    for _ in range(4):
        w = w - np.linalg.solve(ag.hessian(E)(w), slope(w))
    assert np.abs(slope(w)).max() < 1e-12 and np.linalg.eigvalsh(ag.hessian(E)(w)).min() > 1e-3
    return w


def test_Y5_the_error_of_a_small_network_has_two_local_minima_of_different_depth():
    E = landscape()
    a, b = minimum(E, [-0.3, -3.6]), minimum(E, [2.6, 1.1])
    assert np.linalg.norm(a - b) > 3 and E(b) - E(a) > 0.02
    along = [E(a + t * (b - a)) for t in np.linspace(0, 1, 21)]
    assert max(along) > E(b) + 0.01  # a ridge between them: E is not convex, even on this line
    for middle in (a, b):  # and no point around either is lower
        around = [E(middle + 0.05 * np.array([np.cos(t), np.sin(t)])) for t in np.linspace(0, 6, 12)]
        assert min(around) > E(middle)


@pytest.mark.parametrize("seed", SEEDS)
def test_Y5_a_single_layer_with_its_matching_loss_is_convex_and_with_the_squared_error_is_not(seed):
    """Non-convexity needs no hidden neurons, and it is the pair of activation and loss that decides here."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(12, 2)), rng.integers(0, 2, (12, 1)).astype(float)

    def curvature(loss, w):
        return np.linalg.eigvalsh(ag.hessian(lambda w: loss(nn.sigmoid(x @ w[:, None]), y))(w)).min()

    points = rng.normal(size=(8, 2)) * 3
    assert min(curvature(nn.binary_cross_entropy, w) for w in points) > 0
    assert min(curvature(nn.squared_error, w) for w in points) < -1e-4


def test_Y5_a_non_convex_error_need_not_have_two_minima_that_differ():
    """o = w2 w1 x, two linear neurons: not convex, but every point without slope is the saddle at 0 or a best one."""
    E = lambda w: 0.5 * (w[0] * w[1] - 1) ** 2  # noqa: E731
    assert np.linalg.eigvalsh(ag.hessian(E)(np.zeros(2))).tolist() == [-1, 1]
    for start in itertools.product([-2.0, -0.3, 0.5], [-1.5, 0.2, 1.0]):
        assert E(descend(ag.grad(E), start, 0.1, 250)[-1]) < 1e-8


BUMPS = lambda w: 4 * w**3 - 4 * w - 0.3  # noqa: E731 (slope of w^4 - 2 w^2 - 0.3 w: minima near -0.96 and, lower, 1.04)


@pytest.mark.parametrize(
    ("start", "plain", "with_momentum"),
    [(-2.0, -0.96, 1.04), (-1.25, -0.96, -0.96), (2.0, 1.04, -0.96)],
    ids=["helps", "does not help", "harms"],
)
def test_Y16_momentum_helps_from_some_starts_not_from_all_and_harms_from_others(start, plain, with_momentum):
    assert descend(BUMPS, [start], 0.01, 600)[-1, 0] == pytest.approx(plain, abs=0.01)
    assert descend(BUMPS, [start], 0.01, 600, momentum=0.9)[-1, 0] == pytest.approx(with_momentum, abs=0.01)


# ------------------------------------------------------------------------------------------------- rates and modes


@pytest.mark.parametrize("seed", SEEDS)
def test_R11_the_rate_is_too_large_from_2_over_the_curvature_and_oscillates_from_1(seed):
    """One linear layer, where E is a bowl: its steepest direction, of curvature c, shrinks by 1 - alpha c a step."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(20, 3))
    y = x @ rng.normal(size=(3, 1))
    curvatures, directions = np.linalg.eigh(x.T @ x / 20)
    c, steepest = curvatures[-1], directions[:, -1]
    away = {}
    for name, rate in {"small": 0.01 / c, "right": 1 / c, "oscillates": 1.9 / c, "diverges": 2.1 / c}.items():
        net = DeltaNetwork([np.zeros((1, 3))], None, ["identity"], "squared_error")
        best, off, errors = np.linalg.lstsq(x, y, rcond=None)[0][:, 0], [], []
        for _ in range(60):
            off.append((net.weights[0][0] - best) @ steepest)
            errors.append(net.step(x, y, rate))
        away[name], off = np.array(errors), np.array(off)
        np.testing.assert_allclose(off[1:20], off[:19] * (1 - rate * c), rtol=1e-6, atol=1e-12)
        if name != "right":  # there it has arrived after one step
            assert (off[1:20] * off[:19] < 0).all() == (rate * c > 1)  # to the other side, at each step
    assert away["diverges"][-1] > 10 * away["diverges"][0]
    assert away["right"][20] < 0.2 * away["right"][0] and away["small"][20] > 0.5 * away["small"][0]
    assert (np.diff(away["small"]) < 0).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_R11_rates_too_small_right_and_too_large_on_a_network(seed):
    data = noisy(seed)
    small, right = (train(data, None, lr, seed, epochs=60).loss for lr in (0.001, 0.3))
    assert right[-1] < 0.3 * right[0] < 0.8 * small[0] < small[-1] < small[0]
    with np.errstate(all="ignore"):
        try:
            large = train(data, None, 30.0, seed, epochs=60).loss
        except nn.NonFiniteLossError as error:
            large = [*error.history.loss, math.inf]
    assert np.max(large) > 10 * large[0] or sum(np.diff(large) > 0) > 10  # diverges, or goes up and down


@pytest.mark.parametrize(("rate", "curvature", "converges"), [(1.5, 1.0, True), (0.9, 2.5, False), (0.9, 1.0, True)])
def test_Y11_a_rate_between_0_and_1_is_neither_needed_nor_enough(rate, curvature, converges):
    """E = curvature w^2 / 2: what matters is alpha times the curvature, which must stay below 2."""
    end = abs(descend(lambda w: curvature * w, [1.0], rate, 60)[-1, 0])
    assert end < 1e-6 if converges else end > 1e3
    assert converges == (rate * curvature < 2)


@pytest.mark.parametrize("make", [nn.Adam, nn.RMSprop, nn.Adagrad], ids=lambda f: f.__name__)
def test_R11_adaptive_methods_leave_alpha_as_it_is_and_scale_each_weights_step(make):
    """The first steps of two weights whose gradients differ 1000-fold have one length; alpha is the same after it."""
    w = nn.Parameter([1.0, 1.0])
    optimizer = make([w], lr=0.01)
    lengths = []
    for _ in range(3):
        before = w.data.copy()
        w.grad = np.array([1000.0, 1.0]) * before
        optimizer.step()
        lengths.append(np.abs(w.data - before))
        assert optimizer.lr == 0.01
    np.testing.assert_allclose(*np.array(lengths).T, rtol=1e-4)
    plain = nn.SGD([nn.Parameter([1.0, 1.0])], lr=0.01)
    plain.parameters[0].grad = np.array([1000.0, 1.0])
    plain.step()
    assert np.ptp(plain.parameters[0].data) > 9  # plain descent: in proportion to the gradients


def test_R11_momentum_is_faster_in_a_narrow_valley_and_slower_at_a_rate_that_was_right():
    """E = (w1^2 + 100 w2^2) / 2: the stable rate is small for w1. In a round bowl there is nothing to gain."""
    narrow, round_ = np.array([1.0, 100.0]), np.array([1.0, 1.0])
    ends = {
        (name, momentum): np.abs(descend(lambda w, c=c: c * w, [1.0, 1.0], rate, 100, momentum)[-1]).max()
        for name, c, rate in (("narrow", narrow, 0.01), ("round", round_, 0.9))
        for momentum in (0.0, 0.8)
    }
    assert ends["narrow", 0.8] < 0.01 * ends["narrow", 0.0]
    assert ends["round", 0.8] > 1e3 * ends["round", 0.0]


@pytest.mark.parametrize("seed", SEEDS)
def test_Y12_stochastic_is_ahead_after_equal_epochs_and_less_stable_with_mini_batches_between(seed):
    data = noisy(seed)
    losses = {size: np.array(train(data, size, 0.1, seed, epochs=12).loss) for size in (1, 8, None)}
    assert losses[1][2] < losses[8][2] < losses[None][2]  # after three passes over the data
    rises = [np.maximum(np.diff(losses[size]), 0).sum() for size in (1, 8, None)]
    assert rises[0] > 1.5 * rises[1] and rises[1] >= rises[2] == 0  # how much the loss went up on the way


@pytest.mark.parametrize("seed", SEEDS)
def test_Y12_at_a_rate_that_suits_the_batch_stochastic_descent_ends_higher_or_diverges(seed):
    """Typically, not always: the rate that a batch takes well is too large for single samples."""
    data = noisy(seed)
    batch = train(data, None, 0.6, seed, epochs=40).loss[-1]
    with np.errstate(all="ignore"):
        try:
            stochastic = train(data, 1, 0.6, seed, epochs=40).loss[-1]
        except nn.NonFiniteLossError:
            stochastic = math.inf
    assert stochastic > 1.5 * batch


@pytest.mark.parametrize("seed", SEEDS)
def test_M8_a_step_of_fit_averages_the_partials_of_each_example_of_the_mini_batch(seed):
    """The last, smaller batch is averaged over its own examples: each of these then counts for more."""
    X, y = noisy(seed, n=6)
    model, by_hand = (nn.MLP([3, 4, 1], "tanh", rng=seed) for _ in range(2))
    optimizer = nn.SGD(model.parameters(), 0.1)
    nn.fit(model, [(X[:4], y[:4]), (X[4:], y[4:])], loss=nn.squared_error, optimizer=optimizer, epochs=1)
    for rows in (slice(0, 4), slice(4, 6)):
        parameters = list(by_hand.parameters())
        each = [
            ag.gradients(nn.squared_error(by_hand(x), t), parameters) for x, t in zip(X[rows], y[rows], strict=True)
        ]
        for p, partials in zip(parameters, zip(*each, strict=True), strict=True):
            p.data = p.data - 0.1 * np.mean(partials, axis=0)
    for p, q in zip(model.parameters(), by_hand.parameters(), strict=True):
        np.testing.assert_allclose(p.data, q.data, rtol=1e-12, atol=1e-15)


# --------------------------------------------------------------------------------------------- what a gradient costs


def by_paths(W, x):
    """Return do/dx of a stack of tanh layers, one product of local derivatives for every path, and their number."""
    slopes, a = [], x
    for M in W:
        a = np.tanh(M @ a)
        slopes.append((1 - a**2)[:, None] * M)  # da_i/da_j along one edge
    found, paths = np.zeros(len(x)), 0
    for units in itertools.product(*[range(len(M)) for M in W[:-1]]):
        for j in range(len(x)):
            way = (j, *units, 0)
            found[j] += math.prod(S[to, of] for S, (of, to) in zip(slopes, itertools.pairwise(way), strict=True))
            paths += 1
    return found, paths


@pytest.mark.usefixtures("table_is_left_as_found")
@pytest.mark.parametrize("depth", [1, 3, 5])
def test_M7_the_reverse_sweep_gives_the_sum_over_all_paths_and_visits_each_edge_once(depth):
    rng = np.random.default_rng(depth)
    W, x = [*rng.normal(size=(depth, 3, 3)), rng.normal(size=(1, 3))], rng.normal(size=3)
    products = []

    @ag.primitive
    def weighted(M, a):
        return M @ a

    def pullback(g, y, M, a):  # noqa: ARG001 (a rule's form)
        products.append(M.size)
        return g @ M

    ag.defvjp(weighted, None, pullback)

    def o(x):
        for M in W:
            x = np.tanh(weighted(M, x))
        return x[0]

    expanded, paths = by_paths(W, x)
    np.testing.assert_allclose(ag.grad(o)(x), expanded, rtol=1e-10)
    assert paths == 3 ** (depth + 1)  # grows by a factor with each layer
    assert sum(products) == 9 * depth + 3  # by a sum: each edge once


@pytest.mark.usefixtures("table_is_left_as_found")
def test_M7_sharing_is_what_makes_the_paths_many():
    """In a chain there is one path, and nothing to reuse; in 60 doublings there are 2^60, and 60 calls."""
    calls = []

    @ag.primitive
    def both(a, b):
        return a + b

    def pullback(g, y, a, b):  # noqa: ARG001 (a rule's form)
        calls.append(1)
        return g

    ag.defvjp(both, pullback, None)

    def doubled(x):
        for _ in range(60):
            y = both(x, 0.0)
            x = y + y
        return x

    assert ag.grad(doubled)(1.0) == 2**60 and len(calls) == 60


def operations(f):
    """Return how many multiplications and elementwise operations `f` takes, from the program that it runs through."""
    count = 0
    for step in ag.trace(f)().steps:
        if step.function is np.matmul:
            count += step.outs[0].size * next(step.operands()).shape[-1]
        elif isinstance(step.function, np.ufunc):
            count += sum(out.size for out in step.outs)
    return count


def test_R6_all_partials_cost_two_to_three_forward_passes_and_one_by_one_a_pass_for_each_weight():
    """Counted, not timed. The ratio of the two lies between w / 3 and w / 2: a factor, no exponential."""
    weights, together, apart = [], [], []
    for width in (4, 8, 16, 32, 64):
        model, x, y = nn.MLP([width, width, width, 1], "tanh", rng=0), np.ones((1, width)), np.ones((1, 1))
        parameters = list(model.parameters())

        def error(model=model, x=x, y=y):
            return nn.squared_error(model(x), y)

        forward = operations(error)
        weights.append(sum(p.size for p in parameters))
        together.append(operations(lambda e=error, p=parameters: ag.gradients(e(), p)))
        apart.append((weights[-1] + 1) * forward)  # one-sided differences
        assert 2 < together[-1] / forward < 3
    power = [np.polyfit(np.log(weights), np.log(cost), 1)[0] for cost in (together, apart)]
    assert power[0] == pytest.approx(1, abs=0.05) and power[1] == pytest.approx(2, abs=0.05)
    assert weights[-1] / 3 < apart[-1] / together[-1] < weights[-1] / 2


def test_R6_a_pass_for_each_weight_gives_the_same_partials():
    model, x, y = nn.MLP([3, 4, 1], "tanh", rng=0), np.ones(3), np.ones(1)
    shapes = [p.shape for p in model.parameters()]
    flat = np.concatenate([p.data.ravel() for p in model.parameters()])
    ends = np.cumsum([math.prod(shape) for shape in shapes])

    def error(flat):
        W1, b1, W2, b2 = (part.reshape(s) for part, s in zip(np.split(flat, ends[:-1]), shapes, strict=True))
        return nn.squared_error(W2 @ nn.tanh(W1 @ x + b1) + b2, y)

    one_by_one = [ag.jvp(error, (flat,), (e,))[1] for e in np.eye(len(flat))]  # w passes
    np.testing.assert_allclose(ag.grad(error)(flat), one_by_one, rtol=1e-12)  # one


def test_R6_many_outputs_need_a_sweep_each():
    """One sweep is for one number: the m by w partials of m outputs cost m sweeps."""
    model, x = nn.MLP([8, 8, 4], "tanh", rng=0), np.ones((1, 8))
    parameters = list(model.parameters())

    def partials(m):
        o = model(x)
        return [ag.gradients(o[0, k], parameters) for k in range(m)]

    costs = [operations(lambda m=m: partials(m)) for m in range(1, 5)]
    assert np.ptp(np.diff(costs)) == 0 and np.diff(costs)[0] > 0.3 * costs[0]


def kept(model, x, record=True):
    """Return how many bytes stay alive between the forward pass and the sweep, beyond the outputs'."""
    x = ag.Tensor(x, requires_grad=True)
    tracemalloc.start()
    try:
        if record:
            y = model(x)
        else:
            with ag.no_grad():
                y = model(x)
        return tracemalloc.get_traced_memory()[0] - y.data.nbytes
    finally:
        tracemalloc.stop()


def test_R7_the_forward_pass_keeps_the_activations_in_proportion_to_units_and_samples():
    def stack(depth):
        return nn.MLP([50] * (depth + 1), "tanh", "tanh", rng=0)

    x = np.ones((400, 50))
    one = kept(stack(4), x)
    layer = x.nbytes  # a hidden layer's activations, in the same shape
    assert one == pytest.approx(3 * layer, rel=0.05)  # of 4 layers: the last one's are the outputs themselves
    assert kept(stack(8), x) == pytest.approx(7 * layer, rel=0.05)
    assert kept(stack(4), np.ones((800, 50))) == pytest.approx(2 * one, rel=0.05)
    assert kept(stack(4), x, record=False) < 0.1 * layer  # what is not to be swept keeps nothing
    checkpointed = [ag.checkpoint(stack(4)) for _ in range(2)]
    assert kept(lambda x: checkpointed[1](checkpointed[0](x)), x) < 1.1 * layer  # and here the half-way values only


@pytest.mark.usefixtures("table_is_left_as_found")
def test_R7_the_backward_pass_reads_what_was_stored_and_computes_no_activation_again():
    calls = []

    @ag.primitive
    def squash(z):
        calls.append(1)
        return np.tanh(z)

    ag.defvjp(squash, lambda g, y, z: g * (1 - y * y))  # from the stored output alone

    def error(W):
        a = np.ones(3)
        for _ in range(5):
            a = squash(W @ a)
        return a.sum()

    gradient = ag.grad(error)(0.3 * np.eye(3))
    assert len(calls) == 5 and np.all(np.diag(gradient) > 0)
    again = ag.grad(lambda W: ag.checkpoint(error)(W))(0.3 * np.eye(3))
    assert len(calls) == 15  # a checkpoint has the five done twice, in exchange for the memory
    np.testing.assert_array_equal(again, gradient)


# --------------------------------------------------------------------------------------------------------- outputs


@pytest.mark.parametrize("seed", SEEDS)
def test_R8_the_deltas_of_m_outputs_are_those_of_m_networks_with_one_output_added_up(seed):
    net = network((3, 5, 4), "tanh", seed, output="sigmoid", loss="binary_cross_entropy")
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(6, 3)), rng.integers(0, 2, (6, 4)).astype(float)
    dW, _ = net.gradients(x, y)
    single = []
    for k in range(4):
        weights, biases = [net.weights[0], net.weights[1][k : k + 1]], [net.biases[0], net.biases[1][k : k + 1]]
        one = DeltaNetwork(weights, biases, net.activations, net.loss)
        single.append(one.gradients(x, y[:, k : k + 1])[0])
    np.testing.assert_allclose(dW[0], sum(part[0] for part in single), rtol=1e-10, atol=1e-15)  # shared: added up
    np.testing.assert_allclose(dW[1], np.vstack([part[1] for part in single]), rtol=1e-10, atol=1e-15)  # own: apart
    assert np.abs(dW[0] - single[0][0]).max() > 1e-3


@pytest.mark.parametrize("seed", SEEDS)
def test_R8_a_softmax_couples_its_outputs_so_that_they_are_no_separate_problems(seed):
    """dLoss/dw = sum_k dLoss_k/dw still holds, but Loss_k depends on the weights of the other outputs, too."""
    rng = np.random.default_rng(seed)
    W, a, y = rng.normal(size=(3, 4)), rng.normal(size=4), np.array([0.2, 0.5, 0.3])
    losses = lambda W: -y * nn.log_softmax(W @ a)  # noqa: E731
    parts = [ag.grad(lambda W, k=k: losses(W)[k])(W) for k in range(3)]
    np.testing.assert_allclose(sum(parts), np.outer(nn.softmax(W @ a) - y, a), rtol=1e-10, atol=1e-14)
    assert np.abs(parts[0][1:]).max() > 1e-3
    apart = [ag.grad(lambda W, k=k: (nn.sigmoid(W @ a)[k] - y[k]) ** 2)(W) for k in range(3)]
    assert not apart[0][1:].any()  # a sigmoid of its own for each: only its own weights


# -------------------------------------------------------------------------------------------- starting and stopping


@pytest.mark.parametrize("seed", SEEDS)
def test_R9_large_weights_saturate_sigmoids_and_their_deltas_die(seed):
    x = np.random.default_rng(seed).normal(size=(50, 20))
    small, large = (network((20, 20, 20, 20, 1), "sigmoid", seed, scale=scale) for scale in (1, 50))
    slopes = [np.mean([np.median(a * (1 - a)) for a in net.forward(x).a[1:-1]]) for net in (small, large)]
    assert slopes[0] > 0.15 and slopes[1] < 1e-3


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_R9_from_zero_a_tanh_or_relu_network_learns_nothing_but_the_last_bias(activation):
    """Units that are equal and 0: no signal reaches the second layer, and no delta the first. A sigmoid's is 1/2."""
    X, y = noisy(0)
    model = nn.MLP([3, 4, 1], activation, rng=0, initializer=nn.init.zeros)
    nn.fit(model, (X, y), loss=nn.squared_error, optimizer=nn.SGD(model.parameters(), 0.5), epochs=20)
    moved = {name: bool(p.data.any()) for name, p in model.named_parameters()}
    assert moved == {"0.weight": False, "0.bias": False, "2.weight": False, "2.bias": True}


@pytest.mark.parametrize("seed", SEEDS)
def test_R9_any_equal_start_keeps_units_equal_and_any_unequal_one_does_not(seed):
    X, y = noisy(seed)
    spread = []
    for weights in (nn.init.constant(0.3), nn.init.uniform()):
        model = nn.MLP([3, 4, 1], "tanh", rng=seed, initializer=weights)
        nn.fit(model, (X, y), loss=nn.squared_error, optimizer=nn.SGD(model.parameters(), 0.5), epochs=80)
        spread.append(np.ptp(np.abs(model[0].weight.data), axis=0).max() / np.abs(model[0].weight.data).max())
    assert spread[0] < 1e-9 and spread[1] > 1e-3


def test_R9_small_weights_are_too_small_for_a_deep_network():
    """What parts the units of a shallow network starves a deep one: deltas shrink by the weights' norm a layer."""
    shallow, deep = (
        DeltaNetwork(
            [nn.init.uniform()(np.random.default_rng(i), (8, 8)) for i in range(depth)],
            None,
            ["tanh"] * depth,
            "squared_error",
        )
        for depth in (2, 10)
    )
    sizes = [
        np.linalg.norm(deltas[0]) / np.linalg.norm(deltas[-1])
        for deltas in (net.deltas(np.ones(8), np.ones(8)) for net in (shallow, deep))
    ]
    assert sizes[0] > 1e-3 and sizes[1] < 1e-12


def test_R12_the_first_rise_need_not_be_the_end_of_it():
    """A validation loss that falls, rises once and falls further: with patience 1 the better weights are missed."""

    def run(patience):
        values = iter([3.0, 2.0, 2.5, 1.0, 0.5, 4.0, 5.0, 6.0, 7.0])
        model = nn.Sequential(nn.Linear(1, 1, rng=0))
        model[0].weight.data = [[0.0]]

        class Validation:  # a batch whose target makes the loss what the list says
            def __iter__(self):
                yield np.zeros((1, 1)), np.array([[math.sqrt(2 * next(values))]])

        return nn.fit(
            model, (np.zeros((1, 1)), np.zeros((1, 1))), loss=nn.squared_error,
            optimizer=nn.SGD(model.parameters(), 0.1), epochs=9, validation=Validation(), patience=patience,
        )  # fmt: skip

    hasty, patient = run(1), run(3)
    assert hasty.stopped_by == patient.stopped_by == "validation"
    assert (hasty.best_epoch, patient.best_epoch) == (2, 5)
    assert min(hasty.validation_loss) == pytest.approx(2) and min(patient.validation_loss) == pytest.approx(0.5)


# ------------------------------------------------------------------------------------------------------ vanishing


def through_depth(blocks, seed, width=8):
    """Return how large dE/da is after the first of the blocks, relative to that after the last one."""
    rng = np.random.default_rng(100 + seed)
    a, outputs = rng.normal(size=(20, width)), []
    for block in blocks:
        a = block(a)
        outputs.append(a)
    head = nn.Linear(width, 1, rng=seed)
    first, last = ag.gradients(nn.squared_error(head(a), rng.normal(size=(20, 1))), [outputs[0], outputs[-1]])
    return np.linalg.norm(first) / np.linalg.norm(last)


def blocks(activation, seed, initializer=nn.init.xavier_uniform, *, normalize=False, skip=False, depth=12, width=8):
    rng, found = np.random.default_rng(seed), []
    for _ in range(depth):
        parts = [nn.Linear(width, width, initializer=initializer, rng=rng), activation()]
        if normalize:
            parts.insert(1, nn.BatchNorm1d(width))
        block = nn.Sequential(*parts)
        found.append(nn.Residual(block) if skip else block)
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_R14_each_remedy_against_the_sigmoid_network(seed):
    sigmoid = through_depth(blocks(nn.Sigmoid, seed), seed)
    remedied = {
        "ReLU": through_depth(blocks(nn.ReLU, seed, nn.init.he_normal), seed),
        "batch normalization": through_depth(blocks(nn.Sigmoid, seed, normalize=True), seed),
        "Xavier, with tanh": through_depth(blocks(nn.Tanh, seed), seed),
        "skip connections": through_depth(blocks(nn.Sigmoid, seed, skip=True), seed),
    }
    assert sigmoid < 1e-4
    assert min(remedied.values()) > 100 * sigmoid and min(remedied.values()) > 1e-2, remedied


@pytest.mark.parametrize("seed", SEEDS)
def test_R14_initialization_alone_does_not_mend_a_sigmoid_nor_does_a_relu_mend_small_weights(seed):
    """Xavier keeps variances where f' is about 1: a sigmoid's slope of a quarter takes them back, layer by layer."""
    for initializer in (nn.init.xavier_uniform, nn.init.he_normal):
        assert through_depth(blocks(nn.Sigmoid, seed, initializer), seed) < 1e-3
    small = through_depth(blocks(nn.ReLU, seed, nn.init.uniform()), seed)
    assert small < 1e-12 < 1e-3 < through_depth(blocks(nn.ReLU, seed, nn.init.he_normal), seed)


@pytest.mark.parametrize("weight", [1.0, 4.0, 8.0])
def test_Y15_R13_deltas_of_sigmoids_shrink_stay_or_grow_as_a_quarter_of_the_weight_says(weight):
    """At z = 0 every layer multiplies delta by weight / 4: 0.25^L is a bound while the weights' norms are at most 1."""
    depth = 6
    weights, biases = [weight * np.eye(3)] * depth, [np.full(3, -weight / 2)] * depth
    net = DeltaNetwork(weights, biases, ["sigmoid"] * depth, "squared_error")
    norms = np.array([np.linalg.norm(d) for d in net.deltas(np.full(3, 0.5), np.zeros(3))])
    np.testing.assert_allclose(norms[:-1] / norms[1:], weight / 4, rtol=1e-12)
    assert (norms[0] <= 0.25 ** (depth - 1) * norms[-1] * (1 + 1e-12)) == (weight <= 1)


@pytest.mark.parametrize("seed", SEEDS)
def test_Y15_deltas_shrink_in_random_sigmoid_networks_and_not_with_the_identity(seed):
    sizes = (6,) * 9
    x, y = np.random.default_rng(seed).normal(size=(2, 10, 6))
    sigmoid, identity = (network(sizes, name, seed, output=name).deltas(x, y) for name in ("sigmoid", "identity"))
    sizes = np.array([np.linalg.norm(d) for d in sigmoid])
    assert (sizes[:-1] < 0.5 * sizes[1:]).all()  # at every layer
    assert np.linalg.norm(identity[0]) > 1e-2 * np.linalg.norm(identity[-1])


# ------------------------------------------------------------------------- were a claim false, its test would fail


def uphill(self, *args, of=DeltaNetwork.step):
    before = [W.copy() for W in self.weights]
    error = of(self, *args)
    for W, old in zip(self.weights, before, strict=True):
        W += 2 * (old - W)
    return error


def sweep_by_sweep(y, of, g=ag.gradients):
    parts = [g(float(k) * y, of) for k in range(len(of))]
    return [sum(found) for found in zip(*parts, strict=True)]


def undamped(self, *args, of=DeltaNetwork.deltas):
    return [2.0 ** (5 - layer) * delta for layer, delta in enumerate(of(self, *args))]


def summed(o, y, of=nn.squared_error, **options):
    return of(o, y, **{"reduction": "sum", **options})


def all_at_once(*args, batch_size=None, of=nn.fit, **options):  # noqa: ARG001 (the fault: it is not used)
    return of(*args, batch_size=None, **options)


def impatient(*args, patience=None, of=nn.fit, **options):
    return of(*args, patience=patience and 1, **options)


def plain_descent(parameters, lr, momentum=0.0, of=nn.SGD):  # noqa: ARG001 (the fault: it is not used)
    return of(parameters, lr)


def wandering_rate(parameters, lr, of=nn.Adam):
    optimizer = of(parameters, lr)
    step = optimizer.step
    optimizer.step = lambda: (step(), setattr(optimizer, "lr", 0.9 * optimizer.lr))
    return optimizer


PLANTED = {  # what is made false: (owner, name, in its place), the test, its arguments
    "Y3, the step uphill": (
        (DeltaNetwork, "step", uphill),
        test_Y3_a_step_taken_during_the_backward_pass_takes_wrong_gradients,
        (0,),
    ),
    "R15, the step uphill": ((DeltaNetwork, "step", uphill), test_R15_one_rule_updates_every_layer, (0,)),
    "R16, the step uphill": (
        (DeltaNetwork, "step", uphill),
        test_R16_a_weight_moves_in_proportion_to_its_input_and_to_its_Delta,
        (0,),
    ),
    "R11, the step uphill": (
        (DeltaNetwork, "step", uphill),
        test_R11_the_rate_is_too_large_from_2_over_the_curvature_and_oscillates_from_1,
        (0,),
    ),
    "R11, Adam adjusts alpha": (
        (nn, "Adam", wandering_rate),
        lambda: test_R11_adaptive_methods_leave_alpha_as_it_is_and_scale_each_weights_step(nn.Adam),
        (),
    ),
    "R13, deltas twice as large at each layer": (
        (DeltaNetwork, "deltas", undamped),
        test_Y15_R13_deltas_of_sigmoids_shrink_stay_or_grow_as_a_quarter_of_the_weight_says,
        (1.0,),
    ),
    "Y15, deltas twice as large at each layer": (
        (DeltaNetwork, "deltas", undamped),
        test_Y15_deltas_shrink_in_random_sigmoid_networks_and_not_with_the_identity,
        (0,),
    ),
    "R8, deltas of the sum of the outputs": (
        (DeltaNetwork, "gradients", lambda self, x, y, of=DeltaNetwork.gradients: of(self, x, 1 - y[:, ::-1])),
        test_R8_the_deltas_of_m_outputs_are_those_of_m_networks_with_one_output_added_up,
        (0,),
    ),
    "M8, partials added up": (
        (nn, "squared_error", summed),
        test_M8_a_step_of_fit_averages_the_partials_of_each_example_of_the_mini_batch,
        (0,),
    ),
    "Y12, every mode is batch mode": (
        (nn, "fit", all_at_once),
        test_Y12_stochastic_is_ahead_after_equal_epochs_and_less_stable_with_mini_batches_between,
        (0,),
    ),
    "Y16, no momentum": (
        (nn, "SGD", plain_descent),
        test_Y16_momentum_helps_from_some_starts_not_from_all_and_harms_from_others,
        (-2.0, -0.96, 1.04),
    ),
    "R12, patience of 1": ((nn, "fit", impatient), test_R12_the_first_rise_need_not_be_the_end_of_it, ()),
    "R9, small weights that are equal": (
        (nn.init, "uniform", lambda *_: nn.init.constant(0.01)),
        test_R9_any_equal_start_keeps_units_equal_and_any_unequal_one_does_not,
        (0,),
    ),
    "R14, a ReLU with the sigmoid's slope": (
        (nn, "ReLU", nn.Sigmoid),
        test_R14_each_remedy_against_the_sigmoid_network,
        (0,),
    ),
    "R14, no normalization": (
        (nn, "BatchNorm1d", lambda _: nn.Identity()),
        test_R14_each_remedy_against_the_sigmoid_network,
        (0,),
    ),
    "R14, no shortcut": ((nn, "Residual", nn.Sequential), test_R14_each_remedy_against_the_sigmoid_network, (0,)),
    "R7, a checkpoint that keeps everything": (
        (ag, "checkpoint", lambda f: f),
        test_R7_the_forward_pass_keeps_the_activations_in_proportion_to_units_and_samples,
        (),
    ),
    "R6, a sweep for each weight": (
        (ag, "gradients", sweep_by_sweep),
        test_R6_all_partials_cost_two_to_three_forward_passes_and_one_by_one_a_pass_for_each_weight,
        (),
    ),
    "Y5, one minimum": (
        (nn, "tanh", lambda z: z),
        test_Y5_the_error_of_a_small_network_has_two_local_minima_of_different_depth,
        (),
    ),
}


@pytest.mark.parametrize(("change", "test", "arguments"), PLANTED.values(), ids=PLANTED)
def test_a_planted_falsehood_makes_the_claims_test_fail(change, test, arguments, monkeypatch):
    test(*arguments)
    monkeypatch.setattr(*change)
    with pytest.raises((AssertionError, np.linalg.LinAlgError)):
        test(*arguments)
