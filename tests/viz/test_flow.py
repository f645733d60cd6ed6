"""Gradient flow through training: sizes that equal the engine's, as a page shows them; and what is refused."""

import json
import re
from contextlib import nullcontext
from itertools import pairwise

import numpy as np
import pytest

import autograd_mini as ag
from autograd_mini.scipy.special import expit
from autograd_mini.viz.flow.charts import by_depth, scale_of
from autograd_mini.viz.flow.page import level, short, strength

from ..browsing import ask, look_at
from .test_player import Reader

RNG = np.random.default_rng(0)
X, T = RNG.normal(size=(20, 2)), np.where(RNG.normal(size=(20, 1)) > 0, 1.0, 0.0)
PLANE = X, 2 * T.ravel() - 1


def weights(sizes=(2, 5, 4, 1), size=1.0):
    rng = np.random.default_rng(1)
    made = []
    for i, (n, m) in enumerate(pairwise(sizes), 1):
        made.append(ag.Tensor(size * rng.normal(size=(m, n)), requires_grad=True, name=f"W{i}"))
        made.append(ag.Tensor(np.zeros(m), requires_grad=True, name=f"b{i}"))
    return made


def loss_of(made, f=expit, scopes=True, x=X):
    """A network of layers, each in its scope or in none; its loss, and the weighted sums of each layer."""
    a, zs = ag.Tensor(x, name="x"), []
    for i in range(0, len(made), 2):
        with ag.scope(f"layer{i // 2 + 1}") if scopes else nullcontext():
            zs.append(a @ made[i].T + made[i + 1])
            a = f(zs[-1])
    return np.mean(np.square(a - T[: len(x)])), zs


def trained(f=expit, steps=4, scopes=True, size=1.0, title="net", **keywords):
    """A film of a training by hand, and what the engine finds at each snapshot, asked anew."""
    made, film, found = weights(size=size), ag.Flow(title, points=PLANE), []
    for step in range(steps):
        loss, zs = loss_of(made, f, scopes)
        film.add(loss, step=10 * step, picture=np.full(len(film.grid), 0.5 - step / 4), **keywords)
        gradients = ag.gradients(loss, [*zs, *made])
        found.append((float(loss.data), gradients[: len(zs)], gradients[len(zs) :]))
        for p, g in zip(made, gradients[len(zs) :], strict=True):
            p.data = p.data - 2.0 * g
    return film, found


@pytest.fixture(scope="module")
def both():
    return trained()


@pytest.fixture(scope="module")
def page(both, tmp_path_factory):
    return both[0].save(tmp_path_factory.mktemp("flow") / "page.html")


def data_of(page):
    text = page.read_text("utf-8")
    return json.loads(re.findall(r'id="data">(.*?)</script>', text, re.DOTALL)[0])


# ------------------------------------------------------------------------------------------------------- the record


@pytest.mark.parametrize("scopes", [True, False])
def test_sizes_are_the_norms_of_the_engines_gradients(scopes):
    film, found = trained(scopes=scopes)
    data = film.data
    np.testing.assert_array_equal(data["steps"], [0, 10, 20, 30])
    assert data["layers"] == (("layer1", "layer2", "layer3") if scopes else ("W1, b1", "W2, b2", "W3, b3"))
    np.testing.assert_array_equal(data["units"], [5, 4, 1])
    for k, (loss, deltas, gradients) in enumerate(found):
        assert data["losses"][k] == loss
        np.testing.assert_allclose(data["deltas"][k], [np.linalg.norm(d) for d in deltas], rtol=1e-12)
        for name, gradient in zip(("W1", "b1", "W2", "b2", "W3", "b3"), gradients, strict=True):
            i = [n.rpartition("/")[2] for n in data["names"]].index(name)
            np.testing.assert_allclose(data["gradients"][k, i], np.linalg.norm(gradient), rtol=1e-12)


