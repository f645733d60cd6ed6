"""The course: built notebooks that match their sources and need no trust, the claims of each chapter, every exercise.

An exercise is run as a learner runs it, alone after the chapter's first code cell: blank, with its solution, and with
each wrong answer of tests/mistakes.
"""

import contextlib
import functools
import importlib.util
import io
import re
import textwrap
from pathlib import Path
from typing import NamedTuple

import pytest

from .mistakes import MISTAKES
from .test_claims_page import ROW, TEXT, ids_in

jupytext = pytest.importorskip("jupytext")
nbformat = pytest.importorskip("nbformat")
pytest.importorskip("nbclient")
matplotlib = pytest.importorskip("matplotlib")

FOLDER = Path(__file__).parents[1] / "notebooks"
SOURCES = {path.name[:2]: path for path in sorted(FOLDER.glob("[0-9]*.py"))}
SOLUTION = re.compile(r"<details><summary>Exercise (\d+)</summary>\n\n```python\n(.*?)\n```\n(.*?)</details>", re.S)
NOTE = re.compile(r"\*\(claims? ([^)]*)\)\*")
LARGEST = 2_000_000  # bytes of a built notebook


def build():
    """Return notebooks/build.py as a module."""
    spec = importlib.util.spec_from_file_location("build_notebooks", FOLDER / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@functools.cache
def cells_of(chapter):
    return jupytext.read(SOURCES[chapter], fmt="py:percent").cells


class Exercise(NamedTuple):
    """An exercise: the chapter's first code cell, the blank, the check, the solution's code."""

    first: str
    blank: str
    check: str
    solution: str


@functools.cache
def exercises(chapter):
    """Return the exercises of a chapter by their numbers, and the code of the first cell."""
    cells = cells_of(chapter)
    titled = {cell.metadata["title"]: cell.source for cell in cells if "title" in cell.metadata}
    numbers = [int(title.split()[1]) for title in titled if re.fullmatch(r"exercise \d+", title)]
    solutions = {int(number): code for number, code, _ in SOLUTION.findall(cells[-1].source)}
    first = next(cell.source for cell in cells if cell.cell_type == "code")
    return {
        n: Exercise(first, titled[f"exercise {n}"], titled.get(f"check {n}", ""), solutions.get(n, "")) for n in numbers
    }


ALL = [(chapter, number) for chapter in SOURCES for number in exercises(chapter)]
WRONG = [
    pytest.param(chapter, number, *mistake, id=f"{chapter}-{number}-{i}")
    for (chapter, number), mistakes in MISTAKES.items()
    for i, mistake in enumerate(mistakes, 1)
]


def answer(exercise, code):
    """Return what the check says of an answer: what it prints, or its AssertionError."""
    namespace = {"__name__": "__main__"}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), matplotlib.rc_context():
        exec(exercise.first, namespace)
        exec(code, namespace)
        try:
            exec(exercise.check, namespace)
        except AssertionError as error:
            return f"AssertionError: {error}"
    return printed.getvalue().strip()


@pytest.mark.parametrize("chapter", SOURCES)
def test_the_built_notebook_has_the_cells_of_its_source_and_only_outputs_that_need_no_trust(chapter):
    built = SOURCES[chapter].with_suffix(".ipynb")
    notebook, made = nbformat.read(built, as_version=4), build()
    assert made.sources(notebook) == [(cell.cell_type, cell.source) for cell in cells_of(chapter)]
    assert made.faults(notebook, built.name) == []
    assert built.stat().st_size < LARGEST


@pytest.mark.parametrize("chapter", SOURCES)
def test_the_claims_that_the_page_puts_in_a_chapter_stand_in_its_notes(chapter):
    assigned = {claim for claim, *_, chapters in ROW.findall(TEXT) if str(int(chapter)) in re.findall(r"\d+", chapters)}
    noted = {
        claim
        for cell in cells_of(chapter)
        if cell.cell_type == "markdown"
        for note in NOTE.findall(re.sub(r"\s+", " ", cell.source))
        for claim in ids_in(note)
    }
    assert assigned - noted == set()


@pytest.mark.parametrize("chapter", SOURCES)
def test_the_page_of_claims_links_each_chapter(chapter):
    link = f"](../notebooks/{SOURCES[chapter].stem}.ipynb)"
    assert link in TEXT.partition("## ")[0], "run python docs/build_claims.py --links"


@pytest.mark.parametrize("chapter", SOURCES)
def test_a_chapter_ends_with_exercises_that_have_solutions_and_known_mistakes(chapter):
    found = exercises(chapter)
    assert list(found) == list(range(1, len(found) + 1))
    assert 3 <= len(found) <= 5
    texts = [cell.source for cell in cells_of(chapter) if cell.cell_type == "markdown"]
    for number, exercise in found.items():
        assert any(text.startswith(f"**Exercise {number}.**") for text in texts)
        assert exercise.check, f"exercise {number} has no check"
        assert exercise.solution, f"exercise {number} has no solution in the last cell"
        assert MISTAKES.get((chapter, number)), f"exercise {number} has no wrong answers in tests/mistakes"
    assert {number for name, number in MISTAKES if name == chapter} == set(found)


@pytest.mark.parametrize(("chapter", "number"), ALL)
def test_a_blank_exercise_says_that_it_is_not_filled_in(chapter, number):
    exercise = exercises(chapter)[number]
    assert answer(exercise, exercise.blank) == f"Exercise {number}: not filled in yet"


@pytest.mark.parametrize(("chapter", "number"), ALL)
def test_the_solution_of_an_exercise_is_right(chapter, number):
    exercise = exercises(chapter)[number]
    assert re.match(f"Exercise {number}: [Rr]ight", answer(exercise, exercise.solution))


@pytest.mark.parametrize(("chapter", "number", "code", "said"), WRONG)
def test_a_wrong_answer_is_not_accepted_and_told_what_is_wrong(chapter, number, code, said):
    words = answer(exercises(chapter)[number], textwrap.dedent(code))
    assert not re.match(f"Exercise {number}: [Rr]ight", words)
    assert words.startswith((f"AssertionError: Exercise {number}: ", f"Exercise {number}: ")), words
    assert said in words
