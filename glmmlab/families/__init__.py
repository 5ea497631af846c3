"""Families of distributions: one class each, and a registry to look them up by name."""

from __future__ import annotations

import difflib

from glmmlab.errors import UnknownNameError
from glmmlab.families.base import Family
from glmmlab.families.beta import Beta
from glmmlab.families.betabinomial import BetaBinomial
from glmmlab.families.binomial import Binomial
from glmmlab.families.gamma import Gamma
from glmmlab.families.gaussian import Gaussian
from glmmlab.families.genpois import GeneralizedPoisson
from glmmlab.families.inverse_gaussian import InverseGaussian
from glmmlab.families.lognormal import LogNormal
from glmmlab.families.nbinom import NegativeBinomial1, NegativeBinomial2
from glmmlab.families.ordbeta import OrderedBeta
from glmmlab.families.poisson import Poisson
from glmmlab.families.student_t import StudentT
from glmmlab.families.truncated import (
    TruncatedNegativeBinomial1,
    TruncatedNegativeBinomial2,
    TruncatedPoisson,
)
from glmmlab.families.tweedie import Tweedie
from glmmlab.families.zero_inflated import ZeroInflated
from glmmlab.links import Link

__all__ = [
    "Beta",
    "BetaBinomial",
    "Binomial",
    "Family",
    "Gamma",
    "Gaussian",
    "GeneralizedPoisson",
    "InverseGaussian",
    "LogNormal",
    "NegativeBinomial1",
    "NegativeBinomial2",
    "OrderedBeta",
    "Poisson",
    "StudentT",
    "TruncatedNegativeBinomial1",
    "TruncatedNegativeBinomial2",
    "TruncatedPoisson",
    "Tweedie",
    "ZeroInflated",
    "get",
    "names",
]

_REGISTRY: dict[str, type[Family]] = {
    cls.name: cls
    for cls in (
        Gaussian,
        StudentT,
        Gamma,
        Beta,
        Binomial,
        BetaBinomial,
        Poisson,
        NegativeBinomial1,
        NegativeBinomial2,
        InverseGaussian,
        LogNormal,
        TruncatedPoisson,
        TruncatedNegativeBinomial1,
        TruncatedNegativeBinomial2,
        GeneralizedPoisson,
        OrderedBeta,
        Tweedie,
    )
}


_ELSEWHERE = {
    "beta_family": "'beta'",
    "t_family": "'t'",
    "student": "'t'",
    "normal": "'gaussian'",
    "bernoulli": "'binomial'",
    "negative_binomial": "'nbinom2' (or 'nbinom1')",
    "neg_binomial": "'nbinom2' (or 'nbinom1')",
    "negbin": "'nbinom2' (or 'nbinom1')",
    "negativebinomial": "'nbinom2' (or 'nbinom1')",
    "nb": "'nbinom2' (or 'nbinom1')",
    "quasipoisson": "'nbinom1', whose variance is (1 + phi) mu",
    "quasibinomial": "'betabinomial'",
    "zip": "'poisson' with zero_inflation='~ 1'",
    "zero_inflated_poisson": "'poisson' with zero_inflation='~ 1'",
    "zinb": "'nbinom2' with zero_inflation='~ 1'",
    "zigamma": "'gamma' with zero_inflation='~ 1'",
    "hurdle": "'truncated_poisson' or 'truncated_nbinom2' with zero_inflation='~ 1'",
}
"""Names in R and in other programs -> what to write here."""


def names() -> tuple[str, ...]:
    """Names of all families.

    Examples
    --------
    >>> "poisson" in names()
    True
    """
    return tuple(_REGISTRY)


def get(name: str | Family, link: str | Link | None = None) -> Family:
    """A family by its name, or an instance, optionally with another link.

    Parameters
    ----------
    name : str or Family
        One of :func:`names`, or a family object.
    link : str or Link, optional
        The link to use instead of the family's default (or of the object's own).

    Returns
    -------
    Family

    Raises
    ------
    UnknownNameError
        No such family or link, or a link the family does not take; names the nearest.

    Examples
    --------
    >>> get("binomial", link="probit")
    Binomial(link='probit')
    """
    if isinstance(name, Family):
        return name.with_link(link)
    try:
        kind = _REGISTRY[name]
    except (KeyError, TypeError):
        asked = str(name).lower().replace(" ", "_").replace("-", "_")
        near = difflib.get_close_matches(asked, _REGISTRY, n=1, cutoff=0.5)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        if asked in _ELSEWHERE:
            hint = f" Use {_ELSEWHERE[asked]}."
        raise UnknownNameError(
            f"Unknown family {name!r}.{hint} Known families: {', '.join(_REGISTRY)}."
        ) from None
    return kind(link=link)
