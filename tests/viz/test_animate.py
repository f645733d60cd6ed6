"""ag.animate: a picture that moves without a script, and shows at each moment what the steps say."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

import autograd_mini as ag
from autograd_mini.viz import render

from .nets import GRAPHS, leaf, square, two_two_two

SVG = "{http://www.w3.org/2000/svg}"
pytestmark = pytest.mark.skipif(render.find_program("svg") is None, reason="no program that lays out graphs")


def written(path):
    text = path.read_text("utf-8")
    return text, ElementTree.fromstring(text)


@pytest.mark.parametrize("name", GRAPHS)
def test_it_is_well_formed_and_has_no_script(name, tmp_path):
    y, _ = GRAPHS[name]()
    text, root = written(ag.animate(y, tmp_path / "sweep.svg"))
    assert root.tag == f"{SVG}svg"
    assert not list(root.iter(f"{SVG}script"))
    assert "http://www.w3.org/2000/svg" in text.replace('xmlns="', "")
    assert not re.findall(r"(?:href|src|url)\s*[=(]", text)
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    assert "prefers-reduced-motion" in text
    assert "prefers-color-scheme" in text


def test_each_moment_has_its_caption(tmp_path):
    y, _ = square()
    _, root = written(ag.animate(y, tmp_path / "sweep.svg"))
    captions = [["".join(t.itertext()) for t in g.iter(f"{SVG}text")] for g in root.iter(f"{SVG}g")
                if (g.get("id") or "").startswith("c")]  # fmt: skip
    assert captions == [
        ["forward", "what is given"],
        ["forward", "z1 = x * x = 9"],
        ["forward", "y = z1 + x = 12"],
        ["seed", "d_y = 1"],
        ["backward", "d_z1 = d_y = 1", "d_x = d_y = 1 (1 of 3; so far 1)"],
        [
            "backward",
            "d_x += d_z1 * x = 1 * 3 = 3 (2 of 3; so far 4)",
            "d_x += d_z1 * x = 1 * 3 = 3 (3 of 3; so far 7)",
        ],
    ]


def test_every_animation_has_its_key_frames(tmp_path):
    text, _ = written(ag.animate(two_two_two()[0], tmp_path / "sweep.svg"))
    assert set(re.findall(r"animation-name:(\w+)", text)) == set(re.findall(r"@keyframes (\w+)", text))


def test_the_same_in_every_run(tmp_path):
    one, other = (ag.animate(two_two_two()[0], tmp_path / name) for name in ("a.svg", "b.svg"))
    assert one.read_bytes() == other.read_bytes()


def test_how_long_it_takes(tmp_path):
    text, _ = written(ag.animate(square()[0], tmp_path / "sweep.svg", seconds=7.5))
    assert "animation-duration:7.5s" in text


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_one_theme_alone(theme, tmp_path):
    text, _ = written(ag.animate(square()[0], tmp_path / "sweep.svg", theme=theme))
    assert "prefers-color-scheme" not in text


def test_notes_stand_under_the_steps_of_their_scope(tmp_path):
    x = leaf(2.0, "x")
    with ag.scope("layer1"):
        y = x * x
    text, _ = written(ag.animate(y + x, tmp_path / "sweep.svg", notes={"layer1": "δ = <rule>"}))
    assert text.count("δ = &lt;rule&gt;") == 2  # forward, backward


def test_odd_names_and_titles_are_escaped(tmp_path):
    w = leaf(2.0, "<script>alert('ü')</script>")
    text, root = written(ag.animate(w * w, tmp_path / "sweep.svg", title='a "title" <b>'))
    assert "<script" not in text
    assert root.get("aria-label") == 'a "title" <b>'
    assert "alert" in root.find(f"{SVG}desc").text


def test_nan_and_a_seed_of_several_numbers(tmp_path):
    w = leaf([np.nan, 2.0], "w")
    text, _ = written(ag.animate(w * w, tmp_path / "sweep.svg", cotangent=[1.0, 2.0]))
    assert "NaN" in text


@pytest.mark.parametrize("frames", [2, 4, 6, 100])
def test_a_sheet_of_frames(frames, tmp_path):
    y, _ = square()
    text, root = written(ag.animate(y, tmp_path / "sheet.svg", frames=frames))
    count = min(frames, 6)  # there are six moments
    assert len(root.findall(f"{SVG}svg")) == count
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    assert "@keyframes" not in text
    assert re.findall(r">(\d) of 5<", text)[:: count - 1] == ["0", "5"]


# --- in a browser -----------------------------------------------------------------------------------------------------

SEEN = """times => {
  const svg = document.documentElement, seen = [];
  const shown = e => getComputedStyle(e).visibility === "visible";
  const say = list => [...list].filter(shown).map(e => e.textContent);
  for (const t of times) {
    for (const a of document.getAnimations()) { a.pause(); a.currentTime = t; }
    const boxes = {};
    for (const n of svg.querySelectorAll(".n"))
      boxes[n.id] = [say(n.querySelectorAll(":scope>.v>text")), say(n.querySelectorAll(":scope>.g>text"))];
    seen.push({boxes, caption: say(svg.querySelectorAll(".c text"))});
  }
  return seen;
}"""


def test_at_each_moment_a_browser_shows_the_numbers_so_far(browser, tmp_path):
    y, _ = square()
    svg = ag.animate(y, tmp_path / "sweep.svg", seconds=9)  # 6 moments and 3 more at the end
    moments = browser.open(svg).evaluate(SEEN, [500 + 1000 * i for i in range(9)])
    x, z1, end = ([moment["boxes"][name] for moment in moments] for name in ("n0", "n1", "n2"))
    assert [value for value, _ in x] == [["3"]] * 9
    assert [value for value, _ in z1] == [[]] + [["9"]] * 8
    assert [value for value, _ in end] == [[]] * 2 + [["12"]] * 7
    assert [gradient for _, gradient in end] == [[]] * 3 + [["∂ 1"]] * 6
    assert [gradient for _, gradient in z1] == [[]] * 4 + [["∂ 1"]] * 5
    assert [gradient for _, gradient in x] == [[]] * 4 + [["∂ 1"]] + [["∂ 7"]] * 4
    assert [moment["caption"][0] for moment in moments] == ["forward"] * 3 + ["seed"] + ["backward"] * 5


def test_with_reduced_motion_a_browser_shows_the_finished_picture(browser, tmp_path):
    y, _ = square()
    (moment,) = browser.open(ag.animate(y, tmp_path / "sweep.svg"), still=True).evaluate(SEEN, [0])
    assert moment["boxes"] == {"n0": [["3"], ["∂ 7"]], "n1": [["9"], ["∂ 1"]], "n2": [["12"], ["∂ 1"]]}
    assert moment["caption"][0] == "backward"
