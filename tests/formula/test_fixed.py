"""The learned coding: variables, terms, types of columns, new data."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from glmmlab.errors import DataError, FormulaError, UnknownColumnError, UnknownLevelError
from glmmlab.formula import FixedPart
from glmmlab.formula.source import Source


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "x": [1.0, 2.0, 4.0, 8.0, 16.0, 32.0],
            "two": [0, 5, 0, 5, 5, 5],
            "f": pd.Categorical(list("bbacca"), categories=list("zcba")),
            "s": list("uvuvuv"),
            "b": [True, False, True, True, False, True],
            "t": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
        }
    )


def test_variables_are_the_data_columns(frame):
    part = FixedPart.learn("f * log(x) + two + b + offset(log(t))", frame)
    v = part.variables
    assert list(v) == ["f", "x", "two", "b", "t"]
    assert (v["f"].kind, v["f"].levels, v["f"].counts) == ("factor", ("c", "b", "a"), (2, 2, 2))
    assert (v["b"].kind, v["b"].levels, v["b"].counts) == ("factor", (False, True), (2, 4))
    assert (v["x"].kind, v["x"].mean, v["x"].unique) == ("numeric", 10.5, None)
    assert (v["two"].unique, v["two"].mean) == ((0.0, 5.0), pytest.approx(20 / 6))
    assert v["f"].mean is None and v["x"].levels is None


def test_a_column_used_only_as_labels_is_a_factor(frame):
    assert FixedPart.learn("C(two)", frame).variables["two"].levels == (0, 5)
    assert FixedPart.learn("factor(two)", frame).names == ("Intercept", "factor(two)[T.5]")
    assert FixedPart.learn("C(two) + two", frame).variables["two"].kind == "numeric"


def test_terms(frame):
    part = FixedPart.learn("f * x + I(x^2)", frame)
    assert [(t.name, t.columns) for t in part.terms] == [
        ("Intercept", (0,)),
        ("f", (1, 2)),
        ("x", (3,)),
        ("I(x ** 2)", (4,)),
        ("f:x", (5, 6)),
    ]
    assert part.terms[0].variables == frozenset()
    assert part.terms[3].variables == {"I(x ** 2)"}
    assert part.terms[4].variables == {"f", "x"}
    assert part.has_intercept
    assert not FixedPart.learn("0 + x", frame).has_intercept


def test_arithmetic_as_r_users_write_it(frame):
    part = FixedPart.learn("I(x^2) + sqrt(x) + log10(x) + expm1(x / 9) + np.log1p(x)", frame)
    x = frame["x"].to_numpy()
    expected = np.column_stack(
        [np.ones(6), x**2, np.sqrt(x), np.log10(x), np.expm1(x / 9), np.log1p(x)]
    )
    assert_array_equal(part.matrix(frame), expected)
    assert_array_equal(FixedPart.learn("I(x > 3)", frame).matrix(frame)[:, 1], x > 3)
    assert_array_equal(FixedPart.learn("I((s == 'v') * x)", frame).matrix(frame)[1:3, 1], [2, 0])
    assert_array_equal(
        FixedPart.learn("pmax(x, 4) + ifelse(b, 1, x)", frame).matrix(frame)[0], [1, 4, 1]
    )


def test_a_logarithm_may_have_a_base_as_in_r(frame):
    part = FixedPart.learn("log(x, 2) + log(x, base=10) + clip(x, 2, 3)", frame)
    x = frame["x"].to_numpy(float)
    expected = np.column_stack([np.ones(6), np.log2(x), np.log10(x), np.clip(x, 2, 3)])
    assert_allclose(part.matrix(frame), expected, rtol=1e-14)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sqrt(x, t)", r"sqrt\(\) takes 1 and no more: write sqrt\(x\)"),
        ("np.log(x, t)", r"np.log\(\) takes 1 and no more"),
        ("exp(x, out=t)", r"exp\(\) has no argument 'out': write exp\(x\)"),
        ("round(x, 1, t)", r"round\(\) takes 2 and no more: write round\(x, decimals\)"),
        ("pmax(x, t, t)", r"pmax\(\) takes 2 and no more"),
    ],
)
def test_no_function_writes_into_the_data(frame, text, words):
    """numpy's functions take an array to write to after their arguments."""
    before = frame.copy(deep=True)
    with pytest.raises(FormulaError, match=words):
        FixedPart.learn(text, frame)
    pd.testing.assert_frame_equal(frame, before)


