"""The summary of a fit: frames first, then text and HTML drawn from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import ndtr, stdtr

from glmmlab._tables import (
    Document,
    Exported,
    Table,
    common_decimals,
    format_fixed,
    format_joint,
    format_p,
    format_significant,
    stars,
)
from glmmlab.errors import GlmmlabWarning
from glmmlab.estimate.boundary import CUT_POINTS, endless_cut_points
from glmmlab.estimate.result import Estimate, PartEstimate, full_name
from glmmlab.estimate.separation import endless_signs, undetermined_coefficients
from glmmlab.inference.comparison import information_criteria
from glmmlab.inference.intervals import errors_and_degrees, standard_errors
from glmmlab.inference.model_parts import outcome
from glmmlab.inference.runaway import baseline_notes, separated_names

if TYPE_CHECKING:
    from glmmlab.inference.small_sample import SmallSample

SINGULAR_ZERO = "0 (singular)"
TINY = 1e-8
"""A variance this much smaller than the others of its singular term is shown as zero."""

_MOST_ALIASED = 10

TITLES = {
    "conditional": "Conditional model",
    "zero_inflation": "Zero-inflation model",
    "dispersion": "Dispersion model",
}


@dataclass(frozen=True)
class Summary(Exported):
    """What a fit says, as frames; prints as text, and as HTML in a notebook.

    Attributes
    ----------
    header : tuple of str
        Kind of model, family, formulas, rows.
    fit_statistics : Series
        ``aic, bic, llf, minus2llf, df_resid``.
    random_effects : DataFrame
        ``group, name, variance, sd`` and one column of correlations for each further effect.
    coefficients : DataFrame
        ``estimate, se, z, p`` of the conditional model, by coefficient name; with degrees of
        freedom ``estimate, se, df, t, p``.
    coefficients_zero_inflation, coefficients_dispersion : DataFrame
        The same for those parts; empty where they are absent or, for the dispersion, a constant.
    notes : tuple of str
        What to mind when reading.
    """

    header: tuple[str, ...]
    fit_statistics: pd.Series
    random_effects: pd.DataFrame
    groups: str
    dispersion: str
    coefficients: pd.DataFrame
    coefficients_zero_inflation: pd.DataFrame
    coefficients_dispersion: pd.DataFrame
    scales: Mapping[str, str]
    notes: tuple[str, ...]
    singular_groups: frozenset[str] = field(default=frozenset())
    runaway: Mapping[str, str] = field(default_factory=dict)
    show_stars: bool = False
    method: str = ""

    @property
    def frames(self) -> dict[str, pd.DataFrame]:
        """All tables by name."""
        return {
            "fit_statistics": self.fit_statistics.to_frame("value"),
            "random_effects": self.random_effects,
            "coefficients": self.coefficients,
            "coefficients_zero_inflation": self.coefficients_zero_inflation,
            "coefficients_dispersion": self.coefficients_dispersion,
        }

    def _document(self) -> Document:
        """The parts in order, ready as text or HTML."""
        parts: list[str | Table] = ["\n".join(self.header[1:]), self._statistics_table()]
        if len(self.random_effects):
            parts.append(self._random_table())
        parts.append(self.groups)
        if self.dispersion:
            parts.append(self.dispersion)
        for component, frame in (
            ("conditional", self.coefficients),
            ("zero_inflation", self.coefficients_zero_inflation),
            ("dispersion", self.coefficients_dispersion),
        ):
            if len(frame):
                parts.append(self._coefficient_table(component, frame))
        if self.show_stars:
            parts.append("Significance: *** p <= 0.001, ** 0.01, * 0.05, . 0.1")
        return Document([*parts, *self.notes], heading=self.header[0])

    def _statistics_table(self) -> Table:
        s = self.fit_statistics
        values = format_fixed([s["aic"], s["bic"], s["llf"], s["minus2llf"]], 1)
        columns = ("AIC", "BIC", "logLik", "-2logLik", "df.resid")
        return Table(columns, [(*values, f"{s['df_resid']:.0f}")], left=0)

    def _random_table(self) -> Table:
        frame = self.random_effects
        variances = format_joint(frame["variance"].tolist())
        sds = format_joint(frame["sd"].tolist())
        correlations = [c for c in frame.columns if c.startswith("corr")]
        corr = [format_fixed(frame[c], 2) for c in correlations]
        rows: list[tuple[str, ...]] = []
        previous = None
        for i, (group, name) in enumerate(zip(frame["group"], frame["name"], strict=True)):
            zero = group in self.singular_groups and frame["variance"].iloc[i] == 0.0
            cells = (SINGULAR_ZERO, "0") if zero else (variances[i], sds[i])
            shown = "" if group == previous else str(group)
            rows.append((shown, str(name), *cells, *(column[i] for column in corr)))
            previous = group
        headings = ["Corr"] + [""] * (len(correlations) - 1) if correlations else []
        columns = ("Groups", "Name", "Variance", "Std.Dev.", *headings)
        return Table(columns, rows, title="Random effects:", left=2)

    def _coefficient_table(self, component: str, frame: pd.DataFrame) -> Table:
        named = [full_name(component, name) for name in frame.index]
        finite = frame[[name not in self.runaway for name in named]]
        decimals = common_decimals([*finite["estimate"].dropna(), *finite["se"].dropna()])
        rows = []
        t = "t" in frame
        cells = {
            "estimate": _with_decimals(frame["estimate"], decimals),
            "se": _with_decimals(frame["se"], decimals),
            "p": format_p(frame["p"]),
        }
        if t:
            cells["df"] = [f"{df:.4g}" for df in frame["df"]]
        statistic = "t" if t else "z"
        cells[statistic] = format_fixed(frame[statistic], 3)
        for i, name in enumerate(frame.index):
            row = [cells[str(c)][i] for c in frame.columns]
            empty = [""] * (len(row) - 1)
            if np.isnan(frame["estimate"].iloc[i]):
                row = ["NA", *empty]
            if named[i] in self.runaway:
                row = [self.runaway[named[i]], *empty]
            mark = [stars(frame["p"].iloc[i])] if self.show_stars else []
            rows.append((str(name), *row, *mark))
        df = ("df",) if t else ()
        columns = ("", "Estimate", "Std. Error", *df, f"{statistic} value", f"Pr(>|{statistic}|)")
        how = self.method if t and component == "conditional" else f"Wald {statistic}"
        title = f"{TITLES[component]} ({self.scales[component]} scale, {how}):"
        return Table((*columns, "") if self.show_stars else columns, rows, title=title)

    def __str__(self) -> str:
        return self._document().text()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self._document().html()


def _with_decimals(values: pd.Series, decimals: int) -> list[str]:
    shown = format_fixed(values, decimals, missing="NA")
    small = [0 < abs(v) < 0.5 * 10.0**-decimals for v in values]
    return [f"{v:.3e}" if s else t for v, s, t in zip(values, small, shown, strict=True)]


# ---------------------------------------------------------------------------- from a fit


def summarize(
    estimate: Estimate, stars: bool = False, degrees: SmallSample | float | None = None
) -> Summary:
    """Collect the frames of a summary from an estimate; with `degrees`, t tests."""
    aic, bic = information_criteria(estimate)
    remark = getattr(degrees, "remark", "")
    statistics = pd.Series(
        {
            "aic": aic,
            "bic": bic,
            "llf": estimate.llf,
            "minus2llf": -2.0 * estimate.llf,
            "df_resid": float(estimate.df_resid),
        },
        name="value",
    )
    singular = frozenset(
        t.group
        for t in estimate.design.random
        if t.text in estimate.singular or t.group in estimate.singular
    )
    runaway = _runaway(estimate)
    return Summary(
        header=_header(estimate),
        fit_statistics=statistics,
        random_effects=_random_frame(estimate, singular),
        groups=_groups(estimate),
        dispersion=_dispersion_line(estimate),
        coefficients=coefficient_frame(estimate.conditional, degrees),
        coefficients_zero_inflation=_auxiliary_frame(estimate, "zero_inflation"),
        coefficients_dispersion=_auxiliary_frame(estimate, "dispersion"),
        scales=_scales(estimate),
        notes=(*_notes(estimate, runaway), *([remark] if remark else [])),
        singular_groups=singular,
        runaway=runaway,
        show_stars=stars,
        method=f"{getattr(degrees, 'title', 'Wald')} t",
    )


def coefficient_frame(
    part: PartEstimate, degrees: SmallSample | float | None = None
) -> pd.DataFrame:
    """Estimates with Wald z tests: ``estimate, se, z, p`` by coefficient name.

    The two-sided p is 2 Phi(-|z|), which keeps its digits however small it is.  With `degrees`
    of freedom t tests: ``estimate, se, df, t, p``.
    """
    se, df = errors_and_degrees(part, degrees)
    z = np.divide(part.params, se, out=np.full(len(se), np.nan), where=se > 0)
    if df is not None:
        p = 2.0 * stdtr(df, -np.abs(z))
        columns = {"estimate": part.params, "se": se, "df": df, "t": z, "p": p}
        return pd.DataFrame(columns, index=list(part.names))
    columns = {"estimate": part.params, "se": se, "z": z, "p": 2.0 * ndtr(-np.abs(z))}
    return pd.DataFrame(columns, index=list(part.names))


def has_formula(part: PartEstimate) -> bool:
    """Whether a part is more than one constant."""
    return tuple(part.names) != ("Intercept",)


def _auxiliary_frame(estimate: Estimate, name: str) -> pd.DataFrame:
    part = estimate.auxiliary.get(name)
    if part is None or (name == "dispersion" and not has_formula(part)):
        return pd.DataFrame(columns=["estimate", "se", "z", "p"], dtype=float)
    return coefficient_frame(part)


def _header(estimate: Estimate) -> tuple[str, ...]:
    design, family = estimate.design, estimate.family
    kind = "Linear" if family.is_linear else "Generalized linear"
    mixed = " mixed" if design.random else ""
    how = "REML" if estimate.method == "REML" else "maximum likelihood"
    laplace = ", Laplace approximation" if design.random and not family.is_linear else ""
    if estimate.quadrature > 1:
        laplace = f", adaptive Gauss-Hermite quadrature ({estimate.quadrature} nodes)"
    lines = [
        f"{kind}{mixed} model fitted by {how}{laplace}",
        f"Family:   {family.name} ({family.link.name})",
        f"Formula:  {design.formula}",
    ]
    if event := outcome(estimate):
        lines.append(f"Response: {event}")
    for name, label in (("zero_inflation", "Zero inflation:"), ("dispersion", "Dispersion:")):
        part = estimate.auxiliary.get(name)
        if part is not None and (name == "zero_inflation" or has_formula(part)):
            lines.append(f"{label} ~ {part.fixed.formula.lstrip('~ ')}")
    if design.weights_name is not None:
        lines.append(f"Weights:  {design.weights_name}")
    if design.offset_name is not None:
        lines.append(f"Offset:   {design.offset_name}")
    dropped = f" ({design.n_dropped} dropped for missing values)" if design.n_dropped else ""
    return (*lines, f"Rows:     {design.nobs}{dropped}")


def _random_frame(estimate: Estimate, singular: frozenset[str]) -> pd.DataFrame:
    rows = []
    for group, covariance in estimate.random_covariance.items():
        variances = np.diag(covariance.to_numpy()).copy()
        if group in singular:
            variances[variances <= TINY * max(1.0, variances.max())] = 0.0
        sds = np.sqrt(variances)
        together = _correlated(estimate, group)
        for i, name in enumerate(covariance.columns):
            row = {"group": group, "name": name, "variance": variances[i], "sd": sds[i]}
            for j in range(i):
                if (i, j) in together:
                    below = sds[i] * sds[j]
                    row[f"corr{j + 1}"] = covariance.iat[i, j] / below if below > 0 else np.nan
            rows.append(row)
    if rows and estimate.family.name == "gaussian" and not _varying(estimate):
        phi = float(estimate.family.dispersion(estimate.auxiliary["dispersion"].params[0]))
        rows.append({"group": "Residual", "name": "", "variance": phi, "sd": np.sqrt(phi)})
    return pd.DataFrame(rows, columns=None if rows else ["group", "name", "variance", "sd"])


def _correlated(estimate: Estimate, group: str) -> set[tuple[int, int]]:
    """Pairs of a factor's effects that have a correlation in the model: those of one term."""
    pairs, start = set(), 0
    for term in estimate.design.random:
        if term.group == group:
            places = range(start, start + len(term.names))
            pairs |= {(i, j) for i in places for j in places if not term.diagonal}
            start += len(term.names)
    return pairs


