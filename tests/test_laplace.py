"""The Laplace objective: exact gradient, batches, chunks, and exactness where it is exact."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import integrate, stats

import glmmlab as gl
import glmmlab.laplace.objective as laplace_module
from glmmlab.design import build_design
from glmmlab.laplace import Laplace, Piece
from glmmlab.laplace.intercept import InterceptPiece

N = 90
RANDOM = {
    "intercept": "(1 | g)",
    "correlated slope": "(x | g)",
    "uncorrelated slope": "(x || g)",
    "nested": "(1 | g / h)",
    "crossed with slopes": "(x | g) + (1 | k)",
    "none": "",
}


def frame(family, rng):
    """Rows whose response lies in the family's support."""
    g = np.r_[np.arange(9), rng.integers(0, 9, N - 9)]
    data = pd.DataFrame(
        {
            "x": rng.normal(size=N),
            "f": rng.choice(["a", "b", "c"], N),
            "g": g.astype(str),
            "h": rng.integers(0, 2, N).astype(str),
            "k": rng.integers(0, 5, N).astype(str),
            "w": rng.uniform(0.5, 2.0, N),
            "n": rng.integers(2, 12, N).astype(float),
        }
    )
    mean = np.exp(0.3 * data["x"] + rng.normal(0, 0.4, 9)[g])
    if family.is_binomial:
        data["y"] = rng.binomial(data["n"].astype(int), mean / (1 + mean)).astype(float)
    elif family.integer:
        data["y"] = rng.poisson(3.0 * mean).astype(float)
        if family.name.startswith("truncated"):
            data["y"] += 1.0
    elif family.name in ("beta", "ordbeta"):
        data["y"] = rng.beta(2.0, 2.0 / mean)
    elif family.name in ("gaussian", "t"):
        data["y"] = 2.0 + mean + rng.normal(size=N)
    else:
        data["y"] = rng.gamma(2.0, mean)
    return data


def objective(family, random, *, reml=False, seed=1, weights=False, auxiliary=False):
    rng = np.random.default_rng(seed)
    data = frame(family, rng)
    left = "cbind(y, n - y)" if family.is_binomial else "y"
    right = " + ".join(x for x in ("x", "f", random) if x)
    design = build_design(
        f"{left} ~ {right}",
        data,
        family,
        weights="w" if weights else None,
        dispersion="~ x" if auxiliary and "dispersion" in family.auxiliary else None,
        zero_inflation="~ x" if "zero_inflation" in family.auxiliary else None,
    )
    return Laplace(design, family, integrate_beta=reml, orthonormal=False), rng


def point(laplace, rng):
    """A point with all linear predictors inside the links' domains."""
    psi = 0.3 * rng.normal(size=laplace.size)
    family = laplace.family
    if np.isfinite(family.eta_range).any() and family.link.name != "log":
        psi[: laplace.n_beta + laplace.n_theta] *= 0.1 if family.link.name == "logit" else 0.03
        psi[0] = family.link.link(np.array(0.4 if family.natural == "logit" else 3.0))
    elif family.natural == "logit" and family.link.name == "log":
        psi[: laplace.n_beta + laplace.n_theta] *= 0.2
        psi[0] = -1.5
    if family.name == "genpois":  # underdispersion would bound the support
        psi[-1] = 0.4
    if family.name == "ordbeta":  # the cut points are ordered
        psi[-2:] = -1.0, 1.0
    return psi


def five_point(laplace, psi, modes, h):
    """Five-point differences of f, on one branch of the inner mode."""
    out = np.empty(laplace.size)
    for j in range(laplace.size):
        values = []
        for s in (2, 1, -1, -2):
            moved = psi.copy()
            moved[j] += s * h
            values.append(float(laplace.evaluate(moved, modes, decrement=1e-18).f))
        out[j] = (-values[0] + 8 * values[1] - 8 * values[2] + values[3]) / (12 * h)
    return out


def check_gradient(laplace, rng):
    psi = point(laplace, rng)
    at = laplace.evaluate(psi, decrement=1e-18)
    assert at.finite
    numeric = five_point(laplace, psi, at.modes, 2e-4)
    scale = 1.0 + np.abs(numeric)
    assert np.all(np.abs(numeric - at.gradient) < 3e-6 * scale), (numeric, at.gradient)


