"""Simulated responses: their scale, their moments, their seed."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import glmmlab as gl
from glmmlab.inference import simulate as room
from glmmlab.inference.residual_kinds import response_variance
from r_models import fit

N = 4000


@pytest.mark.parametrize(
    "case",
    ["fung_beta", "fung_gamma_pct", "cbpp_binom", "cbpp_betabinom", "sal_zip", "sal_nbinom2",
     "sal_nbinom1", "sleep_corr_ml", "sleep_student_t", "owls_nbinom1_offset"],
)  # fmt: skip
def test_conditional_draws_have_the_models_moments(case):
    """Means and variances of 4000 draws against the family's formulas: within 6 of their se."""
    m = fit(case)
    draws = m.simulate(N, seed=7, random_effects="conditional")
    trials = m.estimate.design.trials
    scale = 1.0 if trials is None else trials
    mean, variance = m.fittedvalues * scale, response_variance(m.estimate) * scale**2
    assert draws.shape == (N, m.nobs)
    distance = (draws.mean(axis=0) - mean) / np.sqrt(variance / N)
    assert np.abs(distance).max() < 6
    assert np.median(draws.var(axis=0) / variance) == pytest.approx(1, abs=0.05)


def test_unconditional_draws_carry_the_random_effects_covariance():
    """Cov(y) = Z Sigma Z' + sigma^2 I in a Gaussian model, here for one subject's ten days."""
    m = fit("sleep_corr_ml")
    draws = m.simulate(20_000, seed=1)
    own = np.flatnonzero(m.estimate.design.random[0].codes == 0)
    Z = m.estimate.design.random[0].Z[own]
    expected = Z @ m.random_covariance["Subject"].to_numpy() @ Z.T + m.dispersion * np.eye(len(own))
    assert_allclose(np.cov(draws[:, own].T), expected, rtol=0.15, atol=60)
    other = np.flatnonzero(m.estimate.design.random[0].codes == 1)
    assert np.abs(np.corrcoef(draws[:, own[0]], draws[:, other[0]])[0, 1]) < 0.04
    assert_allclose(draws.mean(axis=0), m.predict(random_effects="population"), atol=2.5)


def test_binomial_draws_are_counts_whatever_the_response_was_written_as():
    for case in ("seeds_binom", "seeds_binom_weights"):
        m = fit(case)
        draws = m.simulate(20, seed=3)
        assert (draws == np.round(draws)).all()
        assert (draws >= 0).all() and (draws <= m.estimate.design.trials).all()
        assert draws.max() > 1


@pytest.mark.parametrize("kind", ["unconditional", "conditional"])
def test_the_same_seed_gives_the_same_draws(kind):
    m = fit("cbpp_binom")
    first = m.simulate(5, seed=11, random_effects=kind)
    again = m.simulate(5, seed=np.random.default_rng(11), random_effects=kind)
    assert (first == again).all()
    assert (first != m.simulate(5, seed=12, random_effects=kind)).any()
    assert (m.simulate(5, random_effects=kind) != m.simulate(5, random_effects=kind)).any()


def test_memory_chunks_do_not_repeat_draws(monkeypatch):
    m = fit("cbpp_binom")
    monkeypatch.setattr(room, "CHUNK_ENTRIES", 2 * m.nobs)
    draws = m.simulate(7, seed=5)
    assert len(np.unique(draws, axis=0)) == 7


def test_bad_arguments():
    with pytest.raises(gl.UnknownNameError, match="unconditional"):
        fit("cbpp_binom").simulate(5, random_effects="marginal")
    with pytest.raises(gl.GlmmlabError, match="at least 1"):
        fit("cbpp_binom").simulate(0)
