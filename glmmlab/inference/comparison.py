"""Likelihood-ratio comparison of fits, with the checks that make it valid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from glmmlab._tables import Document, Exported, Table, format_fixed, format_p
from glmmlab._types import FloatArray
from glmmlab.errors import ComparisonError

if TYPE_CHECKING:
    from glmmlab.design import Design, RandomTerm
    from glmmlab.estimate.result import Estimate

BOUNDARY_NOTE = (
    "tests {} at the edge of its range, where the chi-square p is conservative (about twice too "
    "large for a single variance); compare(..., boundary=True) gives the p of the mixture."
)


EDGES_NOTE = (
    "some of these parameters are at the edge of their range under the smaller model, where the "
    "chi-square p is conservative; compare(..., bootstrap=n) simulates it."
)


@dataclass(frozen=True)
class Comparison(Exported):
    """Likelihood-ratio tests between fits of the same data, smallest model first.

    Attributes
    ----------
    frame : DataFrame
        One row a model: ``npar, aic, bic, llf, minus2llf, chisq, df, p``; the last three compare
        a row with the one above it (missing where that is no test).
    formulas : dict
        Model name -> its formula, with family and further parts.
    notes : tuple of str
        What to mind about single rows.
    """

    frame: pd.DataFrame
    formulas: Mapping[str, str]
    notes: tuple[str, ...]

    def _document(self) -> Document:
        """Text and HTML from the frame."""
        f = self.frame
        columns = {
            "npar": [str(v) for v in f["npar"]],
            "AIC": format_fixed(f["aic"], 2),
            "BIC": format_fixed(f["bic"], 2),
            "logLik": format_fixed(f["llf"], 3),
            "-2logLik": format_fixed(f["minus2llf"], 3),
            "Chisq": format_fixed(f["chisq"], 4),
            "Df": ["" if np.isnan(v) else f"{v:g}" for v in f["df"]],
            "Pr(>Chisq)": format_p(f["p"], digits=4),
        }
        rows = list(zip(f.index.astype(str), *columns.values(), strict=True))
        models = "\n".join(f"{name}: {text}" for name, text in self.formulas.items())
        table = Table(("", *columns), rows)
        return Document([models, table, *self.notes], heading="Likelihood-ratio comparison")

    def __str__(self) -> str:
        return self._document().text()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self._document().html()


def compare(
    estimates: Sequence[Estimate], names: Sequence[str] | None = None, boundary: bool = False
) -> Comparison:
    r"""Compare two or more fits by likelihood-ratio tests and information criteria.

    Models are sorted by their number of parameters, and each is tested against the one before
    it: chisq = 2 (l_1 - l_0), with the difference of the numbers of parameters as degrees of
    freedom.

    Parameters
    ----------
    estimates : sequence of Estimate
        Two or more fits of the same rows.
    names : sequence of str, optional
        Row names; ``model 1`` ... in the order given when left out.
    boundary : bool
        Where two models differ by one random effect, whose variance is zero under the smaller
        one (or by one overdispersion or zero-inflation parameter at its limit), use the mixture
        of chi-squares that holds at that boundary: half a chi-square with 1 df (and half a point
        mass at 0) for a single variance; in equal parts k and k + 1 df when the effect joins k
        correlated ones (Self and Liang 1987, JASA 82, 605-610; Stram and Lee 1994, Biometrics
        50, 1171-1177).

    Raises
    ------
    ComparisonError
        Fewer than two fits; different rows, responses or kinds of density; ML with REML; REML
        with different fixed parts, or with the same one in other units.
    """
    if len(estimates) < 2:
        raise ComparisonError("compare needs at least two fits: fit.compare(other).")
    labels = list(names) if names is not None else [f"model {i + 1}" for i in range(len(estimates))]
    for other in estimates[1:]:
        _check_pair(estimates[0], other)
    order = sorted(range(len(estimates)), key=lambda i: estimates[i].npar)
    rows, notes = [], []
    for position, i in enumerate(order):
        test = (np.nan, np.nan, np.nan)
        if position:
            below = order[position - 1]
            test, note = _test(estimates[below], estimates[i], boundary)
            notes += [f"{labels[i]} against {labels[below]}: {note}"] if note else []
        rows.append((*_criteria(estimates[i]), *test))
    columns = ["npar", "aic", "bic", "llf", "minus2llf", "chisq", "df", "p"]
    frame = pd.DataFrame(rows, index=[labels[i] for i in order], columns=columns)
    formulas = {labels[i]: _describe(estimates[i]) for i in order}
    return Comparison(frame.astype({"npar": int}), formulas, tuple(notes))


def information_criteria(estimate: Estimate) -> tuple[float, float]:
    """AIC and BIC, counting every estimated parameter and log(nobs), rows, for BIC."""
    deviance = -2.0 * estimate.llf
    return deviance + 2.0 * estimate.npar, deviance + estimate.npar * float(np.log(estimate.nobs))


def _criteria(estimate: Estimate) -> tuple[int, float, float, float, float]:
    aic, bic = information_criteria(estimate)
    return estimate.npar, aic, bic, estimate.llf, -2.0 * estimate.llf


def _describe(estimate: Estimate) -> str:
    text = f"{estimate.design.formula}, {estimate.family.name} ({estimate.family.link.name})"
    for name, part in estimate.design.auxiliary.items():
        if name in ("dispersion", "zero_inflation") and part.fixed.names != ("Intercept",):
            text += f", {name.replace('_', ' ')} ~ {part.fixed.formula.lstrip('~ ')}"
        elif name == "zero_inflation":
            text += ", zero inflation ~ 1"
    return text


# -------------------------------------------------------------------------------- checks


def _check_pair(a: Estimate, b: Estimate) -> None:
    if a.nobs != b.nobs or not a.design.data.index.equals(b.design.data.index):
        raise ComparisonError(
            f"the fits use different rows ({a.nobs} and {b.nobs}): likelihoods of different data "
            "cannot be compared. Missing values in a column that one model alone uses are the "
            "usual reason: drop those rows first, then fit all models."
        )
    _check_response(a, b)
    if a.method != b.method:
        raise ComparisonError(
            f"one fit used {a.method}, the other {b.method}; fit both with method='ML' (or, for "
            "the same fixed part, both with 'REML')."
        )
    if a.design.random and b.design.random and a.quadrature != b.quadrature:
        raise ComparisonError(
            f"the fits integrate over the random effects with {a.quadrature} and {b.quadrature} "
            "quadrature nodes: their difference mixes the models with the approximations. Fit "
            "both with the same quadrature=."
        )
    if a.method == "REML" and not _same_space(a.design, b.design):
        raise ComparisonError(
            "REML likelihoods of models with different fixed parts are likelihoods of different "
            "contrasts of the data: fit both with method='ML' to compare them."
        )
    if a.method == "REML" and abs(_log_size(a.design) - _log_size(b.design)) > 1e-6:
        raise ComparisonError(
            "the fixed parts are the same in other units or another coding, which moves a REML "
            "likelihood by a constant: write the fixed parts alike, or fit both with method='ML'."
        )


def _check_response(a: Estimate, b: Estimate) -> None:
    same_trials = (a.design.trials is None) == (b.design.trials is None)
    if same_trials and not _same_array(a.design.y, b.design.y):
        raise ComparisonError(
            f"the responses differ ({a.design.response!r} and {b.design.response!r}): a density "
            "of a transformed response is not comparable with one of the response itself."
        )
    same_kind = a.family.integer == b.family.integer and same_trials
    if not same_kind or not _same_array(a.design.trials, b.design.trials):
        raise ComparisonError(
            f"{a.family.name} and {b.family.name} likelihoods are densities of different kinds "
            "(of counts and of a continuous response, or with different trials): neither a "
            "likelihood-ratio test nor AIC may compare them."
        )
    if not _same_array(a.design.weights, b.design.weights):
        raise ComparisonError("the fits use different prior weights: fit both with the same.")


def _same_array(a: FloatArray | None, b: FloatArray | None) -> bool:
    if a is None or b is None:
        return a is b
    return a.shape == b.shape and bool(np.all(a == b))


def _in_span(small: FloatArray, large: FloatArray) -> bool:
    """Whether the columns of `small` are combinations of those of `large`."""
    if small.shape[1] == 0:
        return True
    if large.shape[1] == 0:
        return not np.any(small)
    fitted = large @ np.linalg.lstsq(large, small, rcond=None)[0]
    size = np.linalg.norm(small, axis=0)
    return bool(np.all(np.linalg.norm(small - fitted, axis=0) <= 1e-7 * np.maximum(size, 1e-300)))


def _same_space(a: Design, b: Design) -> bool:
    x, z = a.conditional.X, b.conditional.X
    return x.shape == z.shape and _in_span(x, z)


def _log_size(design: Design) -> float:
    """log|X'X| / 2, by which the restricted likelihood depends on the coding of X."""
    return float(np.log(np.abs(np.diag(np.linalg.qr(design.conditional.X, mode="r")))).sum())


