"""The unit of the response changes the numbers as mathematics says, and nothing else."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import glmmlab as gl
from conftest import reference_data

UNITS = [1e-70, 1e-20, 1e-6, 1e6, 1e20, 1e70]


def fitted(data, **arguments):
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        warnings.simplefilter("ignore", gl.SingularFitWarning)
        return gl.glmm(data=data, **arguments)


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize(
    "arguments",
    [
        {"formula": "Reaction ~ Days"},
        {"formula": "Reaction ~ Days + (Days | Subject)"},
        {"formula": "Reaction ~ Days + (Days | Subject)", "method": "REML"},
        {"formula": "Reaction ~ Days + (1 | Subject) + (1 | late)"},
        {"formula": "Reaction ~ Days + (1 | Subject)", "dispersion": "~ Days"},
        {"formula": "Reaction ~ Days + offset(before) + (1 | Subject)", "weights": "w"},
        {"formula": "Reaction ~ Days + (1 | Subject)", "family": "t"},
    ],
)
def test_a_fit_in_another_unit(arguments, unit):
    data = reference_data("sleepstudy")
    rng = np.random.default_rng(1)
    data["late"] = np.where(data["Days"] > 5, "late", "early")
    data["before"] = rng.normal(size=len(data))
    data["w"] = rng.uniform(1, 2, len(data))
    plain = fitted(data, **arguments)
    data[["Reaction", "before"]] = unit * data[["Reaction", "before"]]
    fit = fitted(data, **arguments)
    assert fit.converged
    assert_allclose(fit.params, unit * plain.params, rtol=1e-6)
    assert_allclose(fit.bse, unit * plain.bse, rtol=1e-5)
    assert_allclose(fit.dispersion, unit * (unit * plain.dispersion), rtol=1e-5)
    assert_allclose(fit.fittedvalues, unit * plain.fittedvalues, rtol=1e-6)
    assert_allclose(
        fit.random_effects["Subject"] if fit.random_effects else 0.0,
        unit * plain.random_effects["Subject"] if fit.random_effects else 0.0,
        rtol=1e-4,
        atol=1e-6 * unit,
    )
    N = data["w"].sum() if "weights" in arguments else len(data)
    N -= len(fit.params) if fit.method == "REML" else 0
    assert_allclose(fit.llf, plain.llf - N * np.log(unit), rtol=1e-9, atol=1e-6)
    record = fit.optimization
    assert_allclose(-record.values[-1], fit.llf if fit.method == "ML" else -record.values[-1])


@pytest.mark.parametrize("family", ["gaussian", "t"])
@pytest.mark.parametrize(("unit", "words"), [(1e150, "as large as"), (1e-150, "as little as")])
def test_responses_whose_squares_cannot_be_summed(family, unit, words):
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"y": unit * rng.normal(10, 1, 20), "x": rng.normal(size=20)})
    with pytest.raises(gl.ResponseError, match=words), warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        gl.glmm("y ~ x", data, family)


@pytest.mark.parametrize("unit", [1e-100, 1e-12, 1e12, 1e100])
@pytest.mark.parametrize("family", ["gaussian", "poisson", "nbinom2"])
@pytest.mark.parametrize("term", ["(x | g)", "(x || g) + (1 | h)", "(0 + x | g)"])
def test_random_slopes_in_another_unit(term, family, unit):
    """A slope per 1/s is s times the slope per 1: theta, modes and covariances follow."""
    rng = np.random.default_rng(11)
    g, h = np.repeat(np.arange(12), 12), np.tile(np.arange(6), 24)
    x = rng.normal(size=144)
    eta = 1.2 + 0.3 * x + rng.normal(0, 0.5, 12)[g] + rng.normal(0, 0.4, 12)[g] * x
    y = eta + rng.normal(0, 0.3, 144) if family == "gaussian" else 1.0 * rng.poisson(np.exp(eta))
    data = pd.DataFrame({"y": y, "x": x, "g": g.astype(str), "h": h.astype(str)})
    formula = f"y ~ x + {term}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gl.BoundaryWarning)
        plain = fitted(data, formula=formula, family=family)
        fit = fitted(data.assign(x=unit * data["x"]), formula=formula, family=family)
    assert fit.converged
    assert fit.llf == pytest.approx(plain.llf, abs=1e-7)
    scale = np.array([1.0, unit])
    assert_allclose(fit.params * scale, plain.params, rtol=1e-5)
    assert_allclose(fit.bse * scale, plain.bse, rtol=1e-5)
    slope = plain.random_covariance["g"].loc["x", "x"]
    assert fit.random_covariance["g"].loc["x", "x"] * unit * unit == pytest.approx(slope, rel=1e-4)
    effects = fit.random_effects["g"]["x"] * unit
    assert_allclose(effects, plain.random_effects["g"]["x"], atol=1e-5)
    assert_allclose(fit.fittedvalues, plain.fittedvalues, rtol=1e-5)
    assert_allclose(fit.optimization.values[-1], plain.optimization.values[-1], rtol=1e-9)
