"""What columns are: numbers, booleans, categories; which task the target is; what is missing; row by row."""

import numpy as np
import pytest

from nn import tables

KINDS = {
    "numbers": (["1", "2.5", "-3e2", "+4", " .5 ", "6."], "number", ()),
    "0 and 1": (["0", "1", "1", "0", "1.0", "0"], "boolean", ("0", "1")),
    "yes and no": (["yes", "No", "no", "YES", "no", "yes"], "boolean", ("No", "YES")),
    "true and false": (["true", "false"] * 3, "boolean", ("false", "true")),
    "words": (["red", "green", "red", "blue ", "red", "blue"], "category", ("blue", "green", "red")),
    "numbers and a word, few different": (["1", "2", "3+", "1", "2", "10"], "category", ("1", "2", "10", "3+")),
    "zip codes": (["01234", "12345"] * 3, "category", ("01234", "12345")),
    "digits of other scripts": (["١٢", "x"] * 3, "category", ("x", "١٢")),
    "too small for float64": (["1e-400", "2"] * 3, "number", ()),
}


def written(folder, name="a.csv", **columns):
    path = folder / name
    quoted = [['"' + cell.replace('"', '""') + '"' for cell in map(str, column)] for column in columns.values()]
    path.write_text("\n".join(",".join(row) for row in [list(columns), *zip(*quoted, strict=True)]) + "\n", "utf-8")
    return path


def spread(n):
    return [f"{1.5 * i}" for i in range(n)]


def refusal(path, target="y", **options):
    with pytest.raises(tables.TableError) as caught:
        tables.load(path, target, **options)
    return str(caught.value)


@pytest.mark.parametrize("case", KINDS)
def test_a_column_is_what_its_cells_are(tmp_path, case):
    cells, kind, categories = KINDS[case]
    data = tables.load(written(tmp_path, x=cells, y=spread(len(cells))), "y")
    (found,) = data.encoding.inputs
    assert (found.kind, set(found.categories)) == (kind, set(categories))


def test_categories_are_in_order_numbers_first(tmp_path):
    cells = ["10", "9", "b", "a"] * 3
    data = tables.load(written(tmp_path, x=cells, y=spread(12)), "y")
    assert data.encoding.names == ["x = 9", "x = 10", "x = a", "x = b"]


def test_what_a_column_is_can_be_said(tmp_path):
    path = written(tmp_path, x=["01234", "12345"] * 6, k=["1", "2", "3"] * 4, y=spread(12))
    data = tables.load(path, "y", kinds={"x": "number", "k": "category"})
    assert data.encoding.names == ["x", "k = 1", "k = 2", "k = 3"]