# ---------------------------------------------------------------------------------- tests


def _test(
    small: Estimate, large: Estimate, boundary: bool
) -> tuple[tuple[float, float, float], str | None]:
    """Chi-square, df and p of two neighbours, with a note where one is due."""
    df = large.npar - small.npar
    if df == 0:
        return (np.nan,) * 3, "equally many parameters, so no test; AIC and BIC compare them."
    reason = not_nested(small, large)
    if reason:
        return (np.nan,) * 3, f"not nested ({reason}), so no test; AIC and BIC compare them."
    chisq = max(0.0, 2.0 * (large.llf - small.llf))
    p = float(chdtrc(df, chisq))
    added = _added_effect(small, large)
    if added is None:
        return (chisq, df, p), EDGES_NOTE if _adds_edges(small, large) else None
    if not boundary:
        return (chisq, df, p), BOUNDARY_NOTE.format(added)
    below = float(chdtrc(df - 1, chisq)) if df > 1 else float(chisq <= 0.0)
    lower = f"chi-square({df - 1})" if df > 1 else "a point mass at 0"
    text = f"p from the boundary mixture, half {lower} and half chi-square({df})."
    return (chisq, df, 0.5 * (below + p)), text


def not_nested(small: Estimate, large: Estimate) -> str | None:
    """Why the smaller model is not a special case of the larger, or None."""
    if not _in_span(small.design.conditional.X, large.design.conditional.X):
        return "the smaller model has fixed effects that the larger one lacks"
    if not _same_array(small.design.offset, large.design.offset):
        return "their offsets differ"
    if small.family.link.name != large.family.link.name:
        return "their links differ"
    if small.family.name != large.family.name and not _limit_of(small, large):
        return "their families differ"
    for term in small.design.random:
        if not any(_covers(other, term) for other in large.design.random):
            return f"the larger model lacks {term.text}"
    for name, part in small.design.auxiliary.items():
        other = large.design.auxiliary.get(name)
        if other is not None and not _in_span(part.X, other.X):
            return f"the {name.replace('_', ' ')} part of the smaller model has further effects"
    return None


