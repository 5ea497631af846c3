"""Simulated scaled quantile residuals: does the data look like what the model would produce?

Every observation is ranked among simulations of itself; under a right model the scaled ranks are
uniform on (0, 1), whatever the family.  :func:`from_simulations` takes simulations of any source,
:func:`simulate_residuals` a fitted model.
"""

from glmmlab.residuals.categorical import CategoricalTest
from glmmlab.residuals.create import from_simulations, simulate_residuals
from glmmlab.residuals.outliers import OutlierTest
from glmmlab.residuals.quantiles import QuantileTest
from glmmlab.residuals.result import ResidualTest
from glmmlab.residuals.scaled import SimulatedResiduals
from glmmlab.residuals.spatial import PhylogeneticTest, SpatialTest
from glmmlab.residuals.statistics import (
    DispersionTest,
    PearsonDispersionTest,
    RefitDispersionTest,
    StatisticTest,
    ZeroInflationTest,
)
from glmmlab.residuals.temporal import TemporalTest
from glmmlab.residuals.uniformity import UniformityTest

__all__ = [
    "CategoricalTest",
    "DispersionTest",
    "OutlierTest",
    "PearsonDispersionTest",
    "PhylogeneticTest",
    "QuantileTest",
    "RefitDispersionTest",
    "ResidualTest",
    "SimulatedResiduals",
    "SpatialTest",
    "StatisticTest",
    "TemporalTest",
    "UniformityTest",
    "ZeroInflationTest",
    "from_simulations",
    "simulate_residuals",
]
