"""Put what the experiments find into docs/claims.md, which is written by hand otherwise.

python docs/build_claims.py              run all that the page names, with default arguments
python docs/build_claims.py stopping     run this one only
python docs/build_claims.py --links      run none, and link the chapters that there are
"""

from __future__ import annotations

import re
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import nn
from docs.pages import publish

PAGE, WIDTH = Path(__file__).with_name("claims.md"), 138
BLOCK = re.compile(r"(<!-- measured: (\w+) -->\n).*?(<!-- end -->)", re.S)


def measured(name: str, claim: str) -> str:
    """Return what an experiment finds, as a quotation; raise unless it is about the claim."""
    found = getattr(nn.experiments, name)()
    if claim not in found.claims:
        raise SystemExit(f"{name} is about {', '.join(found.claims)}, but stands under {claim}.")
    text = textwrap.fill(f"**Measured** by `nn.experiments.{name}()`: {found.finding}", WIDTH, break_on_hyphens=False)
    return textwrap.indent(text, "> ")


def linked(text: str) -> str:
    """Return the page with a link at each chapter of the course that there is: in its list, and under **Course**."""
    for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")):
        number, link = int(path.name[:2]), f"../notebooks/{path.name}"
        text = re.sub(rf"^({number}\. )(\w.*)$", rf"\1[\2]({link})", text, flags=re.M)

        def named(bullet: re.Match[str], number: int = number, link: str = link) -> str:
            parts = re.split(r"(\[[^]]*\]\([^)]*\))", bullet[0])  # what is linked, at odd places
            parts[::2] = [re.sub(rf"\b{number}\b", f"[{number}]({link})", part) for part in parts[::2]]
            return "".join(parts)

        text = re.sub(r"^- \*\*Course\.\*\* .*$", named, text, flags=re.M)
    return text


def main(names: list[str]) -> None:
    text = linked(PAGE.read_text("utf-8"))
    known = [block[2] for block in BLOCK.finditer(text)]
    if unknown := set(names) - {*known, "--links"}:
        raise SystemExit(f"docs/claims.md names no experiment {', '.join(unknown)}: it has {', '.join(known)}.")

    def fill(block: re.Match[str]) -> str:
        if names and block[2] not in names:
            return block[0]
        claim = re.findall(r"^### ([YMR]\d+):", text[: block.start()], re.M)[-1]
        return f"{block[1]}{measured(block[2], claim)}\n{block[3]}"

    publish(PAGE, BLOCK.sub(fill, text).splitlines(), "python docs/build_claims.py", check=False)


if __name__ == "__main__":
    main(sys.argv[1:])
