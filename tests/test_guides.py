"""The guide: its Python runs, its links lead somewhere, and the FAQ answers what it is to answer."""

import importlib.util
import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest

from autograd_mini import errors
from autograd_mini.table import TABLE
from nn.cli.program import CODES

from .conftest import ROOT
from .documents import PEERS, Block, Outcome, alike, blocks, run

DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.glob("guide/*.md"), DOCS / "conventions.md", DOCS / "faq.md"])
NAMES = [page.relative_to(DOCS).as_posix() for page in PAGES]
TEXTS = {name: page.read_text("utf-8") for name, page in zip(NAMES, PAGES, strict=True)}
BLOCKS = {name: [b for b in blocks(text) if b.language == "python"] for name, text in TEXTS.items()}
OURS = [name for name in NAMES if any(b.title is None for b in BLOCKS[name])]
THEIRS = sorted({(name, PEERS[b.title]) for name in NAMES for b in BLOCKS[name] if b.title is not None})
OPTIONAL = ("scipy", "numba", "matplotlib", "dask", "sklearn")


def check(outcomes: list[Outcome]) -> None:
    for line, stated, found in outcomes:
        if stated is None:
            assert not found, f"line {line} prints what the page does not show: {found}"
        else:
            assert alike(stated, found), f"line {line}: the page says\n{stated}\nand what comes out is\n{found}"


@pytest.fixture
def rules_of_pages_are_forgotten():
    """Those alone: a page may be the first to load a part of the package, with its rules."""
    yield
    for function in [f for f in TABLE if getattr(f, "__module__", None) == "__main__"]:
        del TABLE[function]


@pytest.mark.usefixtures("rules_of_pages_are_forgotten")
@pytest.mark.parametrize("name", OURS)
def test_our_blocks_run_and_print_what_is_shown(name, tmp_path, monkeypatch):
    ours = [b for b in BLOCKS[name] if b.title is None]
    for module in OPTIONAL:
        if any(re.search(rf"\b{module}\b", b.body) for b in ours):
            pytest.importorskip(module)
    monkeypatch.chdir(tmp_path)
    with np.printoptions(), np.errstate():
        check(run(ours, {"__name__": "__main__"}))


@pytest.mark.parametrize(("name", "peer"), THEIRS)
def test_their_blocks_run_and_print_what_is_shown(name, peer, tmp_path):
    if importlib.util.find_spec(peer) is None:
        pytest.skip(f"{peer} is not installed: pip install 'autograd-mini[peers]'")
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-m", "tests.documents", str(DOCS / name), peer],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    check([Outcome(*outcome) for outcome in json.loads(done.stdout)])


# ------------------------------------------------------------------------------------------------------------ links

FENCED = re.compile(r"^```.*?^```$", re.M | re.S)


def slugs(text: str) -> set[str]:
    """The anchors of a page's headings: those that GitHub and MkDocs both give."""
    found = set()
    for heading in re.findall(r"^#+ (.*)$", FENCED.sub("", text), re.M):
        words = re.sub(r"[^\w\s-]", "", heading.replace("`", "")).strip().lower()
        github, mkdocs = words.replace(" ", "-"), re.sub(r"[-\s]+", "-", words)
        if github == mkdocs and words.isascii():
            found.add(github)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name):
    """To a file of the repository, and to a heading that is there."""
    targets = re.findall(r"\]\(([^)\s]+)\)", FENCED.sub("", TEXTS[name]))
    inner = [target for target in targets if not re.match(r"[a-z]+:", target)]
    assert inner
    for target in inner:
        path, _, anchor = target.partition("#")
        page = ((DOCS / name).parent / path).resolve() if path else DOCS / name
        assert page.is_relative_to(ROOT), target
        assert page.is_file(), target
        assert not anchor or anchor in slugs(page.read_text("utf-8")), target
    for target in set(targets) - set(inner):
        assert re.match(r"https://github\.com/[\w.-]+/[\w.-]+/(issues|pull)/\d+$", target), target


# ------------------------------------------------------------------------------------------------------ what they hold

# by number: the threads in which it was asked, in the order of the FAQ
THREADS = {
    1: "HIPS/autograd 151 586 617 393",
    2: "HIPS/autograd 115 510; rsokl/MyGrad 24",
    3: "HIPS/autograd 412",
    4: "HIPS/autograd 185 396 394",
    5: "karpathy/micrograd 102 2",
    6: "rsokl/MyGrad 93",
    7: "HIPS/autograd 788",
    8: "HIPS/autograd 139 257 194 725",
    9: "rsokl/MyGrad 442; karpathy/micrograd 3",
    10: "HIPS/autograd 439",
    11: "HIPS/autograd 157 325 561",
    12: "HIPS/autograd 219 244",
    13: "HIPS/autograd 454",
    14: "rsokl/MyGrad 311",
    15: "HIPS/autograd 58 177 375 515 556 559",
    16: "HIPS/autograd 622 625 618 658",
    17: "HIPS/autograd 717 397",
    18: "CamDavidsonPilon/lifelines 1615; derrynknife/SurPyval 159",
    19: "karpathy/micrograd 90; pytorch/pytorch 5534",
    20: "HIPS/autograd 659",
    21: "HIPS/autograd 163 199; dlsyscourse/hw1 20; tinygrad/tinygrad 3186",
    22: "HIPS/autograd 482 3",
    23: "HIPS/autograd 361 577 179",
    24: "HIPS/autograd 336",
    25: "google/tangent 77",
    26: "tinygrad/tinygrad 168 10809; minitorch/minitorch 25",
    27: "karpathy/micrograd 21 68 96",
    28: "karpathy/micrograd 94",
}


