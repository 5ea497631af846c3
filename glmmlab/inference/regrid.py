"""A table on another scale: its back-transformed estimates as parameters of their own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from glmmlab import links
from glmmlab.errors import EstimabilityError
from glmmlab.inference.linear import Families
from glmmlab.inference.transformation import from_link

if TYPE_CHECKING:
    from glmmlab.inference.estimate_table import EstimateTable


def regrid(table: EstimateTable, transform: str) -> EstimateTable:
    """See :meth:`EstimateTable.regrid`."""
    linear = table.linear
    families = Families(table.by, across=table.grouping.across)
    inverse = table.transformation
    if inverse is not None:
        table = replace(table, response=inverse.target or table.response)
        eta = linear.estimate
        values, _ = inverse.apply(eta, linear.se)
        with np.errstate(invalid="ignore"):
            slopes = inverse.slope(eta)
    else:
        values, slopes = linear.estimate, np.ones(len(linear))
    if not np.isfinite(values).any():
        raise EstimabilityError("No estimate has a value on the response scale.")
    if transform == "response":
        new = replace(table, transformation=None, type="response", scale_name="")
        return replace(new, linear=linear.transformed(values, slopes), families=families)
    link = links.get(transform)
    with np.errstate(all="ignore"):
        eta, chain = link.link(values), link.link_derivative(values) * slopes
    if not np.isfinite(eta).any():
        raise EstimabilityError(f"No estimate has a value on the {transform} scale.")
    new = replace(table, transformation=from_link(link), scale_name=link.name)
    return replace(new, linear=linear.transformed(eta, chain), families=families)
