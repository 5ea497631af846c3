"""Draw the figure of README.md: `make figures`.

The same call draws the first figure of the book; both come from a fit, never from a drawing.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import matplotlib as mpl

mpl.use("svg")
import matplotlib.pyplot as plt

import glmmlab as gl

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "book"))
from figures import severity, use_style  # noqa: E402

use_style()
warnings.simplefilter("ignore", gl.errors.SingularFitWarning)  # told in the chapter
plots = gl.datasets.load("disease_severity")
fit = gl.glmm("severity ~ fungicide + (1 | block)", data=plots, family="beta")

figure, axes = plt.subplots(figsize=(7.2, 4.0))
severity(axes, plots, fit.emmeans("fungicide", type="response").cld().frame)
target = ROOT / "book" / "assets" / "severity.svg"
# No date in the file: drawing the same figure again changes nothing.
figure.savefig(target, metadata={"Date": None})
print(target.relative_to(ROOT))
