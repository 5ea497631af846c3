"""The data of one model, checked and coded for the engine."""

from glmmlab.design.build import build_design
from glmmlab.design.objects import Design, LinearPart, RandomTerm

__all__ = ["Design", "LinearPart", "RandomTerm", "build_design"]
