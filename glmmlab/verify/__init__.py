"""Does this machine agree with R?  ``python -m glmmlab.verify`` fits R's cases and says so.

The answers of R (glmmTMB, car, emmeans) lie in ``tests/reference`` of the repository and are
shipped in the wheel; the tests read the same files.
"""

from glmmlab.verify.agreement import Agreement, compare
from glmmlab.verify.reference import cases

__all__ = ["Agreement", "cases", "compare"]
