"""Pages as people see them: Chromium, driven by Playwright, and what it finds wrong with a page.

Tests ask for the fixture `browser` (conftest.py). `browser.open(path)` opens a file in a window of its own; after the
test it must have had no error and asked for no other file. `look(page)` lists what is wrong with the page as it is
shown: see looking.js. One Chromium serves all the tests of a process.
"""

import asyncio
import shutil
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path

__all__ = ["WIDTHS", "Browser", "Chromium", "ask", "look", "look_at", "missing", "tab_through"]

LOOK = Path(__file__).with_name("looking.js").read_text("utf-8")
WIDTHS, HEIGHT = (1500, 800, 420), 860


@cache
def find_browser():
    names = ("chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


@cache
def missing():
    """Why no page can be looked at; None where it can."""
    if find_spec("playwright") is None:
        return "playwright is not installed: pip install 'autograd-mini[browser]'"
    if find_browser() is None:
        return "no chromium, chromium-browser or google-chrome on PATH"
    return None


class Chromium:
    """The program. Playwright's event loop counts as running only while a test drives it: others have their own."""

    def __init__(self):
        from playwright.sync_api import sync_playwright

        self.playwright = sync_playwright().start()
        self.loop = asyncio.get_running_loop()
        try:
            self.program = self.playwright.chromium.launch(executable_path=find_browser())
        except BaseException:
            self.playwright.stop()
            raise
        asyncio._set_running_loop(None)

    @contextmanager
    def driven(self):
        asyncio._set_running_loop(self.loop)
        try:
            yield self.program
        finally:
            asyncio._set_running_loop(None)

    def close(self):
        with self.driven():
            self.program.close()
            self.playwright.stop()


class Browser:
    """What a test opens: windows that share nothing, watched for errors and for requests."""

    def __init__(self, program):
        self.program, self.contexts, self.faults = program, [], []

    def open(self, path, *, width=1500, height=HEIGHT, hash="", dark=False, still=False, script=True):
        """Return Playwright's page of a file, at a place in it, as a reader with these preferences sees it."""
        context = self.program.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce" if still else "no-preference",
            java_script_enabled=script,
        )
        self.contexts.append(context)
        page, address = context.new_page(), Path(path).resolve().as_uri()
        page.on("console", lambda m: self.faults.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", lambda r: self.faults.append(f"asks for {r.url[:100]}") if not own(r.url, address) else None)
        page.goto(address + hash)
        return page

    def close(self):
        while self.contexts:
            self.contexts.pop().close()


def own(url, address):
    return url.partition("#")[0] == address or url.startswith("data:")


def look(page):
    """Return what is wrong with a page as it is shown now: "wide: ...", "contrast: ..."; see looking.js."""
    return page.evaluate(LOOK)


def look_at(page, widths=WIDTHS, schemes=("light", "dark"), states=("",)):
    """Return what is wrong with a page in windows of these widths, in light and dark, after each of these scripts.

    What is folded is unfolded first. The second scheme is looked at in the first window alone: it moves nothing.
    """
    found = []
    page.evaluate("document.querySelectorAll('details').forEach(folded => folded.open = true)")
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)
        for width in widths if scheme == schemes[0] else widths[:1]:
            page.set_viewport_size({"width": width, "height": HEIGHT})
            for state in states:
                if state:
                    page.evaluate(state)
                found += [f"{width} {scheme}{state and ' '}{state}: {fault}" for fault in look(page)]
    return found


FOCUS = """() => {
  const e = document.activeElement;
  if (!e || e === document.body || e === document.documentElement) return null;
  const s = getComputedStyle(e), b = e.getBoundingClientRect();
  const at = [...document.querySelectorAll("*")].indexOf(e);
  const ring = s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 1 || s.boxShadow !== "none";
  return [at, e.localName + (e.id && "#" + e.id), ring && b.width > 0 && b.height > 0];
}"""
CONTROLS = """() => [...document.querySelectorAll("button,input,select,textarea,summary,a[href],[tabindex='0']")]
  .filter(e => !e.disabled && e.checkVisibility({visibilityProperty: true}))
  .map(e => [[...document.querySelectorAll("*")].indexOf(e), e.localName + (e.id && "#" + e.id)])"""


def tab_through(page):
    """Return what is wrong with the page for who has a keyboard alone."""
    page.evaluate("document.activeElement?.blur()")
    controls, been, found = dict(page.evaluate(CONTROLS)), {}, []
    for _ in range(len(controls) + 30):  # what scrolls may be reached too
        page.keyboard.press("Tab")
        focus = page.evaluate(FOCUS)
        if focus is None:  # the end, from where it begins again
            continue
        if focus[0] in been:
            break
        been[focus[0]] = focus[1]
        if not focus[2]:
            found.append(f"focus: {focus[1]} does not show that it has the focus")
    return found + [f"keyboard: Tab does not reach {name}" for at, name in controls.items() if at not in been]


def ask(page, script):
    """Return what a script gives that has the page as `d`, its window as `w`, and of a player `press`, `at`, `seen`."""
    return page.evaluate(
        f"""async () => {{
          const w = window, d = document;
          const press = (key, on = d.body) => on.dispatchEvent(new KeyboardEvent("keydown", {{key, bubbles: true}}));
          const at = () => +d.querySelector("article.on").dataset.step;
          const seen = e => getComputedStyle(e).visibility === "visible";
          {script} }}"""
    )
