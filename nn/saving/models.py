"""save and load: a model as one file, with what it is made of, and without a pickle.

The parameters and buffers stand in it under PyTorch's names, in PyTorch's layout, so that they go there and come from
there as they are. Beside them stands a description: the layers' classes, by name, and their arguments. A name means one
of nn's own layers, or one of the classes that the caller passes; nothing is imported, and nothing executed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any

import autograd_mini as ag

from .. import init
from ..checks import shown
from ..layers.containers import Sequential
from ..layers.mlp import MLP
from ..module import Buffer, Module, Parameter
from . import archive
from .archive import INFLATED, FileError
from .sizes import size_of
from .untrusted import AGAIN

__all__ = ["load", "load_metadata", "save"]

VERSION = 1  # of the description of a model
PLACES = 2**16  # a model may hold as many modules, counted under each of their names
DEPTH = 64  # and as many inside each other
PASS = "Pass the model that it belongs to: nn.load(path, model=model)."


def save(model: Module, path: Any, metadata: Mapping[str, Any] | None = None) -> None:
    """Write a model into one file: its parameters and buffers, and how it is built.

    The file is replaced at once, or left as it was. Modules and parameters that are shared stay shared, frozen
    ones frozen; each module's mode (training or evaluation) is kept, and the names of parameters. The states of random
    generators are not.

    Parameters
    ----------
    model : Module
        Made of nn's layers; or of a class of your own, which `load` builds if it has a `config`, and fills otherwise.
    path : str or os.PathLike
        Ends in ``.npz`` or ``.safetensors``; the second needs the extra ``safetensors``.
    metadata : dict, optional
        Of yours, to be read with `load_metadata`: dicts, lists, tuples, arrays, numbers, text, True, False, None.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as above.
    ImportError
        If the name ends in ``.safetensors``, and that library is not installed.
    OSError
        If the system cannot write the file.

    Examples
    --------
    >>> import os, tempfile, numpy as np, nn
    >>> path = os.path.join(tempfile.mkdtemp(), "model.npz")
    >>> model = nn.MLP([2, 3, 1], "tanh", rng=0)
    >>> nn.save(model, path, metadata={"inputs": ["x", "y"]})
    >>> x = np.ones((1, 2))
    >>> bool((nn.load(path)(x) == model(x)).numpy().all())
    True
    """
    _check_model("save", model)
    if metadata is not None and not isinstance(metadata, Mapping):
        raise TypeError(f"save: metadata is {shown(metadata)}, but must be a dict, such as {{'inputs': ['x', 'y']}}.")
    members: dict[int, tuple[Parameter | Buffer, list[str]]] = {}
    state = {}
    for name, leaf in _leaves(model):
        members.setdefault(id(leaf), (leaf, []))[1].append(name)
        state[name] = leaf.numpy()
    description, arrays = _described(model, state)
    extra, packed = archive.pack(dict(metadata or {}), "#metadata", taken=state.keys())
    content = {
        "version": VERSION,
        "package": ag.__version__,
        "class": type(model).__name__,
        **description,
        "leaves": [
            {"names": names, "trained": bool(leaf.requires_grad), "label": leaf.name}
            for leaf, names in members.values()
        ],
        "training": {name: bool(module.training) for name, module in model.named_modules()},
    }
    archive.write(path, state | arrays | extra, {"model": content, "metadata": packed})


def _described(model: Module, state: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return how a model is built, as JSON and arrays: a list of modules, each after those that it is made of."""
    known = _classes(())
    modules: list[dict[str, Any]] = []
    places: dict[int, int] = {}
    arrays: dict[str, Any] = {}
    why: list[str] = []
    others: dict[str, type[Module]] = {}
    extents: dict[int, tuple[int, int]] = {}

    def describe(module: Any) -> Any:
        if not isinstance(module, Module):
            return None
        if id(module) not in places:
            cls, config = type(module), module.config()
            own = known.get(cls.__name__) is cls
            if type(module) is MLP and not _as_made(module, config):
                cls, config = Sequential, {"layers": list(module.layers)}
            prefix, taken = f"#config.{len(modules)}", state.keys() | arrays.keys()
            held, packed = archive.pack(config, prefix, taken=taken, special=describe)
            parts = [part for part in _modules_in(config) if part is not module]
            if not own and others.setdefault(cls.__name__, cls) is not cls:
                why.append(f"two of its classes are called {cls.__name__}")
            if own and _elements(module, parts) != size_of(cls.__name__, config):
                why.append(f"the {cls.__name__} holds other parameters than its arguments give it")
            extents[id(module)] = extent = _extent([extents[id(part)] for part in parts])
            if extent[0] > PLACES or extent[1] > DEPTH:
                why.append(f"it holds {extent[0]:,} modules, {extent[1]} inside each other, and would not be built")
            arrays.update(held)
            places[id(module)] = len(modules)
            modules.append({"class": cls.__name__, "own": own, "config": packed})
        return places[id(module)]

    try:
        describe(model)
    except (TypeError, ValueError, RecursionError) as error:  # a class of the user's, which need not be described
        why.append(str(error))
    if why:
        return {"modules": None, "why": why[0]}, {}
    return {"modules": modules}, arrays


