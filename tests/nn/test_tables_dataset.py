"""load and TableDataset: encoded as the formulas say, in memory and in a memory map alike; splits; stored encodings."""

import json
import os

import numpy as np
import pytest

import nn
from nn import tables
from nn.tables.storage import room

N = 300
rng = np.random.default_rng(0)
SIZE = rng.normal(50, 9, N).round(4)
RIPE = rng.random(N) < 0.4
COLOUR = rng.choice(["red", "green", "blue"], N)
PRICE = (3 * SIZE + 20 * RIPE + rng.normal(size=N)).round(3)


def written(folder, name="a.csv", rows=N, **changed):
    columns = {"size": SIZE, "ripe": np.where(RIPE, "yes", "no"), "colour": COLOUR, "price": PRICE} | changed
    path = folder / name
    body = zip(*(np.asarray(column)[:rows].tolist() for column in columns.values()), strict=True)
    path.write_text("\n".join(",".join(map(str, row)) for row in [tuple(columns), *body]) + "\n", "utf-8")
    return path


@pytest.fixture
def path(tmp_path):
    return written(tmp_path)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("memory", [0, 2**30], ids=["memory map", "in memory"])
def test_the_inputs_are_what_the_formulas_say(path, dtype, memory):
    data = tables.load(path, "price", memory=memory, dtype=dtype)
    assert data.in_memory == (memory > 0)
    X, y = data[np.arange(N)]
    expected = np.c_[(SIZE - SIZE.mean()) / SIZE.std(), RIPE, COLOUR == "blue", COLOUR == "green", COLOUR == "red"]
    assert data.encoding.names == ["size", "ripe", "colour = blue", "colour = green", "colour = red"]
    assert X.dtype == y.dtype == dtype and y.shape == (N, 1)
    np.testing.assert_allclose(X, expected, atol=1e-6)
    np.testing.assert_allclose(y[:, 0], (PRICE - PRICE.mean()) / PRICE.std(), atol=1e-6)
    np.testing.assert_allclose(data.encoding.target.decode(y), PRICE, rtol=1e-6)
    np.testing.assert_allclose(data.targets(), PRICE)
    picked = np.array([17, 3, 17])
    np.testing.assert_array_equal(data[picked][0], X[picked])


@pytest.mark.parametrize("chunk", [13, 100, 1000])
def test_it_does_not_matter_in_how_many_pieces_a_table_is_read(tmp_path, monkeypatch, chunk):
    cells = np.array([f"{i * 37 % 1900}" for i in range(2500)], object)
    cells[[3, 2400]] = "NA"
    path = tmp_path / "a.csv"
    path.write_text("k,x,y\n" + "".join(f"{'uvw'[i % 3]},{cell},{i % 2}\n" for i, cell in enumerate(cells)))
    X, y = tables.load(path, "y", missing="impute").arrays()
    monkeypatch.setattr("nn.tables.text.CELLS", chunk * 3)
    for memory in (0, 40_000, 2**30):
        found = tables.load(path, "y", missing="impute", memory=memory)
        np.testing.assert_allclose(found[np.arange(2500)][0], X, rtol=1e-12, atol=1e-12)
        np.testing.assert_array_equal(found[np.arange(2500)][1], y)


def test_the_encoding_is_that_of_the_training_rows_alone(path):
    for memory in (0, 2**30):
        train, validation, test = tables.load(path, "price", memory=memory).split(0.2, 0.1, seed=1)
        assert (len(train), len(validation), len(test)) == (210, 30, 60)
        assert sorted(np.concatenate([train.rows, validation.rows, test.rows]).tolist()) == list(range(N))
        size, *_ = train.encoding.inputs
        assert size.mean == pytest.approx(SIZE[train.rows].mean(), rel=1e-12)
        assert size.scale == pytest.approx(SIZE[train.rows].std(), rel=1e-12)
        assert train.encoding.target.mean == pytest.approx(PRICE[train.rows].mean())
        np.testing.assert_allclose(test.arrays()[0][:, 0], (SIZE[test.rows] - size.mean) / size.scale, atol=1e-9)
        assert test.numbers.tolist() == (test.rows + 2).tolist()


def test_a_category_that_no_training_row_has_is_no_input(tmp_path):
    path = written(tmp_path, colour=np.where(np.arange(N) < 3, "mauve", COLOUR))
    data = tables.load(path, "price")
    late = data.part(np.arange(N) >= 3)
    assert "colour = mauve" in data.encoding.names and "colour = mauve" not in late.encoding.names
    assert "column 'colour': 1 categories are in no training row." in late.notes
    other = tables.TableDataset(data.loaded, np.arange(N), late.encoding, float)
    assert other.arrays()[0][:3, 2:].sum() == 0 and (other.arrays()[0][3:, 2:].sum(axis=1) == 1).all()


