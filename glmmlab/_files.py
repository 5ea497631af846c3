"""Files that a crash cannot leave half written, and JSON in which every float survives.

JSON has no NaN and no infinity: they are written as the texts ``"NaN"``, ``"Infinity"`` and
``"-Infinity"`` among numbers.  All other floats are written in the shortest form that reads back
to the same bits.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from glmmlab._types import AnyArray
from glmmlab.errors import SavedFileError

_SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def _named(path: str | os.PathLike[str]) -> Path:
    if not isinstance(path, (str, os.PathLike)):
        raise SavedFileError(f"{path!r} is no name of a file: a string or a Path is needed.")
    return Path(path)


def write_atomically(path: str | os.PathLike[str], text: str) -> None:
    """Write a text file that is there in full or not at all.

    The text goes to a temporary file in the same folder, is forced to the disk, and takes the
    name in one step; a reader sees the old file or the new one.

    Raises
    ------
    SavedFileError
        The folder does not exist, or may not be written to.
    """
    target = _named(path)
    try:
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as error:
        raise SavedFileError(f"cannot write {target}: {error.strerror}.") from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, _mode(target))
        os.replace(temporary, target)
    except OSError as error:
        raise SavedFileError(f"cannot write {target}: {error.strerror}.") from None
    finally:
        with suppress(OSError):
            os.unlink(temporary)
    _sync_folder(target.parent)


def _mode(target: Path) -> int:
    """The permissions of the file that is replaced, or those of a file that all may read."""
    with suppress(OSError):
        return target.stat().st_mode & 0o777
    return 0o644


def _sync_folder(folder: Path) -> None:
    """Force the new name to the disk as well, where folders can be opened (not on Windows)."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def read_object(path: str | os.PathLike[str]) -> dict[str, Any]:
    """A JSON file that holds one object.

    Raises
    ------
    SavedFileError
        No such file, not text, not JSON (with line and column), or no object.
    """
    source = _named(path)
    try:
        text = source.read_text(encoding="utf-8")
    except OSError as error:
        raise SavedFileError(f"cannot read {source}: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise SavedFileError(
            f"{source} is no text file, so it was not written by save()."
        ) from None
    try:
        found = json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise SavedFileError(
            f"{source} is damaged or no JSON file: {error.msg} at {where}."
        ) from None
    except (RecursionError, ValueError) as error:
        raise SavedFileError(f"{source} is damaged or no JSON file: {error}.") from None
    if not isinstance(found, dict):
        raise SavedFileError(f"{source} holds a JSON {type(found).__name__}, not a saved object.")
    return found


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def canonical(content: Any) -> str:
    """JSON text that is the same for the same content, whatever the order of its keys."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)


def checksum(content: Any) -> str:
    """SHA-256 of the canonical text, in hexadecimal.

    >>> checksum({"a": 1, "b": 2}) == checksum({"b": 2, "a": 1})
    True
    """
    return hashlib.sha256(canonical(content).encode()).hexdigest()


def encode_number(value: float) -> float | str:
    """A float for JSON.

    >>> encode_number(0.1), encode_number(float("-inf"))
    (0.1, '-Infinity')
    """
    value = float(value)
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")


def decode_number(value: Any) -> float:
    """The float that `encode_number` wrote."""
    if isinstance(value, str) and value in _SPECIAL:
        return _SPECIAL[value]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise SavedFileError(f"{value!r:.40} stands where a number should.")
    return float(value)


def encode_array(values: AnyArray) -> dict[str, Any]:
    """An array of floats: its shape, and its entries in C order.

    >>> encode_array(np.array([[1.0, np.nan]]))
    {'shape': [1, 2], 'values': [1.0, 'NaN']}
    """
    array = np.asarray(values, dtype=np.float64)
    return {"shape": list(array.shape), "values": encode_numbers(array.ravel())}


def encode_numbers(values: AnyArray) -> list[float | str]:
    """A flat list of floats for JSON."""
    if np.isfinite(values).all():
        return [float(value) for value in values]
    return [encode_number(value) for value in values]


def decode_array(entry: Any) -> np.ndarray:
    """The array that `encode_array` wrote."""
    if not isinstance(entry, dict) or not {"shape", "values"} <= set(entry):
        raise SavedFileError("an array has no shape or no values.")
    values = np.array([decode_number(value) for value in _list(entry["values"])], dtype=np.float64)
    try:
        return values.reshape(tuple(_list(entry["shape"])))
    except (TypeError, ValueError):
        raise SavedFileError(
            f"an array of shape {entry['shape']} holds {len(values)} values."
        ) from None


def _list(found: Any) -> Iterable[Any]:
    if not isinstance(found, list):
        raise SavedFileError(f"{found!r:.40} stands where a list should.")
    return found