def test_offsets_are_summed(frame):
    part = FixedPart.learn("x + offset(log(t)) + offset(x)", frame)
    assert part.names == ("Intercept", "x")
    assert_allclose(part.offset(frame), np.log(frame["t"]) + frame["x"])
    assert_array_equal(FixedPart.learn("x", frame).offset(frame), np.zeros(6))
    assert FixedPart.learn("x", frame, offsets=("t",)).offsets == ("t",)


STORAGE = {
    "object": lambda s: s.astype(object),
    "string": lambda s: s.astype("string"),
    "string[python]": lambda s: s.astype(pd.StringDtype("python")),
    "str": lambda s: s.astype("str"),
    "category": lambda s: s.astype("category"),
    "ordered": lambda s: s.astype(pd.CategoricalDtype(["u", "v"], ordered=True)),
    "unused level": lambda s: s.astype(pd.CategoricalDtype(["u", "w", "v"])),
}


@pytest.mark.parametrize("convert", STORAGE.values(), ids=STORAGE)
def test_text_is_a_factor_however_it_is_stored(frame, convert):
    plain = FixedPart.learn("s * x", frame)
    frame["s"] = convert(frame["s"])
    part = FixedPart.learn("s * x", frame)
    assert part.names == plain.names == ("Intercept", "s[T.v]", "x", "s[T.v]:x")
    assert_array_equal(part.matrix(frame), plain.matrix(frame))
    assert_array_equal(plain.matrix(frame), plain.matrix(frame))


@pytest.mark.parametrize("dtype", ["Int64", "Float64", "float32", "int8", "uint16", "object"])
def test_numbers_are_numbers_however_they_are_stored(frame, dtype):
    frame["x"] = frame["x"].astype(dtype)
    part = FixedPart.learn("x + I(x^2)", frame)
    assert_array_equal(part.matrix(frame)[:, 2], [1, 4, 16, 64, 256, 1024])


@pytest.mark.parametrize("dtype", ["boolean", "object", "bool", "category"])
def test_booleans_are_factors_however_they_are_stored(frame, dtype):
    frame["b"] = frame["b"].astype(dtype)
    part = FixedPart.learn("b", frame)
    assert part.names == ("Intercept", "b[T.True]")
    assert_array_equal(part.matrix(frame)[:, 1], [1, 0, 1, 1, 0, 1])


def test_arrow_storage(frame):
    pa = pytest.importorskip("pyarrow")
    plain = FixedPart.learn("s + x + b", frame)
    for name, kind in {"s": pa.string(), "x": pa.float64(), "b": pa.bool_()}.items():
        frame[name] = frame[name].astype(pd.ArrowDtype(kind))
    part = FixedPart.learn("s + x + b", frame)
    assert part.names == plain.names
    assert_array_equal(part.matrix(frame), plain.matrix(frame))
    frame["s"] = frame["s"].astype(pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string())))
    assert FixedPart.learn("s", frame).names == ("Intercept", "s[T.v]")


def test_new_data_keep_the_coding(frame):
    part = FixedPart.learn("f + poly(x, 2) + scale(t) + bs(x, df=4)", frame)
    X = part.matrix(frame)
    assert_allclose(part.matrix(frame.iloc[[4]]), X[[4]], atol=1e-14)
    again = frame.iloc[[4, 1]].astype({"f": str})  # text, and fewer levels
    assert_allclose(part.matrix(again), X[[4, 1]], atol=1e-14)
    other = frame.iloc[[4, 1]].astype({"f": pd.CategoricalDtype(list("abcz"))})
    assert_allclose(part.matrix(other), X[[4, 1]], atol=1e-14)


def test_numbers_match_labels_that_print_alike():
    data = pd.DataFrame({"f": ["1", "2", "10"]})
    part = FixedPart.learn("f", data)
    assert_array_equal(part.matrix(pd.DataFrame({"f": [2, 10]})), part.matrix(data.iloc[[1, 2]]))


def test_missing_values_in_new_data_stay_missing(frame):
    part = FixedPart.learn("s * x", frame)
    X = part.matrix(pd.DataFrame({"x": [1.0, np.nan], "s": [None, "v"]}))
    assert_array_equal(np.isnan(X), [[False, True, False, True], [False, False, True, True]])


