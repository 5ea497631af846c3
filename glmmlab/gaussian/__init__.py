"""Gaussian models in least-squares form: all that depends on the relative theta, solved at once.

With y | u ~ N(X beta + Z Lambda u, sigma^2), u ~ N(0, sigma^2 I), the coefficients and sigma are
least squares given Lambda (Bates et al. 2015, Journal of Statistical Software 67(1), section 3):

========  ==========================================================  ===============
letter    meaning                                                     shape
========  ==========================================================  ===============
C         Z'WZ, one block a level                                     (k, k, G)
D         Z'W[X y]                                                    (k, p + 1, G)
H         Lambda'C Lambda + I                                         (k, k, G)
U         H^-1 Lambda'D: what the random effects explain of [X y]     (k, p + 1, G)
E         D - C Lambda U: what is left, seen through Z                (k, p + 1, G)
S         [X y]'W[X y] - sum D'Lambda U                               (p + 1, p + 1)
========  ==========================================================  ===============

S holds X'V^-1X and, for beta, the penalised residual sum of squares

    rss(beta) = (-beta, 1) S (-beta, 1)'.          d rss/dL_ab = -2 sum e_a u_b   (e, u likewise)

With one grouping factor C and H are block diagonal and an evaluation does not touch the rows;
crossed factors take the block elimination of :mod:`glmmlab.blocks`.
"""

from glmmlab.gaussian.objective import GaussianObjective
from glmmlab.gaussian.profiled import ProfiledGaussian

__all__ = ["GaussianObjective", "ProfiledGaussian"]
