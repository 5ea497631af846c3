"""Block elimination of H = M'WM + I: factor, solve, log-determinant, leverages.

The grouping factor with most random effects is *eliminated*: its part of H is block diagonal,
one small block a level.  Everything else goes into one dense Schur complement.
"""

from glmmlab.blocks.elimination import Factor
from glmmlab.blocks.structure import Pattern, RandomStructure

__all__ = ["Factor", "Pattern", "RandomStructure"]
