"""The images: those of Debian's package, or downloaded from where their authors publish them; or made up.

H. Xiao, K. Rasul and R. Vollgraf, Fashion-MNIST: a novel image dataset for benchmarking machine learning algorithms,
arXiv:1708.07747, 2017; https://github.com/zalandoresearch/fashion-mnist, MIT.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import http.client
import os
import secrets
import shutil
import zlib
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.request import urlopen

import numpy as np

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
ADDRESS = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
MD5 = {  # as the authors publish them; Debian's files are compressed anew
    "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
    "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
    "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
}
PIXELS, CLASSES = 784, 10


class DataError(Exception):
    """The data are not to be had, or are not what they should be."""


class Images(NamedTuple):
    """Images as rows of float32 numbers from 0 to 1, and labels, to train on and to test with."""

    X: Any
    y: Any
    X_test: Any
    y_test: Any


def home() -> Path:
    """Return where downloads are kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "autograd-mini" / "fashion-mnist"


def load(folder: Path | None = None) -> Images:
    """Return Fashion-MNIST: from a folder, from Debian's package, or downloaded once.

    Raises
    ------
    DataError
        If a file is missing and cannot be downloaded, or holds something else.
    """
    if folder is None:
        folder = DEBIAN if all((DEBIAN / name).exists() for name in MD5) else home()
    arrays = [idx(download(name, folder)) for name in MD5]
    X, y, X_test, y_test = arrays
    shapes = [a.shape for a in arrays]
    if shapes != [(60_000, 28, 28), (60_000,), (10_000, 28, 28), (10_000,)]:
        raise DataError(f"{folder}: the arrays have the shapes {shapes}, which are not those of Fashion-MNIST.")
    return Images(pixels(X), y.astype(np.int64), pixels(X_test), y_test.astype(np.int64))


def pixels(images: Any) -> Any:
    """Return images as rows from 0 to 1."""
    return images.reshape(len(images), -1).astype(np.float32) / np.float32(255)


def made_up(train: int = 3000, test: int = 500) -> Images:
    """Return images that nobody has to download: ten pictures at random, and much noise over them."""
    rng = np.random.default_rng(0)
    pictures = rng.random((CLASSES, PIXELS), dtype=np.float32)
    labels = rng.integers(CLASSES, size=train + test)
    X = (pictures[labels] + 3 * rng.random((train + test, PIXELS), dtype=np.float32)) / 4
    return Images(X[:train], labels[:train], X[train:], labels[train:])


def idx(path: Path) -> Any:
    """Return the array of a gzipped IDX file of bytes.

    Raises
    ------
    DataError
        If it is something else, or not all of it is there.
    """
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {error}. Remove it, and it is downloaded again.") from None
    axes = content[3] if len(content) > 3 and content[:3] == b"\0\0\x08" else 0
    shape = tuple(np.frombuffer(content[4 : 4 + 4 * axes], ">u4").tolist())
    if not axes or len(content) != 4 + 4 * axes + int(np.prod(shape)):
        raise DataError(f"{path} is no IDX file of bytes, or not all of it. Remove it, and it is downloaded again.")
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape)


def download(name: str, folder: Path, address: str = ADDRESS) -> Path:
    """Return a file of the folder; one that is not there is downloaded under another name, checked, and renamed.

    Raises
    ------
    DataError
        If that fails: nothing is left behind then, nor if it is interrupted.
    """
    target = folder / name
    if target.exists():
        return target
    fix = "Try again, or install Debian's package dataset-fashion-mnist."
    part = target.with_name(f".{name}.{secrets.token_hex(8)}.part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with urlopen(address + name, timeout=60) as answer, part.open("xb") as file:
            shutil.copyfileobj(answer, file)
        found = hashlib.md5(part.read_bytes(), usedforsecurity=False).hexdigest()
        if found != MD5[name]:
            raise DataError(f"{address}{name} came with the MD5 {found}, but must have {MD5[name]}. {fix}")
        part.replace(target)
    except (OSError, http.client.HTTPException) as error:
        if isinstance(error, HTTPError):
            error.close()
        raise DataError(f"{address}{name} could not be downloaded to {folder}: {error}. {fix}") from None
    finally:
        with contextlib.suppress(OSError):
            part.unlink()
    return target
