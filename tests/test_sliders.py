"""The mathematics of the slider figures (book/assets/sliders_maths.js) is scipy's."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import integrate, optimize, special, stats

import glmmlab as gl

ROOT = Path(__file__).resolve().parents[1]
ASSETS = ROOT / "book" / "assets"
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


@needs_node
def test_intraclass_correlation_is_that_of_the_covariance_matrix():
    """Mathematics: a covariance within a block by the variance, at five points of the sliders."""
    cases = [[0.0, 3.0], [1.0, 2.0], [2.0, 1.0], [4.0, 0.2], [0.1, 4.0]]
    found = javascript([("intraclass", case) for case in cases])
    members = np.kron(np.eye(2), np.ones((2, 1)))
    for value, (blocks, plots) in zip(found, cases, strict=True):
        covariance = blocks * members @ members.T + plots * np.eye(4)
        sd = np.sqrt(np.diag(covariance))
        assert_allclose(value, (covariance / np.outer(sd, sd))[0, 1], atol=1e-15)


@needs_node
def test_poisson_quantiles_are_scipys():
    cases = [[q, mean] for q in (0.025, 0.975) for mean in (0.5, 2.5, 7.5, 20.0, 80.0)]
    found = javascript([("poissonQuantile", case) for case in cases])
    assert_allclose(found, [stats.poisson.ppf(*case) for case in cases], rtol=0)


@needs_node
def test_normal_quantiles_are_scipys():
    chances = [0.0125, 0.3, 0.5, 0.7125, 0.9875]
    found = javascript([("normalQuantile", [p]) for p in chances])
    assert_allclose(found, special.ndtri(chances), rtol=1e-10, atol=1e-12)


@needs_node
def test_the_mean_over_blocks_is_the_integral():
    """Also by mathematics: no block variance, no difference; one half stays one half."""
    cases = [[np.log(4), 0.5], [np.log(4), 1.5], [-4.0, 3.0], [8.0, 3.0], [1.4, 0.0], [0.0, 2.0]]
    found = javascript([("marginalMean", case) for case in cases])
    for value, (eta, sigma) in zip(found, cases, strict=True):
        exact, _ = integrate.quad(
            lambda u, e=eta, s=sigma: special.expit(e + s * u) * stats.norm.pdf(u), -12, 12
        )
        assert_allclose(value, exact, rtol=1e-9)
    assert_allclose(found[-2:], [special.expit(1.4), 0.5], rtol=1e-12)


# y, n, sigma: the settings of the figure, and the ends of its sliders
BLOCKS = [(1, 1, 1.5), (9, 10, 1.5), (36, 40, 1.5), (0, 60, 3.0), (60, 60, 3.0), (30, 60, 0.1)]


def block_height(u: Any, y: int, n: int, sigma: float) -> Any:
    return stats.binom.pmf(y, n, special.expit(sigma * u)) * stats.norm.pdf(u)


@needs_node
@pytest.mark.parametrize("case", BLOCKS)
def test_the_likelihood_of_a_block_is_the_integral(case):
    points = [-3.0, -0.4, 0.0, 1.2, 4.0]
    heights = javascript([("block.height", [u, *case]) for u in points])
    assert_allclose(heights, block_height(np.array(points), *case), rtol=1e-9)
    (area,) = javascript([("block.area", list(case))])
    exact, _ = integrate.quad(block_height, -12, 12, args=case, epsabs=1e-14, limit=400)
    assert_allclose(area, exact, rtol=1e-7)


@needs_node
@pytest.mark.parametrize("case", BLOCKS)
def test_the_laplace_approximation_has_the_peak_and_its_curvature(case):
    ((mode, curvature, area),) = javascript([("block.laplace", list(case))])

    def fall(u: float) -> float:
        return -float(np.log(block_height(u, *case)))

    best = optimize.minimize_scalar(
        fall, bounds=(-8, 8), method="bounded", options={"xatol": 1e-10}
    )
    assert_allclose(mode, best.x, atol=1e-6)
    step = 1e-3
    bend = (fall(mode + step) - 2 * fall(mode) + fall(mode - step)) / step**2
    assert_allclose(curvature, bend, rtol=1e-4)
    assert_allclose(area, np.exp(-best.fun) * np.sqrt(2 * np.pi / bend), rtol=1e-4)


def test_the_residuals_of_the_figure_are_the_engines() -> None:
    """The page shows counts of a cell of its chapter; the buttons name the plots they choose."""
    chapter = json.loads((ROOT / "notebooks" / "disease_severity.ipynb").read_text("utf-8"))
    text = next(
        "".join(output["data"]["text/html"])
        for cell in chapter["cells"]
        for output in cell.get("outputs", [])
        if "severity-rows" in "".join(output.get("data", {}).get("text/html", ""))
    )
    rows = json.loads(text.partition(">")[2].rpartition("</script>")[0])
    data = gl.datasets.load("disease_severity")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gl.errors.SingularFitWarning)
        fit = gl.glmm("severity ~ fungicide + (1 | block)", data=data, family="beta")
    simulated = fit.simulate(250, seed=1)
    assert len(rows) == len(data) == 48
    for row in rows:
        here = (data["fungicide"] == row["fungicide"]) & (data["block"] == row["block"])
        draws, seen = simulated[:, here.to_numpy()].ravel(), data.loc[here, "severity"].item()
        assert row["seen"] == pytest.approx(seen, abs=5e-5)
        assert sum(row["all"]) == len(draws) == 250
        assert sum(row["below"]) == np.sum(draws < seen)
    source = (ASSETS / "sliders_models.js").read_text("utf-8")
    buttons = re.findall(r'\[(\d+), "(\d+)", "(\d)"\]', source)
    assert len(buttons) == 3
    for number, fungicide, block in buttons:
        row = rows[int(number) - 1]
        assert (row["fungicide"], row["block"]) == (fungicide, block)
