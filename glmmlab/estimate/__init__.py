"""Starting values, outer optimisation, convergence and covariance: a design becomes an Estimate."""

from glmmlab.estimate.fit import fit_design
from glmmlab.estimate.result import Estimate, Optimization, PartEstimate

__all__ = ["Estimate", "Optimization", "PartEstimate", "fit_design"]
