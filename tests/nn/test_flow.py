"""nn.flow, nn.Filming, nn.flows: what trains is what is filmed; and what good and poor starts show."""

import numpy as np
import pytest

import autograd_mini as ag
import nn
from nn.flow import STARTS, rings

X, Y = rings(40, seed=1)
BCE = nn.binary_cross_entropy_with_logits


def net(activation="tanh", **keywords):
    return nn.MLP([2, 5, 4, 1], activation, rng=0, **keywords)


def deltas_of(model, x, y, loss):
    """The norms of dE/dz of each Linear layer, by the engine."""
    zs = []
    with nn.module.observe(lambda module, out: zs.append(out) if isinstance(module, nn.Linear) else None):
        error = loss(model(x), y)
    return [np.linalg.norm(g) for g in ag.gradients(error, zs)]


@pytest.fixture(scope="module")
def films():
    return nn.flows(presets=STARTS, steps=100, snapshots=4, samples=60)


def test_it_trains_as_the_loop_by_hand():
    filmed, other = net(), net()
    film = nn.flow(filmed, X, Y, BCE, nn.SGD(filmed.parameters(), lr=0.5), steps=9, snapshots=4)
    assert [s.step for s in film.snapshots] == [0, 1, 4, 9]
    optimizer, found = nn.SGD(other.parameters(), lr=0.5), {}
    for step in range(10):
        found[step] = deltas_of(other, X, Y, BCE), float(BCE(other(X), Y).data)
        optimizer.zero_grad()
        BCE(other(X), Y).backward()
        if step < 9:
            optimizer.step()
    for s in film.snapshots:
        np.testing.assert_allclose(s.deltas, found[s.step][0], rtol=1e-9)
        np.testing.assert_allclose(s.loss, found[s.step][1], rtol=1e-12)
    for p, q in zip(filmed.parameters(), other.parameters(), strict=True):
        np.testing.assert_allclose(p.data, q.data, rtol=1e-9)


def test_the_picture_is_the_output_over_the_plane():
    """Twice the probability less 1, by each loss that says one."""
    model = net()
    for loss, y, value in (
        (BCE, Y, lambda z: 2 / (1 + np.exp(-z[:, 0])) - 1),
        (nn.squared_error, Y, lambda z: np.clip(2 * z[:, 0] - 1, -1, 1)),
        (nn.squared_error, 2 * Y - 1, lambda z: np.clip(z[:, 0], -1, 1)),
    ):
        film = nn.flow(model, X, y, loss, nn.SGD(model.parameters(), lr=0.01), steps=1, snapshots=2)
        hoped = value(model(film.grid).numpy()).reshape(28, 28)
        np.testing.assert_allclose(film.snapshots[-1].picture, hoped, rtol=1e-12)
    classes = nn.MLP([2, 3, 2], rng=0)
    filming = nn.Filming(X, Y.ravel().astype(int), nn.cross_entropy)
    filming.take(classes, 0)
    p = nn.softmax(classes(filming.flow.grid)).numpy()
    np.testing.assert_allclose(filming.flow.snapshots[0].picture, (p[:, 1] - p[:, 0]).reshape(28, 28), atol=1e-12)


def test_without_a_plane_there_is_no_picture():
    x = np.random.default_rng(0).normal(size=(6, 3))
    model = nn.MLP([3, 4, 2], rng=0)
    filming = nn.Filming(x, np.array([0, 1, 2, 0, 1, 1]) % 2, nn.cross_entropy)
    filming.take(model, 0)
    assert filming.flow.points is None and filming.flow.snapshots[0].picture is None


def test_deltas_stay_below_the_bound_with_the_weights_norms(films):
    """Y15, R13: what holds is the product of the steepest slope and the largest singular values."""
    for film in films.values():
        for s in film.snapshots:
            assert s.bounds[-1] == 1
            assert all(d <= b * s.deltas[-1] * (1 + 1e-9) for d, b in zip(s.deltas, s.bounds, strict=True))


def test_bounds_are_the_product_of_slopes_and_norms():
    model = net("sigmoid")
    filming = nn.Filming(X, Y, BCE)
    filming.take(model, 0)
    norms = [np.linalg.norm(p.data, 2) for p in model.parameters()[::2]]
    hoped = [norms[1] * norms[2] / 16, norms[2] / 4, 1.0]
    np.testing.assert_allclose(filming.flow.snapshots[0].bounds, hoped)
    filming = nn.Filming(X, Y, BCE)
    filming.take(net(batch_norm=True), 0)
    assert filming.flow.snapshots[0].bounds is None


def test_a_mask_is_in_the_bound():
    """Without its last weight this matrix has a larger norm than with it."""
    mask = np.array([[1, 1], [1, 0]])
    model = nn.Sequential(nn.Linear(2, 2, rng=0), nn.Identity(), nn.Linear(2, 2, mask=mask, rng=0))
    model.parameters()[2].data = np.array([[1.0, 1.0], [1.0, -1.0]])
    filming = nn.Filming(X, np.ones((len(X), 2)), nn.squared_error)
    filming.take(model, 0)
    np.testing.assert_allclose(filming.flow.snapshots[0].bounds, [np.linalg.norm(mask, 2), 1.0])