def test_classes_are_split_in_proportion_and_the_same_seed_gives_the_same_rows(path):
    data = tables.load(path, "colour")
    parts = data.split(0.2, 0.1, seed=3)
    for part in parts:
        shares = np.bincount(part.targets(), minlength=3) / len(part)
        np.testing.assert_allclose(shares, np.bincount(data.targets()) / N, atol=1 / len(part) + 1e-9)
    again, other = data.split(0.2, 0.1, seed=3), data.split(0.2, 0.1, seed=4)
    np.testing.assert_array_equal(parts.train.rows, again.train.rows)
    assert not np.array_equal(parts.train.rows, other.train.rows)


def test_each_class_keeps_a_row_to_train_with(tmp_path):
    path = written(tmp_path, rows=40, colour=np.where(np.arange(N) < 2, "mauve", "red"))
    data = tables.load(path, "colour")
    for seed in range(30):
        parts = data.split(0.45, 0.45, seed=seed)
        assert set(parts.train.targets()) == {0, 1}
        assert sum(map(len, parts)) == 40


def test_parts_that_are_not_asked_for_are_none(path):
    data = tables.load(path, "colour")
    assert data.split(0, 0)[1:] == (None, None)
    assert len(data.split(0, 0.5).validation) == 150


def test_a_network_learns_from_it_and_the_loader_gives_its_rows(path):
    for memory in (0, 2**30):
        train, validation, _ = tables.load(path, "price", memory=memory).split()
        model = nn.MLP([train.encoding.width, 8, 1], "tanh", rng=0)
        history = nn.fit(
            model,
            train,
            loss=nn.squared_error,
            optimizer=nn.Adam(model.parameters(), lr=0.01),
            epochs=10,
            validation=validation,
        )
        assert history.validation_loss[-1] < 0.2 < history.loss[0] and history.uncompiled is None


# ------------------------------------------------------------------------------------------------------------ transform


def chunks(path, **options):
    return tables.open_table(path, **options).chunks()


def test_transform_gives_what_the_dataset_gives(path):
    for target in ("price", "colour", "ripe"):
        data = tables.load(path, target)
        pairs = [data.encoding.transform(chunk) for chunk in chunks(path)]
        for found, expected in zip(map(np.concatenate, zip(*pairs, strict=True)), data.arrays(), strict=True):
            np.testing.assert_array_equal(found, expected)


def test_columns_may_come_in_another_order_with_others_and_without_the_target(tmp_path, path):
    encoding = tables.load(path, "price").encoding
    other = written(tmp_path, "b.csv", note=["7"] * N)
    names = ["note", "colour", "ripe", "size"]
    rows = [line.split(",") for line in other.read_text().splitlines()]
    at = [rows[0].index(name) for name in names]
    other.write_text("\n".join(",".join(row[i] for i in at) for row in rows) + "\n")
    encoding.check(tables.open_table(other))
    X, y = encoding.transform(next(chunks(other)))
    assert y is None
    np.testing.assert_array_equal(X, encoding.transform(next(chunks(path)))[0])


def refused(encoding, path, **options):
    with pytest.raises(tables.TableError) as caught:
        for chunk in chunks(path):
            encoding.transform(chunk, **options)
    return str(caught.value)


def test_what_does_not_fit_is_refused_with_row_and_column(tmp_path, path):
    encoding = tables.load(path, "price").encoding
    colour = tables.load(path, "colour").encoding

    def changed(**columns):
        return written(tmp_path, "b.csv", **columns)

    sizes = SIZE.astype(object)
    sizes[250] = "big"
    assert "row 252, column 'size': 'big' is no number" in refused(encoding, changed(size=sizes))
    sizes[250] = "NA"
    assert "row 252, column 'size': the value is missing ('NA')" in refused(encoding, changed(size=sizes))
    sizes[250] = "1e999"
    assert "row 252, column 'size': 1e999 is infinite" in refused(encoding, changed(size=sizes))
    ripe = np.where(np.arange(N) == 9, "maybe", "yes")
    assert "row 11, column 'ripe': 'maybe' was not there" in refused(
        encoding, changed(ripe=ripe), unseen=tables.Unseen()
    )
    hues = np.where(np.arange(N) == 9, "mauve", "red")
    assert "row 11, column 'colour': 'mauve' was not there in training" in refused(encoding, changed(colour=hues))
    assert "row 11, column 'colour': the class 'mauve' was not there" in refused(colour, changed(colour=hues))
    path.write_text(path.read_text().replace("size", "Sise", 1))
    assert "the column 'size' is not there, but the model was trained with it. Did you mean 'Sise'?" in refused(
        encoding, path
    )


