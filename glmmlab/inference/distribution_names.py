"""What distributions are called in sentences."""

from __future__ import annotations

from glmmlab.families.base import Family

NAMES = {
    "gaussian": "linear",
    "t": "Student t",
    "gamma": "gamma",
    "beta": "beta",
    "binomial": "binomial",
    "betabinomial": "beta-binomial",
    "poisson": "Poisson",
    "nbinom1": "negative binomial (variance mu (1 + phi))",
    "nbinom2": "negative binomial (variance mu + mu^2 / theta)",
    "lognormal": "log-normal",
    "inverse_gaussian": "inverse Gaussian",
    "genpois": "generalized Poisson",
    "ordbeta": "ordered beta",
    "tweedie": "Tweedie",
}


def distribution_name(family: Family, inflation: bool = True) -> str:
    """The name of a distribution, with its zero inflation if that is wanted.

    Examples
    --------
    >>> from glmmlab.families import Poisson, TruncatedPoisson, ZeroInflated
    >>> distribution_name(Poisson()), distribution_name(ZeroInflated(Poisson()))
    ('Poisson', 'zero-inflated Poisson')
    >>> distribution_name(ZeroInflated(Poisson()), inflation=False)
    'Poisson'
    >>> distribution_name(ZeroInflated(TruncatedPoisson()))
    'hurdle Poisson'
    """
    own = family.base.name
    plain = own.removeprefix("truncated_")
    name = NAMES.get(plain, plain.replace("_", " "))
    if family.is_hurdle:
        return f"hurdle {name}"
    name = f"truncated {name}" if own != plain else name
    return f"zero-inflated {name}" if inflation and family.base is not family else name
