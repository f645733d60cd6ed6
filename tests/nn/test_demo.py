"""What the demo computes: the training, the proof, and the worked example (Y14)."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

import autograd_mini as ag
import nn
from nn import demo, examples

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="module")
def result():
    return demo.run(seed=0, epochs=3, progress=False)


def test_Y14_the_shipped_example_is_the_published_one():
    published = json.loads((DATA / "worked_example.json").read_text("utf-8"))
    for name, rows in zip(("W1", "W2", "W3"), examples.WEIGHTS, strict=True):
        assert [list(row) for row in rows] == published[name]
    assert list(examples.X) == [1, *published["input"]]  # x0 = 1 carries the biases
    assert published["target"] == examples.Y
    assert published["learning_rate"] == examples.LEARNING_RATE
    forward, deltas = published["forward"], published["deltas"]
    assert list(examples.PUBLISHED.values()) == [
        *forward["a1"], *forward["a2"], forward["o"],
        deltas["output"], *deltas["layer2"], *deltas["layer1"],
        published["output_after_one_step"],
    ]  # fmt: skip


def test_Y14_both_sides_reproduce_every_published_digit():
    replay = demo.replay()
    assert replay.passed
    assert len(replay.lines) == 13
    for line in replay.lines:
        for value in (line.by_hand, line.autodiff):
            assert abs(value - line.published) <= 0.5e-8, line
        assert line.autodiff == pytest.approx(line.by_hand, rel=1e-13)
    assert round(replay.value("o"), 4) == 0.6718
    assert round(replay.value("o after step"), 4) == 0.6981


def test_Y14_absent_connections_stay_absent():
    model = examples.network()
    masks = [layer.mask for layer in model.layers[::2]]
    assert [0 if mask is None else int((mask == 0).sum()) for mask in masks] == [4, 1, 0]
    optimizer = nn.SGD(model.parameters(), lr=0.5)
    for _ in range(3):
        optimizer.zero_grad()
        nn.binary_cross_entropy(model(np.array([examples.X])), [[examples.Y]]).backward()
        optimizer.step()
    for layer, mask in zip(model.layers[::2], masks, strict=True):
        if mask is not None:
            assert (layer.weight.data[mask == 0] == 0).all()


@pytest.mark.parametrize("side", ["by_hand", "autodiff", "published"])
def test_a_wrong_digit_is_noticed(side):
    line = demo.replay().lines[0]
    assert line.agrees
    assert not line._replace(**{side: getattr(line, side) + 1e-8}).agrees


def test_training_is_the_recipe_that_it_says(result):
    training, history = result.training, result.training.history
    assert training.sizes == {"training": 1293, "validation": 144, "test": 360}
    assert [layer.weight.shape for layer in training.model.layers[::2]] == [(64, 64), (32, 64), (10, 32)]
    assert len(history.loss) == len(history.validation_loss) == 3
    assert training.test_accuracy > 0.85
    assert training.test_accuracy == 1 - len(training.misread) / 360
    np.testing.assert_allclose(training.probabilities.sum(axis=1), 1)


def test_the_weights_are_those_of_the_best_epoch(result):
    """R12: the validation error that the model has at the end is the lowest that it ever had."""
    images, labels = nn.load_digits()
    rest, _ = nn.stratified_split(labels, demo.TEST, 0)
    validation = rest[nn.stratified_split(labels[rest], demo.VALIDATION, 0)[1]]
    loss = nn.cross_entropy(nn.evaluate(result.training.model, images[validation]), labels[validation])
    assert float(loss) == min(result.training.history.validation_loss)


def test_hardest_are_those_with_the_largest_loss(result):
    training = result.training
    losses = -np.log(training.probabilities[np.arange(360), training.labels])
    assert sorted(losses[training.hardest(5)]) == sorted(np.sort(losses)[-5:])
    assert losses[training.hardest(1)[0]] == losses.max()


def test_the_proof_covers_every_layer_and_passes(result):
    assert result.failures == []
    assert [(row.layer, row.symbol[0]) for row in result.proof.rows] == [(i, s) for i in (3, 2, 1) for s in "δ∂∂"]
    assert result.proof.max_error < 1e-12


def test_failures_are_named(result):
    rows = result.proof.rows
    proof = dataclasses.replace(result.proof, rows=(rows[0]._replace(error=1.0), *rows[1:]))
    lines = result.worked.lines
    worked = dataclasses.replace(result.worked, lines=(lines[0]._replace(autodiff=0.0), *lines[1:]))
    wrong = dataclasses.replace(result, proof=proof, worked=worked)
    assert wrong.failures == ["δ³", "a¹₁ of the worked example"]


def test_the_same_seed_gives_the_same_numbers(result):
    again = demo.run(seed=0, epochs=3, progress=False)
    assert again.training.history.loss == result.training.history.loss
    assert again.proof == result.proof


def test_another_seed_splits_otherwise(result):
    assert not np.array_equal(demo.train(seed=1, epochs=1, progress=False).labels, result.training.labels)


def test_the_graphs_are_of_the_losses(result):
    assert isinstance(result.loss, ag.Tensor)
    hardest = result.training.hardest(demo.DRAWN)
    probabilities = result.training.probabilities[hardest, result.training.labels[hardest]]
    assert result.loss.item() == pytest.approx(-np.log(probabilities).mean())
    assert result.worked.loss.item() == pytest.approx(-np.log(result.worked.value("o")))
