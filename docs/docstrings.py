"""How docstrings, written for help() and for readers of the code, become Markdown for the reference pages.

Formulas are marked by reStructuredText's ``.. math::`` and ``:math:``; a public name in `single quotes` becomes a link.
"""

from __future__ import annotations

import re
import textwrap
from types import FunctionType, ModuleType
from typing import Any

import griffe

import autograd_mini
import nn

MATH = re.compile(r"^( *)\.\. math::[ ]*(.*)\n((?:(?:\1[ ]+.*)?\n)*)", re.M)
TOGETHER = re.compile(r"^( *)(\w+(?:, \*{0,2}\w+)+)\n((?:\1 +.*\n|\n(?=\1 ))+)", re.M)
INLINE = re.compile(r":math:`([^`]+)`")
QUOTED = re.compile(r"(?<![`\w:.])`([A-Za-z_][\w.]*)(?:\(\))?`(?![`_])")
PACKAGES = {"ag": autograd_mini, "autograd_mini": autograd_mini, "nn": nn}
LOADED_LATER = {"nn": ("MLPClassifier", "MLPRegressor")}


def markdown(text: str, within: str, own: frozenset[str] = frozenset()) -> str:
    r"""Return a docstring of a module with its formulas between dollars, and its public names as links, but its `own`.

    >>> markdown("See `grad`; :math:`x^2`.\n\n.. math:: y =\n    z\n", "autograd_mini")
    'See [`grad`][autograd_mini.grad]; $x^2$.\n\n$$\ny =\nz\n$$\n'
    """
    text = TOGETHER.sub(each_alone, text)
    text = INLINE.sub(lambda match: f"${match[1]}$", MATH.sub(displayed, text + "\n"))
    done, section, example = [], "", False
    lines = text.split("\n")
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        indent = line[: len(line) - len(line.lstrip())]
        if line.strip() and re.fullmatch(r" *-{3,}", below):
            section = line.strip()
        prompt = line.lstrip().startswith(">>>")
        edge = (prompt and not example) or (example and not line.strip())
        if edge and section != "Examples":  # where griffe finds them
            done += ["", f"{indent}```pycon"] if prompt else [f"{indent}```", ""]
        example = prompt or bool(example and line.strip())
        done.append(line if example else QUOTED.sub(lambda match: linked(match, within, own), line))
    return "\n".join(done).removesuffix("\n")


def each_alone(match: re.Match[str]) -> str:
    """Return parameters that are described together one after the other: else all take the type of the first."""
    indent, names, words = match.groups()
    return "".join(f"{indent}{name}\n{words}" for name in names.split(", "))


def displayed(match: re.Match[str]) -> str:
    """Return the formulas of a ``.. math::``, one for each of its paragraphs."""
    indent, first, rest = match.groups()
    block = f"{first}\n{textwrap.dedent(rest)}".strip("\n")
    formulas = [part.strip() for part in re.split(r"\n\s*\n", block)]
    return "\n".join(f"{indent}$$\n{textwrap.indent(formula, indent)}\n{indent}$$\n" for formula in formulas) + "\n"


def linked(match: re.Match[str], within: str, own: frozenset[str]) -> str:
    """Return a quoted name as a link to where it is described; as it stands, if it is a parameter or not public."""
    first, _, rest = match[1].partition(".")
    if first in own:
        return match[0]
    package, _, path = within.partition(".")
    nearer = dict(public(PACKAGES[package])).get(path.partition(".")[0])
    if first in PACKAGES and rest:
        homes, name = [PACKAGES[first]], rest
    else:  # that of a public module, such as nn.delta, goes before that of the package
        homes, name = [nearer, PACKAGES[package]], match[1]
    for home in homes:
        if isinstance(home, ModuleType) and name in getattr(home, "__all__", ()):
            if home in PACKAGES.values() or isinstance(getattr(home, name), (type, FunctionType)):
                return f"[`{match[1]}`][{home.__name__}.{name}]"
    return match[0]


class Docstrings(griffe.Extension):
    """Rewrites each docstring as it is read, and puts public names where users find them."""

    def __init__(self) -> None:
        self.done: set[int] = set()  # each is rewritten once

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite the docstring of an object."""
        if obj.docstring and id(obj.docstring) not in self.done:
            self.done.add(id(obj.docstring))
            own = frozenset(parameter.name for parameter in getattr(obj, "parameters", ())) | {obj.name}
            obj.docstring.value = markdown(obj.docstring.value, obj.module.path, own)

    def below(self, obj: griffe.Object) -> None:
        """Rewrite the docstrings of an object and of all in it."""
        self.on_object(obj=obj)
        for member in obj.members.values():
            if not member.is_alias:
                self.below(member)

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        """Put each public name where users find it: `nn.compare` is a function, though it lies in a file compare.py."""
        if pkg.path not in PACKAGES:
            return
        homes = [(pkg, PACKAGES[pkg.path])]
        homes += [(pkg[name], value) for name, value in public(PACKAGES[pkg.path]) if isinstance(value, ModuleType)]
        found = []
        for home, module in homes:
            for name, value in public(module):
                place = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
                if isinstance(value, ModuleType) or None in place or not place[0].startswith(f"{pkg.path}."):
                    continue
                there = pkg
                for part in place[0].split(".")[1:]:
                    there = there.members[part]
                found.append((home, name, there.members[place[1]]))
        for home, name, target in found:
            if target.parent is not home:
                self.below(target)  # what stands behind a name of its own is not come across any more
                home.members[name] = griffe.Alias(name, target, parent=home)


def public(module: ModuleType) -> list[tuple[str, Any]]:
    """Return the public names of a module, and what they are."""
    names = [*getattr(module, "__all__", ()), *LOADED_LATER.get(module.__name__, ())]
    return [(name, getattr(module, name)) for name in names]