def _extent(parts: list[tuple[int, int]]) -> tuple[int, int]:
    """Return how many modules a module is, under each of their names, and how many of them are inside each other."""
    return 1 + sum(places for places, _ in parts), 1 + max((depth for _, depth in parts), default=0)


def _as_made(model: MLP, config: dict[str, Any]) -> bool:
    """Return whether a model still has the layers that it made: one may have been replaced, or given another rate."""
    twin = MLP(**config, initializer=init.zeros)
    layers, made = ([(type(layer), archive.pack(layer.config())[1]) for layer in m.layers] for m in (model, twin))
    return layers == made


def _elements(module: Module, described: list[Module]) -> int:
    """Return how many elements a module has beside those of parts that are described on their own."""
    inside = {id(leaf) for part in described for _, leaf in _leaves(part)}
    return sum(int(leaf.size) for _, leaf in _leaves(module) if id(leaf) not in inside)


def _modules_in(value: Any) -> list[Module]:
    """Return the modules that an argument holds."""
    if isinstance(value, Module):
        return [value]
    values = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    return [module for inner in values for module in _modules_in(inner)]


def _leaves(module: Module) -> list[tuple[str, Parameter | Buffer]]:
    """Return parameters and buffers under each of their names, in the order of the state_dict."""
    return list(module._leaves(once=False))


def _check_model(where: str, model: Any) -> None:
    if not isinstance(model, Module):
        raise TypeError(f"{where}: model is {shown(model)}, but must be a Module, such as nn.MLP([64, 32, 10]).")


def _classes(classes: Iterable[type[Module]]) -> dict[str, type[Module]]:
    """Return the classes that a file may name: those passed; if none are, nn's public ones."""
    if classes:
        return {cls.__name__: cls for cls in classes}
    package = sys.modules[(__package__ or "nn.saving").rpartition(".")[0]]
    public = {name: vars(package).get(name) for name in package.__all__}  # what is loaded lazily is no layer
    return {
        name: value
        for name, value in public.items()
        if isinstance(value, type) and issubclass(value, Module) and value is not Module
    }


def load(path: Any, model: Module | None = None, classes: Any = ()) -> Module:
    """Return the model of a file that `save` wrote; or fill a given one, also from a state dict of PyTorch's.

    Parameters
    ----------
    path : str or os.PathLike
        Ends in ``.npz`` or ``.safetensors``.
    model : Module, optional
        Takes the values, in its own dtypes, and is returned; on an error it is left unchanged. The file may then be by
        others: arrays under the names of its `state_dict`.
    classes : list of Module classes, optional
        Of your own, which the file may name; each has a `config`.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    FileError
        If the file is damaged, of another kind, of a newer version, or does not fit; it says which.
    TypeError, ValueError
        If an argument is not as above.

    Examples
    --------
    >>> import os, tempfile, nn
    >>> path = os.path.join(tempfile.mkdtemp(), "model.npz")
    >>> nn.save(nn.Sequential(nn.Linear(3, 2, rng=0), nn.Tanh()), path)
    >>> nn.load(path)
    Sequential(
      (0): Linear(3 -> 2)
      (1): Tanh()
    )
    >>> other = nn.Sequential(nn.Linear(3, 2, rng=1), nn.Tanh())
    >>> nn.load(path, model=other) is other
    True
    """
    if model is not None:
        _check_model("load", model)
    classes = [classes] if isinstance(classes, type) else list(classes)
    for cls in classes:
        if not isinstance(cls, type) or not issubclass(cls, Module):
            raise TypeError(f"load: classes holds {shown(cls)}, but must list classes of modules: classes=[MyNet].")
    room = 0 if model is None else 16 * sum(int(leaf.size) for _, leaf in _leaves(model))
    arrays, meta = archive.read(path, INFLATED + room)
    content = _content(path, meta)
    if content is None:
        state = arrays
        _need(path, model is not None, "it holds arrays, but not what model they belong to", PASS)
    else:
        names = [name for leaf in content["leaves"] for name in leaf["names"]]
        missing = [name for name in names if name not in arrays]
        _need(path, not missing, f"the array {missing[:1]} is missing")
        state = {name: arrays[name] for name in names}
    if model is None:
        assert content is not None
        model = _built(path, content, arrays, state, classes)
    try:
        model.load_state_dict(state)
    except (KeyError, TypeError, ValueError) as error:
        text = str(error.args[0]).removeprefix("load_state_dict: ")
        raise FileError(f"The file {os.fsdecode(path)} does not fit this model: {text}") from error
    return model


