"""Every model in tests/reference/expected against R's glmmTMB, digit by digit.

Tolerances: log-likelihood 1e-6, coefficients 1e-5 of their standard error, standard errors 1e-4
relative (R's exact Hessian where the reference has it), Wald chi-square 1e-4 relative.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from conftest import reference, reference_cases
from r_models import fit, series, term_name

pytestmark = pytest.mark.parametrize("case", reference_cases())


def check(ours: pd.Series, theirs: pd.Series, tolerance: pd.Series | float, what: str) -> None:
    """Compare two named columns and print the table when one entry is off."""
    assert set(ours.index) == set(theirs.index), f"{what}: names differ"
    table = pd.DataFrame({"ours": ours, "R": theirs, "tolerance": tolerance})
    table["difference"] = table["ours"] - table["R"]
    bad = ~(table["difference"].abs() <= table["tolerance"])
    assert not bad.any(), f"{what}\n{table.to_string()}"


def r_standard_errors(case: str) -> pd.Series:
    r = reference(case)
    return series(case, r.get("se_exact") or r["se"])


def test_likelihood_and_counts(case):
    r, m = reference(case), fit(case)
    assert m.llf == pytest.approx(r["logLik"], abs=1e-6)
    assert (m.npar, m.nobs, m.df_resid) == (r["npar"], r["nobs"], r["df_resid"])
    assert pytest.approx(r["AIC"], abs=2e-6) == m.aic
    assert pytest.approx(r["BIC"], abs=2e-6) == m.bic


def test_coefficients(case):
    r, m = reference(case), fit(case)
    se = r_standard_errors(case)
    check(m.params, series(case, r["fixef"]), 1e-5 * se, "coefficients")


def test_standard_errors(case):
    se = r_standard_errors(case)
    check(fit(case).bse, se, 1e-4 * se, "standard errors")


def test_auxiliary_parts(case):
    """Zero-inflation and dispersion coefficients, where the model has them."""
    r, m = reference(case), fit(case)
    # R's zero-inflation intercept of this case runs to minus infinity: only the sign is fixed.
    if case == "sal_zinb2_const":
        assert m.params_zero_inflation["Intercept"] < -5
        return
    assert ("zi" in r) == bool(r.get("ziformula"))
    for key, params, bse in (
        ("zi", m.params_zero_inflation, m.bse_zero_inflation),
        ("disp", m.params_dispersion, m.bse_dispersion),
    ):
        if key in r:
            theirs, se = series(case, r[key]["fixef"]), series(case, r[key]["se"])
            check(params, theirs, 2e-5 * se, key)
            check(bse, se, 3e-4 * se, f"{key} standard errors")


def test_random_effects(case):
    r, m = reference(case), fit(case)
    assert bool(r.get("varcorr")) == ("|" in r["formula"])
    for block in r.get("varcorr") or []:
        group = ":".join(reversed(block["group"].split(":")))
        ours = m.random_covariance[group if group in m.random_covariance else block["group"]]
        sd = np.sqrt(np.diag(ours))
        theirs = np.atleast_1d(block["sd"]).astype(float)
        # a variance on the boundary is exactly zero here and some small number in R
        boundary = 1e-3 * max(1.0, r.get("sigma") or 1.0)
        scale = max(1e-3, float(np.max(theirs)))
        tolerance = np.where(sd == 0.0, boundary, 2e-4 * scale)
        assert np.all(np.abs(sd - theirs) <= tolerance), f"{block['group']}: {sd}, R: {theirs}"


def test_modes(case):
    r, m = reference(case), fit(case)
    assert bool(r.get("ranef")) == ("|" in r["formula"])
    for block in r.get("ranef") or []:
        group = ":".join(reversed(block["group"].split(":")))
        ours = m.random_effects[group if group in m.random_effects else block["group"]]
        theirs = np.asarray(block["values"], dtype=float).reshape(len(block["levels"]), -1)
        if group in m.random_effects and group != block["group"]:
            labels = [":".join(reversed(x.split(":"))) for x in block["levels"]]
        else:
            labels = block["levels"]
        theirs = pd.DataFrame(theirs, index=labels)
        scale = float(np.abs(theirs.to_numpy()).max()) + 1e-2
        ours = ours.set_axis(ours.index.astype(str)).loc[labels]
        assert_allclose(ours.to_numpy(), theirs.to_numpy(), atol=5e-4 * scale)


@pytest.mark.parametrize("type_", [2, 3])
def test_anova(case, type_):
    r = reference(case)
    rows = r.get(f"anova_type{type_}_exact") or r.get(f"anova_type{type_}")
    if not rows:
        assert not [t for t in fit(case).params.index if t != "Intercept"]
        return
    theirs = pd.DataFrame(rows).assign(term=lambda d: d["term"].map(term_name)).set_index("term")
    ours = fit(case).anova(type=type_).frame
    check(ours["chisq"], theirs["Chisq"], 1e-4 * theirs["Chisq"] + 1e-9, "chi-square")
    assert list(ours["df"]) == list(theirs["Df"])
    assert_allclose(ours["p"], theirs["p"], atol=1e-6, rtol=2e-3)


def test_fitted_values(case):
    r, m = reference(case), fit(case)
    assert_allclose(np.asarray(m.fittedvalues)[:10], r["fitted_response_first10"], rtol=2e-5)
    assert m.fittedvalues.sum() == pytest.approx(r["fitted_response_sum"], rel=1e-5)
    population = m.predict(scale="response", random_effects="population")
    assert_allclose(np.asarray(population)[:10], r["fitted_population_first10"], rtol=2e-5)