def test_a_layers_delta_is_that_of_the_delta_rule():
    """Y8, Y10: delta of the output by hand, and back through the weights by hand."""
    made = weights(sizes=(2, 3, 1))
    loss, (z1, z2) = loss_of(made)
    film = ag.Flow()
    film.add(loss)
    a1, a2 = (1 / (1 + np.exp(-z.data)) for z in (z1, z2))
    last = 2 * (a2 - T) / len(T) * a2 * (1 - a2)
    first = a1 * (1 - a1) * (last @ made[2].data)
    np.testing.assert_allclose(film.data["deltas"][0], [np.linalg.norm(first), np.linalg.norm(last)], rtol=1e-12)


def test_a_quarter_for_each_layer_bounds_a_sigmoids_deltas_under_norms_of_1():
    """Y15, R13; and weights of 30 exceed it, as the page says they may."""
    ratios = {}
    for size in (1.0, 30.0):
        made = weights(sizes=(2, 6, 6, 6, 1))
        for p in made[::2]:
            p.data = size * p.data / np.linalg.norm(p.data, 2)
        film = ag.Flow()
        film.add(loss_of(made)[0])
        ratios[size] = film.data["deltas"][0] / film.data["deltas"][0, -1]
    quarters = 0.25 ** np.arange(3, -1, -1)
    assert (ratios[1.0] <= quarters * (1 + 1e-12)).all()
    assert (ratios[30.0] > quarters).any()


def test_units_that_no_gradient_reaches_are_counted():
    made = weights()
    made[1].data = np.array([-1e3, 0.0, -1e3, 0.0, 0.0])  # two of five units never above 0
    film = ag.Flow()
    film.add(loss_of(made, lambda z: np.where(z > 0, z, 0.0 * z))[0])
    assert film.data["dead"][0, 0] == 2


def test_no_grad_is_set_and_the_graph_stays():
    made, film = weights(), ag.Flow()
    loss, _ = loss_of(made)
    film.add(loss)
    assert all(p.grad is None for p in made)
    loss.backward()
    assert made[0].grad is not None


def test_numbers_alone_make_layers_of_their_units():
    """Scalars in scopes: the layer's delta is that of all its units."""
    w1, w2, w3, b = (
        ag.Tensor(v, requires_grad=True, name=n) for v, n in ((0.5, "w1"), (-1.0, "w2"), (2.0, "w3"), (0.1, "b"))
    )
    x = ag.Tensor(0.7, name="x")
    with ag.scope("hidden"):
        z1, z2 = w1 * x + b, w2 * x + b
        h1, h2 = np.tanh(z1), np.tanh(z2)
    with ag.scope("output"):
        z = w3 * h1 + w3 * h2
    loss = z * z
    film = ag.Flow()
    film.add(loss)
    d1, d2, d = (float(g) for g in ag.gradients(loss, [z1, z2, z]))
    assert film.data["layers"] == ("hidden", "output")
    np.testing.assert_allclose(film.data["deltas"][0], [np.hypot(d1, d2), abs(d)])
    np.testing.assert_array_equal(film.data["units"], [2, 1])


def test_a_penalty_on_the_weights_is_no_layer():
    made, film = weights(), ag.Flow()
    film.add(loss_of(made)[0] + 0.01 * np.sum(np.square(made[0])))
    assert film.data["layers"] == ("layer1", "layer2", "layer3")


def test_a_normalization_after_the_weights_gives_the_layers_delta():
    """What the activation sees is behind gamma and beta, which enter last."""
    w, gamma = (
        ag.Tensor(v, requires_grad=True, name=n) for v, n in ((np.ones((3, 2)), "W"), (np.full(3, 2.0), "gamma"))
    )
    with ag.scope("layer1"):
        z = X @ w.T
        v = gamma * (z - np.mean(z, axis=0))
        a = np.tanh(v)
    loss, film = np.sum(np.square(a - 1.0)), ag.Flow()
    film.add(loss)
    np.testing.assert_allclose(film.data["deltas"][0], [np.linalg.norm(ag.gradients(loss, [v])[0])])


