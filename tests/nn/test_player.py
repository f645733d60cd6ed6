"""nn.player: the page of a model, each layer's delta rule by hand beside what the engine finds."""

import re

import numpy as np
import pytest

import nn
from nn.notation import NOTATIONS

from ..browsing import ask

X, Y = [[0.05, 0.1]], [[0.01, 0.99]]


def net():
    return nn.MLP([2, 2, 2], "sigmoid", "sigmoid", rng=0)


def tables(page):
    """Return the tables of the page: for each, what it is of, and its rows of texts."""
    text = page.read_text("utf-8")
    found = []
    for part in re.findall(r'<section class="hand">(.*?)</section>', text, re.DOTALL):
        head = re.sub("<[^>]+>", "", part.split("</h3>")[0])
        rows = [
            re.findall("<t[hd]>(.*?)</t[hd]>", row) for row in re.findall("<tr>(.*?)</tr>", part.split("<tbody>")[1])
        ]
        found.append((head, part, rows))
    return found


def number(text):
    return float(text.replace("−", "-"))


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    return nn.player(net(), X, Y, nn.squared_error, tmp_path_factory.mktemp("player") / "page.html")


def test_every_layer_has_its_rules_beside_the_sweep(page):
    """delta of both layers, and the gradients of weights and biases (claims Y7, Y8, Y10)."""
    assert [head for head, _, _ in tables(page)] == [
        f"By hand: ∂E∂{name}" for name in ("z2", "b2", "W2", "z1", "b1", "W1")
    ]


def test_by_hand_and_autodiff_are_the_same_numbers(page):
    """And Delta is -delta (claims R2, R4)."""
    report = nn.compare(net(), X, Y, nn.squared_error)
    largest = {row.symbol: row.by_hand for row in report.rows}
    for (_, part, rows), symbol in zip(tables(page), ["δ²", "∂E/∂b²", "∂E/∂W²", "δ¹", "∂E/∂b¹", "∂E/∂W¹"], strict=True):
        for _, delta, negative, autodiff, difference in rows:
            assert number(delta) == -number(negative)
            assert number(autodiff) == pytest.approx(number(delta), rel=1e-3)
            assert abs(number(difference)) < 1e-15
        assert any(number(row[1]) == pytest.approx(largest[symbol], rel=1e-3) for row in rows), part


def test_the_rules_stand_in_all_three_notations(page):
    for head, part, _ in tables(page):
        for notation in NOTATIONS:
            assert f'class="rule n{notation}"' in part, head
    hidden = tables(page)[3][1]
    assert "<mi>δ</mi><mi>i</mi><mn>1</mn>" in hidden and "<mi>Δ</mi><mn>2</mn>" in hidden
    assert "<msub><mi>Δ</mi><mi>j</mi></msub>" in hidden


def test_the_notation_can_be_switched(browser, page):
    script = """d.getElementById("slider").value = 22; d.getElementById("slider").dispatchEvent(new w.Event("input"));
        const shown = () => [...d.querySelectorAll("article.on .rule")]
          .filter(p => w.getComputedStyle(p).display !== "none").map(p => p.className);
        const select = d.getElementById("notation"), found = [shown()];
        for (const key of "MR") {
          select.value = key;
          select.dispatchEvent(new w.Event("change"));
          found.push(shown());
        }
        return found;"""
    assert ask(browser.open(page), script) == [["rule nY"], ["rule nM"], ["rule nR"]]


def test_the_page_takes_less_than_150_kilobytes(page):
    assert page.stat().st_size < 150_000


def test_weights_are_shown_as_connections(page):
    rows = tables(page)[2][2]
    assert [row[0] for row in rows] == ["1 ← 1", "1 ← 2", "2 ← 1", "2 ← 2"]


def test_the_model_is_left_as_it_was(tmp_path):
    model = nn.Sequential(nn.Linear(2, 3, rng=0), nn.BatchNorm1d(3), nn.ReLU(), nn.Dropout(0.5, rng=1), nn.Linear(3, 2))
    names = [p.name for p in model.parameters()]
    mean, state = model.layers[1].running_mean.numpy().copy(), model.layers[3].rng.bit_generator.state
    rng = np.random.default_rng(0)
    page = nn.player(
        model, rng.normal(size=(4, 2)), [0, 1, 1, 0], nn.cross_entropy, tmp_path / "page.html", notation="R"
    )
    assert [p.name for p in model.parameters()] == names
    assert all(p.grad is None for p in model.parameters())
    np.testing.assert_array_equal(model.layers[1].running_mean.numpy(), mean)
    assert model.layers[3].rng.bit_generator.state == state
    found = {head.removeprefix("By hand: ∂E∂"): rows for head, _, rows in tables(page)}
    assert set(found) == {"z1", "W1", "b1", "v1", "γ1", "β1", "z2", "W2", "b2"}
    for name, rows in found.items():
        if name != "b1":  # all of it is rounding: a normalization takes the mean away
            for _, delta, _, autodiff, _ in rows:
                assert number(autodiff) == pytest.approx(number(delta), rel=1e-3, abs=1e-12), name
    assert "of sample 4" in page.read_text("utf-8")


def test_a_bug_is_played_beside_the_rules(tmp_path):
    page = nn.player(net(), X, Y, nn.squared_error, tmp_path / "page.html", bug="no_sigma_prime")
    assert "A bug: the activation’s slope is left out" in page.read_text("utf-8")
