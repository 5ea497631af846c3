"""Which factors of a term get all their levels, and which leave out the first.

A term adds to the model only what the terms before it do not span: a factor is coded with all its
levels where its margin is missing, and without the first where it is there.  (The rule of S, in the
form that patsy and formulaic give it; the columns agree with formulaic's.)
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import NamedTuple

from glmmlab.formula.expressions import Expression


class Coded(NamedTuple):
    """A factor in a term; ``reduced`` leaves out its first level (numbers are never reduced)."""

    factor: Expression
    reduced: bool


Product = tuple[Coded, ...]


def full_rank(
    terms: Sequence[tuple[Expression, ...]], categorical: Callable[[Expression], bool]
) -> list[list[Product]]:
    """For each term the products of coded factors that it adds, in column order.

    Examples
    --------
    >>> from glmmlab.formula.algebra import terms
    >>> for products in full_rank(terms("f + f:x"), lambda factor: factor.name == "f"):
    ...     print([[(c.factor.name, c.reduced) for c in product] for product in products])
    [[]]
    [[('f', True)]]
    [[('f', False), ('x', False)]]
    """
    spanned: set[frozenset[Coded]] = set()
    coded = []
    for term in terms:
        choices: list[tuple[Product, ...]] = [
            ((Coded(f, True),), ()) if categorical(f) else ((Coded(f, False),),) for f in term
        ]
        span = [tuple(itertools.chain(*parts)) for parts in itertools.product(*choices)]
        new = [product for product in span if frozenset(product) not in spanned]
        coded.append(_simplify(new))
        spanned.update(frozenset(product) for product in new)
    return coded


def _simplify(products: Sequence[Product]) -> list[Product]:
    """Join ``rest`` and ``rest:f-`` to ``rest:f`` as long as there are such pairs."""
    out: list[Product] = []
    for product in sorted(products, key=len):
        partner = next((other for other in out if _extra(product, other) is not None), None)
        if partner is None:
            out.append(product)
            continue
        extra = _extra(product, partner)
        joined = tuple(Coded(c.factor, False) if c == extra else c for c in product)
        out = _simplify([*(other for other in out if other is not partner), joined])
    return out


def _extra(product: Product, other: Product) -> Coded | None:
    """The reduced factor by which ``product`` is larger than ``other``, if that is all."""
    difference = set(product) - set(other)
    if len(product) != len(other) + 1 or len(difference) != 1:
        return None
    (extra,) = difference
    return extra if extra.reduced else None
