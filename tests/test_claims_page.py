"""docs/claims.md: every claim once, with tests that exist and carry its id, experiments about it, live links."""

import ast
import functools
import inspect
import re
from pathlib import Path

import pytest

import nn

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "claims.md"
TEXT = PAGE.read_text("utf-8")
COUNTS = {"Y": 16, "M": 8, "R": 16}  # Yehoshua, the matrix note, the note on Russell and Norvig
IDS = [f"{source}{i}" for source, count in COUNTS.items() for i in range(1, count + 1)]
CHAPTERS = 11
DELTA = (ROOT / "nn" / "delta.py").read_text("utf-8")

HEADING = re.compile(r"^#{2,} (.+)$", re.M)
SECTION = re.compile(r"^### ([YMR]\d+): (.+?)\n(.*?)(?=^##|\Z)", re.M | re.S)
SECTIONS = {match[1]: match[3] for match in SECTION.finditer(TEXT)}
ROW = re.compile(r"^\| \[([YMR]\d+)\]\(#([\w-]+)\) \| ([^|]*) \|([^|]*)\| ([\d, ]+) \|$", re.M)
ONE = re.compile(r"(?<![A-Za-z0-9])([YMR])(\d{1,2})(?:(?:_to_| to |-)\1?(\d{1,2}))?(?![A-Za-z0-9])")


def ids_in(text):
    """Return the ids in a name, docstring or comment; of `M3_to_M6` and `M3 to M6`, four."""
    return {
        f"{source}{i}"
        for source, first, last in ONE.findall(text)
        for i in range(int(first), int(last or first) + 1)
        if f"{source}{i}" in IDS
    }


@functools.cache
def functions(path):
    """Return the tests of a file: their name, and the ids that name and docstring carry."""
    tree = ast.parse(path.read_text("utf-8"))
    tests = [f for f in ast.walk(tree) if isinstance(f, ast.FunctionDef) and f.name.startswith("test_")]
    return {f.name: ids_in(f"{f.name} {ast.get_docstring(f) or ''}") for f in tests}


def bullet(claim, label):
    """Return what stands after a label in a claim's section, or ''."""
    found = re.findall(rf"^- \*\*{label}s?\.\*\* (.*?)(?=^- \*\*|^\n|\n\n|\Z)", SECTIONS[claim], re.M | re.S)
    assert len(found) <= 1, f"{claim} has {label} twice"
    return re.sub(r"\s+", " ", found[0]) if found else ""


def named_by(claim):
    """Yield (file, name) for each test that the page names: a link to a file, and the names after it."""
    path = None
    for link, name in re.findall(r"\]\((\S+?)\)|`(test_\w+)`", bullet(claim, "Test")):
        path = (PAGE.parent / link).resolve() if link else path
        if name:
            assert path is not None, f"{claim}: {name} stands before any file"
            yield path, name


