"""The Laplace approximation of the log-likelihood and its exact gradient.

========  ==================================================  ==================
letter    meaning                                             shape
========  ==================================================  ==================
psi       outer parameters: beta (ML only), theta, gamma      (..., d)
beta      coefficients of the orthonormalised design          (p,)
theta     entries of the Cholesky factors Lambda              (t,)
gamma     coefficients of the auxiliary predictors            (s,)
u         spherical random effects, b = Lambda u              (k, ..., G), (q,)
M         Z Lambda, its rows m_i (under REML: [M X])          see blocks
W         -d2, the observed information of the rows           (..., n)
H         M'WM + I (no prior precision on X under REML)       see blocks
========  ==================================================  ==================

    f(psi) = -sum l_i + u'u/2 + log|H|/2          at the mode u, found by Newton's method.

With lev_i = m_i' H^-1 m_i, c = -lev d3 / 2, v = H^-1 M'c, e = M v and r = -d1 + c + d2 e:

    df/dbeta  = X' r
    df/dL_ab  = sum_i Z_ia [ r u_b - d2 (H^-1 m_i)_b + d1 v_b ]
    df/dgamma = X_a' ( -l_a - lev d2_a / 2 + e d1_a )

Axes in the middle ("...") are a batch of evaluations at different psi, which models with one
grouping factor (and ML) allow: for small data a batch costs little more than one evaluation.
"""

from glmmlab.laplace.objective import Evaluation, Laplace, Modes
from glmmlab.laplace.piece import Piece, Point

__all__ = ["Evaluation", "Laplace", "Modes", "Piece", "Point"]