def families_and_links():
    for name in gl.families.names():
        family = gl.families.get(name)
        for link in family.allowed_links:
            yield pytest.param(gl.families.get(name, link=link), id=f"{name}-{link}")


@pytest.mark.parametrize("family", list(families_and_links()))
def test_gradient_is_exact_for_every_family_and_link(family):
    laplace, rng = objective(family, RANDOM["correlated slope"])
    check_gradient(laplace, rng)


@pytest.mark.parametrize("reml", [False, True], ids=["ML", "REML"])
@pytest.mark.parametrize("random", list(RANDOM.values()), ids=list(RANDOM))
@pytest.mark.parametrize("name", ["nbinom2", "beta", "zero-inflated poisson"])
def test_gradient_is_exact_for_every_random_part(name, random, reml):
    if name.startswith("zero"):
        family = gl.families.ZeroInflated(gl.families.Poisson())
    else:
        family = gl.families.get(name)
    laplace, rng = objective(family, random, reml=reml, weights=True, auxiliary=True)
    check_gradient(laplace, rng)


def test_a_batch_is_its_entries():
    laplace, rng = objective(gl.families.get("nbinom2"), RANDOM["correlated slope"])
    psi = point(laplace, rng) + 0.1 * rng.normal(size=(4, laplace.size))
    batch = laplace.evaluate(psi, decrement=1e-18)
    for i in range(4):
        one = laplace.evaluate(psi[i], decrement=1e-18)
        assert_allclose(batch.f[i], one.f, rtol=1e-12)
        assert_allclose(batch.gradient[i], one.gradient, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("auxiliary", [False, True], ids=["constants", "formulas"])
@pytest.mark.parametrize("name", [*gl.families.names(), "zero-inflated nbinom2"])
def test_one_intercept_is_a_random_part_like_others(monkeypatch, name, auxiliary):
    """What is summed over levels first gives what the general form gives row by row."""
    monkeypatch.setattr(laplace_module, "CHUNK_ROWS", 30)
    family = gl.families.get(name.removeprefix("zero-inflated "))
    if name.startswith("zero"):
        family = gl.families.ZeroInflated(family)
    options = {"weights": auxiliary and not family.is_binomial, "auxiliary": auxiliary}
    short, rng = objective(family, RANDOM["intercept"], **options)
    general, _ = objective(family, RANDOM["intercept"], **options)
    assert short.piece is InterceptPiece and len(short.rows) > 1
    general.piece = Piece
    psi = point(short, rng)
    if name == "genpois" and auxiliary:
        psi[-2:] = 0.5, 0.1
    batch = psi + 0.03 * rng.normal(size=(3, short.size))
    last = {}
    for where in (psi, batch[0], batch):  # the second and third led by the first
        one, other = (
            laplace.evaluate(where, last.get(laplace), decrement=1e-18)
            for laplace in (short, general)
        )
        assert one.finite
        assert_allclose(one.f, other.f, rtol=1e-12)
        assert_allclose(one.gradient, other.gradient, rtol=1e-9, atol=1e-9)
        for u, v in zip(one.modes.u, other.modes.u, strict=True):
            assert_allclose(u, v, rtol=1e-8, atol=1e-9)
        if where is psi:
            last = {short: one.modes, general: other.modes}
            pieces = [laplace.at_mode(one) for laplace in (short, general)]
            W = rng.uniform(0.5, 2.0, short.rows[0].n)
            one_block, other_block = (piece.information(W) for piece, _ in pieces)
            assert_allclose(one_block, other_block, rtol=1e-11)


def test_chunks_add_up(monkeypatch):
    family = gl.families.get("poisson")
    whole, rng = objective(family, RANDOM["correlated slope"])
    monkeypatch.setattr(laplace_module, "CHUNK_ROWS", 20)
    cut, _ = objective(family, RANDOM["correlated slope"])
    assert len(cut.rows) > 2
    psi = point(whole, rng)
    a, b = whole.evaluate(psi, decrement=1e-18), cut.evaluate(psi, decrement=1e-18)
    assert_allclose(a.f, b.f, rtol=1e-12)
    assert_allclose(a.gradient, b.gradient, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("step", [1e-4, 1e-2, 0.5])
@pytest.mark.parametrize("name", ["intercept", "correlated slope", "crossed with slopes"])
def test_the_way_to_the_mode_does_not_matter(monkeypatch, name, step):
    """From a neighbour's modes, moved along and with its curvature, as from zero."""
    monkeypatch.setattr(laplace_module, "CHUNK_ROWS", 20)
    laplace, rng = objective(gl.families.get("nbinom2"), RANDOM[name])
    psi = point(laplace, rng)
    moved = psi + step * rng.normal(size=laplace.size)
    neighbour = laplace.evaluate(psi)
    assert len(neighbour.modes.tangents) == len(laplace.rows)
    alone = laplace.evaluate(moved, decrement=1e-18)
    led = laplace.evaluate(moved, neighbour.modes)
    laplace.predicts = False  # as with very many rows
    plain = laplace.evaluate(psi).modes
    assert not plain.tangents
    for found in (led, laplace.evaluate(moved, plain)):
        assert_allclose(found.f, alone.f, rtol=1e-9)
        assert_allclose(found.gradient, alone.gradient, rtol=1e-5, atol=1e-5)
        assert found.decrement < laplace_module.DECREMENT and found.concave


@pytest.mark.parametrize("random", list(RANDOM.values())[:5], ids=list(RANDOM)[:5])
@pytest.mark.parametrize("reml", [False, True], ids=["ML", "REML"])
def test_gaussian_models_are_exact(random, reml):
    """Against the dense multivariate normal density (mathematics)."""
    family = gl.families.get("gaussian")
    rng = np.random.default_rng(4)
    data = frame(family, rng)
    design = build_design(f"y ~ x + f + {random}", data, family)
    X = design.conditional.X
    laplace = Laplace(design, family, integrate_beta=reml, orthonormal=False)
    psi = 0.5 * rng.normal(size=laplace.size)
    beta, theta, (log_sd,) = laplace.split(psi)
    V = np.exp(2 * log_sd[0]) * np.eye(N)
    for term, lower in zip(design.random, laplace.structure.factors(theta), strict=True):
        ZL = np.zeros((N, len(term.levels), lower.shape[0]))
        ZL[np.arange(N), term.codes] = term.Z @ lower
        V += np.einsum("igk,jgk->ij", ZL, ZL)
    inverse = np.linalg.inv(V)
    if reml:
        XVX = X.T @ inverse @ X
        r = design.y - X @ np.linalg.solve(XVX, X.T @ inverse @ design.y)
        n, p = X.shape
        expected = 0.5 * (
            (n - p) * np.log(2 * np.pi)
            + np.linalg.slogdet(V)[1]
            + np.linalg.slogdet(XVX)[1]
            + r @ inverse @ r
        )
    else:
        expected = -stats.multivariate_normal(X @ beta, V).logpdf(design.y)
    assert_allclose(laplace.evaluate(psi).f, expected, rtol=1e-10)


def test_laplace_is_close_to_the_integral():
    """One group: the integral over its effect by quadrature; Laplace differs by O(1/n)."""
    family = gl.families.get("binomial")
    data = pd.DataFrame({"y": [9.0, 36.0], "n": [10.0, 40.0], "g": ["a", "b"]})
    design = build_design("cbind(y, n - y) ~ 1 + (1 | g)", data, family)
    f = float(Laplace(design, family, orthonormal=False).evaluate(np.array([0.0, 1.5])).f)
    exact = 0.0
    for y, n in zip(data["y"], data["n"], strict=True):
        value, _ = integrate.quad(
            lambda u, y=y, n=n: (
                stats.binom.pmf(y, n, 1 / (1 + np.exp(-1.5 * u))) * stats.norm.pdf(u)
            ),
            -10,
            10,
        )
        exact -= np.log(value)
    # the ratios of approximation and integral that "Under the hood" shows: 0.981 and 0.988
    assert np.exp(-f) / np.exp(-exact) == pytest.approx(0.981 * 0.988, abs=2e-3)


def test_impossible_points_are_infinite_not_errors():
    laplace, _ = objective(gl.families.Gamma(link="inverse"), RANDOM["intercept"])
    psi = np.zeros(laplace.size)
    psi[0] = -5.0
    assert np.isinf(laplace.evaluate(psi).f)