def test_unknown_categories_are_zeros_and_counted(tmp_path, path):
    encoding = tables.load(path, "price").encoding
    hues = np.where(np.arange(N) % 100 == 9, "mauve", COLOUR)
    unseen = tables.Unseen()
    pieces = [encoding.transform(c, unseen=unseen)[0] for c in chunks(written(tmp_path, "b.csv", colour=hues))]
    X = np.concatenate(pieces)
    assert X[9, 2:].tolist() == [0, 0, 0] and X[8, 2:].sum() == 1
    assert unseen.count == 3
    (line,) = unseen.lines()
    assert "column 'colour': 'mauve' was not there in training (row 11 and 2 more)" in line


def test_a_model_for_missing_values_takes_them_where_there_were_none(path, tmp_path):
    encoding = tables.load(path, "price", missing="impute").encoding
    other = written(tmp_path, "b.csv", size=["-"] * N, colour=["NA"] * N, ripe=[""] * N)
    unseen = tables.Unseen()
    X, _ = encoding.transform(next(chunks(other)), unseen=unseen)
    said = "a missing value was not there in training (row 2 and 299 more): it is encoded as"
    assert sorted(unseen.lines()) == [
        f"column 'colour': {said} zeros.",
        f"column 'ripe': {said} the mean.",
        f"column 'size': {said} the mean.",
    ]
    assert X[0].tolist() == [0, pytest.approx(RIPE.mean()), 0, 0, 0]


@pytest.mark.parametrize("missing", ["refuse", "impute"])
@pytest.mark.parametrize("target", ["price", "colour", "ripe"])
def test_an_encoding_survives_json_and_a_saved_model(tmp_path, target, missing):
    path = written(tmp_path, size=[*SIZE[:-1], "NA"]) if missing == "impute" else written(tmp_path)
    encoding = tables.load(path, target, missing=missing).encoding
    again = tables.Encoding.from_dict(json.loads(json.dumps(encoding.to_dict())))
    assert again == encoding and again.names == encoding.names
    for found, expected in zip(*(e.transform(next(chunks(path))) for e in (again, encoding)), strict=True):
        np.testing.assert_array_equal(found, expected)
    nn.save(nn.MLP([encoding.width, 2]), tmp_path / "m.npz", {"encoding": encoding.to_dict()})
    assert tables.Encoding.from_dict(nn.load_metadata(tmp_path / "m.npz")["encoding"]) == encoding


def test_the_encoding_of_images_survives_json(tmp_path):
    X = rng.normal(size=(30, 3, 20))
    np.savez(tmp_path / "a.npz", X=X, y=np.arange(30) % 3)
    encoding = tables.load(tmp_path / "a.npz", "y").encoding
    again = tables.Encoding.from_dict(json.loads(json.dumps(encoding.to_dict())))
    assert again == encoding and again.names[21] == "X[1, 1]"


def mangled(content):
    """Yield an encoding's description with a part taken out, or replaced by something else."""
    for key in content:
        yield {k: v for k, v in content.items() if k != key}
        for other in (None, -1, "x", [], {}, [None], [[]], [{"name": 3}]):
            if not (key == "notes" and other == []) and not (key == "words" and other == []):
                yield content | {key: other}
    for part in ("inputs", "target"):
        item = content[part][0] if part == "inputs" else content[part]
        for key in item:
            for other in (None, [1], {}, "category", [["x"]], float("nan"), 0):
                if other != item[key] and not (key in ("rule", "name") and isinstance(other, str)):
                    new = item | {key: other}
                    yield content | {part: [new] if part == "inputs" else new}


@pytest.mark.parametrize("target", ["price", "colour"])
def test_a_damaged_description_is_refused_or_harmless(path, target):
    content = tables.load(path, target).encoding.to_dict()
    refused = 0
    for case in mangled(content):
        try:
            encoding = tables.Encoding.from_dict(case)
        except tables.TableError:
            refused += 1
        else:
            encoding.encode(np.zeros((2, len(encoding.cells))), {})
    assert refused > 80


def test_a_description_by_a_newer_version_is_refused(path):
    content = tables.load(path, "price").encoding.to_dict()
    with pytest.raises(tables.TableError, match=r"version 2.*Install a newer"):
        tables.Encoding.from_dict(content | {"version": 2})


