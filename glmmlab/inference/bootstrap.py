"""The parametric bootstrap: simulate from the fit, refit, see how the estimates vary."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from glmmlab._arguments import number_of, number_of_workers
from glmmlab._random import entropy
from glmmlab._tables import Document, Exported, Table, common_decimals, format_fixed
from glmmlab._types import FloatArray, Seed
from glmmlab._warnings import warn
from glmmlab.errors import (
    DataError,
    GlmmlabError,
    GlmmlabWarning,
    InferenceWarning,
    SavedFileError,
    UnknownNameError,
)
from glmmlab.estimate import fit_design
from glmmlab.inference.checkpoint import Checkpoint, Outcome, checkpoint_of
from glmmlab.inference.intervals import normal_quantile
from glmmlab.inference.parameters import parameter_values
from glmmlab.inference.simulate import simulate

if TYPE_CHECKING:
    from glmmlab.estimate.result import Estimate

Statistic = Callable[["Estimate"], Any]
"""From a fitted model to a number, an array, a dict or a Series."""

INTERVALS = ("percentile", "basic")
BATCHES = 8
LARGEST_BATCH = 25
"""Batches a worker gets, and their size: an interruption loses at most one a worker."""


@dataclass(frozen=True)
class Bootstrap(Exported):
    """Statistics of models refitted to simulated responses.

    Attributes
    ----------
    frame : DataFrame
        One row a successful replicate, indexed by its number; one column a statistic.
    estimates : Series
        The statistics of the fit itself.
    n : int
        Replicates asked for.
    failures : mapping
        Number of a failed replicate -> why it failed.
    singular : int
        Refits with a variance at zero: they belong to the distribution and are kept.
    entropy : int
        What the draws started from; ``resume=`` goes on from it.
    """

    frame: pd.DataFrame
    estimates: pd.Series
    n: int
    failures: Mapping[int, str] = field(default_factory=dict)
    singular: int = 0
    entropy: int = 0

    @property
    def missing(self) -> int:
        """Replicates that an interruption left out."""
        return self.n - len(self.frame) - len(self.failures)

    @property
    def summary(self) -> pd.DataFrame:
        """``estimate, mean, bias, se`` of every statistic; bias is mean - estimate."""
        mean = self.frame.mean()
        columns = {
            "estimate": self.estimates,
            "mean": mean,
            "bias": mean - self.estimates,
            "se": self.frame.std(ddof=1),
        }
        return pd.DataFrame(columns, index=self.estimates.index)

    def conf_int(self, level: float = 0.95, method: str = "percentile") -> pd.DataFrame:
        """Bootstrap intervals: ``estimate, lower, upper`` by statistic.

        Parameters
        ----------
        level : float
        method : {"percentile", "basic"}
            Quantiles q of the replicates, or 2 estimate - q, which corrects a shift but may
            leave the parameter's range.

        References
        ----------
        Davison and Hinkley 1997, Bootstrap Methods and their Application, sections 5.2-5.3.
        """
        normal_quantile(level)  # checks the level
        if method not in INTERVALS:
            raise UnknownNameError(
                f"method={method!r} is unknown; use one of {', '.join(INTERVALS)}."
            )
        tail = (1.0 - level) / 2.0
        low, high = self.frame.quantile(tail), self.frame.quantile(1.0 - tail)
        if method == "basic":
            low, high = 2.0 * self.estimates - high, 2.0 * self.estimates - low
        limits = {"estimate": self.estimates, "lower": low, "upper": high}
        return pd.DataFrame(limits, index=self.estimates.index)

    def _document(self) -> Document:
        """Text and HTML: summary, percentile limits, what failed."""
        limits = self.conf_int()
        frame = self.summary.join(limits[["lower", "upper"]])
        rows = [
            (str(name), *format_fixed(row, common_decimals([row[0], row[3]], 3)))
            for name, row in zip(frame.index, frame.to_numpy(float), strict=True)
        ]
        note = f"Percentile limits, level 0.95, from {len(self.frame)} refits"
        note += f"; {self.singular} of them singular." if self.singular else "."
        notes = [note]
        if self.failures:
            first = next(iter(self.failures.values()))
            notes.append(f"{len(self.failures)} replicates failed ({first}).")
        if self.missing:
            notes.append(f"{self.missing} of {self.n} replicates were not run: resume= finishes.")
        return Document(
            [Table(("", *frame.columns), rows), "\n".join(notes)], "Parametric bootstrap"
        )

    def __str__(self) -> str:
        return self._document().text()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self._document().html()


def bootstrap(
    estimate: Estimate,
    n: int = 500,
    statistic: Statistic | None = None,
    seed: Seed = None,
    workers: int = 1,
    progress: bool = False,
    resume: Bootstrap | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
) -> Bootstrap:
    """Simulate `n` responses from a fit (random effects drawn anew), refit the model to each.

    Parameters
    ----------
    estimate : Estimate
        The fitted model.
    n : int
        Replicates, those of `resume` included.
    statistic : callable, optional
        From an Estimate to a number, an array, a dict or a Series; all parameters by default,
        standard deviations, correlations and dispersion included.
    seed : int, Generator or None
        Every replicate has a stream of its own that depends on the seed and its number alone:
        the result is the same for any number of workers, interrupted or not.
    workers : int
        Processes (joblib); -1 for all cores.
    progress : bool
        Show a progress bar.
    resume : Bootstrap, optional
        An earlier result of the same fit and statistic: its replicates are kept, its seed goes on.
    checkpoint : path, optional
        A JSON file that keeps finished replicates, at most a second behind; if it is there
        already, the run goes on from it, also after a crash.  With ``seed=None`` its own seed
        goes on.

    Raises
    ------
    DataError
        `resume` belongs to another fit or statistic; fewer than two refits succeeded.
    SavedFileError
        `checkpoint` is damaged, belongs to another model, statistic or seed, or cannot be written.
    UnknownNameError
        `n` is below 2, or both `resume` and `checkpoint` are given.

    Warns
    -----
    InferenceWarning
        Replicates failed or were interrupted; prior weights that no simulation can honour.
    """
    n, workers = number_of(n, 2, "replicates"), number_of_workers(workers)
    statistic = parameter_values if statistic is None else statistic
    estimates = _named(statistic(estimate))
    file = checkpoint_of(checkpoint, estimate, estimates)
    if file is not None and resume is not None:
        raise UnknownNameError("resume= and checkpoint= both say where to go on from: give one.")
    known, entropy = _earlier(estimates, resume, seed) if file is None else _stored(file, seed)
    if estimate.design.weights is not None:
        _warn("prior weights are no part of a distribution: the simulated rows have weight 1.")
    todo = [i for i in range(n) if i not in known]
    done = dict(known)
    try:
        for batch in _run(estimate, statistic, entropy, todo, workers, progress):
            done.update(batch)
            if file is not None:
                file.write(done, entropy)
    except KeyboardInterrupt:
        how = "resume=" if file is None else "the same call"
        _warn(f"interrupted after {len(done)} of {n} replicates; {how} goes on from them.")
    finally:
        if file is not None and len(done) > len(known):
            file.write(done, entropy, now=True)
    if file is not None:  # a file of a longer run keeps all, a shorter run gives what was asked
        done = {i: outcome for i, outcome in done.items() if i < n}
    return _collect(estimates, n, done, entropy)


def _named(values: Any) -> pd.Series:
    """A statistic's result as a Series with names."""
    if isinstance(values, pd.Series | Mapping):
        named = pd.Series(values, dtype=float)
    else:
        try:
            numbers = np.atleast_1d(np.asarray(values, dtype=float)).ravel()
        except (TypeError, ValueError):
            raise DataError(
                f"statistic= gives {values!r:.60}, which is not a number, an array of numbers, a "
                "dict or a Series of them."
            ) from None
        names = (
            ["statistic"]
            if len(numbers) == 1
            else [f"statistic {i + 1}" for i in range(len(numbers))]
        )
        named = pd.Series(numbers, index=names)
    return named.rename("estimate")


