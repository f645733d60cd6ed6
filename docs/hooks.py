"""What MkDocs does beside reading docs/: pages that stand elsewhere, links between them, formulas without a script.

- README, CONTRIBUTING and CHANGELOG become pages, so that nothing is written twice.
- Each built notebook becomes a page: its text, its code, and what the code put out when it was run.
- A link to a file of the repository leads to its page; to a file of code, to a page that shows it.
- LaTeX becomes MathML, set in a font that comes with the site. Nothing is fetched when a page is read.

`mkdocs build --strict` stops at whatever is logged as a warning here.
"""

from __future__ import annotations

import base64
import html
import io
import json
import logging
import posixpath
import re
import sys
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

from fontTools import subset
from latex2mathml.converter import convert
from mkdocs.structure.files import File

sys.path.insert(0, str(Path(__file__).parent))
import build_house

log = logging.getLogger("mkdocs.hooks")
ROOT = Path(__file__).parents[1]
NOTEBOOKS = ROOT / "notebooks"
FONT = "stylesheets/formulas.woff"
PAGES = {"index.md": "README.md", "contributing.md": "CONTRIBUTING.md", "changelog.md": "CHANGELOG.md"}

CODE = re.compile(r"^([ >]*)(`{3,}|~{3,}).*?^\1\2[`~]*[ ]*$|(?<!`)(`+)(?!`).+?(?<!`)\3(?!`)", re.M | re.S)
LINK = re.compile(r"""(\]\()([^)\s]+)((?:\s+"[^"]*")?\))|(\b(?:src|srcset|href)=")([^"]+)(")""")
FORMULA = re.compile(r'<(span|div) class="arithmatex">(?:\\\((.*?)\\\)|\\\[(.*?)\\\])</\1>', re.S)
INLINE = re.compile(r"\\\((.*?)\\\)")
DISPLAYED = re.compile(r"\A\s*(?:\$\$(.*)\$\$|\\\[(.*)\\\]|\$\\displaystyle(.*)\$|\$(.*)\$)\s*\Z", re.S)
TEXT_IN_MBOX = re.compile(r"\\mbox\{([^{}$]*)\$([^$]*)\$([^{}]*)\}")
ALIGNED = re.compile(r"\\(begin|end)\{(?:aligned|split)\}")
ALPHABETS = {"bold": (0x1D400, 0x1D41A), "bold-italic": (0x1D468, 0x1D482), "sans-serif": (0x1D5A0, 0x1D5BA)}


class Site:
    """What is known while the site is built."""

    def __init__(self):
        self.origins: dict[str, str] = {}  # a page: the file of the repository that it shows
        self.pages: dict[str, str] = {}  # and back
        self.chapters: list[str] = []  # of the course, each with what it is good for
        self.pictures: set[str] = set()  # those of the notebooks
        self.raw: dict[str, str] = {}  # HTML that Markdown is to leave alone
        self.formulas: set[str] = set()  # all letters that stand in formulas: what the font needs


site = Site()


# --- pages


def on_config(config):
    """Write out the entries of the navigation that stand for several files."""
    site.__init__()
    chapters = [f"course/{path.stem}.md" for path in sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))]
    docs = Path(config.docs_dir)
    config.nav = expanded(config.nav, chapters + [path.relative_to(docs).as_posix() for path in docs.rglob("*.md")])
    return config


def expanded(nav, known):
    """Return a navigation in which each pattern has become the files that it fits."""
    if isinstance(nav, dict):
        return {title: expanded(entry, known) for title, entry in nav.items()}
    if not isinstance(nav, list):
        return nav
    entries = []
    for entry in nav:
        if isinstance(entry, str) and "*" in entry:
            entries += sorted(page for page in known if Path(page).match(entry) and page not in nav)
        else:
            entries.append(expanded(entry, known))
    return entries


def on_files(files, config):
    """Add the pages that are made of files outside of docs/."""
    for page, origin in PAGES.items():
        head = "---\nhide: [navigation]\n---\n" if page == "index.md" else ""
        add(files, config, page, head + (ROOT / origin).read_text("utf-8"), origin)
    for file in files.documentation_pages():
        if file.src_uri not in site.origins:
            site.origins[file.src_uri] = f"docs/{file.src_uri}"
    for notebook in sorted(NOTEBOOKS.glob("[0-9]*.ipynb")):
        add_chapter(files, config, notebook)
    site.pages = {origin: page for page, origin in site.origins.items()}
    for file in list(files.documentation_pages()):  # what they link to of the repository's code
        for _, target in links(file.content_string):
            add_source(files, config, resolved(file.src_uri, target))
    site.pages = {origin: page for page, origin in site.origins.items()}
    return files


