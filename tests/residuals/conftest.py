"""The check vectors of the specification, section 7."""

from __future__ import annotations

import numpy as np
import pytest

import glmmlab.residuals as residuals


@pytest.fixture(scope="session")
def sine():
    """12 rows, 20 simulations: sin(i j) + i/10, y = 1.1 cos(i) + i/10, fitted i/10."""
    i, j = np.arange(1, 13), np.arange(1, 21)
    simulated = np.sin(np.outer(i, j)).T + i / 10
    return 1.1 * np.cos(i) + i / 10, simulated, i / 10


@pytest.fixture(scope="session")
def golden(sine):
    """Residuals of the check vectors."""
    return residuals.from_simulations(*sine, integer=False, seed=1)
