"""B-splines at the ends of their range, against R.

``d = read.csv("sleepstudy.csv")``; ``m = glmmTMB(Reaction ~ bs(Days, df = 4), d)`` (1.1.5),
``l = lm(Reaction ~ bs(Days, df = 4), d)``.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import glmmlab as gl
from conftest import reference_data


@pytest.fixture(scope="module")
def fit():
    return gl.glmm("Reaction ~ bs(Days, df=4)", reference_data("sleepstudy"))


@pytest.mark.parametrize(
    ("day", "slope", "se"), [(0.0, -0.5512538, 16.516872), (9.0, 20.383721, 16.630333)]
)
def test_slopes_at_the_ends(fit, day, slope, se):
    """emtrends(m, ~ 1, "Days", at = list(Days = day), delta.var = 0.009), emmeans 1.8.4.

    R's fit stops 2e-5 short of the optimum, which lm gives as 20.38365257.
    """
    frame = fit.emtrends("1", "Days", at={"Days": day}).frame
    assert_allclose(frame["estimate"], slope, atol=1e-4)
    assert_allclose(frame["se"], se, rtol=1e-6)
    if day == 9.0:
        assert_allclose(frame["estimate"], 20.38365257, rtol=1e-7)
        second = fit.emtrends("1", "Days", degree=2, at={"Days": day}).frame
        assert np.isfinite(second["estimate"]).all()


def test_new_rows_outside_the_range(fit):
    """predict(l, data.frame(Days = c(9, 9.05, -0.05, 10))): R warns, and goes on."""
    expected = [351.398222075, 352.424782688, 257.871147218, 375.697126720]
    new = pd.DataFrame({"Days": [9.0, 9.05, -0.05, 10.0]})
    assert_allclose(fit.predict(new.iloc[:3]), expected[:3], rtol=1e-9)
    with pytest.raises(gl.DataError, match=r"reaches from 0 to 9, and 10 lies outside: stay"):
        fit.predict(new)
    formula = "Reaction ~ bs(Days, df=4, extrapolation='extend')"
    extended = gl.glmm(formula, reference_data("sleepstudy"))
    assert_allclose(extended.predict(new), expected, rtol=1e-9)


def test_natural_splines_beside_an_intercept():
    """The span of logLik(mgcv::gam(Reaction ~ s(Days, bs = "cr", k = 4, fx = TRUE), data = d))."""
    natural = gl.glmm("Reaction ~ cr(Days, df=3)", reference_data("sleepstudy"))
    assert natural.llf == pytest.approx(-949.924610704, abs=1e-6)
    assert natural.warnings == () and natural.params.notna().all()