def test_unknown_levels_and_columns(frame):
    part = FixedPart.learn("f + s + x + C(two)", frame)
    new = frame.astype({"f": str}).copy()
    new.loc[2, "f"] = "q"
    with pytest.raises(UnknownLevelError, match=r"'f' has the level 'q' \(row 2\).*'c', 'b', 'a'"):
        part.matrix(new)
    with pytest.raises(UnknownLevelError, match=r"'two' has the level '7' \(row 1\)"):
        part.matrix(frame.assign(two=[0, 7, 0, 0, 0, 0]))
    with pytest.raises(UnknownColumnError, match=r"no column 'f'.*did you mean 'ff'"):
        part.matrix(frame.rename(columns={"f": "ff"}))
    with pytest.raises(UnknownColumnError, match="no column 'x'"):
        part.matrix(frame.drop(columns="x"))
    with pytest.raises(DataError, match="'x' is used as a number but holds text"):
        part.matrix(frame.assign(x=list("abcdef")))
    with pytest.raises(UnknownLevelError, match="not seen"):
        FixedPart.learn("C(s, Sum)", frame).matrix(frame.assign(s="w"))
    for given, words in ((np.zeros((2, 2)), "an array"), (None, "missing"), ("a.csv", "a text")):
        with pytest.raises(DataError, match=f"data is {words}.*pass a pandas DataFrame"):
            part.matrix(given)


@pytest.mark.parametrize(
    ("text", "change", "error", "words"),
    [
        ("x", {"x": [1, 2, np.inf, 4, 5, 6]}, DataError, "column 'x' is infinite in row 2"),
        ("x", {"x": [1, np.nan, 3, 4, 5, 6]}, DataError, "column 'x' is missing"),
        ("log(x)", {"x": [0, 1, 2, 3, 4, 5]}, DataError, r"log\(x\) is infinite in row 0"),
        ("log(x)", {"x": [-1, 1, 2, 3, 4, 5]}, DataError, r"log\(x\) is missing or not a number"),
        ("s", {"s": "u"}, DataError, "factor 's' has only the level 'u'"),
        ("s", {"s": ["u", None, "u", "v", "v", "u"]}, DataError, "'s' is missing in row 1"),
        ("s", {"s": [1, "1", 2, 2, 1, 1]}, DataError, "mixes numbers and text"),
        ("s", {"s": pd.Categorical([1, "1", 2, 2, 1, 1])}, DataError, "print alike"),
        ("s", {"s": pd.date_range("2025", periods=6)}, DataError, "dates or times"),
        ("s", {"s": [{}, {}, {}, {}, {}, {}]}, DataError, "holds mixed values"),
        ("s", {"s": [1j, 2, 3, 4, 5, 6]}, DataError, "holds complex values"),
        ("log(s)", {}, FormulaError, r"cannot compute log\(s\)"),
        ("I(s == 'u' + x)", {}, FormulaError, "cannot compute"),
        ("I(x * np.log)", {}, UnknownColumnError, "no column 'np.log'"),
        ("I(x + Sum)", {}, FormulaError, "cannot compute"),
        ("where(x > 1, [1, 2], 3)", {}, FormulaError, "cannot compute"),
        ("I([x, x])", {}, FormulaError, "one a row is needed"),
        ("poly(s, 2)", {}, FormulaError, r"cannot compute poly\(s, 2\): column 's' holds labels"),
        ("scale(s)", {}, FormulaError, r"cannot compute scale\(s\): column 's' holds labels"),
        ("bs(f, df=4)", {}, FormulaError, r"bs\(f, df=4\): column 'f' holds labels, not numbers"),
        ("bs(x, df=2)", {}, FormulaError, r"bs\(x, df=2\): df=2 is too small, 3 is the least"),
        ("bs(x, df=3, include_intercept=True)", {}, FormulaError, "4 is the least"),
        ("bs(x, df=4, lower_bound=99)", {}, DataError, "spline reaches from 99 to .* lies outside"),
        ("poly(x, t, 2)", {}, FormulaError, r"one column, then constants: write poly\(x, ...\) \+"),
        ("C(f, 'b')", {}, FormulaError, r"C\(x, contr.treatment\('b'\)\) to make 'b' the"),
        ("C(f, x)", {}, FormulaError, r"second argument of C\(\) is a coding"),
        ("I(2 < x < 5)", {}, FormulaError, r"write logical_and\(a < x, x < b\)"),
        ("as.factor(f)", {}, FormulaError, r"no function as.factor\(\).*write factor\(x\)"),
        ("as.numeric(x)", {}, FormulaError, r"no function as.numeric\(\).*pd.to_numeric"),
        ("s(x)", {}, FormulaError, r"no function s\(\) for formulas: write bs\(x, df=5\)"),
        (
            "bs(x, knots=c(1, 2))",
            {},
            FormulaError,
            r"no function c\(\).*cbind.*\[1, 2\] for several",
        ),
        ("bs(x, Boundary.knots=[0, 9])", {}, FormulaError, "write lower_bound= and upper_bound="),
        ("log(x, 2, 3)", {}, FormulaError, r"log\(\) takes 2 and no more"),
        ("C(f, Treatment('q'))", {}, FormulaError, "cannot compute C"),
    ],
)
def test_what_cannot_be_coded(frame, text, change, error, words):
    with pytest.raises(error, match=words):
        FixedPart.learn(text, frame.assign(**change))