def add(files, config, uri, content, origin=None):
    files.append(File.generated(config, uri, content=content))
    if origin:
        site.origins[uri] = origin


def add_source(files, config, path):
    """Add a page that shows a file of code."""
    if path is None or path in site.origins.values() or path.startswith("docs/") or not (ROOT / path).is_file():
        return
    language = {".py": "python", ".md": "markdown", ".toml": "toml"}.get(Path(path).suffix, "text")
    text = (ROOT / path).read_text("utf-8").rstrip("\n")
    fence = fence_around(text)
    page = f"---\nsearch:\n  exclude: true\nhide: [toc]\n---\n# {path}\n\n{fence}{language}\n{text}\n{fence}\n"
    add(files, config, f"source/{path}.md", page, path)


# --- links


def links(markdown):
    """Return the links of a page, outside of code, each as the whole match and the target."""
    return [(match[0], match[2] or match[5]) for match in LINK.finditer(CODE.sub("", markdown))]


def resolved(page, target):
    """Return the file of the repository that a link of a page leads to; None for one that leads elsewhere."""
    if re.match(r"[a-z+]+:|//|#", target) or page not in site.origins:
        return None
    path = posixpath.normpath(posixpath.join(posixpath.dirname(site.origins[page]), target.partition("#")[0]))
    return None if path.startswith("..") else path


def on_page_markdown(markdown, page, **_):
    """Let links between files of the repository lead to the site's pages."""
    here = page.file.src_uri
    if here == "course/index.md":
        markdown = markdown.replace("<!-- chapters -->", "\n".join(site.chapters))
    if here == "engine.md":
        markdown = markdown.replace("<!-- rooms -->", "\n".join(build_house.listing()))

    def linked(match):
        before, target, after = match[1] or match[4], match[2] or match[5], match[3] or match[6]
        path = resolved(here, target)
        if path is None:
            return match[0]
        if path in site.pictures:
            return match[0]
        there = site.pages.get(path) or (path.removeprefix("docs/") if path.startswith("docs/") else None)
        if there is None:
            log.warning("%s: a link leads to %s, which is not there", site.origins[here], path)
            return match[0]
        if match[4]:  # HTML, which MkDocs leaves as it is
            there = re.sub(r"\.md$", ".html", there)
        _, hash_, anchor = target.partition("#")
        return f"{before}{posixpath.relpath(there, posixpath.dirname(here) or '.')}{hash_}{anchor}{after}"

    return outside_code(markdown, lambda text: LINK.sub(linked, text))


def outside_code(markdown, change):
    """Return a page with all that is no code changed."""
    parts, end = [], 0
    for match in CODE.finditer(markdown):
        parts += [change(markdown[end : match.start()]), match[0]]
        end = match.end()
    return "".join([*parts, change(markdown[end:])])


# --- the course


def add_chapter(files, config, path):
    """Add a built notebook as a page, with its pictures, and the notebook itself."""
    notebook = json.loads(path.read_text("utf-8"))
    uri = f"course/{path.stem}.md"
    files.append(File.generated(config, f"course/{path.name}", abs_src_path=str(path)))
    parts, pictures = [], 0
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(re.sub(r"<details>", '<details markdown="1">', source))
            continue
        code = f"```python\n{source}\n```"
        folded = cell["metadata"].get("jupyter", {}).get("source_hidden")
        if source:
            parts.append(f'<details markdown="1"><summary>Code</summary>\n\n{code}\n\n</details>' if folded else code)
        for output in cell["outputs"]:
            text, picture = shown(output)
            if picture:
                pictures += 1
                form, content, words = picture
                name = f"course/{path.stem}/{pictures}.{form}"
                files.append(File.generated(config, name, content=content))
                site.pictures.add(f"notebooks/{path.stem}/{pictures}.{form}")
                text = f"![{words or f'Picture {pictures}'}]({path.stem}/{pictures}.{form}){{ .output }}"
            parts.append(text)
    title, _, rest = parts[0].partition("\n")
    first = rest.strip().partition("\n\n")[0]  # what one will be able to do
    site.chapters += [f"**[{title.removeprefix('# ')}]({path.stem}.md)**", "", without_links(first), ""]
    note = f'<p class="notebook">As it was run. <a href="{path.name}" download>Download the notebook</a></p>'
    page = "\n\n".join([title, note, rest.lstrip("\n"), *parts[1:]])
    files.append(File.generated(config, uri, content=page))
    site.origins[uri] = f"notebooks/{path.name}"


