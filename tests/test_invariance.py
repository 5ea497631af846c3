"""What must not change the answer does not: order, coding, units, storage, repetition.

Log-likelihood, Wald tests and marginal means of random data sets, fitted twice.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.special import gammaln

import glmmlab as gl

FORMULA = "y ~ a * b + x + (1 | g)"
FAMILIES = ("gaussian", "gamma", "beta", "poisson", "nbinom2")
seeds = st.integers(0, 10_000)
families = st.sampled_from(FAMILIES)
few = settings(max_examples=12)


def draw(seed: int, family: str = "gaussian", n: int = 60) -> pd.DataFrame:
    """A designed experiment of n rows in six groups, with a response of the family."""
    rng = np.random.default_rng(seed)
    row = np.arange(n)
    data = pd.DataFrame(
        {
            "a": pd.Categorical(np.array(["low", "mid", "top"])[row % 3]),
            "b": pd.Categorical(np.array(["no", "yes"])[rng.permutation(row) % 2]),
            "g": pd.Categorical(np.array(list("pqrstu"))[rng.permutation(row) % 6]),
            "x": rng.integers(-8, 9, n) / 4.0,  # exact in float32
        }
    )
    eta = 0.6 * (data["a"] == "top") - 0.4 * (data["b"] == "yes") + 0.3 * data["x"]
    eta = eta.to_numpy(float) + rng.normal(scale=0.5, size=6)[data["g"].cat.codes]
    chosen = gl.families.get(family)
    aux = [np.full(n, {"beta": 2.5, "gamma": -1.5}.get(family, 0.5)) for _ in chosen.auxiliary]
    data["y"] = chosen.simulate(rng, chosen.link.inverse(eta), tuple(aux))
    return data


def fit(data: Any, formula: str = FORMULA, **options: Any) -> gl.Fit:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gl.SingularFitWarning)
        warnings.simplefilter("ignore", gl.BoundaryWarning)
        return gl.glmm(formula, data, **options)


def means(one: gl.Fit, x: float | None = None) -> np.ndarray:
    """Estimates and standard errors, at the mean of the covariate over the rows or at ``x``."""
    frame = one.emmeans(["a", "b"], at=None if x is None else {"x": x}).frame
    frame = frame.assign(a=frame["a"].astype(str), b=frame["b"].astype(str))
    return frame.sort_values(["a", "b"])[["estimate", "se"]].to_numpy(float)


def assert_same(
    one: gl.Fit, two: gl.Fit, terms: dict[str, str] | None = None, x: float | None = None
) -> None:
    """Likelihood, type II tests and marginal means agree; ``terms`` renames those of ``two``."""
    assert two.llf == pytest.approx(one.llf, abs=1e-6)
    first, second = one.anova().frame, two.anova().frame.rename(index=terms or {})
    assert sorted(first.index) == sorted(second.index)
    assert_allclose(second.loc[first.index, "chisq"], first["chisq"], rtol=2e-4, atol=1e-5)
    assert_allclose(second.loc[first.index, "df"], first["df"])
    a, b = means(one, x), means(two, x)
    assert_allclose(b[:, 0], a[:, 0], atol=1e-4 * a[:, 1].min())
    assert_allclose(b[:, 1], a[:, 1], rtol=2e-4)


@few
@given(seeds, families)
def test_order_of_rows(seed, family):
    data = draw(seed, family)
    shuffled = data.sample(frac=1.0, random_state=seed)
    one, two = fit(data, family=family), fit(shuffled, family=family)
    assert_same(one, two)
    assert_allclose(two.fittedvalues[data.index], one.fittedvalues, rtol=1e-4)


@few
@given(seeds, families, st.permutations(["low", "mid", "top"]))
def test_order_of_levels(seed, family, order):
    data = draw(seed, family)
    other = data.assign(
        a=data["a"].cat.reorder_categories(order),
        b=data["b"].cat.reorder_categories(["yes", "no"]),
        g=data["g"].cat.reorder_categories(list("utsrqp")),
    )
    assert_same(fit(data, family=family), fit(other, family=family))


@few
@given(
    seeds,
    families,
    st.sampled_from(["contr.sum", "contr.helmert", "contr.poly", "contr.SAS"]),
)
def test_coding(seed, family, contrasts):
    data = draw(seed, family)
    coded = f"y ~ C(a, {contrasts}) * C(b, {contrasts}) + x + (1 | g)"
    one, two = fit(data, family=family), fit(data, coded, family=family)
    names = {}
    for term in two.anova().frame.index:
        parts = [p for p in ("a", "b") if f"C({p}," in term]
        names[term] = ":".join(parts) or term
    assert_same(one, two, names)


@few
@given(seeds, families, st.sampled_from([1e-4, 0.5, 3.0, 1e5]), st.sampled_from([0.0, -7.0, 1e3]))
def test_units_and_zero_of_a_covariate(seed, family, scale, shift):
    data = draw(seed, family)
    other = data.assign(x=(data["x"] + shift) * scale)
    one, two = fit(data, family=family), fit(other, family=family)
    assert_same(one, two)
    assert two.params["x"] * scale == pytest.approx(one.params["x"], abs=1e-4 * one.bse["x"])


@few
@given(seeds, st.sampled_from([1e-3, 7.0, 1e4]))
def test_units_of_a_normal_response(seed, scale):
    """Densities change by the factor 1 / scale a row, tests and groups not at all."""
    data = draw(seed)
    one, two = fit(data), fit(data.assign(y=data["y"] * scale))
    assert two.llf == pytest.approx(one.llf - len(data) * np.log(scale), abs=1e-6)
    assert_allclose(two.anova().frame["chisq"], one.anova().frame["chisq"], rtol=2e-4, atol=1e-6)
    assert_allclose(means(two) / scale, means(one), rtol=2e-4, atol=1e-5)


STORAGE = {
    "text": lambda d: d.astype({"a": str, "b": str, "g": str}),
    "object": lambda d: d.astype({"a": object, "b": object, "g": object}),
    "string": lambda d: d.astype({"a": "string", "b": "string", "g": "string"}),
    "float32": lambda d: d.astype({"x": "float32"}),
    "nullable": lambda d: d.astype({"x": "Float64", "y": "Float64"}),
    "group as int": lambda d: d.assign(g=pd.Categorical(d["g"].cat.codes)),
    "ordered": lambda d: d.assign(a=d["a"].cat.as_ordered()),
    "dict": lambda d: {name: d[name].tolist() for name in d},
    "columns turned": lambda d: d.iloc[:, ::-1],
}
ARROW = {
    "arrow numbers": {"x": "double[pyarrow]", "y": "double[pyarrow]"},
    "arrow text": {"a": "string[pyarrow]", "b": "string[pyarrow]", "g": "string[pyarrow]"},
}


@pytest.mark.parametrize("storage", STORAGE)
@settings(max_examples=4)
@given(seed=seeds, family=families)
def test_storage_of_the_data(storage, seed, family):
    data = draw(seed, family)
    assert_same(fit(data, family=family), fit(STORAGE[storage](data), family=family))


@pytest.mark.parametrize("storage", ARROW)
@settings(max_examples=4)
@given(seed=seeds, family=families)
def test_arrow_storage(storage, seed, family):
    pytest.importorskip("pyarrow")
    data = draw(seed, family)
    text = data.astype({"a": str, "b": str, "g": str})
    assert_same(fit(data, family=family), fit(text.astype(ARROW[storage]), family=family))


@settings(max_examples=6)
@given(seeds, st.sampled_from(["int8", "uint16", "int64", "Int32", "float32", "object"]))
def test_storage_of_counts(seed, dtype):
    data = draw(seed, "poisson")
    data["y"] = data["y"].clip(upper=120)
    one = fit(data, family="poisson")
    assert_same(one, fit(data.astype({"y": int}).astype({"y": dtype}), family="poisson"))


@few
@given(seeds, families)
def test_unused_levels(seed, family):
    data = draw(seed, family)
    other = data.assign(
        **{name: data[name].cat.add_categories(["never", "nowhere"]) for name in "abg"}
    )
    other["a"] = other["a"].cat.reorder_categories(["never", "low", "nowhere", "mid", "top"])
    one, two = fit(data, family=family), fit(other, family=family)
    assert_same(one, two)
    assert list(one.params.index) == list(two.params.index)


@few
@given(seeds, families)
def test_whole_weights_are_repeated_rows(seed, family):
    data = draw(seed, family)
    data["w"] = np.random.default_rng(seed).integers(1, 4, len(data))
    repeated = data.loc[np.repeat(data.index, data["w"])].reset_index(drop=True)
    weighted = fit(data, family=family, weights="w")
    again = fit(repeated, family=family)
    assert_same(weighted, again, x=0.0)  # repetition moves the mean of x over the rows
    assert_allclose(weighted.bse, again.bse, rtol=2e-4)


@few
@given(seeds, families)
def test_rows_of_weight_zero_are_no_rows(seed, family):
    data = draw(seed, family, 72)
    data["w"] = (np.arange(len(data)) % 8 != 5).astype(float)
    one = fit(data[data["w"] > 0], family=family)
    two = fit(data, family=family, weights="w")
    assert two.llf == pytest.approx(one.llf, abs=1e-6)
    assert_allclose(two.params, one.params, atol=1e-4 * one.bse.min())


@few
@given(seeds, st.booleans(), st.sampled_from(["logit", "probit", "cloglog"]))
def test_three_ways_to_write_a_binomial_response(seed, grouped, link):
    """Successes and failures, a proportion of trials, 0/1 rows; binomial coefficients apart."""
    rng = np.random.default_rng(seed)
    data = draw(seed, n=36)
    data["n"] = rng.integers(2, 9, len(data))
    data["k"] = rng.binomial(data["n"], 1.0 / (1.0 + np.exp(-data["y"])))
    data["failures"] = data["n"] - data["k"]
    data["p"] = data["k"] / data["n"]
    right = "a + b + x" + (" + (1 | g)" if grouped else "")
    family = gl.families.get("binomial", link=link)
    first = fit(data, f"cbind(k, n - k) ~ {right}", family=family)
    rows = np.repeat(np.arange(len(data)), data["n"])
    place = np.concatenate([np.arange(size) for size in data["n"]])
    long = data.iloc[rows].assign(one=(place < data["k"].to_numpy()[rows]).astype(int))
    others = {
        "columns": fit(data, f"cbind(k, failures) ~ {right}", family=family),
        "k / n": fit(data, f"k / n ~ {right}", family=family, weights="n"),
        "proportion": fit(data, f"p ~ {right}", family=family, weights="n"),
        "rows": fit(long, f"one ~ {right}", family=family),
        "booleans": fit(long.assign(one=long["one"] == 1), f"one ~ {right}", family=family),
    }
    n, k = data["n"].to_numpy(float), data["k"].to_numpy(float)
    constant = float((gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)).sum())
    for name, other in others.items():
        shift = constant if name in ("rows", "booleans") else 0.0
        assert other.llf + shift == pytest.approx(first.llf, abs=1e-6), name
        assert_allclose(other.params, first.params, atol=1e-4 * first.bse.min(), err_msg=name)
        assert_allclose(other.bse, first.bse, rtol=2e-4, err_msg=name)
        chisq = [f.anova().frame["chisq"] for f in (other, first)]
        assert_allclose(*chisq, rtol=5e-4, atol=1e-5, err_msg=name)
        assert_allclose(means(other, 0.0), means(first, 0.0), rtol=2e-4, atol=1e-5, err_msg=name)
