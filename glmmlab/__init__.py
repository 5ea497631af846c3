"""Generalized linear mixed models that agree with R, and the course that teaches them."""

__version__ = "0.1.0"
