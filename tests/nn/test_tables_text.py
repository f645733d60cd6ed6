"""CSV and TSV: separators, encodings, headers, quotes, empty lines, and row numbers as an editor counts them."""

import gzip
import io

import numpy as np
import pytest

from nn import tables

ROWS = [(f"{i / 2}", "ab"[i % 2]) for i in range(1, 13)]


def written(folder, text, name="a.csv", encoding="utf-8"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return path


def lines(separator=",", end="\n", rows=ROWS):
    return "".join(separator.join(row) + end for row in rows)


def columns_of(path, size=50_000, **options):
    """Return all columns of a file, and the row numbers."""
    table = tables.open_table(path, **options)
    found, numbers = {name: [] for name in table.columns}, []
    for chunk in table.chunks(size):
        assert len(chunk) <= 2 * size and chunk.start == len(numbers)
        numbers += [chunk.number(i) for i in range(len(chunk))]
        for name in table.columns:
            found[name] += chunk.columns[name]
    assert table.rows == len(numbers)
    return found, numbers


EXPECTED = {"x": [row[0] for row in ROWS], "y": [row[1] for row in ROWS]}
FILES = {
    "comma": ("x,y\n" + lines(), {}),
    "semicolon": ("x;y\n" + lines(";"), {}),
    "tab": ("x\ty\n" + lines("\t"), {}),
    "bar": ("x|y\n" + lines("|"), {}),
    "any other": ("x~y\n" + lines("~"), {"separator": "~"}),
    "a line that says the separator": ("sep=;\nx;y\n" + lines(";"), {}),
    "Windows' line ends": ("x,y\r\n" + lines(end="\r\n"), {}),
    "old Macs' line ends": ("x,y\r" + lines(end="\r"), {}),
    "no line end at the end": ("x,y\n" + lines().rstrip("\n"), {}),
    "a mark of UTF-8": ("\ufeffx,y\n" + lines(), {}),
    "quotes": ('"x","y"\n' + "".join(f'"{a}","{b}"\n' for a, b in ROWS), {}),
    "spaces around names": (" x , y\n" + lines(), {}),
    "empty columns at the end": ("x,y,,\n" + lines(end=",,\n") + ",,,\n,,,\n", {}),
    "a separator at the end of each row": ("x,y\n" + lines(end=",\n"), {}),
    "empty lines at the end": ("x,y\n" + lines() + "\n\n \n,\n", {}),
}


@pytest.mark.parametrize("case", FILES)
@pytest.mark.parametrize("size", [5, 50_000])
def test_a_table_is_read_as_it_was_written(tmp_path, case, size):
    text, options = FILES[case]
    found, numbers = columns_of(written(tmp_path, text), size, **options)
    assert found == EXPECTED
    first = 3 if case == "a line that says the separator" else 2
    assert numbers == list(range(first, first + 12))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_a_mark_at_the_beginning_says_the_encoding(tmp_path, encoding):
    found, _ = columns_of(written(tmp_path, "größe,y\n1,ä\n", encoding=encoding))
    assert found == {"größe": ["1"], "y": ["ä"]}


def test_an_encoding_can_be_said(tmp_path):
    found, _ = columns_of(written(tmp_path, "größe,y\n1,ä\n", encoding="cp1252"), encoding="cp1252")
    assert found == {"größe": ["1"], "y": ["ä"]}


def test_gzip_is_known_by_its_content(tmp_path):
    found, _ = columns_of(written(tmp_path, gzip.compress(("x,y\n" + lines()).encode()), "a.csv"))
    assert found == EXPECTED


def test_the_ending_tsv_means_tabs(tmp_path):
    found, _ = columns_of(written(tmp_path, "a,b\tc\n1,5\t2\n", "a.tsv"))
    assert found == {"a,b": ["1,5"], "c": ["2"]}


@pytest.mark.parametrize("size", [1, 3, 100])
def test_row_numbers_count_empty_lines_and_quoted_line_ends_are_in_a_cell(tmp_path, size):
    text = '\nx,y\n1,"a\nb"\n\n\n2,c\n,\n\n3,"d ""e"", f"\n,\n\n'
    found, numbers = columns_of(written(tmp_path, text), size)
    assert found == {"x": ["1", "2", "", "3"], "y": ["a\nb", "c", "", 'd "e", f']}
    assert numbers == [3, 6, 7, 9]


def test_in_a_single_column_an_empty_line_is_a_missing_value_but_for_the_last_ones(tmp_path):
    found, numbers = columns_of(written(tmp_path, "x\n1\n\n2\n\n\n"))
    assert (found, numbers) == ({"x": ["1", "", "2"]}, [2, 3, 4])


def test_without_a_header_columns_are_numbered(tmp_path):
    found, numbers = columns_of(written(tmp_path, "1,a\n2,b\n"), header=False)
    assert (found, numbers) == ({"column_1": ["1", "2"], "column_2": ["a", "b"]}, [1, 2])


def test_a_header_may_be_numbers_if_it_is_said(tmp_path):
    found, _ = columns_of(written(tmp_path, "2019,2020\n1,2\n"), header=True)
    assert found == {"2019": ["1"], "2020": ["2"]}


def test_an_index_without_a_name_gets_one(tmp_path):
    assert tables.open_table(written(tmp_path, ",x\n0,5\n")).columns == ("column_1", "x")


def test_a_comma_before_decimals_does_not_make_columns(tmp_path):
    found, _ = columns_of(written(tmp_path, "x;y\n1,5;2,25\n3,5;4,25\n"))
    assert found == {"x": ["1,5", "3,5"], "y": ["2,25", "4,25"]}


def test_a_wide_table_comes_in_chunks_of_few_rows(tmp_path):
    width = 5000
    text = ",".join(f"x{i}" for i in range(width)) + "\n" + (",".join(["1"] * width) + "\n") * 12
    chunks = list(tables.open_table(written(tmp_path, text)).chunks())
    assert sum(map(len, chunks)) == 12 and max(map(len, chunks)) == 3


def test_a_cell_is_shown_as_it_is(tmp_path):
    chunk = next(tables.open_table(written(tmp_path, "x,y\n1.50,b\n")).chunks())
    assert chunk.cell("x", 0) == "1.50"
    array = tables.ArrayTable("memory", {"x": np.array([1.5]), "y": np.array([["a"]])}, "npz")
    assert next(array.chunks()).cell("x", 0) == 1.5


def random_table(rng, n, width):
    """Return rows of cells that hold all that makes CSV hard."""
    alphabet = list('abc ,;"\n\r\t|1.5éß')
    return [["".join(rng.choice(alphabet, rng.integers(0, 6))) + "x" for _ in range(width)] for _ in range(n)]


@pytest.mark.parametrize("seed", range(5))
def test_what_csv_writes_is_read_again(tmp_path, seed):
    import csv

    rng = np.random.default_rng(seed)
    rows = random_table(rng, 40, 3)
    text = io.StringIO(newline="")
    csv.writer(text).writerows([["a", "b", "c"], *rows])
    found, numbers = columns_of(written(tmp_path, text.getvalue()), 7, separator=",")
    assert [list(row) for row in zip(*found.values(), strict=True)] == rows
    assert numbers == list(range(2, 42))