def without_links(text):
    """Return text without its links, which lead from where it stands."""
    return re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)


def shown(output):
    """Return an output of a cell as Markdown, and as a picture: its form, its content, its words."""
    if output["output_type"] == "stream":
        return fenced("".join(output["text"])), None
    data = {form: "".join(content) for form, content in output["data"].items()}
    if "text/html" in data:
        return raw(f'<div class="output html">{data["text/html"]}</div>'), None
    words = re.sub(r'[\[\]<>"\n]', " ", data.get("text/plain", "").partition("\n")[0]).strip()
    words = "" if words.startswith("Figure") else words
    if "image/svg+xml" in data:
        return "", ("svg", data["image/svg+xml"], words)
    if "image/png" in data:
        return "", ("png", base64.b64decode(data["image/png"]), words)
    if "text/latex" in data:
        match = DISPLAYED.match(data["text/latex"])
        return raw(f'<div class="output">{mathml(next(filter(None, match.groups())), "block")}</div>'), None
    return fenced(data["text/plain"]), None


def fenced(text):
    fence = fence_around(text)
    return f"{fence} {{ .text .output }}\n{text.rstrip()}\n{fence}"


def fence_around(text):
    """Return a fence longer than any in the text."""
    return "`" * (1 + max(2, *map(len, re.findall("`+", text)), 0))


def raw(text):
    """Keep HTML from Markdown: what stands in its place is exchanged when the page is made."""
    key = f"raw-html-{len(site.raw)}-"
    site.raw[key] = text
    return f"<p>{key}</p>"


# --- formulas


def mathml(tex, display="inline"):
    r"""Return LaTeX as MathML, as far as browsers know MathML.

    >>> mathml(r"\delta'")
    '<math display="inline"><mrow><mrow><mi>δ</mi><mo lspace="0" rspace="0">′</mo></mrow></mrow></math>'
    """
    while TEXT_IN_MBOX.search(tex):  # a formula in a text in a formula
        tex = TEXT_IN_MBOX.sub(r"\\mbox{\1}\2\\mbox{\3}", tex)
    tex = ALIGNED.sub(lambda match: rf"\{match[1]}{{array}}" + "{rlrlrl}" * (match[1] == "begin"), tex)
    done = convert(tex.strip(), display=display).replace(' xmlns="http://www.w3.org/1998/Math/MathML"', "")
    try:
        math = ElementTree.fromstring(done)
    except ElementTree.ParseError as error:
        log.warning("%s, in the formula %s", error, tex)
        return html.escape(tex)
    for element in math.iter():
        settle(element, tex)
    site.formulas |= {letter for letter in "".join(math.itertext())}
    return ElementTree.tostring(math, encoding="unicode")


