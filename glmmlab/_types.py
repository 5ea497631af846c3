"""Names for the array types used throughout the engine."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
BoolArray = NDArray[np.bool_]

Seed = int | np.random.Generator | None
"""What every function that draws accepts; None draws fresh."""

AnyArray = NDArray[Any]
