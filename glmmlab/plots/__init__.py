"""Figures: plain frames and an Axes in, the Axes out; one look, colours that carry meaning."""

from glmmlab.plots.arrows import plot_comparisons
from glmmlab.plots.autocorrelation import plot_acf, plot_map, plot_neighbours, plot_series
from glmmlab.plots.histograms import plot_simulated_statistic
from glmmlab.plots.interaction import panel_axes, plot_interaction
from glmmlab.plots.levels import plot_by_level
from glmmlab.plots.means import plot_means, plot_two_models
from glmmlab.plots.pairs import pairs_matrix, plot_pairs
from glmmlab.plots.profiles import plot_profiles
from glmmlab.plots.random_effects import plot_caterpillar, plot_shrinkage
from glmmlab.plots.residuals import (
    grid_axes,
    plot_qq,
    plot_residual_histogram,
    plot_residuals,
)
from glmmlab.plots.variance import VarianceCurve, plot_mean_variance

__all__ = [
    "VarianceCurve",
    "grid_axes",
    "pairs_matrix",
    "panel_axes",
    "plot_acf",
    "plot_by_level",
    "plot_caterpillar",
    "plot_comparisons",
    "plot_interaction",
    "plot_map",
    "plot_mean_variance",
    "plot_means",
    "plot_neighbours",
    "plot_pairs",
    "plot_profiles",
    "plot_qq",
    "plot_residual_histogram",
    "plot_residuals",
    "plot_series",
    "plot_shrinkage",
    "plot_simulated_statistic",
    "plot_two_models",
]