def test_splines_do_not_extrapolate_silently(frame):
    part = FixedPart.learn("bs(x, df=4)", frame)
    low, high = frame["x"].min(), frame["x"].max()
    said = rf"from {low:.6g} to {high:.6g}, and 1e\+06 lies outside.*extrapolation='extend'"
    with pytest.raises(
        DataError, match=rf"cannot compute bs\(x, df=4\): the spline reaches {said}"
    ):
        part.matrix(pd.DataFrame({"x": [1e6]}))
    beside = pd.DataFrame({"x": [high + 0.009 * (high - low), low - 0.009 * (high - low)]})
    extended = FixedPart.learn("bs(x, df=4, extrapolation='extend')", frame)
    assert_array_equal(part.matrix(beside), extended.matrix(beside))
    assert_array_equal(part.matrix(frame), extended.matrix(frame))
    with pytest.raises(DataError, match="lies outside"):
        part.matrix(pd.DataFrame({"x": [high + 0.011 * (high - low)]}))


@pytest.mark.parametrize(
    "text", ["cr(x, df=3)", "cs(x, df=3)", "cc(x, df=3)", "0 + f + cr(x, df=3)"]
)
def test_natural_splines_leave_the_constant_to_the_intercept(text):
    rng = np.random.default_rng(3)
    data = pd.DataFrame({"x": rng.normal(size=40), "f": np.tile(["a", "b"], 20)})
    part = FixedPart.learn(text, data)
    X = part.matrix(data)
    assert np.linalg.matrix_rank(X) == X.shape[1]
    spline = [j for j, name in enumerate(part.names) if "df=3" in name]
    assert len(spline) == 3
    assert_allclose(X[:, spline].mean(axis=0), 0.0, atol=1e-12)
    new = data.iloc[[3, 8]]
    assert_allclose(part.matrix(new), X[[3, 8]], atol=1e-12)


def test_a_column_name_that_is_no_word(frame):
    frame["leaf area"] = frame["x"]
    frame["a.b"] = frame["x"]
    frame["+"] = frame["x"]
    part = FixedPart.learn("`leaf area` + log(Q('leaf area')) + a.b:two + `+`", frame)
    assert part.names == ("Intercept", "leaf area", "log(`leaf area`)", "+", "a.b:two")
    assert part.terms[2].variables == {"log(`leaf area`)"}
    assert set(part.variables) == {"leaf area", "a.b", "two", "+"}


def test_learned_coding_survives_pickling(frame):
    part = FixedPart.learn("f * poly(x, 2) + C(s, Sum) + log(t) + offset(t)", frame)
    again = pickle.loads(pickle.dumps(part))
    assert_array_equal(again.matrix(frame), part.matrix(frame))
    assert_array_equal(again.offset(frame), frame["t"])


def test_no_rows_at_all(frame):
    part = FixedPart.learn("f * x", frame)
    assert part.matrix(frame.iloc[:0]).shape == (0, 6)


def test_polynomials_of_both_kinds_count_from_one():
    data = pd.DataFrame({"x": np.arange(6.0)})
    for text in ("poly(x, 2)", "poly(x, 2, raw=True)"):
        part = FixedPart.learn(f"~ {text}", data)
        assert part.names == ("Intercept", f"{text}[1]", f"{text}[2]")
    assert np.allclose(part.matrix(data)[:, 2], data["x"] ** 2)


def test_codings_of_numbers_name_them_as_they_are():
    """As C(t) and factor(t) do; formulaic, which makes these codings, reads 1.0 for 1."""
    data = pd.DataFrame({"t": [1, 2, 3, 1, 2, 3], "half": [0.5, 1.0, 1.5] * 2})
    part = FixedPart.learn("C(t, contr.treatment(3)) + C(half, contr.sum)", Source(data))
    assert part.names[1:] == (
        "C(t, contr.treatment(3))[T.1]",
        "C(t, contr.treatment(3))[T.2]",
        "C(half, contr.sum)[S.0.5]",
        "C(half, contr.sum)[S.1]",
    )
