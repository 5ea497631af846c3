"""Profile likelihood: how the likelihood falls as one parameter leaves its estimate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.interpolate import CubicSpline, PchipInterpolator
from scipy.optimize import brentq

from glmmlab._arguments import number_of_workers
from glmmlab._tables import Document, Exported, Table, common_decimals, format_fixed
from glmmlab._types import FloatArray
from glmmlab._warnings import warn
from glmmlab.errors import InferenceWarning, UnknownNameError
from glmmlab.inference.intervals import normal_quantile
from glmmlab.inference.parameters import Parameter, choose
from glmmlab.inference.profile_path import Point, Track
from glmmlab.threads import single_blas_thread

if TYPE_CHECKING:
    from glmmlab.estimate.result import Estimate

STEP = 0.4
"""Distance of neighbouring points on the scale of zeta."""
CLOSE = 2e-5
"""How near zeta comes to the quantile at a limit: the limit is right to this share of an SE."""
MOST_POINTS = 60
FAR = 30.0
"""A log or logit this far from its estimate is at the end of its range."""
FLAT = 8
"""Steps of growing length over which zeta may stand still before the limit is infinite."""


@dataclass(frozen=True)
class Profile(Exported):
    """Profiles of the log-likelihood, one a parameter.

    ``zeta`` is the signed root sign(v - estimate) sqrt(2 (l_max - l(v))), l(v) the likelihood
    maximised over all other parameters.  For a quadratic log-likelihood it is a straight line,
    and a limit lies where it crosses a standard normal quantile; its bend shows how far a Wald
    interval can be trusted.

    Attributes
    ----------
    frame : DataFrame
        ``parameter, value, zeta``, values ascending, on the scale of ``fit.conf_int``:
        standard deviations, correlations, the dispersion as the family's phi.
    estimates : Series
        By parameter.
    ends : DataFrame
        What a limit is (``lower``, ``upper``) where zeta does not reach the quantile: 0 for a
        standard deviation, -1 and 1 for a correlation, infinite where the likelihood stays
        flat (separation), missing where the model has no density further on.
    level : float
        The confidence level to which the profiles reach.
    notes : tuple of str
    """

    frame: pd.DataFrame
    estimates: pd.Series
    ends: pd.DataFrame
    level: float
    notes: tuple[str, ...] = ()

    def conf_int(self, level: float | None = None) -> pd.DataFrame:
        """Profile likelihood intervals: ``estimate, lower, upper`` by parameter.

        The limits are where 2 (l_max - l(v)) is the chi-square quantile with 1 df.  At the level
        of the profile they are solved for; at lower levels read from a spline.

        Raises
        ------
        UnknownNameError
            A level above the profile's own.
        """
        level = self.level if level is None else level
        cut = normal_quantile(level)
        if level > self.level + 1e-12:
            raise UnknownNameError(
                f"the profiles reach level {self.level:g}, not {level:g}: compute them with "
                f"fit.profile(level={level:g})."
            )
        rows = {}
        named = zip(map(str, self.estimates.index), self.estimates, strict=True)
        for name, estimate in named:
            one = self.frame[self.frame["parameter"] == name]
            v, z = one["value"].to_numpy(float), one["zeta"].to_numpy(float)
            ends = self.ends.loc[name].to_numpy(float)
            limits = [
                _invert(v, z, side * cut, end) for side, end in zip((-1, 1), ends, strict=True)
            ]
            rows[name] = (estimate, *limits)
        return pd.DataFrame.from_dict(rows, orient="index", columns=["estimate", "lower", "upper"])

    def plot(
        self,
        parameters: str | Sequence[str] | None = None,
        ax: Any = None,
        level: float | None = None,
    ) -> Any:
        """Zeta against every parameter, with its interval; the straight line is Wald's.

        Parameters
        ----------
        parameters : str or sequence of str, optional
            Which of them; all when left out.
        ax : Axes, optional
            For a single parameter.

        Returns
        -------
        Axes, or array of Axes
        """
        from glmmlab.plots.profiles import plot_profiles

        level = self.level if level is None else level
        every = [str(name) for name in self.estimates.index]
        names = [parameters] if isinstance(parameters, str) else list(parameters or every)
        for name in names:
            if name not in every:
                raise UnknownNameError(f"no profile of {name!r}; there are {', '.join(every)}.")
        limits, cut = self.conf_int(level), normal_quantile(level)
        return plot_profiles(self.frame, limits, names, cut=cut, level=level, ax=ax)

    def _document(self) -> Document:
        """The limits as text and HTML."""
        limits = self.conf_int()
        rows = [
            (str(name), *format_fixed(row, common_decimals(row)))
            for name, row in zip(limits.index, limits.to_numpy(float), strict=True)
        ]
        table = Table(("", *limits.columns), rows)
        note = "Limits where 2 (l_max - l) reaches the chi-square quantile with 1 df."
        heading = f"Profile likelihood intervals, level {self.level:g}"
        return Document([table, "\n".join([note, *self.notes])], heading)

    def __str__(self) -> str:
        return self._document().text()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self._document().html()


def profile(
    estimate: Estimate,
    parameters: str | Sequence[str] | None = None,
    level: float = 0.95,
    workers: int = 1,
    progress: bool = False,
) -> Profile:
    """Profile the likelihood over single parameters, the others optimised at every value.

    Parameters
    ----------
    estimate : Estimate
        The fitted model.
    parameters : str or sequence of str, optional
        Names as in :func:`glmmlab.inference.parameters.parameters_of`, or sets of them
        (``"conditional"``, ``"variance"``, ``"dispersion"``, ``"zero_inflation"``,
        ``"shape"``); all when left out.
    level : float
        The highest confidence level that limits will be asked for.
    workers : int
        Processes that share the parameters (joblib); the result does not depend on it.
    progress : bool
        Show a progress bar.

    Raises
    ------
    UnknownNameError
        An unknown parameter; a coefficient of the conditional model under REML, whose
        likelihood does not contain it.

    Warns
    -----
    InferenceWarning
        Some profile found a higher likelihood than the fit's.

    References
    ----------
    Venzon and Moolgavkar 1988, Applied Statistics 37, 87-94; Bates and Watts 1988, Nonlinear
    Regression Analysis, section 6.1 (zeta).
    """
    cut, workers = normal_quantile(level), number_of_workers(workers)
    chosen = _profiled(estimate, parameters)
    with single_blas_thread():
        curves = _all_curves(estimate, chosen, cut, workers, progress)
    names = [p.name for p in chosen]
    frames = [
        pd.DataFrame({"parameter": p.name, "value": c.value, "zeta": c.zeta})
        for p, c in zip(chosen, curves, strict=True)
    ]
    columns = ["parameter", "value", "zeta"]
    return Profile(
        pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns),
        pd.Series([p.value for p in chosen], index=names, name="estimate", dtype=float),
        pd.DataFrame([c.ends for c in curves], index=names, columns=["lower", "upper"]),
        level,
        _notes(names, curves),
    )


def _profiled(estimate: Estimate, wanted: str | Sequence[str] | None) -> tuple[Parameter, ...]:
    chosen = choose(estimate, wanted)
    if estimate.method != "REML":
        return chosen
    if wanted is not None and any(p.kind == "coefficient" for p in chosen):
        raise UnknownNameError(
            "the restricted likelihood does not contain the coefficients, so it has no profile "
            "over them: fit with method='ML', or profile parameters='variance'."
        )
    return tuple(p for p in chosen if p.kind != "coefficient")


def _notes(names: Sequence[str], curves: Sequence[_Curve]) -> tuple[str, ...]:
    better = [n for n, c in zip(names, curves, strict=True) if c.improved < -1e-6]
    if not better:
        return ()
    text = (
        f"The profiles of {', '.join(better)} found a likelihood higher than the fit's by up to "
        f"{-min(c.improved for c in curves):.2g}: the fit is not at its maximum. See "
        "fit.diagnose()."
    )
    warn(InferenceWarning(text))
    return (text,)


# ------------------------------------------------------------------------------ one curve


@dataclass(frozen=True)
class _Curve:
    """One profile on the reported scale."""

    value: FloatArray
    zeta: FloatArray
    ends: tuple[float, float]
    improved: float


def _all_curves(
    estimate: Estimate, chosen: Sequence[Parameter], cut: float, workers: int, progress: bool
) -> list[_Curve]:
    from joblib import Parallel, delayed

    jobs = (delayed(_curve)(estimate, p, cut) for p in chosen)
    if workers == 1:
        found = (_curve(estimate, p, cut) for p in chosen)
    else:
        found = Parallel(n_jobs=workers, return_as="generator")(jobs)
    if progress:
        from tqdm.auto import tqdm

        found = tqdm(found, total=len(chosen), desc="profiles")
    return list(found)


def _curve(estimate: Estimate, parameter: Parameter, cut: float) -> _Curve:
    if not np.isfinite(parameter.value):
        return _Curve(np.empty(0), np.empty(0), (np.nan, np.nan), 0.0)
    track = Track(estimate, parameter)
    with np.errstate(over="ignore", invalid="ignore"):  # at the ends of auxiliary predictors
        below, low = _side(track, -1, cut)
        above, high = _side(track, +1, cut)
    points = [*((p, -1.0) for p in below), (track.origin_point, 0.0), *((p, 1.0) for p in above)]
    points.sort(key=lambda pair: pair[0].value)
    shown = _reporter(estimate, parameter)
    return _Curve(
        np.array([shown(p.value) for p, _ in points]),
        np.array([sign * p.zeta for p, sign in points]),
        (shown(low), shown(high)),
        track.improved,
    )


def _reporter(estimate: Estimate, parameter: Parameter) -> Callable[[float], float]:
    if not parameter.reported:
        return lambda v: v
    return lambda v: float(estimate.family.dispersion(v))


def _side(track: Track, sign: int, cut: float) -> tuple[list[Point], float]:
    """Points on one side of the estimate, beyond the quantile if the profile gets there."""
    bound = track.parameter.range[0 if sign < 0 else 1]
    track.restart()
    points = [track.origin_point]
    step = sign * STEP * track.typical_step()
    failures = flat = 0
    while points[-1].zeta < cut and len(points) < MOST_POINTS:
        last = points[-1]
        before = points[-2] if len(points) > 1 else None
        if last.value == bound:
            return points[1:], bound
        value = last.value + step
        if sign * (value - bound) >= 0.0:
            value = bound
        point = track.solve(value, last, before)
        rise = point.zeta - last.zeta
        if not np.isfinite(point.zeta) or (rise > 2.5 * STEP and failures < 12):
            failures += 1
            if failures > 25:
                return points[1:], np.nan
            step *= 0.3
            continue
        points.append(point)
        failures = 0
        flat = flat + 1 if rise < 1e-3 * STEP else 0
        far = track.parameter.kind == "auxiliary" and abs(value - track.first) > FAR
        if flat > FLAT or far:
            return points[1 : len(points) - flat], sign * np.inf
        step = (value - last.value) * float(np.clip(STEP / max(rise, 1e-12), 0.3, 3.0))
    if points[-1].zeta < cut:
        return points[1:], np.nan
    points.insert(-1, _limit(track, points[-2], points[-1], cut))
    return points[1:], np.nan


def _limit(track: Track, inner: Point, outer: Point, cut: float) -> Point:
    """The point whose zeta is the quantile, between two that enclose it (Illinois method)."""
    (a, fa), (b, fb) = (inner, inner.zeta - cut), (outer, outer.zeta - cut)
    best, kept = outer, 0
    for _ in range(12):
        point = track.solve((a.value * fb - b.value * fa) / (fb - fa), best)
        off = point.zeta - cut
        if not np.isfinite(off):
            break
        if abs(off) < abs(best.zeta - cut):
            best = point
        if abs(off) < CLOSE:
            break
        if off < 0.0:  # the end that stays twice counts half: it must not stay for ever
            a, fa, fb = point, off, fb * (0.5 if kept < 0 else 1.0)
            kept = -1
        else:
            b, fb, fa = point, off, fa * (0.5 if kept > 0 else 1.0)
            kept = 1
    return best


def _invert(values: FloatArray, zeta: FloatArray, target: float, end: float) -> float:
    """The value at a zeta, by a cubic spline of zeta (a monotone one where that wiggles)."""
    if not len(values):
        return np.nan
    if (zeta[0] > target) if target < 0 else (zeta[-1] < target):
        near = zeta[0] if target < 0 else zeta[-1]
        return float(values[0 if target < 0 else -1]) if abs(near - target) < 1e-4 else end
    exact = np.flatnonzero(np.abs(zeta - target) < 1e-4)
    if len(exact):
        return float(values[exact[np.argmin(np.abs(zeta[exact] - target))]])
    right = (
        int(np.argmax(zeta >= target))
        if target < 0
        else int(len(zeta) - np.argmax(zeta[::-1] < target))
    )
    left = right - 1
    keep = np.concatenate(([True], np.diff(values) > 0))
    spline = CubicSpline(values[keep], zeta[keep]) if keep.sum() > 3 else None
    grid = np.linspace(values[left], values[right], 9)
    if spline is None or (np.diff(spline(grid)) <= 0).any():
        spline = PchipInterpolator(values[keep], zeta[keep])
    return float(brentq(lambda v: float(spline(v)) - target, values[left], values[right]))
