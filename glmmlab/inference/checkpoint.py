"""Replicates of a bootstrap on the disk, so that nothing but the last second can be lost.

The file is one JSON object, replaced in one step (`glmmlab._files`):

===============  ================================================================================
key              holds
===============  ================================================================================
``format``       ``"glmmlab bootstrap"``
``schema``       the version of this format
``model``        SHA-256 of formula, family, method and the arrays of the design
``statistics``   names and values of the statistics of the fit itself
``entropy``      what the draws started from, as text (it may exceed JSON's numbers)
``replicates``   number -> values, or the reason why there are none; whether it was singular
===============  ================================================================================
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from glmmlab._files import (
    canonical,
    decode_number,
    encode_number,
    encode_numbers,
    read_object,
    write_atomically,
)
from glmmlab._types import FloatArray
from glmmlab.errors import SavedFileError

if TYPE_CHECKING:
    from glmmlab.estimate.result import Estimate

FORMAT = "glmmlab bootstrap"
SCHEMA = 1
SECONDS = 1.0
"""Between two writes: a file of many replicates takes longer to write than some refits."""


@dataclass(frozen=True)
class Outcome:
    """One replicate: its statistics, or why there are none."""

    values: FloatArray | None
    singular: bool = False
    failure: str = ""


def fingerprint(estimate: Estimate) -> str:
    """SHA-256 of a model and its data: two fits share it only if they are of the same model."""
    design = estimate.design
    digest = hashlib.sha256()
    said = (design.formula, repr(estimate.family), estimate.method, str(estimate.quadrature))
    arrays = [design.y, design.trials, design.weights, design.offset, design.conditional.X]
    arrays += [part.X for part in design.auxiliary.values()]
    for term in design.random:
        arrays += [term.Z, term.codes.astype(np.float64)]
    digest.update("\0".join(said).encode())
    for array in arrays:
        values = np.empty(0) if array is None else np.ascontiguousarray(array, dtype="<f8")
        digest.update(f"{values.shape}".encode())
        digest.update(values.tobytes())
    return digest.hexdigest()


@dataclass
class Checkpoint:
    """The file of one bootstrap.

    Parameters
    ----------
    path : path
    estimate : Estimate
        The fit that is bootstrapped.
    statistics : Series
        Its own statistics.
    """

    path: Path
    estimate: Estimate
    statistics: pd.Series
    _written: float = field(default=0.0, init=False)

    def read(self) -> tuple[dict[int, Outcome], int] | None:
        """Replicates and entropy of an earlier run; None without a file.

        Raises
        ------
        SavedFileError
            The file is damaged, or belongs to something else.
        """
        if not self.path.exists():
            return None
        content = read_object(self.path)
        try:
            self._check(content)
            done = {int(i): _outcome(one) for i, one in content["replicates"].items()}
            width = len(self.statistics)
            if any(o.values is not None and len(o.values) != width for o in done.values()):
                raise SavedFileError(f"a replicate has not {width} statistics.")
            return done, int(content["entropy"])
        except SavedFileError as error:
            raise SavedFileError(f"checkpoint {self.path} cannot be used: {error}") from None
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SavedFileError(
                f"checkpoint {self.path} is damaged: {type(error).__name__}, {error}."
            ) from None

    def _check(self, content: Mapping[str, Any]) -> None:
        if content.get("format") != FORMAT:
            raise SavedFileError(f"'format' is {content.get('format')!r:.60}, not {FORMAT!r}.")
        schema = content["schema"]
        if schema != SCHEMA:
            raise SavedFileError(f"'schema' is {schema!r:.60}; this version reads {SCHEMA}.")
        if content["model"] != fingerprint(self.estimate):
            raise SavedFileError("it belongs to another model or other data. Take another path.")
        values = np.array([decode_number(v) for v in content["statistics"]["values"]])
        same = content["statistics"]["names"] == [str(name) for name in self.statistics.index]
        if not same or not np.allclose(values, self.statistics, rtol=1e-10, equal_nan=True):
            raise SavedFileError("it belongs to another statistic. Take another path.")

    def write(self, done: Mapping[int, Outcome], entropy: int, now: bool = False) -> None:
        """Keep what is finished; at most once in ``SECONDS``, unless ``now``."""
        if not now and time.monotonic() - self._written < SECONDS:
            return
        values = self.statistics.to_numpy(float)
        content = {
            "format": FORMAT,
            "schema": SCHEMA,
            "model": fingerprint(self.estimate),
            "statistics": {
                "names": [str(name) for name in self.statistics.index],
                "values": encode_numbers(values),
            },
            "entropy": str(entropy),
            "replicates": {str(i): _entry(done[i]) for i in sorted(done)},
        }
        write_atomically(self.path, canonical(content) + "\n")
        self._written = time.monotonic()


def checkpoint_of(
    path: str | os.PathLike[str] | None, estimate: Estimate, statistics: pd.Series
) -> Checkpoint | None:
    """The checkpoint of a path, if there is one."""
    return None if path is None else Checkpoint(Path(path), estimate, statistics)


def _entry(outcome: Outcome) -> dict[str, Any]:
    if outcome.values is None:
        return {"failure": outcome.failure}
    return {
        "values": [encode_number(value) for value in outcome.values],
        "singular": bool(outcome.singular),
    }


def _outcome(entry: Mapping[str, Any]) -> Outcome:
    if "failure" in entry:
        return Outcome(None, failure=str(entry["failure"]))
    values = np.array([decode_number(value) for value in entry["values"]])
    return Outcome(values, singular=bool(entry["singular"]))
