"""The fit a user holds, and its summary as text and HTML."""

from glmmlab.results.fit import Fit
from glmmlab.results.summary import Summary

__all__ = ["Fit", "Summary"]
