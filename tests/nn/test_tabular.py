"""TabularModel: a model that knows its columns, in one file; and the training of one from a table."""

import csv
import json

import numpy as np
import pytest

import nn
from nn import tables, tabular
from nn.tabular import Settings, TabularModel
from nn.tabular.log import Log, plain

QUICK = Settings(layers=(8,), epochs=6, lr=0.02)


def write(path, head, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([head, *rows])
    return path


def flowers(n=90):
    """Three kinds, told apart by two numbers and a colour."""
    rng = np.random.default_rng(0)
    kinds = np.arange(n) % 3
    x = rng.normal(size=(n, 2)) * 0.3 + np.array([[0, 0], [2, 0], [0, 2]])[kinds]
    colours = np.array(["red", "blue", "white"])[kinds]
    return [
        [f"{a:.3f}", f"{b:.3f}", c, ["rose", "iris", "lily"][k]] for (a, b), c, k in zip(x, colours, kinds, strict=True)
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tabular")
    write(folder / "flowers.csv", ["length", "width", "colour", "kind"], flowers())
    rng = np.random.default_rng(1)
    sizes = rng.uniform(50, 200, 120)
    write(
        folder / "houses.csv",
        ["size", "price"],
        [[f"{s:.1f}", f"{3000 * s + rng.normal() * 20000:.0f}"] for s in sizes],
    )
    return folder


@pytest.fixture(scope="module")
def classes(folder):
    data = tabular.prepare(tables.open_table(folder / "flowers.csv"), "kind")
    return tabular.train(data, QUICK, progress=False)


@pytest.fixture(scope="module")
def numbers(folder):
    data = tabular.prepare(tables.open_table(folder / "houses.csv"), "price")
    return tabular.train(data, QUICK, progress=False)


def test_a_model_comes_back_with_its_encoding(classes, folder, tmp_path):
    path = tmp_path / "model.npz"
    classes.model.save(path)
    again = TabularModel.load(path)
    before, after = (list(m.predictions(folder / "flowers.csv")) for m in (classes.model, again))
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one.outputs, other.outputs)
        assert list(one.values) == list(other.values)
    assert list(again.about["settings"]["layers"]) == [8]
    assert again.classifies


def test_predictions_are_names_of_classes(classes, folder):
    table = tables.open_table(folder / "flowers.csv")
    (part,) = classes.model.predictions(table, targets=True)
    assert set(part.values) <= {"rose", "iris", "lily"}
    assert list(part.values) == list(classes.model.predict(table))
    np.testing.assert_allclose(part.probabilities.sum(axis=1), 1)
    np.testing.assert_array_equal(part.probabilities, classes.model.predict_proba(table))
    assert list(part.numbers) == list(range(2, 92)), "the header is row 1"
    names = [row[3] for row in flowers()]
    assert classes.model.scores(part.outputs, part.targets)["accuracy"] == np.mean(part.values == np.array(names))


def test_predictions_are_numbers_in_the_unit_of_the_target(numbers, folder):
    with open(folder / "houses.csv", encoding="utf-8") as file:
        prices = np.array([float(row["price"]) for row in csv.DictReader(file)])
    said = numbers.model.predict(folder / "houses.csv")
    (part,) = numbers.model.predictions(folder / "houses.csv", targets=True)
    scores = numbers.model.scores(part.outputs, part.targets)
    assert scores["rmse"] == pytest.approx(np.sqrt(np.mean((said - prices) ** 2)))
    assert scores["mae"] == pytest.approx(np.mean(np.abs(said - prices)))
    assert scores["r2"] == pytest.approx(nn.metrics.r2_score(said[:, None], prices[:, None]))
    with pytest.raises(ValueError, match="price is a number"):
        numbers.model.predict_proba(folder / "houses.csv")


def test_chunks_change_nothing(classes, folder, monkeypatch):
    whole = classes.model.predict_proba(folder / "flowers.csv")
    table = tables.open_table(folder / "flowers.csv")
    chunks = type(table).chunks
    monkeypatch.setattr(type(table), "chunks", lambda self, size=7: chunks(self, 7))
    parts = [part.probabilities for part in classes.model.predictions(table)]
    assert len(parts) == 13
    np.testing.assert_allclose(np.concatenate(parts), whole, rtol=1e-13)


def test_numbers_are_standardized_by_the_training_rows_alone(numbers):
    with open(numbers.data.table.path, encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    used = [float(rows[number - 2]["size"]) for number in numbers.data.train.numbers]
    (size,) = numbers.model.encoding.inputs
    assert np.ravel(size.mean)[0] == pytest.approx(np.mean(used))
    assert len(used) < len(rows)


def test_no_row_is_in_two_parts(classes):
    data = classes.data
    parts = [set(map(int, part.numbers)) for part in (data.train, data.validation, data.test)]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 90
    assert classes.sizes == {"training": len(parts[0]), "validation": len(parts[1]), "test": len(parts[2])}
    assert set(map(int, classes.numbers)) == parts[2]


def test_scores_are_those_of_the_test_rows(classes):
    X, y = classes.data.test.arrays()
    logits = nn.evaluate(classes.model.model, X)
    assert classes.scores["test"]["accuracy"] == np.mean(logits.argmax(axis=1) == y)
    assert classes.scores["test"]["cross_entropy"] == pytest.approx(float(nn.cross_entropy(logits, y)))
    counts = np.bincount(classes.data.train.arrays()[1])
    assert classes.baseline["accuracy"] == np.mean(y == counts.argmax())


def test_the_baseline_of_a_number_is_the_mean(numbers):
    test, train = (
        numbers.model.encoding.target.decode(part.arrays()[1]) for part in (numbers.data.test, numbers.data.train)
    )
    assert numbers.baseline["rmse"] == pytest.approx(np.sqrt(np.mean((np.ravel(test) - np.mean(train)) ** 2)))


def test_the_worst_rows_are_those_with_the_largest_loss(classes):
    assert list(classes.worst.numbers) == list(classes.numbers[np.argsort(-classes.losses, kind="stable")][:32])
    row = flowers()[classes.worst.numbers[0] - 2]
    assert [str(classes.worst.cells[name][0]) for name in ("colour",)] == [row[2]]
    assert float(classes.worst.cells["length"][0]) == float(row[0])
    logits = nn.evaluate(classes.model.model, classes.worst.X)
    np.testing.assert_allclose(classes.model.losses(logits, classes.worst.y), np.sort(classes.losses)[::-1][:32])


@pytest.mark.parametrize("kind", ["classes", "numbers"])
def test_the_gradients_are_proved(kind, request):
    trained = request.getfixturevalue(kind)
    assert trained.failures == []
    assert trained.proof.max_error < 1e-12


def test_the_same_seed_gives_the_same_numbers(classes, folder):
    data = tabular.prepare(tables.open_table(folder / "flowers.csv"), "kind")
    again = tabular.train(data, QUICK, progress=False)
    assert again.history.loss == classes.history.loss
    assert again.scores == classes.scores


def test_a_test_file_of_its_own(folder, tmp_path):
    rows = flowers()
    write(tmp_path / "test.csv", ["kind", "colour", "width", "length"], [row[::-1] for row in rows[:10]])
    test = tables.open_table(tmp_path / "test.csv")
    data = tabular.prepare(tables.open_table(folder / "flowers.csv"), "kind", test=test)
    trained = tabular.train(data, QUICK, progress=False)
    assert data.test is None
    assert trained.sizes["test"] == 10
    assert sorted(trained.worst.numbers) == list(range(2, 12))
    assert trained.scores["test"] == trained.model.scores(trained.outputs, trained.targets)


@pytest.mark.parametrize(
    ("test", "validation", "held"), [(0.2, 0.0, "test"), (0.0, 0.2, "validation"), (0.0, 0.0, "training")]
)
def test_parts_may_be_left_out(folder, test, validation, held):
    data = tabular.prepare(tables.open_table(folder / "houses.csv"), "price", test=test, validation=validation)
    trained = tabular.train(data, Settings(layers=(), epochs=2), progress=False)
    assert trained.held == held
    assert (trained.history.best_epoch is None) == (validation == 0)


def test_rows_come_in_the_order_asked_for(classes, folder):
    table = tables.open_table(folder / "flowers.csv")
    rows = tabular.rows_of(table, classes.model.encoding, [50, 2, 91])
    kinds = [flowers()[n - 2][3] for n in (50, 2, 91)]
    assert [classes.model.encoding.target.classes[y] for y in rows.y] == kinds
    assert list(rows.cells["kind"]) == kinds
    (whole,) = table.chunks()
    X, _ = classes.model.encoding.transform(whole)
    np.testing.assert_array_equal(rows.X, X[[48, 0, 89]])


def test_a_training_that_is_resumed_is_the_one_that_was_not_interrupted(folder, tmp_path, classes):
    class Interrupt(nn.Callback):
        def on_epoch_begin(self, run):
            if run.epoch == 4:
                raise KeyboardInterrupt

    def data():
        return tabular.prepare(tables.open_table(folder / "flowers.csv"), "kind")

    path = tmp_path / "run.npz"
    with pytest.raises(KeyboardInterrupt):
        tabular.train(data(), QUICK, callbacks=[Interrupt()], checkpoint=path, progress=False)
    trained = tabular.train(data(), QUICK, checkpoint=path, resume=True, progress=False)
    assert trained.history.loss == classes.history.loss
    for one, other in zip(trained.model.model.parameters(), classes.model.model.parameters(), strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


def test_a_log_holds_each_epoch_once(folder, tmp_path):
    class Interrupt(nn.Callback):
        def on_epoch_end(self, run):
            if run.epoch == 3:  # after the log, before the checkpoint
                raise KeyboardInterrupt

    log, path = tmp_path / "log.jsonl", tmp_path / "run.npz"
    table = tables.open_table(folder / "houses.csv")

    def go(*more, resume):
        diary = Log(log, {"seed": 0})
        data = tabular.prepare(table, "price")
        return tabular.train(data, QUICK, callbacks=[diary, *more], checkpoint=path, resume=resume, progress=False)

    with pytest.raises(KeyboardInterrupt):
        go(Interrupt(), resume=False)
    assert len(log.read_text("utf-8").splitlines()) == 4
    trained = go(resume=True)
    first, *lines = map(json.loads, log.read_text("utf-8").splitlines())
    assert first == {"event": "begin", "seed": 0}
    assert [line["epoch"] for line in lines] == [1, 2, 3, 4, 5, 6]
    assert [line["loss"] for line in lines] == trained.history.loss
    assert set(lines[0]["gradient_norms"]) == {"0.weight", "0.bias", "2.weight", "2.bias"}


def test_numbers_that_JSON_does_not_have_are_text():
    assert plain({"a": [float("nan"), np.float64(0.5)], "b": (True, None)}) == {
        "a": ["nan", 0.5],
        "b": [True, None],
    }


@pytest.mark.parametrize("kind", ["classes", "numbers"])
def test_losses_are_the_mean_s_parts(kind, request):
    trained = request.getfixturevalue(kind)
    mean = float(trained.model.loss(trained.outputs, trained.targets))
    assert np.mean(trained.losses) == pytest.approx(mean)
