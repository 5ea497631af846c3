"""The format of a saved fit: one JSON object.

===============  ================================================================================
key              holds
===============  ================================================================================
``format``       ``"glmmlab fit"``
``schema``       the version of this format, a whole number; a reader knows all up to its own
``glmmlab``      version of the package that wrote the file (for people; nothing depends on it)
``sha256``       checksum of ``fit``: its JSON text with sorted keys and no spaces
``fit.model``    formula, family, method, quadrature, formulas of the auxiliary parts
``fit.data``     the rows used, as `columns` writes frames
``fit.design``   response, trials, weights and offset as numbers; names; rows dropped
``fit.estimate`` coefficients, covariances, variances, modes, predictors, record of the optimiser
``fit.said``     warnings: class and message, about the ``design`` and about the ``estimate``
===============  ================================================================================

The optimum is stored, not computed again.  Design matrices are computed from formula and data,
and their names compared with the stored ones.  A change of the format raises ``SCHEMA`` and adds
a step to ``_UPGRADES`` that turns the old ``fit`` into the new one, so old files keep loading.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

import pandas as pd

from glmmlab import errors
from glmmlab._files import checksum, decode_array, decode_number, encode_array, encode_number
from glmmlab._types import AnyArray
from glmmlab.design import Design, restore_design
from glmmlab.errors import GlmmlabError, GlmmlabWarning, SavedFileError
from glmmlab.estimate.result import Estimate, Optimization, PartEstimate
from glmmlab.families import ZeroInflated, get
from glmmlab.families.base import Family
from glmmlab.formula.fixed import used_columns
from glmmlab.formula.response import response_columns
from glmmlab.saving.columns import decode_frame, encode_frame

FORMAT = "glmmlab fit"
SCHEMA = 1
_UPGRADES: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""Schema -> the function that turns its ``fit`` into that of the next one."""

_ARRAYS = ("start", "end", "iterates", "values")
_NUMBERS = ("gradient_norm", "predicted_decrease", "smallest_eigenvalue")


# -- writing ---------------------------------------------------------------------------------


def to_document(estimate: Estimate, version: str) -> dict[str, Any]:
    """A fitted model as one JSON object.

    Parameters
    ----------
    estimate : Estimate
    version : str
        The package's version.

    Raises
    ------
    SavedFileError
        The family is a class of the user's own, or a column of the model has a type that the
        format does not know.
    """
    fit = {
        "model": _model(estimate),
        "data": encode_frame(estimate.design.data, _needed(estimate.design)),
        "design": _design(estimate.design),
        "estimate": _numbers(estimate),
        "said": {
            "design": _said(estimate.design.warnings),
            "estimate": _said(estimate.warnings),
        },
    }
    return {
        "format": FORMAT,
        "schema": SCHEMA,
        "glmmlab": version,
        "sha256": checksum(fit),
        "fit": fit,
    }


def _needed(design: Design) -> list[str]:
    """Data columns without which the model cannot be rebuilt."""
    parts = [design.conditional.fixed, *(part.fixed for part in design.auxiliary.values())]
    names = list(response_columns(design.response))
    for part in parts:
        names += used_columns(part.formula, part.offsets)
    for term in design.random:
        names += [*term.group_columns, *used_columns(term.basis.formula)]
    return names


def _model(estimate: Estimate) -> dict[str, Any]:
    auxiliary = estimate.design.auxiliary
    return {
        "formula": estimate.design.formula,
        "family": encode_family(estimate.family),
        "method": estimate.method,
        "quadrature": estimate.quadrature,
        "auxiliary": {name: part.fixed.formula for name, part in auxiliary.items()},
    }


def encode_family(family: Family) -> dict[str, Any]:
    """A family by its name, its link and what else it was made with."""
    if isinstance(family, ZeroInflated):
        return {"zero_inflated": encode_family(family.base)}
    entry = {"name": family.name, "link": family.link.name, **family.options()}
    try:
        same = type(decode_family(entry)) is type(family)
    except (GlmmlabError, TypeError):
        same = False
    if not same:
        raise SavedFileError(
            f"{family!r} is a family of your own, which another machine would not know: only "
            f"fits of the families in gl.families.names() can be saved."
        )
    return entry


