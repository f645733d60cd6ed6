"""Log: a training's epochs as lines of JSON, the same lines whether it was interrupted or not."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..saving import archive
from ..training import Callback, Run

__all__ = ["Log", "Same", "plain"]


class Log(Callback):
    """Writes a line when a training begins, after each epoch, and at its end; of a resumed one it goes on.

    Parameters
    ----------
    path : Path
        The file, which is written anew unless the training is resumed.
    begin : dict
        What to say of the training at its beginning.
    """

    def __init__(self, path: Path, begin: Mapping[str, Any]) -> None:
        self.path, self.begin = path, dict(begin)

    def on_train_begin(self, run: Run) -> None:
        """Keep what was logged of the epochs that are over; drop what was logged after the checkpoint."""
        kept = []
        if run.history.epochs and self.path.exists():
            kept = [line for line in self.path.read_text("utf-8").splitlines() if _known(line, run.history.epochs)]
        lines = kept or [_line({"event": "begin", **self.begin})]
        self.path.write_text("".join(f"{line}\n" for line in lines), "utf-8")

    def on_epoch_end(self, run: Run) -> None:
        """Write the latest epoch."""
        history = run.history
        norms = {name: values[-1] for name, values in history.gradient_norms.items()}
        self.write({"event": "epoch", **history.rows()[-1], "gradient_norms": norms})

    def write(self, content: Mapping[str, Any]) -> None:
        """Add a line."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(_line(content) + "\n")


class Same(Callback):
    """Refuses to resume a training with other options, or on another file, than those with which it was begun.

    Parameters
    ----------
    options : dict
        By the names that the user knows.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = plain(dict(options))

    def state_dict(self) -> dict[str, Any]:
        """Return the options."""
        return {"options": self.options}

    def check(self, checkpoint: Path) -> None:
        """Compare the options with those of a checkpoint, before `fit` does so by names that the user does not know.

        Raises
        ------
        FileError
            If the file is damaged.
        ValueError
            If an option is another.
        """
        for state in archive.unpack(*archive.read(checkpoint)).get("callbacks", ()):
            if "options" in state:
                self.load_state_dict(state)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Compare the options with those of the checkpoint.

        Raises
        ------
        ValueError
            If one of them is another.
        """
        then = state["options"]
        for name in [*self.options, *then]:
            now, was = self.options.get(name), then.get(name)
            if now != was:
                raise ValueError(
                    f"The training to be resumed was begun with {name} {_shown(was)}, and now it is {_shown(now)}. "
                    "Give what was given then, or choose another folder with --out."
                )


def plain(value: Any) -> Any:
    """Return a value as JSON has it; what is no finite number as text."""
    if isinstance(value, Mapping):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    if isinstance(value, (str, bool, int, type(None))):
        return value
    number = float(value)
    return number if math.isfinite(number) else str(number)


def _line(content: Mapping[str, Any]) -> str:
    return json.dumps(plain(content), ensure_ascii=False)


def _known(line: str, epochs: int) -> bool:
    """Return whether a line is of the beginning, or of one of the first epochs."""
    try:
        content = json.loads(line)
    except ValueError:
        return False  # the last one, if the power failed
    return isinstance(content, dict) and (content.get("event") == "begin" or 0 < content.get("epoch", 0) <= epochs)


def _shown(value: Any) -> str:
    if value in (None, "", []):
        return "nothing"
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