def test_a_graph_of_another_structure_is_refused_by_what_differs():
    made, film = weights(), ag.Flow()
    film.add(loss_of(made)[0])
    others = {
        r"x has the shape \(10, 2\), but must have \(20, 2\)": lambda: loss_of(made, x=X[:10])[0],
        r"h1 has the operation 'np.tanh', but must have 'scipy.*expit'": lambda: loss_of(made, np.tanh)[0],
        r"W1 has the scope \(\), but must have \('layer1',\)": lambda: loss_of(made, scopes=False)[0],
        r"this graph has 25 values, but must have 24": lambda: loss_of(made)[0] + 1.0,
    }
    for words, other in others.items():
        with pytest.raises(ag.errors.AutogradError, match=words):
            film.add(other())
    assert len(film.snapshots) == 1
    film.add(loss_of(made)[0])


def test_a_table_and_a_repr():
    film, found = trained(steps=2)
    head, first, second = str(film).splitlines()[1:]
    assert head.split() == ["step", "loss", "|δ|", "layer1", "|δ|", "layer2", "|δ|", "layer3", "dead"]
    assert first.split()[:2] == ["0", f"{found[0][0]:.4g}"]
    assert second.split()[2] == f"{np.linalg.norm(found[1][1][0]):.4g}".replace("-", "−")
    assert repr(film) == "Flow('net', 2 snapshots of 3 layers)"
    assert repr(ag.Flow()) == "Flow(0 snapshots of 0 layers)"
    assert "no snapshot yet" in str(ag.Flow())


# --------------------------------------------------------------------------------------------------------- the file


def test_it_is_one_file_that_asks_for_nothing(page):
    text = page.read_text("utf-8")
    tags = Reader(text).tags
    assert not [tag for tag, _ in tags if tag in ("link", "img", "iframe", "object")]
    assert not [attrs for _, attrs in tags if {"src", "href", "xlink:href"} & set(attrs)]
    assert "default-src 'none'" in text
    assert "url(" not in text and "@import" not in text


def test_it_is_the_same_file_in_every_run(page, tmp_path):
    assert trained()[0].save(tmp_path / "again.html").read_bytes() == page.read_bytes()


def test_12_snapshots_of_6_layers_take_less_than_300_kilobytes(tmp_path):
    made, film = weights((2, 8, 8, 8, 8, 8, 1)), ag.Flow(points=PLANE)
    for step in range(12):
        film.add(loss_of(made)[0], picture=np.sin(5 * film.grid[:, 0] + step))
    assert film.save(tmp_path / "page.html").stat().st_size < 300_000


def test_the_pages_numbers_are_the_engines(page, both):
    states, found = data_of(page)["films"][0], both[1]
    for state, (loss, deltas, gradients) in zip(states, found, strict=True):
        assert state["loss"] == f"{loss:.4g}"
        texts = [text for _, text in state["p"]]
        for i in range(3):
            assert texts[2 * i] == f"|δ| {short(np.linalg.norm(deltas[i]))}"
            assert texts[2 * i + 1] == f"|∂W{i + 1}| {short(np.linalg.norm(gradients[2 * i]))}"


def test_cells_and_arrows_have_one_scale_over_all_snapshots(page, both):
    film, found = both
    states = data_of(page)["films"][0]
    brightest = max(np.abs(g).max() for _, deltas, gradients in found for g in (*deltas, *gradients[::2]))
    for state, (_, _, gradients) in zip(states, found, strict=True):
        assert state["p"][5][0] == "".join(level(x, brightest) for x in gradients[4].ravel())
    names, sizes = film.data["names"], film.data["gradients"]
    along = [i for i, name in enumerate(names) if re.fullmatch(r"layer[123]/h\d", name)]
    largest = np.nanmax(sizes[:, [*along, len(names) - 1]])
    for state, row in zip(states, sizes, strict=True):
        hoped = {strength(row[i], largest) for i in along}
        assert hoped <= set(state["e"])
    assert set(states[0]["e"]) <= set("012345nz")


