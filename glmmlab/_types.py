"""Names for the array types used throughout the engine."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
BoolArray = NDArray[np.bool_]
Aux = tuple[FloatArray, ...]
"""Values of the auxiliary predictors (log dispersion, logit zero inflation, shape), in order."""

Seed = int | np.random.Generator | None
"""What every function that draws accepts; None draws fresh."""

AnyArray = NDArray[Any]
