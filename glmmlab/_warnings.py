"""Warnings at the user's own line."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from types import FrameType

from glmmlab.errors import GlmmlabWarning

_PACKAGE = str(Path(__file__).parent)


def warn(warning: GlmmlabWarning) -> None:
    """Issue a warning at the line outside glmmlab that led to it, whatever stands between."""
    frame: FrameType | None = sys._getframe(0)
    level, outside = 0, 1
    while frame is not None:
        level += 1
        if frame.f_code.co_filename.startswith(_PACKAGE):
            outside = level + 1
        frame = frame.f_back
    warnings.warn(warning, stacklevel=outside)