def test_values_without_scopes_or_all_values_are_drawn(tmp_path):
    film, found = trained(scopes=False)
    states = data_of(film.save(tmp_path / "page.html"))["films"][0]
    assert f"|∂| {short(np.linalg.norm(found[0][2][0]))}" in [text for _, text in states[0]["p"]]
    film, _ = trained()
    text = film.save(tmp_path / "all.html", collapse=False).read_text("utf-8")
    assert text.count('<rect class="scope"') == 3
    assert text.count('class="b"') == len(film.data["names"])


def test_names_are_escaped(tmp_path):
    w = ag.Tensor(np.ones((3, 2)), requires_grad=True, name="<script>alert(1)</script>")
    film = ag.Flow("</title><script>")
    with ag.scope('</style>& "é 你'):
        z = np.tanh(X @ w.T)
    film.add(np.mean(z))
    for path in (film.save(tmp_path / "one.html"), film.save(tmp_path / "two.html", film, collapse=False)):
        text = path.read_text("utf-8")
        assert [tag for tag, _ in Reader(text).tags].count("script") == 2
        assert "alert(1)<" not in text


def test_what_is_no_number_is_shown_as_a_fault(tmp_path):
    made, film = weights(), ag.Flow()
    film.add(loss_of(made)[0])
    made[2].data = np.full((4, 5), np.nan)
    with np.errstate(all="ignore"):
        film.add(loss_of(made)[0])
    page = film.save(tmp_path / "page.html")
    state = data_of(page)["films"][0][1]
    assert state["loss"] == "NaN"
    assert set(state["p"][0][0]) == {"x"} and state["p"][0][1] == "|δ| NaN"
    assert "x" in state["e"]
    text = page.read_text("utf-8")
    assert 'class="fault"' in text and "The loss is no finite number" in text
    Reader(text)


def test_a_gradient_of_zero_is_shown_as_zero(tmp_path):
    made, film = weights(), ag.Flow()
    made[4].data = np.zeros((1, 4))
    film.add(loss_of(made)[0])
    page = film.save(tmp_path / "page.html")
    state = data_of(page)["films"][0][0]
    assert state["p"][0] == ["i" * 40, "|δ| 0"]
    assert state["d"] == ["5 of 5 dead", "4 of 4 dead", ""]
    assert "No gradient reaches the first layer" in page.read_text("utf-8")


def test_one_snapshot_and_odd_shapes_make_a_page(tmp_path):
    empty = ag.Tensor(np.zeros((0, 3)), requires_grad=True, name="e")
    x = ag.Tensor(3.0, requires_grad=True, name="x")
    for i, y in enumerate((np.sum(empty * 2.0), x * x, np.real(x * (1 + 2j)))):
        film = ag.Flow()
        film.add(y)
        Reader(film.save(tmp_path / f"{i}.html").read_text("utf-8"))
        assert str(film) and repr(film)


def test_steps_of_an_arrow_and_of_a_cell_are_decades():
    assert [strength(10.0**-i, 1.0) for i in range(7)] == list("5432100")
    assert [level(s * 10.0**-i, 1.0) for s in (1, -1) for i in range(9)] == list("qponmlkjjabcdefghh")


def test_lines_end_where_the_axis_does():
    """A quarter for each layer that leaves the axis is cut at its edge."""
    scale = scale_of([1.0, 0.01], log=True)
    assert (scale.low, scale.high) == (-2, 0)
    svg = by_depth([[1.0] * 9], [[1e9] * 8 + [1.0]], ["layer"] * 9, scale)
    (end,) = [float(y) for y in re.findall(r'class="quarter" d="M([\d.]+) ([\d.]+)', svg)[0][1:]]
    assert end == pytest.approx(110)  # the foot of the axis
    assert re.findall(r'class="limit" d="([^"]*)"', svg)[0].count("M") == 1