def slug(heading):
    """Return the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def experiments_of(claim):
    return re.findall(r"`nn\.experiments\.(\w+)`", bullet(claim, "Experiment"))


def test_every_claim_has_one_section_and_one_row_in_order():
    assert re.findall(r"^### ([YMR]\d+):", TEXT, re.M) == IDS
    assert [row[0] for row in ROW.findall(TEXT)] == IDS
    assert list(SECTIONS) == IDS


def test_the_rows_of_the_index_say_what_the_sections_say():
    titles = {match[1]: match[2] for match in SECTION.finditer(TEXT)}
    for claim, anchor, title, experiments, chapters in ROW.findall(TEXT):
        assert anchor == slug(f"{claim}: {titles[claim]}")
        assert title.strip() == titles[claim]
        here = {name for name in experiments_of(claim) if f"<!-- measured: {name} -->" in SECTIONS[claim]}
        assert set(re.findall(r"`(\w+)`", experiments)) in (here, set(experiments_of(claim))), claim
        assert re.findall(r"\d+", chapters) == re.findall(
            r"\b\d+\b", re.sub(r"\(\S+?\)|, with [^;.]*", "", bullet(claim, "Course"))
        )
        assert all(1 <= int(chapter) <= CHAPTERS for chapter in re.findall(r"\d+", chapters))


@pytest.mark.parametrize("claim", IDS)
def test_the_tests_of_a_claim_exist_and_carry_its_id(claim):
    named = list(named_by(claim))
    assert named, "the claim has no test"
    assert len(set(named)) == len(named)
    for path, name in named:
        found = functions(path)
        assert name in found, f"{path.name} has no {name}"
        assert claim in found[name], f"{name} does not carry {claim} in its name or docstring"


def test_every_claim_is_carried_by_some_test():
    carried = set()
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for ids in functions(path).values():
            carried |= ids
    assert set(IDS) - carried == set()


def test_every_test_of_claims_is_on_the_page():
    """tests/nn/test_claims.py is there for the page: what it shows must be found from it."""
    path = ROOT / "tests" / "nn" / "test_claims.py"
    on_page = {(claim, name) for claim in IDS for file, name in named_by(claim) if file == path}
    missing = {(claim, name) for name, ids in functions(path).items() for claim in ids} - on_page
    assert missing == set()


@pytest.mark.parametrize("claim", [claim for claim in IDS if bullet(claim, "Experiment")])
def test_the_experiments_of_a_claim_exist_and_are_about_it(claim):
    assert experiments_of(claim)
    for name in experiments_of(claim):
        function = getattr(nn.experiments, name)
        assert name in nn.experiments.__all__
        about = re.findall(r"claims? ([^)]*)\)", inspect.getdoc(function))
        if "measured" in bullet(claim, "Experiment") or f"<!-- measured: {name} -->" in SECTIONS[claim]:
            assert claim in ids_in(" ".join(about)), f"nn.experiments.{name} does not say that it is about {claim}"


def test_every_experiment_is_on_the_page_with_what_it_measured():
    blocks = dict(re.findall(r"<!-- measured: (\w+) -->\n(.*?)<!-- end -->", TEXT, re.S))
    public = {name for name in nn.experiments.__all__ if inspect.isfunction(getattr(nn.experiments, name))}
    assert set(blocks) == public
    for name, text in blocks.items():
        assert f"nn.experiments.{name}()" in text and re.search(r"\d", text.split("`: ", 1)[-1]), name


def source_of(name):
    """Return the source of what has this name in nn.delta, or, of an argument or a table, the lines that have it."""
    found = nn.delta
    for part in name.split("."):
        found = getattr(found, part, None)
    if inspect.isclass(found) or inspect.isfunction(found):
        return inspect.getsource(found)
    return "\n".join(line for line in DELTA.splitlines() if re.search(rf"\b{name}\b", line))


@pytest.mark.parametrize("claim", [claim for claim in IDS if bullet(claim, "By hand")])
def test_the_line_by_hand_is_in_delta_and_the_claim_beside_it(claim):
    lines, beside = DELTA.splitlines(), ""
    for piece in re.findall(r"`([^`]+)`", bullet(claim, "By hand")):
        if piece == "autograd-mini":  # the command
            continue
        at = [i for i, line in enumerate(lines) if piece in line]
        is_name = re.fullmatch(r"\w+(\.\w+)?", piece)
        source = source_of(piece) if is_name else "\n".join("\n".join(lines[max(i - 1, 0) : i + 3]) for i in at)
        assert source, f"nn/delta.py has no {piece}"
        beside += source
    assert claim in ids_in(beside), f"no line that is named there carries {claim}"


def test_the_links_lead_somewhere():
    anchors = [slug(heading) for heading in HEADING.findall(TEXT)]
    assert len(set(anchors)) == len(anchors)
    links = re.findall(r"\]\(([^)\s]+)\)", TEXT)
    assert len(links) > len(IDS)
    for link in links:
        path, _, anchor = link.partition("#")
        assert not path or (PAGE.parent / path).is_file(), link
        assert path or anchor in anchors, link


def test_a_chapter_that_is_linked_names_the_claim():
    for claim in IDS:
        for link in re.findall(r"\]\((\S+?\.ipynb)\)", bullet(claim, "Course")):
            script = (PAGE.parent / link).with_suffix(".py").resolve()
            assert claim in ids_in(script.read_text("utf-8")), f"{script.name} does not name {claim}"
