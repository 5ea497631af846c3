"""The mathematics of the slider figures (book/assets/sliders_maths.js) is scipy's."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import special, stats

import glmmlab as gl

ASSETS = Path(__file__).resolve().parents[1] / "book" / "assets"
NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="node is not installed")


def javascript(calls: list[tuple[str, list[float]]]) -> list[Any]:
    """Values of functions of sliders_maths.js, each named by its path; None for NaN."""
    script = (
        "const maths = require(process.argv[1]);"
        "const get = (path) => path.split('.').reduce((at, key) => at[key], maths);"
        "const calls = JSON.parse(process.argv[2]);"
        "console.log(JSON.stringify(calls.map(([path, args]) => get(path)(...args))));"
    )
    assert NODE
    command = [NODE, "-e", script, str(ASSETS / "sliders_maths.js"), json.dumps(calls)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def beta(mu: float, phi: float) -> Any:
    return stats.beta(mu * phi, (1 - mu) * phi)


def gamma(mu: float, phi: float) -> Any:
    return stats.gamma(1 / phi, scale=phi * mu)


def nbinom2(mu: float, theta: float) -> Any:
    return stats.nbinom(theta, theta / (theta + mu))


# name, parameters, scipy's distribution, five points; the parameters reach the sliders' ends.
CASES: list[tuple[str, list[float], Any, list[float]]] = [
    ("normal", [1.5, 0.2], stats.norm(1.5, 0.2), [0.5, 1.4, 1.5, 1.9, 2.4]),
    ("normal", [-5, 4], stats.norm(-5, 4), [-10, -5, 0, 3, 10]),
    ("t", [0, 1, 1.5], stats.t(1.5), [-10, -1, 0, 0.3, 8]),
    ("t", [1, 4, 30], stats.t(30, 1, 4), [-10, -1, 0, 0.3, 8]),
    ("gamma", [5, 0.02], gamma(5, 0.02), [2, 4, 5, 6, 9]),
    ("gamma", [0.5, 2], gamma(0.5, 2), [0.001, 0.1, 0.5, 3, 30]),
    ("beta", [0.02, 0.5], beta(0.02, 0.5), [0.002, 0.1, 0.5, 0.9, 0.998]),
    ("beta", [0.75, 24.4], beta(0.75, 24.4), [0.3, 0.6, 0.75, 0.9, 0.99]),
    ("beta", [0.98, 200], beta(0.98, 200), [0.9, 0.95, 0.97, 0.98, 0.999]),
    ("poisson", [0.2], stats.poisson(0.2), [0, 1, 2, 5, 10]),
    ("poisson", [30], stats.poisson(30), [0, 15, 30, 40, 50]),
    ("binomial", [1, 0.02], stats.binom(1, 0.02), [0, 1, 0, 1, 0]),
    ("binomial", [60, 0.98], stats.binom(60, 0.98), [0, 30, 50, 59, 60]),
    ("nbinom2", [0.5, 0.2], nbinom2(0.5, 0.2), [0, 1, 2, 10, 60]),
    ("nbinom2", [30, 50], nbinom2(30, 50), [0, 10, 30, 40, 60]),
    ("nbinom1", [5, 2.5], nbinom2(5, 2), [0, 1, 5, 20, 60]),
]


@needs_node
@pytest.mark.parametrize(("name", "parameters", "law", "points"), CASES)
def test_density_and_variance_are_scipys(name, parameters, law, points):
    found = javascript([(f"density.{name}", [y, *parameters]) for y in points])
    pdf = law.pdf if hasattr(law.dist, "pdf") else law.pmf
    assert_allclose(found, pdf(points), rtol=1e-10)
    (spread,) = javascript([(f"variance.{name}", parameters)])
    if name == "t" and parameters[2] <= 2:
        assert spread is None  # JSON has no infinity
    else:
        assert_allclose(spread, law.var(), rtol=1e-10)


@needs_node
def test_the_variance_of_a_proportion_is_that_of_a_count_by_n_squared():
    (spread,) = javascript([("variance.proportion", [20, 0.3])])
    assert_allclose(spread, stats.binom(20, 0.3).var() / 20**2)


@needs_node
@pytest.mark.parametrize("name", ["identity", "log", "logit", "probit", "cloglog", "inverse"])
def test_inverse_link_is_the_engines(name):
    eta = np.array([-25.0, -3.5, -2.9, -0.4, 0.0, 0.7, 3.1, 25.0])
    eta = eta[eta > 0] if name == "inverse" else eta
    found = javascript([(f"inverseLink.{name}", [float(v)]) for v in eta])
    assert_allclose(found, gl.links.get(name).inverse(eta), rtol=1e-10)


@needs_node
def test_the_inverse_link_gives_no_mean_below_zero():
    assert javascript([("inverseLink.inverse", [v]) for v in (-1.0, 0.0)]) == [None, None]


@needs_node
def test_log_gamma_is_scipys():
    x = [0.01, 0.3, 0.5, 1.0, 2.5, 61.0, 230.0]
    found = javascript([("lgamma", [v]) for v in x])
    assert_allclose(found, special.gammaln(x), rtol=1e-12, atol=1e-13)


@needs_node
def test_shrinkage_weight_is_the_share_of_variance_between_groups():
    """Mathematics: the intraclass correlation of a mean of n, at five points of the sliders."""
    cases = [[1, 0, 1], [2, 0.5, 1], [8, 0.5, 1], [20, 0.5, 1], [30, 2, 0.2]]
    found = javascript([("shrinkageWeight", case) for case in cases])
    between = np.array([case[1] ** 2 for case in cases])
    within = np.array([case[2] ** 2 / case[0] for case in cases])
    assert_allclose(found, between / (between + within), rtol=1e-12)
    assert_allclose(found[1:4], [1 / 3, 2 / 3, 5 / 6], rtol=1e-12)