def _earlier(
    estimates: pd.Series, resume: Bootstrap | None, seed: Seed
) -> tuple[dict[int, Outcome], int]:
    if resume is None:
        return {}, entropy(seed)
    if not isinstance(resume, Bootstrap):
        raise DataError(f"resume= takes an earlier result of bootstrap(), not {resume!r:.60}.")
    if not resume.estimates.index.equals(estimates.index) or not np.allclose(
        resume.estimates, estimates, rtol=1e-10, equal_nan=True
    ):
        raise DataError("resume= holds replicates of another fit or of another statistic.")
    known = {
        int(i): Outcome(row)
        for i, row in zip(resume.frame.index, resume.frame.to_numpy(), strict=True)
    }
    known |= {i: Outcome(None, failure=why) for i, why in resume.failures.items()}
    if resume.singular:  # which of them were singular does not matter, their number does
        for i in list(resume.frame.index)[: resume.singular]:
            known[int(i)] = replace(known[int(i)], singular=True)
    return known, resume.entropy


def _stored(file: Checkpoint, seed: Seed) -> tuple[dict[int, Outcome], int]:
    found = file.read()
    if found is None:
        return {}, entropy(seed)
    known, started = found
    if seed is not None and entropy(seed) != started:
        raise SavedFileError(
            f"checkpoint {file.path} started from another seed than {seed!r}: give that seed, "
            "seed=None to go on with it, or another path."
        )
    return known, started


