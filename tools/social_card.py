"""Draw the picture that stands beside a shared link to the book: `make figures`.

The means are those of the fit of the first page; nothing is drawn by hand but the letters.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import matplotlib as mpl

mpl.use("agg")
import matplotlib.pyplot as plt

import glmmlab as gl

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "book"))
from figures import severity  # noqa: E402

from glmmlab.plots import style  # noqa: E402
from glmmlab.plots.style import ASSUMED, FIXED, INK, RANDOM  # noqa: E402

WIDTH, HEIGHT, DPI = 1200, 630, 100  # what those who show links expect

style.use()
plt.rcParams.update(dict.fromkeys(("font.size", "axes.labelsize", "xtick.labelsize"), 15))
warnings.simplefilter("ignore", gl.errors.SingularFitWarning)  # told in the chapter
plots = gl.datasets.load("disease_severity")
fit = gl.glmm("severity ~ fungicide + (1 | block)", data=plots, family="beta")

figure = plt.figure(figsize=(WIDTH / DPI, HEIGHT / DPI), dpi=DPI, layout="none")
axes = figure.add_axes((0.575, 0.15, 0.4, 0.74))
severity(axes, plots, fit.emmeans("fungicide", type="response").cld().frame)
left, right = axes.get_xlim()
axes.set_xlim(left - 0.7, right + 0.5)  # room for the two numbers beside their points
axes.set_ylabel("severity (proportion of leaf area)")
axes.tick_params(labelsize=14)

for i, colour in enumerate((ASSUMED, FIXED, RANDOM)):
    figure.add_artist(plt.Rectangle((0.045 + 0.06 * i, 0.83), 0.052, 0.022, color=colour, lw=0))
figure.text(0.045, 0.74, "GLMMs for", fontsize=42, fontweight="bold", color=INK, va="top")
figure.text(0.045, 0.61, "agronomists", fontsize=42, fontweight="bold", color=INK, va="top")
figure.text(
    0.045,
    0.43,
    "A course on generalized linear\nmixed models, with every number\ncomputed by glmmlab",
    fontsize=18,
    color=INK,
    va="top",
    linespacing=1.5,
)
figure.text(0.045, 0.1, "check  →  test  →  compare  →  report", fontsize=16, color=INK)
target = ROOT / "book" / "assets" / "social_card.png"
figure.savefig(target, dpi=DPI, metadata={"Software": None})
print(target.relative_to(ROOT))
