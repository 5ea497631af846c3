"""A linear predictor's fixed part: its coding learned once, the same columns for any data."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from glmmlab._types import FloatArray
from glmmlab.formula.algebra import terms as expand
from glmmlab.formula.bars import parse_part
from glmmlab.formula.coding import Product, full_rank
from glmmlab.formula.columns import as_frame
from glmmlab.formula.expressions import Expression, expression
from glmmlab.formula.factors import Coding, LevelsCoding, check_defined, compute, learn
from glmmlab.formula.source import Source, Variable


@dataclass(frozen=True)
class Term:
    """One term of a formula.

    Attributes
    ----------
    name : str
        ``Intercept``, ``extract``, ``extract:gen``.
    columns : tuple of int
        Its columns in the matrix of its part.
    variables : frozenset of str
        Its factors (``I(x ** 2)`` is one of its own); empty for the intercept.
    """

    name: str
    columns: tuple[int, ...]
    variables: frozenset[str]


@dataclass(frozen=True, eq=False)
class FixedPart:
    """What a formula learned from the data of a fit; it codes new data in the same way.

    Attributes
    ----------
    formula : str
        The terms as text, offsets not included.
    names : tuple of str
        Column names in formulaic's style: ``Intercept``, ``fungicide[T.2]``.
    terms : tuple of Term
        In the order of the columns; the intercept first.
    variables : dict of str to Variable
        The data columns in use, offsets' columns included.
    has_intercept : bool
    offsets : tuple of str
        Expressions inside ``offset(...)``.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame({"x": [1.0, 2.0, 4.0], "f": ["a", "b", "a"]})
    >>> part = FixedPart.learn("x * f", data)
    >>> part.names
    ('Intercept', 'x', 'f[T.b]', 'x:f[T.b]')
    >>> part.matrix(pd.DataFrame({"x": [3.0], "f": ["b"]}))
    array([[1., 3., 1., 3.]])
    """

    formula: str
    names: tuple[str, ...]
    terms: tuple[Term, ...]
    variables: Mapping[str, Variable]
    has_intercept: bool
    offsets: tuple[str, ...]
    codings: Mapping[Expression, Coding] = field(repr=False)
    products: tuple[tuple[Product, int, int], ...] = field(repr=False)

    @classmethod
    def learn(
        cls, text: str, data: pd.DataFrame | Source, offsets: Sequence[str] = ()
    ) -> FixedPart:
        """Learn the coding of ``text`` (``"~ x"`` or ``"x"``) from data.

        Unused levels are dropped; text, booleans and Categoricals are factors.

        Raises
        ------
        FormulaError, UnknownColumnError
        DataError
            For missing or infinite values and for factors with one level.
        """
        source = data if isinstance(data, Source) else Source(as_frame(data))
        fixed, inner_offsets = parse_part(text)
        all_offsets = (*inner_offsets, *offsets)
        factor_terms = expand(fixed)
        constant = any(_is_constant(term, source) for term in factor_terms)
        used = dict.fromkeys(itertools.chain(*factor_terms))
        codings = {f: learn(f, source, constant) for f in used}
        coded = full_rank(factor_terms, lambda f: codings[f].categorical)
        names: list[str] = []
        terms: list[Term] = []
        products: list[tuple[Product, int, int]] = []
        for factors, term_products in zip(factor_terms, coded, strict=True):
            start = len(names)
            for product in term_products:
                first = len(names)
                names += _labels(product, codings)
                products.append((product, first, len(names)))
            terms.append(_term(factors, range(start, len(names))))
        return cls(
            fixed,
            tuple(names),
            tuple(terms),
            _variables(codings, all_offsets, source),
            () in factor_terms,
            all_offsets,
            codings,
            tuple(products),
        )

    def matrix(self, data: pd.DataFrame | Source) -> FloatArray:
        """Columns for any data, coded as learned.

        Returns
        -------
        ndarray, shape (n, p), C order
            Rows with missing values are NaN in the columns that need them.

        Raises
        ------
        UnknownColumnError
        UnknownLevelError
            A factor has a level that the fit has not seen.
        DataError
            An expression such as ``log(x)`` has no finite value.
        """
        source = self._source(data)
        blocks: dict[tuple[Expression, bool], FloatArray] = {}
        out = np.empty((len(source), len(self.names)))
        for product, start, stop in self.products:
            if not product:
                out[:, start] = 1.0
                continue
            for key in product:
                if key not in blocks:
                    block = self.codings[key.factor].block(source, key.reduced)
                    check_defined(block, key.factor, source)
                    blocks[key] = block
            out[:, start:stop] = _multiply([blocks[key] for key in product])
        return out

    def offset(self, data: pd.DataFrame | Source) -> FloatArray:
        """Sum of the offsets, shape (n,); zero without any.

        Raises
        ------
        DataError
            One is not a number where its columns are; log(0) = -inf stands for no exposure.
        """
        source = self._source(data)
        total = np.zeros(len(source))
        for text in self.offsets:
            values = offset_values(text, source)
            check_defined(np.where(np.isinf(values), 0.0, values), expression(text), source)
            total = total + values
        return total

    def _source(self, data: pd.DataFrame | Source) -> Source:
        return data if isinstance(data, Source) else Source(as_frame(data), self.variables)


def offset_values(text: str, source: Source) -> FloatArray:
    """One offset as numbers, shape (n,)."""
    found = expression(text, f"offset({text})")
    return compute(found, source)


def used_columns(text: str, offsets: Sequence[str] = ()) -> tuple[str, ...]:
    """Data columns that a one-sided formula needs, in order of appearance.

    Examples
    --------
    >>> used_columns("~ log(x) * f + offset(log(t))")
    ('x', 'f', 't')
    """
    fixed, inner = parse_part(text)
    found: dict[str, None] = {}
    for factor in itertools.chain(*expand(fixed)):
        found.update(dict.fromkeys(factor.columns))
    for offset in (*inner, *offsets):
        found.update(dict.fromkeys(expression(offset).columns))
    return tuple(found)


def _is_constant(term: tuple[Expression, ...], source: Source) -> bool:
    """Whether a term's columns add up to the intercept: it is that, or made of factors alone."""
    return all(
        factor.category is not None
        or (factor.column is not None and source.is_factor(factor.column))
        for factor in term
    )