def settle(element, tex):
    """Say in another way what MathML in browsers leaves out: alphabets, the places in columns; and set a prime once."""
    text = element.text or ""
    if text.startswith("\\"):
        log.warning("%s is unknown, in the formula %s", text, tex)
    if (first := ALPHABETS.get(element.attrib.get("mathvariant"))) and text.isascii() and text.isalpha():
        capital, small = first
        element.text = "".join(chr(ord(c) - 65 + capital if c < "a" else ord(c) - 97 + small) for c in text)
        del element.attrib["mathvariant"]
    if element.tag == "mover" and len(element[1].text or "") == 1:  # a bar, a dot, a hat: close, and not made small
        element.attrib["accent"] = "true"
    if element.tag == "msup" and element[1].text == "′":  # which the font has raised already
        element.tag, element[1].tag = "mrow", "mo"
        element[1].attrib.update(lspace="0", rspace="0")
    if element.tag in ("msup", "msub", "msubsup") and element[0].tag == "mo":  # a bracket: as tall as its partner
        bracket = ElementTree.Element("mrow")
        bracket.extend([element[0], ElementTree.Element("mi")])  # with something beside it, it is set by itself
        element[0] = bracket
    if element.tag in ("math", "mrow", "mstyle"):  # TeX's thin spaces around the names of functions
        for before, child, after in zip([None, *element], list(element), [*element[1:], None], strict=False):
            if child.tag == "mi" and (child.text or "").isalpha() and len(child.text) > 1:
                child.tag = "mo"
                child.attrib["lspace"] = "0" if before is None or before.tag == "mo" else "0.17em"
                child.attrib["rspace"] = "0" if after is None or after.tag == "mo" else "0.17em"
    if element.tag == "mo" and text in ("‖", "|", "∣"):
        element.attrib.setdefault("stretchy", "false")  # else the one with an exponent stays smaller than the other
    if element.tag == "mtable":
        lines = element.attrib.pop("rowlines", "").split()
        for i, row in enumerate(element):
            for cell in row:
                style = [f"text-align:{cell.attrib.pop('columnalign')}"] if "columnalign" in cell.attrib else []
                style += ["border-bottom:1px solid"] if i < len(lines) and lines[i] == "solid" else []
                if style:
                    cell.attrib["style"] = ";".join(style)


def on_page_content(content, page, **_):
    """Set formulas, and what was kept from Markdown."""

    def formula(match):
        tex = html.unescape(match[2] or match[3])
        return mathml(tex, "inline" if match[2] else "block")

    def in_contents(items):
        for item in items:
            item.title = INLINE.sub(lambda match: mathml(html.unescape(match[1])), item.title)
            in_contents(item.children)

    in_contents(page.toc)
    content = FORMULA.sub(formula, content)
    return re.sub(r"<p>(raw-html-\d+-)</p>", lambda match: site.raw[match[1]], content)


def on_post_build(config):
    """Write the font of the formulas, with the letters that they need."""
    options = subset.Options(flavor="woff", layout_features=["*"], notdef_outline=True, name_IDs=["*"])
    (package,) = find_spec("ziamath").submodule_search_locations  # not imported: all that is wanted is its font
    font = subset.load_font(f"{package}/fonts/STIXTwoMath-Regular.ttf", options)
    letters = subset.Subsetter(options)
    letters.populate(text="".join({*site.formulas, *map(italic, site.formulas)}) + "0123456789()[]{}|+-=−·∑∏∫√")
    letters.subset(font)
    narrow(font, "√")
    file = io.BytesIO()
    subset.save_font(font, file, options)
    (Path(config.site_dir) / FONT).write_bytes(file.getvalue())


def narrow(font, letter):
    """Make the tall forms of a letter as wide as the letter: Chromium leaves room for the widest, whichever it sets."""
    name = font.getBestCmap()[ord(letter)]
    variants = font["MATH"].table.MathVariants
    forms = variants.VertGlyphConstruction[variants.VertGlyphCoverage.glyphs.index(name)]
    tall = {record.VariantGlyph for record in forms.MathGlyphVariantRecord}
    tall |= {part.glyph for part in forms.GlyphAssembly.PartRecords}
    width = font["hmtx"][name][0]
    for form in sorted(tall - {name}):
        advance, bearing = font["hmtx"][form]
        font["glyf"][form].coordinates.scale((width / advance, 1))
        font["glyf"][form].coordinates.toInt()
        font["glyf"][form].recalcBounds(font["glyf"])
        font["hmtx"][form] = (width, round(bearing * width / advance))


def italic(letter):
    """Return the letter of mathematics that a browser sets for a variable of one letter."""
    if letter == "h":
        return "ℎ"
    if "a" <= letter <= "z":
        return chr(0x1D44E + ord(letter) - ord("a"))
    if "A" <= letter <= "Z":
        return chr(0x1D434 + ord(letter) - ord("A"))
    if "α" <= letter <= "ω":
        return chr(0x1D6FC + ord(letter) - ord("α"))
    if "Α" <= letter <= "Ω":
        return chr(0x1D6E2 + ord(letter) - ord("Α"))
    return {"∂": "𝜕", "ϵ": "𝜖", "ϑ": "𝜗", "ϕ": "𝜙", "ϱ": "𝜚"}.get(letter, letter)
