"""Formulas: text to response, fixed part and random terms; learned coding for the fixed part."""

from glmmlab.formula.bars import ParsedFormula, RandomSpec, parse
from glmmlab.formula.fixed import FixedPart, Term
from glmmlab.formula.response import evaluate_response
from glmmlab.formula.source import Variable

__all__ = [
    "FixedPart",
    "ParsedFormula",
    "RandomSpec",
    "Term",
    "Variable",
    "evaluate_response",
    "parse",
]
