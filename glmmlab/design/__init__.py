"""The data of one model, checked and coded for the engine."""

from glmmlab.design.build import build_design
from glmmlab.design.objects import Design, LinearPart, RandomTerm
from glmmlab.design.restore import restore_design

__all__ = ["Design", "LinearPart", "RandomTerm", "build_design", "restore_design"]