def _limit_of(small: Estimate, large: Estimate) -> bool:
    """Whether the smaller family is the larger one with an extra parameter held somewhere."""
    if not set(small.family.auxiliary) < set(large.family.auxiliary):
        return False
    own, wider = small.family.base, large.family.base
    limits = [end[0] for end in (wider.dispersion_limit, wider.shape_limit) if end]
    return own.name in (wider.name, *limits, *wider.contains)


def _covers(large: RandomTerm, small: RandomTerm) -> bool:
    """Whether a random term holds another: same levels, and its effects among the larger's."""
    groups = [pd.factorize(term.codes)[0] for term in (large, small)]
    if not np.array_equal(groups[0], groups[1]):
        return False  # not the same groups, whatever they are called
    if large.diagonal and not small.diagonal and len(small.names) > 1:
        return False
    if large.diagonal:  # a sum of its effects is none of them
        columns = [large.Z[:, [j]] for j in range(large.Z.shape[1])]
        return all(any(_in_span(z[:, None], one) for one in columns) for z in small.Z.T)
    return _in_span(small.Z, large.Z)


def _adds_edges(small: Estimate, large: Estimate) -> bool:
    """Whether the larger model has further random effects, or further limits of its family."""
    effects = [sum(len(t.names) for t in e.design.random) for e in (small, large)]
    return effects[1] > effects[0] or bool(_limits_added(small, large))


def _limits_added(small: Estimate, large: Estimate) -> list[str]:
    """Auxiliary parts of the larger family that the smaller one has at the end of their range."""
    own, wider = small.family.base, large.family.base
    extra = [name for name in large.family.auxiliary if name not in small.family.auxiliary]
    inside = own.name in wider.contains or (own.name == wider.name and extra == ["shape"])
    return [] if inside else extra


def _added_effect(small: Estimate, large: Estimate) -> str | None:
    """The one parameter at its boundary that makes the whole difference, or None.

    A variance of one more random effect (with its covariances), or one more auxiliary intercept
    whose limit is the smaller family: overdispersion, zero inflation, heavy tails.
    """
    if small.design.conditional.X.shape != large.design.conditional.X.shape:
        return None
    effects = [sum(len(t.names) for t in e.design.random) for e in (small, large)]
    widths = [sum(p.X.shape[1] for p in e.design.auxiliary.values()) for e in (small, large)]
    steps = (effects[1] - effects[0], widths[1] - widths[0])
    if steps == (1, 0):
        old = small.design.random
        new = (t for t in large.design.random if not any(_covers(o, t) for o in old))
        return next((t.text for t in new), None)
    extra = _limits_added(small, large)
    return extra[0] if steps == (0, 1) and len(extra) == 1 else None