def load_metadata(path: Any) -> dict[str, Any]:
    """Return the metadata that were passed to `save`; of a file without any, an empty dict.

    Examples
    --------
    >>> import os, tempfile, nn
    >>> path = os.path.join(tempfile.mkdtemp(), "model.npz")
    >>> nn.save(nn.Linear(2, 1, rng=0), path, metadata={"mean": 0.5, "range": (0, 1)})
    >>> nn.load_metadata(path)
    {'mean': 0.5, 'range': (0, 1)}
    """
    arrays, meta = archive.read(path)
    if _content(path, meta) is None:
        return {}
    found = _unpacked(path, arrays, meta.get("metadata"))
    _need(path, isinstance(found, dict), "its metadata are not a dict")
    return dict(found)


def _need(path: Any, ok: Any, what: str, fix: str = AGAIN) -> None:
    if not ok:
        raise FileError(f"The file {os.fsdecode(path)} cannot be loaded: {what}. {fix}")


def _content(path: Any, meta: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the description of a model, its form checked; None of a file by others."""
    if not meta:
        return None
    found = meta.get("model")
    _need(path, isinstance(found, dict), "it is an archive of something else than a model", PASS)
    content: dict[str, Any] = found or {}
    version = content.get("version")
    _need(path, type(version) is int, "its description of the model has no version")
    newer = f"autograd_mini {str(content.get('package'))[:20]} wrote it, in a newer form than {ag.__version__} knows"
    _need(path, version is not None and version <= VERSION, newer, "Install a newer autograd_mini.")
    broken = "its description of the model is not as it should be"
    leaves, modes, modules = (content.get(key) for key in ("leaves", "training", "modules"))
    _need(path, isinstance(leaves, list) and isinstance(modes, dict), broken)
    for leaf in leaves or []:
        _need(path, isinstance(leaf, dict) and leaf.keys() == {"names", "trained", "label"}, broken)
        names = leaf["names"]
        _need(path, isinstance(names, list) and names and all(isinstance(n, str) for n in names), broken)
        _need(path, isinstance(leaf["trained"], bool) and isinstance(leaf["label"], (str, type(None))), broken)
    _need(path, modules is None or (isinstance(modules, list) and modules), broken)
    for entry in modules or []:
        _need(path, isinstance(entry, dict) and entry.keys() == {"class", "own", "config"}, broken)
        _need(path, isinstance(entry["class"], str), broken)
    return content


def _unpacked(path: Any, arrays: Mapping[str, Any], packed: Any, special: Any = None) -> Any:
    try:
        return archive.unpack(arrays, packed, special=special)
    except FileError as error:
        raise FileError(f"The file {os.fsdecode(path)} cannot be loaded: {error}") from error


def _built(
    path: Any,
    content: Mapping[str, Any],
    arrays: Mapping[str, Any],
    state: Mapping[str, Any],
    classes: list[type[Module]],
) -> Module:
    """Return a model of a description, with its parameters shared and frozen as they were."""
    name = str(content.get("class"))[:40]
    why = str(content.get("why"))[:300]
    _need(path, content.get("modules"), f"it holds the state of a {name}, but not how one is built ({why})", PASS)
    own, passed = _classes(()), _classes(classes) if classes else {}
    left = sum(array.size for array in state.values())
    built: list[tuple[Module, tuple[int, int]]] = []  # each with the number of its places, and how deep it goes
    for entry in content["modules"]:
        name = entry["class"][:40]
        cls = (own if entry["own"] is True else passed).get(entry["class"])
        advice = f"Pass it: nn.load(path, classes=[{name}]); or pass the model: nn.load(path, model=model)."
        if entry["own"] is True:
            advice = "Install the version of autograd_mini that wrote the file."
        _need(path, cls is not None, f"it needs a class {name!r}, which is not known here", advice)
        parts: list[tuple[Module, tuple[int, int]]] = []

        def part(number: Any, parts: list[Any] = parts) -> Module:
            known = type(number) is int and 0 <= number < len(built)
            _need(path, known, "its description of the model goes round in a circle, or outside")
            found: tuple[Module, tuple[int, int]] = built[number]
            parts.append(found)
            return found[0]

        config = _unpacked(path, arrays, entry["config"], part)
        _need(path, isinstance(config, dict), f"the arguments of {name} are not a dict")
        places, depth = extent = _extent([extent for _, extent in parts])
        nested = (
            f"it describes {places:,} modules, {depth} inside each other, and a model may hold {PLACES:,} and {DEPTH}"
        )
        _need(path, places <= PLACES and depth <= DEPTH, nested)
        assert cls is not None
        kind = next((base for base in cls.__mro__ if own.get(base.__name__) is base), None)
        if kind is not None and cls.__init__ is kind.__init__:
            left -= _size(path, kind.__name__, config)
            _need(path, left >= 0, f"its {name} has more elements than the file has numbers for them")
        built.append((_made(path, cls, config, entry["own"] is True), extent))
    model = built[-1][0]
    _join(path, model, content["leaves"], state)
    for name, module in model.named_modules():
        module.training = content["training"].get(name) is not False
    return model


def _size(path: Any, name: str, config: Mapping[str, Any]) -> int:
    """Return how many elements a layer of nn's would have."""
    size = 0
    try:
        size = size_of(name, config)
    except (KeyError, TypeError):
        size = -1
    _need(path, size >= 0, f"the arguments of {name} are not those of a layer")
    return size


def _made(path: Any, cls: type[Module], config: dict[str, Any], own: bool) -> Module:
    try:
        made: Module = cls.from_config(config)
        return made
    except Exception as error:
        where = f"The file {os.fsdecode(path)} holds arguments that {cls.__name__} does not take"
        if not own:  # it is the user's code that failed, and its own error that says why
            error.add_note(f"{where}: {cls.__name__}.from_config was called with those that config() had returned.")
            raise
        raise FileError(f"{where}: {str(error).rstrip('.')}.") from error


def _join(path: Any, model: Module, leaves: list[dict[str, Any]], state: Mapping[str, Any]) -> None:
    """Share parameters as they were shared, in their dtypes; freeze and name them as they were."""
    found: dict[str, Any] = dict(_leaves(model))
    for leaf in leaves:
        first, *others = leaf["names"]
        for name in leaf["names"]:
            _need(path, name in found, f"it describes a model that has no {name[:60]}")
        member = found[first]
        if (
            state[first].dtype != member.dtype
            and state[first].dtype.kind in "fc"
            and state[first].shape == member.shape
        ):
            member = type(member)(state[first])
            _put(path, model, first, member)
        for name in others:
            if found[name] is not found[first] or member is not found[first]:
                _put(path, model, name, member)
        member.name = leaf["label"]
        if isinstance(member, Parameter):
            member.requires_grad = leaf["trained"]


def _put(path: Any, model: Module, name: str, member: Any) -> None:
    """Replace the parameter or buffer of this name: an attribute, or what a list or dict in one holds."""
    owner: Any = model
    rest = name
    while True:  # into the part whose name the name begins with
        inner = [(part, child) for part, child in owner.children() if rest.startswith(part + ".")]
        if not inner:
            break
        part, owner = inner[0]
        rest = rest[len(part) + 1 :]
    attribute, *keys = rest.split(".")
    if not keys:
        setattr(owner, attribute, member)
        return
    holder = getattr(owner, attribute, None)
    for key in keys[:-1]:
        holder = holder[int(key)] if isinstance(holder, list) else (holder or {}).get(key)
    _need(
        path, isinstance(holder, (list, dict)), f"{name} is shared, and stands in a tuple, where it has no place", PASS
    )
    assert holder is not None
    holder[int(keys[-1]) if isinstance(holder, list) else keys[-1]] = member
