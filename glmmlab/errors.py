"""Every warning and error of the package, with stable names.

Errors derive from :class:`GlmmlabError` (a ``ValueError``), warnings from
:class:`GlmmlabWarning` (a ``UserWarning``).  The troubleshooting appendix of the book has one
entry for each class.
"""


class GlmmlabError(ValueError):
    """Base of all errors raised by glmmlab."""


class FormulaError(GlmmlabError):
    """A formula that cannot be parsed; ``position`` is the place of the mistake, from 0."""

    position: int | None = None


class UnknownColumnError(GlmmlabError):
    """A name in a formula or an argument that the data do not have."""


class UnknownNameError(GlmmlabError):
    """An unknown family, link, data set, contrast or option; the message suggests the nearest."""


class UnknownLevelError(GlmmlabError):
    """New data contain a level of a fixed factor that the fit has not seen."""


class ResponseError(GlmmlabError):
    """A response outside the family's support, constant, or of the wrong shape or type."""


class WeightsError(GlmmlabError):
    """Weights that are negative, missing, or not numbers of trials."""


class DataError(GlmmlabError):
    """Data that no model can be fitted to: infinite values, empty or single-level groups."""


class ConvergenceError(GlmmlabError):
    """The optimiser could not find a usable point to report."""


class ComparisonError(GlmmlabError):
    """Two fits that a likelihood-ratio test or an AIC may not compare."""


class EstimabilityError(GlmmlabError):
    """A quantity that the data and the design cannot estimate."""


class InferenceError(GlmmlabError):
    """A method of inference that this fit does not have; the message says which one it has."""


class SavedFileError(GlmmlabError):
    """A file that cannot be written, or is no saved fit: damaged, foreign or of a newer version."""


class GlmmlabWarning(UserWarning):
    """Base of all warnings issued by glmmlab."""


class MissingDataWarning(GlmmlabWarning):
    """Rows with missing values were dropped; the message counts them."""


class LabelWarning(GlmmlabWarning):
    """Labels that look like slips: spelled in several ways, codes of missing values, numbers."""


class FormulaWarning(GlmmlabWarning):
    """A formula that says something else than it seems to, such as ``x^2``, which is ``x``."""


class SingularFitWarning(GlmmlabWarning):
    """A variance is estimated as zero (or a correlation as +-1); the message names the term."""


class SeparationWarning(GlmmlabWarning):
    """Some coefficient has no finite estimate; the message names it."""


class BoundaryWarning(GlmmlabWarning):
    """Zero inflation or dispersion runs to the end of its range: the data do not need it."""


class RankDeficientWarning(GlmmlabWarning):
    """Columns of the design that are combinations of others were dropped; they are named."""


class ConvergenceWarning(GlmmlabWarning):
    """The optimum was not reached, or its Hessian is not positive definite."""


class PerfectFitWarning(ConvergenceWarning):
    """The model reproduces the responses: no residual spread, a likelihood without bound."""


class ExtrapolationWarning(GlmmlabWarning):
    """A marginal mean lies where the inverse link is not defined; the cells are named."""


class InferenceWarning(GlmmlabWarning):
    """A test or an interval that needs care: coding, interactions, approximations."""
