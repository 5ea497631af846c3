"""Defaults and limits that texts and users rely on: R's, or those that the docstrings name."""

from __future__ import annotations

import inspect

import pytest

import glmmlab as gl
from glmmlab.blocks import structure
from glmmlab.blocks.structure import RandomStructure
from glmmlab.inference import (
    checkpoint,
    new_observation,
    reference_grid,
    trends,
    variance_components,
)
from glmmlab.inference.bootstrap import Bootstrap, bootstrap
from glmmlab.inference.contrast_table import Contrasts
from glmmlab.inference.emmeans import EMMeans
from glmmlab.inference.predict import predict
from glmmlab.inference.reference_grid import build_grid
from glmmlab.inference.small_sample import small_sample
from glmmlab.residuals import ResidualTest, SimulatedResiduals, outliers, result, spatial

DEFAULTS = {
    gl.glmm: {"family": "gaussian", "method": "ML", "quadrature": 1},
    gl.Fit.summary: {"stars": False, "df": None},
    gl.Fit.conf_int: {
        "level": 0.95, "parameters": "conditional", "method": "wald", "n": 500, "seed": None,
    },
    gl.Fit.profile: {"parameters": None, "level": 0.95, "workers": 1, "progress": False},
    gl.Fit.bootstrap: {"n": 500, "seed": None, "workers": 1, "progress": False},
    gl.Fit.anova: {"type": 2, "component": "conditional", "df": None},  # car::Anova
    gl.Fit.joint_tests: {"by": None, "component": "conditional", "confounded": False},
    gl.Fit.compare: {"boundary": False, "bootstrap": None, "seed": None},
    gl.Fit.emmeans: {  # emmeans::emmeans
        "type": "link", "weights": "equal", "component": "conditional", "level": 0.95,
        "offset": None, "bias_adjust": False, "sigma": None, "df": None,
    },
    gl.Fit.emtrends: {"type": "link", "degree": 1, "weights": "equal", "level": 0.95},
    gl.Fit.test_hypotheses: {"rhs": None, "adjust": "single-step", "level": 0.95, "seed": 0},
    gl.Fit.predict: {
        "newdata": None, "scale": "response", "random_effects": "conditional", "se": False,
        "level": 0.95, "offset": None, "interval": "mean", "seed": None,
    },
    gl.Fit.residuals: {"kind": "response"},
    gl.Fit.simulate: {"seed": None, "random_effects": "unconditional"},
    gl.Fit.simulate_residuals: {
        "n": 250, "seed": None, "random_effects": "unconditional", "method": "pit",
        "rotation": None, "refit": False,
    },
    gl.Fit.random_effects_table: {"level": 0.95, "uncertainty": "joint"},
    gl.Fit.report: {"level": 0.95, "checks": True, "seed": 1},
    EMMeans.pairs: {"adjust": "tukey", "reverse": False},
    EMMeans.contrast: {"method": "eff", "adjust": None},
    EMMeans.cld: {
        "level": 0.95, "adjust": "tukey", "alpha": None, "reversed": False, "sweep": False,
    },
    EMMeans.test: {"null": 0.0, "delta": 0.0, "side": "two-sided", "adjust": "none"},
    EMMeans.conf_int: {"level": None, "adjust": "none", "side": "two-sided"},
    Contrasts.conf_int: {"level": None, "adjust": None, "side": "two-sided"},
    Contrasts.test: {"null": 0.0, "delta": 0.0, "side": "two-sided", "adjust": None},
    Bootstrap.conf_int: {"level": 0.95, "method": "percentile"},
    gl.residuals.from_simulations: {"seed": None, "method": "pit", "dependent": False},
    SimulatedResiduals.test_uniformity: {"alternative": "two-sided", "reference": None},
    SimulatedResiduals.test_dispersion: {"alternative": "two-sided", "type": None},
    SimulatedResiduals.test_outliers: {
        "alternative": "two-sided", "margin": "both", "type": None, "nboot": 100,
    },
    SimulatedResiduals.test_zero_inflation: {"alternative": "two-sided"},
    SimulatedResiduals.test_quantiles: {"predictor": None, "quantiles": (0.25, 0.5, 0.75)},
    SimulatedResiduals.recalculate: {"by": "sum", "seed": None},
}  # fmt: skip


@pytest.mark.parametrize("function", DEFAULTS, ids=lambda f: f.__qualname__)
def test_defaults(function):
    parameters = inspect.signature(function).parameters
    found = {name: parameters[name].default for name in DEFAULTS[function]}
    assert found == DEFAULTS[function]


LIMITS = {  # what a docstring says -> the constant that does it
    (gl.Fit.emtrends, "a thousandth of the range"): (trends._RELATIVE_STEP, 0.001),
    (predict, "10,000 simulated observations"): (new_observation.DRAWS, 10_000),
    (small_sample, "more than 3000 rows and effects"): (variance_components.LARGEST, 3000),
    (build_grid, "more than 10,000 rows"): (reference_grid.MAX_ROWS, 10_000),
    (bootstrap, "at most a second behind"): (checkpoint.SECONDS, 1.0),
    (RandomStructure, "more than 10,000 columns"): (structure.MAX_DENSE_COLUMNS, 10_000),
    (SimulatedResiduals.test_outliers, "at most 500 rows"): (outliers.BOOTSTRAP_MOST, 500),
    (SimulatedResiduals.test_spatial, "than 5,000 rows"): (spatial.SPATIAL_ROWS, 5_000),
    (ResidualTest.significant, "below 0.05"): (result.LEVEL, 0.05),
}


@pytest.mark.parametrize("said", LIMITS, ids=lambda said: said[1])
def test_limits_are_those_that_the_docstrings_name(said):
    where, words = said
    assert words in " ".join((inspect.getdoc(where) or "").split())
    used, named = LIMITS[said]
    assert used == named


def test_errors_and_warnings_can_be_caught_by_their_bases():
    for name in dir(gl.errors):
        kind = getattr(gl.errors, name)
        if inspect.isclass(kind):
            error, warning = issubclass(kind, gl.GlmmlabError), issubclass(kind, gl.GlmmlabWarning)
            assert error != warning
            assert issubclass(kind, ValueError if error else UserWarning)
            assert getattr(gl, name) is kind