# ------------------------------------------------------------------------------------------------------- as it is seen


SHOWN = """const texts = s => [...d.querySelectorAll(s)].map(t => t.textContent);
    const look = () => [at(), texts(".net text.g"), texts(".net .loss"),
      [...d.querySelectorAll(".net .e")].map(e => e.getAttribute("class").at(-1)).join(""),
      [...d.querySelectorAll(".net .p")].map(p => [...p.children].map(c => c.getAttribute("class")).join()),
      [...new Set([...d.querySelectorAll(".k")].filter(k => getComputedStyle(k).display !== "none")
        .map(k => k.getAttribute("class").match(/k(\\d+)/)[1]))].join()];
"""


def test_every_snapshot_there_and_back_shows_the_engines_numbers(browser, page, both):
    script = (
        SHOWN
        + """press("Home"); const there = [look()], back = [];
        while (at() < 3) { press("ArrowRight"); there.push(look()); }
        while (true) { back.unshift(look()); if (at() === 0) break; press("ArrowLeft"); }
        return [there, back];"""
    )
    there, back = ask(browser.open(page), script)
    assert there == back
    brightest = max(np.abs(g).max() for _, deltas, gradients in both[1] for g in (*deltas, *gradients[::2]))
    for k, (shown, (loss, deltas, gradients)) in enumerate(zip(there, both[1], strict=True)):
        at, texts, losses, arrows, cells, parts = shown
        assert (at, losses, parts) == (k, [f"{loss:.4g}"], str(k))
        assert texts[::2] == [f"|δ| {short(np.linalg.norm(d))}" for d in deltas]
        assert arrows == data_of(page)["films"][0][k]["e"]
        assert cells[5] == ",".join(f"h h{ord(level(x, brightest)) - ord('a')}" for x in gradients[4].ravel())


def test_links_keys_and_slider_go_to_a_snapshot(browser, page):
    script = """const been = [at()], $ = id => d.getElementById(id);
        for (const key of ["End", "ArrowRight", "ArrowLeft", "Home"]) { press(key); been.push(at()); }
        $("slider").value = 2; $("slider").dispatchEvent(new Event("input")); been.push(at());
        press(" "); const playing = $("play").textContent; press(" ");
        await new Promise(done => setTimeout(done, 300));
        const place = location.hash;
        location.hash = "#3"; await new Promise(done => setTimeout(done, 300)); been.push(at());
        return [been, playing, place, $("play").textContent, $("phase").textContent,
          $("slider").getAttribute("aria-valuetext")];"""
    been, *rest = ask(browser.open(page, hash="#1"), script)
    assert been == [1, 3, 3, 2, 0, 2, 3]
    assert rest == ["Pause", "#2", "Play", "step 30", "snapshot 3 of 3, step 30"]


@pytest.mark.parametrize("films", [1, 3])
def test_nothing_is_clipped_overlaps_or_fades(browser, films, tmp_path):
    """At 1500, 800 and 420 pixels, light and dark."""
    first, *others = [trained(title=f"net {i}", bounds=[0.5, 0.2, 1.0])[0] for i in range(films)]
    path = first.save(tmp_path / "page.html", *others)
    shown = browser.open(path, hash="#1", still=True)
    assert look_at(shown) == []


def test_without_a_script_the_last_snapshot_and_all_tables_are_seen(browser, page):
    shown = browser.open(page, script=False)
    tables = shown.locator("article:visible")
    assert tables.count() == 4
    assert shown.locator(".k3:visible").count() > 0 and shown.locator(".k1:visible").count() == 0
    assert shown.locator("nav:visible").count() == 0