def test_the_faq_answers_every_question_by_something_that_runs():
    parts = re.split(r"^### (\d+)\. (.*)$", TEXTS["faq.md"], flags=re.M)
    answers = {int(n): (question, answer) for n, question, answer in zip(*[iter(parts[1:])] * 3, strict=True)}
    assert list(answers) == list(THREADS) == list(range(1, 29))
    for n, (question, answer) in answers.items():
        assert "?" in question
        assert any(b.language == "python" and b.title is None and b.stated for b in blocks(answer)), n
        linked = re.findall(r"https://github\.com/([\w.-]+/[\w.-]+)/(?:issues|pull)/(\d+)", answer)
        asked = [group.split() for group in THREADS[n].split("; ")]
        assert linked == [(repository, number) for repository, *numbers in asked for number in numbers], n


def test_the_table_of_kinks_is_what_the_blocks_below_it_print():
    rows = re.findall(r"^\| `([^`]+)` \| (.*) \|$", TEXTS["conventions.md"].split("More of the same kind")[0], re.M)
    table = {name: cells.split(" | ") for name, cells in rows}
    columns = (None, "PyTorch", "JAX", "HIPS autograd", "MyGrad")
    stated = {b.title: b.stated for b in BLOCKS["conventions.md"] if b.stated and b.stated.startswith("abs(0): ")}
    printed = {title: dict(line.rsplit(": ", 1) for line in stated[title].splitlines()) for title in columns}
    assert len(table) == len(printed[None]) > 9
    for i, title in enumerate(columns):
        assert printed[title] == {name: cells[i] for name, cells in table.items() if cells[i] != "–"}


def test_the_table_of_errors_has_them_all():
    rows = re.findall(r"^\| `(\w+Error)` \| `(\w+)` \| .+ \|$", TEXTS["conventions.md"], re.M)
    kinds = [getattr(errors, name) for name in errors.__all__ if name != "AutogradError"]
    assert sorted(rows) == sorted((kind.__name__, kind.__bases__[1].__name__) for kind in kinds)


def test_the_table_of_exit_codes_is_that_of_the_help():
    rows = re.findall(r"^\| (\d+) \| (.*) \|$", TEXTS["conventions.md"], re.M)
    assert rows == re.findall(r"^  (\d+) +(.*)$", CODES, re.M)
    assert rows


# ---------------------------------------------------------------------------------------------- that a fault is found


def one(text):
    return run([b for b in blocks(text) if b.language == "python"], {})


def test_what_is_not_what_comes_out_is_found():
    check(one("```python\nprint('a ' * 50)\nprint(1)\n```\n\n```text\n" + "a " * 30 + "\n" + "  a" * 20 + "\n1\n```\n"))
    check(one("```python\nx = 1\n```\n\n```text\n```\n"))
    for page, fault in [
        ("```python\nprint(1)\n```\n\n```text\n2\n```\n", "line 2: the page says"),
        ("```python\nprint('1 2')\n```\n\n```text\n1\n  2\n```\n", "line 2: the page says"),
        ("```python\nprint('if x:\\n    y')\n```\n\n```text\nif x:\ny\n```\n", "line 2: the page says"),
        ("```python\nprint('a ' * 50)\n```\n\n```text\n" + "a " * 49 + "\n```\n", "line 2: the page says"),
        ("```python\nprint(1)\nprint(2)\n```\n\n```text\n1\n```\n", "line 2: the page says"),
        ("```python\nprint(1)\n```\n\nWords.\n\n```text\n1\n```\n", "does not show: 1"),
        ("```python\nx = 1\n```\n\n```text\n1\n```\n", "what comes out is"),
        ("```python\nint('a')\n```\n\n```text\nValueError: other\n```\n", "ValueError: invalid literal"),
        ("```python\nint('1')\n```\n\n```text\nValueError: other\n```\n", "what comes out is"),
    ]:
        with pytest.raises(AssertionError, match=re.escape(fault)):
            check(one(page))
    with pytest.raises(ValueError, match="invalid literal"):
        one("```python\nint('a')\n```\n")


def test_a_block_knows_its_title_and_what_stands_below():
    page = 'a\n```python title="JAX"\n1\n```\n\n```text\n1\n```\n```\nplain\n```\n'
    assert blocks(page) == [
        Block("python", "JAX", "1\n", 3, "1\n"),
        Block("text", None, "1\n", 7, None),
        Block("", None, "plain\n", 10, None),
    ]


def test_anchors_are_those_that_both_sites_give():
    text = "# A `code` title?\n\n## 1. Two, and more\n\n```python\n# no heading\n```\n### a – b\n### a & b\n"
    assert slugs(text) == {"a-code-title", "1-two-and-more"}