def _design(design: Design) -> dict[str, Any]:
    parts = {"conditional": design.conditional, **design.auxiliary}
    return {
        "y": encode_array(design.y),
        "trials": _optional(design.trials),
        "weights": _optional(design.weights),
        "offset": encode_array(design.offset),
        "weights_name": design.weights_name,
        "offset_name": design.offset_name,
        "n_dropped": design.n_dropped,
        "names": {name: list(part.fixed.names) for name, part in parts.items()},
        "kept": {name: list(part.names) for name, part in parts.items()},
        "levels": {term.text: list(term.levels) for term in design.random},
    }


def _optional(values: AnyArray | None) -> dict[str, Any] | None:
    return None if values is None else encode_array(values)


def _numbers(estimate: Estimate) -> dict[str, Any]:
    record = estimate.optimization
    return {
        "parts": {
            name: {"params": encode_array(part.params), "cov": encode_array(part.cov)}
            for name, part in {"conditional": estimate.conditional, **estimate.auxiliary}.items()
        },
        "theta": encode_array(estimate.theta),
        "theta_names": list(estimate.theta_names),
        "cov_full": encode_array(estimate.cov_full),
        "full_names": list(estimate.full_names),
        "random_covariance": _frames(estimate.random_covariance),
        "modes": _frames(estimate.modes),
        "llf": encode_number(estimate.llf),
        "npar": estimate.npar,
        "eta": encode_array(estimate.eta),
        "aux": [encode_array(values) for values in estimate.aux],
        "singular": list(estimate.singular),
        "separated": list(estimate.separated),
        "converged": bool(estimate.converged),
        "optimization": {
            "names": list(record.names),
            **{name: encode_array(getattr(record, name)) for name in _ARRAYS},
            **{name: encode_number(getattr(record, name)) for name in _NUMBERS},
            "evaluations": int(record.evaluations),
            "converged": bool(record.converged),
            "message": record.message,
        },
    }


def _frames(frames: Mapping[str, pd.DataFrame]) -> list[dict[str, Any]]:
    return [{"group": group, **encode_frame(frame)} for group, frame in frames.items()]


def _said(warnings: tuple[GlmmlabWarning, ...]) -> list[list[str]]:
    return [[type(warning).__name__, str(warning)] for warning in warnings]


# -- reading ---------------------------------------------------------------------------------


def from_document(document: Mapping[str, Any]) -> Estimate:
    """The fitted model that `to_document` wrote.

    Raises
    ------
    SavedFileError
        Another format, a newer schema, a wrong checksum, or content that does not fit together;
        the message says which.
    """
    fit = _checked(document)
    try:
        return _estimate(fit)
    except SavedFileError:
        raise
    except GlmmlabError as error:
        raise SavedFileError(f"formula and data do not fit together: {error}") from None
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
        raise SavedFileError(
            f"a part is missing or of the wrong type: {type(error).__name__}, {error}."
        ) from None


def _checked(document: Mapping[str, Any]) -> dict[str, Any]:
    if document.get("format") != FORMAT:
        raise SavedFileError(
            f"'format' is {document.get('format')!r:.60}, not {FORMAT!r}: no saved fit."
        )
    schema = document.get("schema")
    if isinstance(schema, bool) or not isinstance(schema, int) or schema < 1:
        raise SavedFileError(f"'schema' is {schema!r:.60}, not a version number.")
    if schema > SCHEMA:
        raise SavedFileError(
            f"it was written by glmmlab {document.get('glmmlab')} in schema {schema}; this "
            f"version reads up to schema {SCHEMA}. Update glmmlab."
        )
    fit = document.get("fit")
    if not isinstance(fit, dict):
        raise SavedFileError("'fit' is missing.")
    try:
        found = checksum(fit)
    except ValueError:
        found = "none, for a number is too large"
    if found != document.get("sha256"):
        raise SavedFileError(
            "its content was changed after it was saved: the checksum 'sha256' does not agree."
        )
    for old in range(schema, SCHEMA):
        fit = _UPGRADES[old](fit)
    return fit