def _labels(product: Product, codings: Mapping[Expression, Coding]) -> list[str]:
    """Labels of a product's columns; the first factor's levels change fastest."""
    if not product:
        return ["Intercept"]
    labels = [codings[coded.factor].labels(coded.reduced) for coded in product]
    return [":".join(reversed(parts)) for parts in itertools.product(*reversed(labels))]


def _multiply(blocks: Sequence[FloatArray]) -> FloatArray:
    """Products of columns, one from each block, the first block's changing fastest."""
    out = blocks[0]
    for block in blocks[1:]:
        width = block.shape[1] * out.shape[1]
        out = (block[:, :, None] * out[:, None, :]).reshape(len(out), width)
    return out


def _term(factors: tuple[Expression, ...], columns: range) -> Term:
    names = [factor.name for factor in factors]
    return Term(":".join(names) or "Intercept", tuple(columns), frozenset(names))


def _variables(
    codings: Mapping[Expression, Coding], offsets: Sequence[str], source: Source
) -> dict[str, Variable]:
    """The data columns; one used only through ``C(x)`` is a factor although it holds numbers."""
    as_labels: dict[str, list[bool]] = {}
    for factor, coding in codings.items():
        labels = isinstance(coding, LevelsCoding) or (coding.categorical and factor.top_call == "C")
        for name in factor.columns:
            as_labels.setdefault(name, []).append(labels)
    for text in offsets:
        for name in expression(text, f"offset({text})").columns:
            as_labels.setdefault(name, []).append(False)
    return {name: source.variable(name, all(uses), any(uses)) for name, uses in as_labels.items()}