@pytest.mark.parametrize("many", [False, True], ids=["few different numbers", "many different numbers"])
def test_one_word_among_numbers_is_named_with_its_row(tmp_path, many):
    cells = [f"{i * 1.5}" for i in range(3000 if many else 60)]
    for at in (0, 31, len(cells) - 1):
        wrong = [*cells]
        wrong[at] = "oops"
        said = refusal(written(tmp_path, x=wrong, y=["a", "b", "b"] * (len(cells) // 3)))
        assert f"row {at + 2}, column 'x': 'oops' is no number" in said


WRITTEN = {
    "2021-03-04": "date",
    "4.3.2021": "date",
    "2021-03-04T10:00:00Z": "date",
    "12:30": "time",
    "4 March 2021": "date",
    "3,25": "decimal comma",
    "1,234": "decimal comma",
    "1.234,5": "comma",
    "1,234,567": "thousands",
    "1 234": "thousands",
    "$12.50": "unit",
    "7 %": "unit",
    "\u22125": "minus sign",
    "1_234": "as a program would",
    "0x14": "as a program would",
    "inf": "infinite",
    "-Infinity": "infinite",
    "1e400": "infinite",
}


@pytest.mark.parametrize("text", WRITTEN)
@pytest.mark.parametrize("alone", [False, True], ids=["among numbers", "in all rows"])
def test_what_looks_like_a_number_or_a_date_is_refused_with_row_and_reason(tmp_path, text, alone):
    cells = [text] * 12 + ["2021-03-05" if text.startswith("2021") else text] if alone else [*spread(12), text]
    cells[0] = text if alone else cells[0]
    if alone:  # two different texts, so that it is no constant
        cells[1] = text.replace("4", "5").replace("3", "4") if text != "inf" else "-inf"
        cells[2] = text.replace("2", "1") if text != "inf" else "inf"
    said = refusal(written(tmp_path, x=cells, y=spread(13)))
    assert f"row {2 if alone else 14}, column 'x'" in said
    assert WRITTEN[text] in said


def test_a_decimal_comma_can_be_said(tmp_path):
    cells = ["1,5", "2,5", "-", "1e-3"] * 3
    path = written(tmp_path, x=cells, y=["a", "b", "b", "b"] * 3)
    data = tables.load(tables.open_table(path, decimal=","), "y", missing="impute")
    assert data.raw([0, 1, 2, 3])["x"] == [1.5, 2.5, None, 0.001]
    path = written(tmp_path, x=[*(f"{i},5" for i in range(2000)), "1.5"], y=["a", "b", "b"] * 667)
    with pytest.raises(tables.TableError, match=r"row 2002, column 'x': '1\.5' is no number"):
        tables.load(tables.open_table(path, decimal=","), "y")


@pytest.mark.parametrize("many", [False, True], ids=["few", "many"])
def test_whole_numbers_that_float64_cannot_hold_are_refused(tmp_path, many):
    n = 3000 if many else 30
    path = written(tmp_path, x=[*range(0, 2 * n, 2), 2**53 + 1], y=["a", *["a", "b", "b"] * (n // 3)])
    assert f"row {n + 2}, column 'x': 9007199254740993 is a whole number beyond 2^53" in refusal(path)


def test_codes_with_leading_zeros_are_too_many_for_categories(tmp_path):
    path = written(tmp_path, x=[f"{i:05}" for i in range(3000)], y=["a", "b", "b"] * 1000)
    assert "row 2, column 'x': '00000' has a leading zero" in refusal(path)
    assert tables.load(path, "y", kinds={"x": "number"}).encoding.inputs[0].kind == "number"
    path = written(tmp_path, x=[*range(10_000, 13_000), "00001"], y=["a", "b", "b"] * 1000 + ["a"])
    assert "row 3002, column 'x': '00001' has a leading zero" in refusal(path)


def test_texts_that_are_all_different_are_refused_and_can_be_left_out(tmp_path):
    path = written(tmp_path, name_=[f"n{i}" for i in range(40)], x=spread(40), y=["a", "b"] * 20)
    assert "column 'name_': all its 40 texts are different" in refusal(path)
    assert tables.load(path, "y", ignore=["name_"]).encoding.names == ["x"]


@pytest.mark.parametrize("n", [1500, 20_000])
def test_a_million_categories_are_refused_before_they_take_memory(tmp_path, n):
    path = written(tmp_path, x=spread(n), c=[f"w{i * 7919 % n}" for i in range(n)], y=["a", "b"] * (n // 2))
    assert "column 'c': more than 1,000 different texts, such as 'w" in refusal(path)


def test_more_categories_can_be_allowed(tmp_path):
    path = written(tmp_path, c=[f"w{i % 1500}" for i in range(3000)], y=["a", "b", "b"] * 1000)
    assert tables.load(path, "y", max_categories=1500).encoding.width == 1500
    assert "1,500 different texts, more than the 1,490" in refusal(path, max_categories=1490)


def test_a_column_with_one_value_is_left_out_and_said_so(tmp_path):
    path = written(tmp_path, x=spread(20), k=["7"] * 20, w=["same"] * 20, y=["a", "b"] * 10)
    data = tables.load(path, "y")
    assert data.encoding.names == ["x"]
    assert "left out, since all rows have the same value there: 'k', 'w'." in data.notes


@pytest.mark.parametrize("n", [40, 3000])
def test_a_column_that_counts_rows_is_noted(tmp_path, n):
    path = written(tmp_path, i=range(n), j=range(0, 2 * n, 2), y=["a", "b"] * (n // 2))
    notes = tables.load(path, "y").notes
    assert "column 'i': its numbers rise by 1; if they only count the rows, leave it out (ignore)." in notes
    assert not any("'j'" in note for note in notes)


# -------------------------------------------------------------------------------------------------------------- targets

TARGETS = {
    "text": (["a", "b", "c"] * 8, "classification", ("a", "b", "c")),
    "boolean": (["yes", "no"] * 12, "classification", ("no", "yes")),
    "0 and 1": (["0", "1", "1"] * 8, "classification", ("0", "1")),
    "few whole numbers": (["3", "1", "10", "1.0"] * 6, "classification", ("1", "3", "10")),
    "whole numbers, too few rows of each": ([str(i % 6) for i in range(24)], "regression", ()),
    "more than 20 whole numbers": ([str(i % 21) for i in range(210)], "regression", ()),
    "few numbers with decimals": (["1.5", "2.5"] * 12, "regression", ()),
}


@pytest.mark.parametrize("case", TARGETS)
def test_the_task_is_found_from_the_target_by_the_written_rule(tmp_path, case):
    cells, task, classes = TARGETS[case]
    data = tables.load(written(tmp_path, x=spread(len(cells)), y=cells), "y")
    assert (data.encoding.task, data.encoding.target.classes) == (task, classes)
    assert task in data.notes[0] and data.notes[0] == data.encoding.target.rule


def test_the_task_can_be_said(tmp_path):
    path = written(tmp_path, x=spread(40), y=["1", "2"] * 20)
    assert tables.load(path, "y", task="regression").encoding.task == "regression"
    path = written(tmp_path, x=spread(40), y=["1.5", "2.5"] * 20)
    assert tables.load(path, "y", task="classification").encoding.target.classes == ("1.5", "2.5")
    said = refusal(written(tmp_path, x=spread(4), y=["1", "2", "b", "1"]), task="regression")
    assert "row 4, column 'y': 'b' is no number" in said and "task='classification'" in said


def test_targets_that_cannot_be_learned_are_refused(tmp_path):
    assert "the target has one value, 'a', in all rows" in refusal(written(tmp_path, x=spread(9), y=["a"] * 9))
    said = refusal(written(tmp_path, x=spread(9), y=["a", "b", "a", "b", "once", *"abab"]))
    assert "row 6, column 'y': the class 'once' is there only once" in said
    said = refusal(written(tmp_path, x=spread(9), y=["a", "b", "NA", *"ababab"]), missing="impute")
    assert "row 4, column 'y': the target is missing ('NA')" in said
    said = refusal(written(tmp_path, Preis=spread(9), y=spread(9)), target="preis")
    assert "there is no target 'preis'. Did you mean 'Preis'?" in said


# -------------------------------------------------------------------------------------------------------------- missing


@pytest.mark.parametrize("word", ["", " ", "NA", "N/A", "null", "NULL", "None", "-", "?", "nan", "NaN", "#DIV/0!"])
@pytest.mark.parametrize("many", [False, True], ids=["few", "many"])
def test_missing_values_are_refused_with_row_and_column_or_imputed(tmp_path, word, many):
    n = 1200 if many else 12
    cells = spread(n)
    cells[5] = cells[n - 1] = word
    path = written(tmp_path, x=cells, c=[*"uvuv", "?", *"uvwuvwu", *["u"] * (n - 12)], y=["a", "b"] * (n // 2))
    said = refusal(path)
    assert "row 7, column 'x': the value is missing" in said and "in 1 more row;" in said and "'c', too" in said
    data = tables.load(path, "y", missing="impute")
    assert data.encoding.names == ["x", "x is missing", "c = u", "c = v", "c = w", "c is missing"]
    X, _ = data.arrays()
    assert X[5, :2].tolist() == X[n - 1, :2].tolist() == [0, 1] and X[:, 1].sum() == 2
    assert X[4, 2:].tolist() == [0, 0, 0, 1] and X[:, 5].sum() == 1
    known = np.array([float(cell) for i, cell in enumerate(cells) if i not in (5, n - 1)])
    assert data.encoding.inputs[0].mean == pytest.approx(known.mean())


def test_missing_words_can_be_said(tmp_path):
    path = written(tmp_path, x=["1", "99", "unknown_", "2"] * 3, y=["a", "b", "b", "a"] * 3)
    data = tables.load(tables.open_table(path, missing_words=["unknown_"]), "y", missing="impute")
    assert data.raw([0, 2])["x"] == [1.0, None]
    many = written(tmp_path, x=[*spread(2000), "unknown_"], y=["a", "b", "b"] * 667)
    data = tables.load(tables.open_table(many, missing_words=["unknown_"]), "y", missing="impute")
    assert data.raw([1999, 2000])["x"] == [2998.5, None]