def test_the_encoding_of_some_rows_is_that_of_load(path):
    rows = np.arange(N) % 3 > 0
    encoding = tables.Encoding.of(tables.open_table(path), "price", rows=rows)
    assert encoding == tables.load(path, "price").part(rows).encoding
    assert tables.Encoding.of(tables.open_table(path), "price") == tables.load(path, "price").encoding


# ---------------------------------------------------------------------------------------------------------- memory maps


def test_a_memory_map_is_one_npy_file_in_the_folder(tmp_path, path):
    data = tables.load(path, "price", memory=0, folder=tmp_path / "new")
    (file,) = os.listdir(tmp_path / "new")
    matrix = np.load(tmp_path / "new" / file)
    np.testing.assert_array_equal(matrix[:, 0], SIZE)
    np.testing.assert_array_equal(matrix[:, 3], PRICE)
    assert np.isin(matrix[:, 2], [0, 1, 2]).all() and len(data) == N


def test_a_temporary_memory_map_goes_with_its_dataset(path, monkeypatch, tmp_path):
    (tmp_path / "t").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "t"))
    data = tables.load(path, "price", memory=0)
    part = data.split().test
    del data
    assert len(os.listdir(tmp_path / "t")) == 1 and part[np.arange(3)][0].shape == (3, 5)
    del part
    assert os.listdir(tmp_path / "t") == []


@pytest.mark.parametrize("text", ["1,yes,red\n", "x,yes,red,5\n"], ids=["ragged", "no number"])
def test_nothing_is_left_of_a_table_that_is_refused(tmp_path, path, text, monkeypatch):
    path.write_text(path.read_text() + text)
    monkeypatch.setattr("nn.tables.text.CELLS", 40)
    with pytest.raises(tables.TableError, match="row 302"):
        tables.load(path, "price", memory=0, folder=tmp_path / "new")
    assert os.listdir(tmp_path / "new") == []


def test_nothing_is_left_after_an_interruption_or_on_a_full_disk(tmp_path, path, monkeypatch):
    for error in (KeyboardInterrupt, OSError(28, "No space left on device")):
        monkeypatch.setattr("nn.tables.storage.Storage.finish", lambda self, error=error: (_ for _ in ()).throw(error))
        with pytest.raises(BaseException, match=r"No space|^$"):
            tables.load(path, "price", memory=0, folder=tmp_path / "new")
        assert os.listdir(tmp_path / "new") == []


def test_very_large_numbers_have_a_mean_and_a_scale_or_are_refused(tmp_path):
    path = written(tmp_path, size=SIZE * 1e12 + 1e18)
    size, *_ = tables.load(path, "price").encoding.inputs
    assert size.scale == pytest.approx(SIZE.std() * 1e12, rel=1e-3)
    path = written(tmp_path, size=SIZE * 1e300)
    with pytest.raises(tables.TableError, match=r"column 'size': its numbers are too large"):
        tables.load(path, "price")
    with pytest.raises(tables.TableError, match=r"column 'price': its numbers are too large"):
        tables.load(written(tmp_path, price=PRICE * 1e200), "price")


def test_numbers_whose_squares_are_zero_are_refused_and_not_taken_for_equal(tmp_path):
    for name, values in (("size", SIZE), ("price", PRICE), ("size", SIZE - SIZE.mean())):
        path = written(tmp_path, **{name: values * 1e-200})
        with pytest.raises(tables.TableError, match=rf"column '{name}': its numbers are too small"):
            tables.load(path, "price")
    zeros = np.where(np.arange(N) % 2, SIZE, 0)
    tables.load(written(tmp_path, size=np.where(RIPE, zeros, 1e-200)), "price")  # beside 50 it is 0
    np.savez(tmp_path / "a.npz", pixels=np.outer(SIZE, [1, 1e300]), price=PRICE)
    with pytest.raises(tables.TableError, match=r"column 'pixels': its numbers are too large"):
        tables.load(tmp_path / "a.npz", "price")


@pytest.mark.parametrize("kind", ["RLIMIT_AS", "RLIMIT_DATA"])
def test_a_process_that_may_have_little_memory_keeps_less_of_a_table_there(monkeypatch, kind):
    resource = pytest.importorskip("resource")
    limits = {getattr(resource, kind): 2**24}
    monkeypatch.setattr(resource, "getrlimit", lambda which: (limits.get(which, resource.RLIM_INFINITY), -1))
    assert room() == 2**22


def test_no_table_takes_more_than_a_gibibyte_of_memory_unasked():
    assert 0 < room() <= 2**30