def _varying(estimate: Estimate) -> bool:
    part = estimate.auxiliary.get("dispersion")
    return part is not None and has_formula(part)


def _groups(estimate: Estimate) -> str:
    sizes = {t.group: len(t.levels) for t in estimate.design.random}
    listing = "; ".join(f"{group}, {size}" for group, size in sizes.items())
    return f"Number of obs: {estimate.nobs}" + (f", groups: {listing}" if listing else "")


def _dispersion_line(estimate: Estimate) -> str:
    lines = []
    part = estimate.auxiliary.get("dispersion")
    if part is not None and not has_formula(part):
        label = estimate.family.dispersion_label
        value = format_significant(float(estimate.family.dispersion(part.params[0])))
        called = f" ({label})" if label else ""
        hint = estimate.family.dispersion_hint
        line = f"Dispersion parameter for {estimate.family.name} family{called}: {value}"
        lines.append(f"{line} ({hint})" if hint else line)
    shape = estimate.auxiliary.get("shape")
    if shape is not None:
        for name, number in estimate.family.shape(float(shape.params[0])).items():
            lines.append(f"Shape of the {estimate.family.name} family ({name}): {number:.3g}")
    if cuts := _cut_points(estimate):
        scale = estimate.family.link.name
        lines.append(f"Cut points of the {estimate.family.name} family ({scale} scale): {cuts}")
    return "\n".join(lines)