def _run(
    estimate: Estimate,
    statistic: Statistic,
    entropy: int,
    todo: Sequence[int],
    workers: int,
    progress: bool,
) -> Iterator[dict[int, Outcome]]:
    from joblib import Parallel, delayed, effective_n_jobs

    count = effective_n_jobs(workers)
    size = 1 if count == 1 else _batch_size(len(todo), count)
    pieces = [todo[i : i + size] for i in range(0, len(todo), size)]
    results: Any
    if count == 1:
        results = (_batch(estimate, statistic, entropy, piece) for piece in pieces)
    else:
        jobs = (delayed(_batch)(estimate, statistic, entropy, piece) for piece in pieces)
        results = Parallel(n_jobs=workers, return_as="generator")(jobs)
    if not progress:
        yield from results
        return
    from tqdm.auto import tqdm

    with tqdm(total=len(todo), desc="bootstrap") as bar:
        for batch in results:
            yield batch
            bar.update(len(batch))


def _batch_size(todo: int, workers: int) -> int:
    return min(LARGEST_BATCH, max(1, -(-todo // (workers * BATCHES))))


def _batch(
    estimate: Estimate, statistic: Statistic, entropy: int, numbers: Sequence[int]
) -> dict[int, Outcome]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GlmmlabWarning)  # singular refits are ordinary here
        return {i: _replicate(estimate, statistic, entropy, i) for i in numbers}


def _replicate(estimate: Estimate, statistic: Statistic, entropy: int, number: int) -> Outcome:
    stream = np.random.SeedSequence(entropy, spawn_key=(number,))
    y = simulate(estimate, 1, np.random.default_rng(stream))[0]
    design = estimate.design
    if estimate.family.check(y, design.trials).any():
        return Outcome(None, failure="a simulated response was rounded out of the support")
    try:
        again = refit(estimate, y)
        if not again.converged:
            return Outcome(None, failure="the optimum was not reached")
        values = _named(statistic(again)).to_numpy(float)
    except (GlmmlabError, np.linalg.LinAlgError) as error:
        return Outcome(None, failure=str(error).split(".")[0])
    return Outcome(values, bool(again.singular))


def refit(estimate: Estimate, y: FloatArray) -> Estimate:
    """The same model fitted to another response of the same rows."""
    design = replace(estimate.design, y=y, warnings=())
    return fit_design(design, estimate.family, estimate.method, estimate.quadrature)


def _collect(estimates: pd.Series, n: int, done: dict[int, Outcome], entropy: int) -> Bootstrap:
    numbers = sorted(done)
    good = [i for i in numbers if done[i].values is not None]
    failures = {i: done[i].failure for i in numbers if done[i].values is None}
    if failures:
        reasons = pd.Series(list(failures.values())).value_counts()
        _warn(f"{len(failures)} of {len(done)} refits failed: {reasons.index[0]}.")
    if len(good) < 2 and len(done) == n:
        raise DataError(f"only {len(good)} of {n} refits succeeded: there is no distribution.")
    rows = [values for i in good if (values := done[i].values) is not None]
    if any(len(row) != len(estimates) for row in rows):
        raise DataError(
            f"statistic= gives {len(estimates)} numbers for the fit itself and another number of "
            "them for a refit: it must always give as many, NaN for those that are not there."
        )
    values = np.array(rows).reshape(len(good), len(estimates))
    frame = pd.DataFrame(values, index=pd.Index(good, name="replicate"), columns=estimates.index)
    singular = sum(done[i].singular for i in good)
    return Bootstrap(frame, estimates, n, failures, singular, entropy)


def _warn(text: str) -> None:
    warn(InferenceWarning(text))