@pytest.mark.parametrize("frozen", [0, 1, 2])
def test_a_frozen_layer_is_no_layer_of_the_film_but_in_the_bound(frozen):
    model = net()
    weights = model.parameters()[::2]
    for parameter in model.parameters()[2 * frozen : 2 * frozen + 2]:
        parameter.requires_grad = False
    rest = [p for p in model.parameters() if p.requires_grad]
    film = nn.flow(model, X, Y, BCE, nn.SGD(rest, lr=0.5), steps=2, snapshots=2)
    assert film.data["layers"] == tuple(f"layer{i + 1}" for i in range(3) if i != frozen)
    last = film.snapshots[-1]
    between = {0: [2], 1: [1, 2], 2: [1]}[frozen]
    hoped = np.prod([np.linalg.norm(weights[i].data, 2) for i in between])
    np.testing.assert_allclose(last.bounds, [hoped, 1.0])
    assert last.deltas[0] <= last.bounds[0] * last.deltas[1]


def test_the_picture_is_taken_in_evaluation_mode_and_the_modes_are_kept():
    model = net("relu", dropout=0.5, batch_norm=True)
    model(X)  # running means
    model.layers[0].eval()
    modes = [module.training for _, module in model.named_modules()]
    filming = nn.Filming(X, Y, BCE)
    filming.take(model, 0)
    assert [module.training for _, module in model.named_modules()] == modes
    hoped = np.tanh(model.eval()(filming.flow.grid).numpy() / 2).reshape(28, 28)
    np.testing.assert_allclose(filming.flow.snapshots[0].picture, hoped, atol=1e-12)


def test_a_quarter_for_each_layer_is_what_a_sigmoid_leaves_at_first(films):
    """Y15, R13: with Xavier's weights about 0.25^6 of the last delta; within a factor of 4."""
    ratio = films["sigmoid"].data["deltas"][:, 0] / films["sigmoid"].data["deltas"][:, -1]
    assert 0.25**7 < ratio[0] < 0.25**5


def test_tanh_and_relu_with_fitting_weights_pass_deltas_on_and_learn(films):
    """R14."""
    for name in ("tanh", "relu"):
        data = films[name].data
        assert data["deltas"][0, 0] > 0.1 * data["deltas"][0, -1]
        assert data["losses"][-1] < 0.1 < 0.6 < data["losses"][0]


def test_weights_within_a_hundredth_vanish_faster_than_a_sigmoid(films):
    """R9: small first weights are no advice for a deep network; only these differ from the preset tanh."""
    poor, sigmoid = (films[name].data["deltas"][0, 0] for name in ("poor initialization", "sigmoid"))
    assert poor < 1e-4 * sigmoid
    assert films["poor initialization"].data["losses"][-1] > 0.69


def test_a_large_rate_puts_relus_out_for_good(films):
    dead = films["dying relu"].data["dead"].sum(axis=1)
    assert dead[-1] > 40 > 20 > dead[0]
    assert films["dying relu"].data["deltas"][-1, 0] == 0


def test_adam_recovers_what_has_vanished(films):
    """The same sigmoid network, the same first weights."""
    plain, adam = (films[name].data for name in ("sigmoid", "recovery"))
    np.testing.assert_array_equal(plain["deltas"][0], adam["deltas"][0])
    assert adam["deltas"][-1, 0] > 20 * plain["deltas"][-1, 0]
    assert adam["losses"][-1] < plain["losses"][-1] - 0.05


def test_a_callback_films_every_so_many_epochs():
    model = net()
    filming = nn.Filming(X, Y, BCE, every=2, title="fit")
    nn.fit(model, (X, Y), loss=BCE, optimizer=nn.SGD(model.parameters(), lr=0.5), epochs=5, callbacks=filming)
    assert [s.step for s in filming.flow.snapshots] == [0, 2, 4]
    filming.take(model, 5)
    np.testing.assert_allclose(filming.flow.snapshots[-1].deltas, deltas_of(model, X, Y, BCE))


def test_filming_does_not_change_the_training():
    """Dropout draws the same numbers, running means are the same, and no gradient is left."""
    histories = []
    for callbacks in ((), nn.Filming(X, Y, BCE)):
        model = net("relu", dropout=0.3, batch_norm=True)
        optimizer = nn.SGD(model.parameters(), lr=0.1)
        history = nn.fit(model, (X, Y), loss=BCE, optimizer=optimizer, epochs=3, callbacks=callbacks)
        histories.append((history.loss, model.state_dict()))
    assert histories[0][0] == histories[1][0]
    for name, value in histories[0][1].items():
        np.testing.assert_array_equal(value, histories[1][1][name])


def test_a_training_that_leaves_the_numbers_ends_with_a_snapshot_of_it():
    model = nn.MLP([2, 5, 1], "relu", rng=0)
    with np.errstate(all="ignore"):
        film = nn.flow(model, 1e3 * X, Y, nn.squared_error, nn.SGD(model.parameters(), lr=10.0), steps=200)
    last = film.snapshots[-1]
    assert not np.isfinite(last.loss) and last.step < 200
    assert np.isfinite([s.loss for s in film.snapshots[:-1]]).all()


def test_the_page_has_a_row_for_each_preset(tmp_path):
    films = nn.flows(tmp_path / "page.html", ["tanh", "sigmoid"], steps=4, snapshots=3, depth=2, width=3, samples=10)
    text = (tmp_path / "page.html").read_text("utf-8")
    assert list(films) == ["tanh", "sigmoid"]
    assert [text.count(STARTS[name].told) > 0 for name in STARTS] == [True, True, False, False, False, False]
    assert text.count('<section class="film"') == 2
    again = nn.flows(presets=["tanh", "sigmoid"], steps=4, snapshots=3, depth=2, width=3, samples=10)
    np.testing.assert_array_equal(again["tanh"].data["deltas"], films["tanh"].data["deltas"])