def _cut_points(estimate: Estimate) -> str:
    """``lower -2.21 (SE 0.106), upper 3.95 (SE 0.504)``; empty for families without them."""
    endless = endless_cut_points(estimate.auxiliary, estimate.design.auxiliary)
    shown = []
    for name in CUT_POINTS:
        if (part := estimate.auxiliary.get(name)) is None:
            continue
        value = f"{part.params[0]:.3g} (SE {standard_errors(part)[0]:.3g})".replace("nan", "NA")
        if name in endless:
            value = "-> -inf" if endless[name] < 0 else "-> inf"
        shown.append(f"{name.removesuffix('_cut')} {value}")
    return ", ".join(shown)


def _scales(estimate: Estimate) -> dict[str, str]:
    return {
        "conditional": estimate.family.link.name,
        "zero_inflation": "logit",
        "dispersion": "log",
    }


def _runaway(estimate: Estimate) -> dict[str, str]:
    """Separated coefficients by name, with the infinity they run to."""
    nowhere = undetermined_coefficients(estimate.design, estimate.family)
    found: dict[str, str] = {}
    for name, part in {"conditional": estimate.conditional, **estimate.auxiliary}.items():
        ends = _infinities(estimate, name, part)
        found |= {full_name(name, column): end for column, end in ends.items()}
    return found | {name: "NA" for name in nowhere if name in found}


