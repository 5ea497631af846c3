"""What tests of likeness between neighbours, in time or in space, have in common."""

from __future__ import annotations

from dataclasses import dataclass

from glmmlab.residuals.result import SampledTest, significant_digits


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class AutocorrelationTest(SampledTest):
    """A statistic of neighbouring residuals against what is expected of it.

    Attributes
    ----------
    expected : float
        The statistic of residuals that are not correlated, or its mean over simulated data sets
        where these are the reference.
    reference : str
        Where the p-value comes from: "simulations", or the name of a distribution.
    """

    expected: float
    reference: str

    def facts(self) -> list[tuple[str, str]]:
        """Label and value of every line of the printed result."""
        facts = super().facts()
        facts.insert(2, ("expected", significant_digits(self.expected)))
        return facts

    def _limits(self) -> str:
        if self.reference != "simulations":
            return ""
        return (
            "The p-value comes from simulated data sets with random effects drawn anew, so "
            "likeness that the model's random effects explain does not count."
        )
