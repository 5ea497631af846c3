"""The likelihood-ratio test whose null distribution is simulated."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from glmmlab._types import Seed
from glmmlab.errors import ComparisonError
from glmmlab.inference.bootstrap import bootstrap, refit
from glmmlab.inference.comparison import Comparison, compare, not_nested

if TYPE_CHECKING:
    from glmmlab.estimate.result import Estimate


@dataclass(frozen=True)
class _LikelihoodRatio:
    """2 (l_1 - l_0), the larger model refitted to the response of the smaller one."""

    larger: Estimate

    def __call__(self, smaller: Estimate) -> float:
        same = np.array_equal(smaller.design.y, self.larger.design.y)
        larger = self.larger if same else refit(self.larger, smaller.design.y)
        return max(0.0, 2.0 * (larger.llf - smaller.llf))


def bootstrap_comparison(
    estimates: Sequence[Estimate],
    n: int,
    seed: Seed = None,
    workers: int = 1,
    progress: bool = False,
    checkpoint: str | os.PathLike[str] | None = None,
) -> Comparison:
    """Compare two nested fits by a parametric-bootstrap likelihood-ratio test.

    Responses are simulated from the smaller model and both models refitted to each; the p-value
    is (1 + the number of ratios as large as the observed one) / (1 + refits).  It needs no
    chi-square approximation, so it holds for few groups and for variances on their boundary.
    ``checkpoint`` is as in :meth:`glmmlab.Fit.bootstrap`.

    Raises
    ------
    ComparisonError
        Not two fits; fits that may not be compared, have equally many parameters, or are not
        nested.

    References
    ----------
    Davison and Hinkley 1997, section 4.2.5; Halekoh and Hojsgaard 2014, Journal of Statistical
    Software 59(9).
    """
    if len(estimates) != 2:
        raise ComparisonError(
            "a bootstrap comparison takes two fits: fit.compare(other, bootstrap=n)."
        )
    first, second = estimates
    table = compare([first, second])
    if first.npar == second.npar:
        raise ComparisonError("both fits have equally many parameters: neither is a null model.")
    small, large = (first, second) if first.npar < second.npar else (second, first)
    if reason := not_nested(small, large):
        raise ComparisonError(
            f"the fits are not nested ({reason}): a likelihood-ratio test needs a model that is a "
            "special case of the other. AIC and BIC compare them: fit.compare(other)."
        )
    result = bootstrap(small, n, _LikelihoodRatio(large), seed, workers, progress, None, checkpoint)
    observed = float(result.estimates.iloc[0])
    ratios = result.frame.iloc[:, 0].to_numpy(float)
    p = (1.0 + float((ratios >= observed - 1e-7).sum())) / (1.0 + len(ratios))
    tested = table.frame.index[-1]
    frame = table.frame.copy()
    frame["chisq"] = frame["chisq"].where(frame.index != tested, observed)
    frame["p"] = frame["p"].where(frame.index != tested, p)
    note = f"p by parametric bootstrap: {len(ratios)} responses simulated from the smaller model"
    note += f", {len(result.failures)} refits failed." if result.failures else "."
    return replace(table, frame=frame, notes=(note,))