_ENDS = {1.0: "-> inf", -1.0: "-> -inf", 0.0: "undetermined"}


def _infinities(estimate: Estimate, component: str, part: PartEstimate) -> dict[str, str]:
    named = separated_names(estimate, component)
    if not named:
        return {}
    ways = np.zeros(len(part.names))
    ways[part.estimable] = endless_signs(estimate.design, estimate.family, component)
    return {name: _ENDS[float(ways[part.names.index(name)])] for name in named}


def all_warnings(estimate: Estimate) -> tuple[GlmmlabWarning, ...]:
    """Warnings about the data, then about the fit, each once."""
    return tuple(dict.fromkeys((*estimate.design.warnings, *estimate.warnings)))


def _notes(estimate: Estimate, runaway: Mapping[str, str]) -> tuple[str, ...]:
    aliased = estimate.design.conditional.aliased
    named = ", ".join(aliased[:_MOST_ALIASED])
    if len(aliased) > _MOST_ALIASED:
        named += f" and {len(aliased) - _MOST_ALIASED} more"
    notes = [f"NA: {named} not estimated (aliased)."] if aliased else []
    if "undetermined" in runaway.values():
        notes.append(
            "undetermined: not even the sign of the coefficient can be told from these data."
        )
    said = (f"{type(w).__name__}: {w}" for w in all_warnings(estimate))
    return (*notes, *said, *baseline_notes(estimate))
