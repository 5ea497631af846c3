"""What ``df=`` means to the methods of a fit; small-sample methods are computed once a fit."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from glmmlab.estimate.result import Estimate

if TYPE_CHECKING:
    from glmmlab.inference.small_sample import Df, SmallSample


class FitDegrees:
    """Degrees of freedom of the tests of a fit (see :class:`glmmlab.Fit`)."""

    estimate: Estimate

    @cached_property
    def _small_samples(self) -> dict[str, SmallSample]:
        return {}

    def _degrees(self, df: Df, component: str = "conditional") -> SmallSample | float | None:
        """A method's name as its degrees of freedom; a number as it is; None: the default."""
        from glmmlab.inference.small_sample import degrees_for

        if isinstance(df, str) and component == "conditional" and df in self._small_samples:
            return self._small_samples[df]
        degrees = degrees_for(self.estimate, df, component)
        if isinstance(df, str) and degrees is not None and not isinstance(degrees, float):
            self._small_samples[df] = degrees
        return degrees