def _estimate(fit: dict[str, Any]) -> Estimate:
    model, numbers = fit["model"], fit["estimate"]
    design = _read_design(fit)
    fixed = {"conditional": design.conditional.fixed}
    fixed |= {name: part.fixed for name, part in design.auxiliary.items()}
    parts = {
        name: PartEstimate(fixed[name], decode_array(part["params"]), decode_array(part["cov"]))
        for name, part in numbers["parts"].items()
    }
    for name, part in parts.items():
        if part.params.shape != (len(part.names),) or part.cov.shape != (len(part.names),) * 2:
            raise SavedFileError(
                f"the {name} part has {len(part.names)} names, not as many numbers."
            )
    eta = decode_array(numbers["eta"])
    if not len(design.y) == len(design.offset) == len(eta) == len(design.data):
        raise SavedFileError("response, offset, predictor and data differ in their rows.")
    return Estimate(
        family=decode_family(model["family"]),
        design=design,
        method=model["method"],
        quadrature=model["quadrature"],
        conditional=parts.pop("conditional"),
        auxiliary=parts,
        theta=decode_array(numbers["theta"]),
        theta_names=tuple(numbers["theta_names"]),
        cov_full=decode_array(numbers["cov_full"]),
        full_names=tuple(numbers["full_names"]),
        random_covariance=_read_frames(numbers["random_covariance"]),
        modes=_read_frames(numbers["modes"]),
        llf=decode_number(numbers["llf"]),
        npar=numbers["npar"],
        eta=eta,
        aux=tuple(decode_array(values) for values in numbers["aux"]),
        singular=tuple(numbers["singular"]),
        separated=tuple(numbers["separated"]),
        converged=numbers["converged"],
        optimization=_read_record(numbers["optimization"]),
        warnings=_read_said(fit["said"]["estimate"]),
    )


def _read_design(fit: dict[str, Any]) -> Design:
    stored, model = fit["design"], fit["model"]
    design = restore_design(
        model["formula"],
        decode_frame(fit["data"]),
        kept={name: tuple(names) for name, names in stored["kept"].items()},
        parts=model["auxiliary"],
        y=decode_array(stored["y"]),
        trials=None if stored["trials"] is None else decode_array(stored["trials"]),
        weights=None if stored["weights"] is None else decode_array(stored["weights"]),
        offset=decode_array(stored["offset"]),
        n_dropped=stored["n_dropped"],
        weights_name=stored["weights_name"],
        offset_name=stored["offset_name"],
        warnings=_read_said(fit["said"]["design"]),
    )
    for name, part in {"conditional": design.conditional, **design.auxiliary}.items():
        if list(part.fixed.names) != stored["names"][name]:
            raise SavedFileError(
                f"formula and data give other columns in the {name} part than the file names."
            )
    for term in design.random:
        if list(term.levels) != stored["levels"][term.text]:
            raise SavedFileError(f"the data have other levels in {term.text} than the file names.")
    return design


def decode_family(entry: Mapping[str, Any]) -> Family:
    """The family that `encode_family` wrote."""
    if "zero_inflated" in entry:
        return ZeroInflated(decode_family(entry["zero_inflated"]))
    options = {key: value for key, value in entry.items() if key not in ("name", "link")}
    return type(get(entry["name"]))(link=entry["link"], **options)


def _read_frames(entries: list[dict[str, Any]]) -> dict[str, pd.DataFrame]:
    return {entry["group"]: decode_frame(entry) for entry in entries}


def _read_record(entry: dict[str, Any]) -> Optimization:
    plain = {field.name: entry[field.name] for field in fields(Optimization)}
    plain |= {name: decode_array(entry[name]) for name in _ARRAYS}
    plain |= {name: decode_number(entry[name]) for name in _NUMBERS}
    plain["names"] = tuple(plain["names"])
    return Optimization(**plain)


def _read_said(entries: list[list[str]]) -> tuple[GlmmlabWarning, ...]:
    said = []
    for name, message in entries:
        kind = getattr(errors, name, None)
        if not (isinstance(kind, type) and issubclass(kind, GlmmlabWarning)):
            raise SavedFileError(f"{name!r:.60} is no warning of glmmlab.")
        said.append(kind(message))
    return tuple(said)
