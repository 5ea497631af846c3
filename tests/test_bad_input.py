"""Malformed calls: each is a clear error of ours, or a named warning, never a silent number."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

import glmmlab as gl
from glmmlab import errors

N = 12


def good() -> pd.DataFrame:
    """Data that all families can be fitted to."""
    rng = np.random.default_rng(8)
    return pd.DataFrame(
        {
            "y": rng.normal(10, 1, N),
            "count": rng.poisson(4, N) + 1,
            "share": rng.uniform(0.1, 0.9, N),
            "hits": rng.integers(1, 9, N),
            "n": np.full(N, 10),
            "binary": np.tile([0, 1], N // 2),
            "x": rng.normal(size=N),
            "t": rng.uniform(1, 2, N),
            "f": np.tile(list("abc"), N // 3),
            "g": np.repeat(["g1", "g2", "g3", "g4"], N // 4),
            "w": rng.uniform(1, 2, N),
        }
    )


class Call(NamedTuple):
    """A call, the class it must raise or warn with, and what its message must name."""

    id: str
    expected: type[Exception]
    words: tuple[str, ...]
    formula: Any = "y ~ x"
    family: str = "gaussian"
    change: Callable[[pd.DataFrame], Any] = lambda d: d
    arguments: dict[str, Any] = {}  # noqa: RUF012


def put(column: str, value: Any, *rows: int) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """A change that puts a value into some rows (all without any) of a column."""

    def change(data: pd.DataFrame) -> pd.DataFrame:
        values = data[column].astype(object) if column in data else pd.Series([None] * N)
        values.iloc[list(rows) or slice(None)] = value
        data[column] = values.infer_objects()
        return data

    return change


def commas(values: pd.Series) -> pd.Series:
    """Numbers as text with a decimal comma."""
    return values.astype(str).str.replace(".", ",")


class Polars:
    """A frame of another library; its class says where it is from."""

    __module__ = "polars.dataframe.frame"
    to_pandas = pd.DataFrame


E, W = errors, errors.WeightsError
CALLS = [
    # formulas that do not parse, or are no formulas
    Call("no text", E.FormulaError, ("must be text", "int"), formula=42),
    Call("none", E.FormulaError, ("must be text", "NoneType"), formula=None),
    Call("empty", E.FormulaError, ("has no '~'",), formula=""),
    Call("no tilde", E.FormulaError, ("has no '~'", "y + x"), formula="y + x"),
    Call("two tildes", E.FormulaError, ("more than one", "character 7"), formula="y ~ x ~ f"),
    Call("no response", E.FormulaError, ("no response",), formula="~ x"),
    Call("no right side", E.FormulaError, ("nothing follows",), formula="y ~"),
    Call("open bracket", E.FormulaError, ("closing bracket", "character 5"), formula="y ~ (1 | g"),
    Call("stray bracket", E.FormulaError, ("not open", "character 6"), formula="y ~ x)"),
    Call("no operator", E.FormulaError, ("operator is missing", "character 7"), formula="y ~ x f"),
    Call("open end", E.FormulaError, ("term is missing", "character 7"), formula="y ~ x +"),
    Call("bar without brackets", E.FormulaError, ("(1 | g)",), formula="y ~ x + 1 | g"),
    Call("no group", E.FormulaError, ("no grouping factor",), formula="y ~ (1 | )"),
    Call("sum of groups", E.FormulaError, ("a:b or a/b",), formula="y ~ (1 | f + g)"),
    Call("structure", E.FormulaError, ("ar1", "not available"), formula="y ~ ar1(x | g)"),
    Call("bar in product", E.FormulaError, ("of its own",), formula="y ~ x * (1 | g)"),
    Call("dot", E.FormulaError, ("all other columns",), formula="y ~ ."),
    Call("strata", E.FormulaError, ("Error()", "(1 | block/trt)"), "y ~ x + Error(g/f)"),
    Call("ln", E.FormulaError, ("ln()", "log(x)"), "y ~ ln(t)"),
    Call("blank in a name", E.FormulaError, ("operator is missing", "`leaf area`"),
         "y ~ leaf area", change=lambda d: d.rename(columns={"x": "leaf area"})),
    Call("percent in a name", E.FormulaError, ("'%'", "character 8", "`share (%)`"),
         "share (%) ~ x", "beta", lambda d: d.rename(columns={"share": "share (%)"})),
    Call("hyphen in a name", E.UnknownColumnError, ("'N'", "`N-rate`"), "y ~ N-rate",
         change=lambda d: d.rename(columns={"x": "N-rate"})),
    Call("number in a name", E.FormulaError, ("`1st`",), "y ~ f", arguments={"dispersion": "~ 1st"},
         change=lambda d: d.rename(columns={"x": "1st"})),
    Call("accent apart", E.FormulaError, ("accent", "character 3"), "Ho\u0308he ~ x",
         change=lambda d: d.rename(columns={"y": "Höhe"})),
    Call("bare number", E.FormulaError, ("0 and 1",), formula="y ~ x + 3"),
    Call("unknown function", E.FormulaError, ("lgo", "log()"), formula="y ~ lgo(x)"),
    Call("mean", E.FormulaError, ("mean()", "center(x)"), formula="y ~ I(x - mean(x))"),
    Call("code", E.FormulaError, ("no function",), formula="y ~ eval('1')"),
    Call("bad spline", E.FormulaError, ("bs(x, df=1)",), formula="y ~ bs(x, df=1)"),
    Call("function of R", E.FormulaError, ("as.factor()", "factor(x)"), "y ~ as.factor(f)"),
    Call("c for cbind", E.FormulaError, ("no function c()", "cbind"), "c(hits, n - hits) ~ x"),
    Call("smooth of mgcv", E.FormulaError, ("s()", "bs(x, df=5)"), "y ~ s(x)"),
    Call("spline of text", E.FormulaError, ("bs(f, df=4)", "'f' holds labels"), "y ~ bs(f, df=4)"),
    Call("two in one", E.FormulaError, ("poly()", "one column"), "y ~ poly(x, w, 2)"),
    Call("level for coding", E.FormulaError, ("contr.treatment('b')",), "y ~ C(f, 'b')"),
    Call("between", E.FormulaError, ("logical_and(a < x, x < b)",), "y ~ I(2 < x < 5)"),
    Call("text arithmetic", E.FormulaError, ("log(f)", "'f' holds text ('a', 'b', 'c')"),
         "y ~ log(f)"),
    Call("text and a number", E.FormulaError, ("I(f + 1)", "holds text"), "y ~ I(f + 1)"),
    Call("arithmetic with a decimal comma", E.FormulaError, ("log(v)", "decimal=','"), "y ~ log(v)",
         change=lambda d: d.assign(v=commas(d["t"]))),
    Call("cbind of one", E.FormulaError, ("two columns",), "cbind(hits) ~ x", "binomial"),
    Call("nothing", E.FormulaError, ("no term to estimate",), formula="y ~ 0"),
    # names
    Call("response name", E.UnknownColumnError, ("'yy'", "the response", "'y'"), "yy ~ x"),
    Call("column name", E.UnknownColumnError, ("'coutn'", "'count'"), "y ~ coutn"),
    Call("capitals", E.UnknownColumnError, ("'X'", "did you mean 'x'"), "y ~ X"),
    Call("encoding of a name", E.UnknownColumnError,
         (r"'Ho\u0308he' instead of 'H\xf6he'", r"rename(columns={'Ho\u0308he': 'Höhe'})"),
         "Höhe ~ x", change=lambda d: d.rename(columns={"y": "Ho\u0308he"})),
    Call("byte-order mark", E.UnknownColumnError, (r"'\ufeffx'", "utf-8-sig", "'x'}"),
         change=lambda d: d.rename(columns={"x": "\ufeffx"})),
    Call("blank behind a name", E.UnknownColumnError, ("'x ' instead of 'x'", "rename("),
         change=lambda d: d.rename(columns={"x": "x "})),
    Call("blank in backticks", E.UnknownColumnError, ("'x' instead of 'x '", "anew"), "y ~ `x `"),
    Call("group name", E.UnknownColumnError, ("'gg'", "(1 | gg)", "'g'"), "y ~ (1 | gg)"),
    Call("slope name", E.UnknownColumnError, ("'zzz'", "(zzz | g)"), "y ~ (zzz | g)"),
    Call("offset name", E.UnknownColumnError, ("'tt'", "the offset"), "y ~ x + offset(log(tt))"),
    Call("weights name", E.UnknownColumnError, ("'ww'", "weights="), arguments={"weights": "ww"}),
    Call("offset argument", E.UnknownColumnError, ("'o'",), arguments={"offset": "o"}),
    Call("dispersion name", E.UnknownColumnError, ("'q'",), arguments={"dispersion": "~ q"}),
    Call("twice the name", E.DataError, ("2 columns called 'x'",),
         change=lambda d: pd.concat([d, d[["x"]]], axis=1)),
    # data that are no data
    Call("array", E.DataError, ("an array", "DataFrame"), change=lambda d: d.to_numpy()),
    Call("names of two levels", E.DataError, ("2 levels of names", "data.columns ="),
         change=lambda d: pd.concat({"u": d}, axis=1)),
    Call("another library", E.DataError, ("polars", "data.to_pandas()"), change=lambda d: Polars()),
    Call("numbers for names", E.UnknownColumnError, ("'1'", "but 1, which", "columns.astype(str)"),
         'Q("0") ~ Q("1")', change=lambda d: pd.DataFrame(d[["x", "y"]].to_numpy())[[1]]
         .assign(**{"0": d["y"]})),
    Call("no data", E.DataError, ("missing (None)",), change=lambda d: None),
    Call("ragged dict", E.DataError, ("not a table",), change=lambda d: {"y": [1, 2], "x": [1]}),
    Call("no rows", E.DataError, ("no rows",), change=lambda d: d.iloc[:0]),
    Call("one row", E.DataError, ("1 fixed coefficient for 1 row",), "y ~ 1",
         change=lambda d: d.iloc[:1]),
    Call("all missing", E.DataError, ("every row", "x (12)"), change=put("x", np.nan)),
    Call("missing by turns", E.DataError, ("x (6)", "y (6)"),
         change=lambda d: put("y", np.nan, *range(6, 12))(put("x", np.nan, *range(6))(d))),
    Call("infinite predictor", E.DataError, ("'x'", "infinite", "rows 2, 5"),
         change=put("x", np.inf, 2, 5)),
    Call("log of zero", E.DataError, ("row 4, where t = 0: log(t + 1) keeps",), "y ~ log(t)",
         change=put("t", 0.0, 4)),
    Call("log10 of zero", E.DataError, ("np.log10(`t 1` + 1) keeps",), "y ~ np.log10(`t 1`)",
         change=lambda d: put("t", 0.0, 4)(d).rename(columns={"t": "t 1"})),
    Call("log of less than zero", E.DataError, ("log(t)", "row 4", "correct or drop"), "y ~ log(t)",
         change=put("t", -1.0, 4)),
    Call("number and text", E.DataError, ("'x'", "mixes", "row 3", "to_numeric"),
         change=put("x", "1,5", 3)),
    Call("date", E.DataError, ("'x'", "dates"), change=put("x", pd.Timestamp("2025-01-01"))),
    Call("complex", E.DataError, ("'x'", "complex"), change=put("x", 1j)),
    Call("lists", E.DataError, ("'x'", "numbers, text or booleans"),
         change=lambda d: d.assign(x=[[1]] * N)),
    # families of other programs
    Call("R's beta", E.UnknownNameError, ("Use 'beta'.",), family="beta_family"),
    Call("negative binomial", E.UnknownNameError, ("Use 'nbinom2'",), family="negative_binomial"),
    Call("with a blank", E.UnknownNameError, ("Use 'nbinom2'",), family="Negative Binomial"),
    Call("zip", E.UnknownNameError, ("Use 'poisson' with zero_inflation='~ 1'",), family="zip"),
    Call("hurdle", E.UnknownNameError, ("truncated_nbinom2", "zero_inflation="), family="hurdle"),
    Call("zinb", E.UnknownNameError, ("'nbinom2' with zero_inflation=",), family="zinb"),
    Call("quasi", E.UnknownNameError, ("Use 'nbinom1'", "(1 + phi) mu"), family="quasipoisson"),
    # responses
    Call("text response", E.ResponseError, ("'f'", "labels", "binomial"), "f ~ x"),
    Call("boolean response", E.ResponseError, ("'z'", ".astype(int)", "binomial"), "z ~ x",
         change=lambda d: d.assign(z=d["x"] > 0)),
    Call("infinite response", E.ResponseError, ("'y'", "infinite", "row 1"),
         change=put("y", -np.inf, 1)),
    Call("text response with commas", E.ResponseError,
         ("decimal comma", "read_csv(..., decimal=',')"), "v ~ x",
         change=lambda d: d.assign(v=commas(d["t"]))),
    Call("text response with a word", E.ResponseError, ("but not 'n.d.'", "na_values=['n.d.']"),
         "v ~ x", change=lambda d: d.assign(v=[*d["t"].astype(str)[1:], "n.d."])),
    Call("text response of numbers", E.ResponseError, ("write data['v'] = pd.to_numeric",), "v ~ x",
         change=lambda d: d.assign(v=d["t"].astype(str))),
    Call("outcomes in two spellings", E.ResponseError, ("3 levels", "letter case", ".str.lower()"),
         "v ~ x", "binomial", lambda d: d.assign(v=["no", "No", *["yes"] * 10])),
    Call("outcome without a value", E.ResponseError, ("3 levels", "na_values=['.']"), "v ~ x",
         "binomial", lambda d: d.assign(v=["no", ".", *["yes"] * 10])),
    Call("log of a zero response", E.ResponseError, ("where count = 0", "nbinom2"),
         "log(count) ~ x", change=put("count", 0, 6)),
    Call("log of a negative response", E.ResponseError, ("log(y)", "row 6"), "log(y) ~ x",
         change=put("y", -1.0, 6)),
    Call("constant", E.ResponseError, ("'y'", "constant (5"), change=put("y", 5.0)),
    Call("percent", E.ResponseError, ("'share'", "beta", "Divide them by 100"), "share ~ x", "beta",
         change=lambda d: d.assign(share=d["share"] * 100)),
    Call("exact zero", E.ResponseError, ("'share'", "row 3", "exactly 0 or 1", "'ordbeta'"),
         "share ~ x", "beta", put("share", 0.0, 3)),
    Call("exact one", E.ResponseError, ("rows 3, 4", "exactly 0 or 1", "'ordbeta'"), "share ~ x",
         "beta", put("share", 1.0, 3, 4)),
    Call("share as successes", E.ResponseError, ("weights='n'", "for family='beta'"), "share ~ x",
         "binomial"),
    Call("share with a zero", E.ResponseError, ("weights='n'", "for family='ordbeta'"), "share ~ x",
         "binomial", put("share", 0.0, 3)),
    Call("code in a share", E.ResponseError, ("Is -99 a code", "na_values=[-99]"), "share ~ x",
         "beta", put("share", -99.0, 3)),
    Call("codes in a count", E.ResponseError, ("-9", "na_values=[-9, -999]"), "count ~ x",
         "poisson", lambda d: put("count", -999, 5)(put("count", -9, 4)(d))),
    Call("code in an amount", E.ResponseError, ("na_values=[-99]",), "y ~ x", "gamma",
         put("y", -99.0, 4)),
    Call("code in a 0/1", E.ResponseError, ("na_values=[-9]",), "binary ~ x", "binomial",
         put("binary", -9, 4)),
    Call("code in the successes", E.ResponseError, ("row 2", "na_values=[-9]"),
         "cbind(hits, n - hits) ~ x", "binomial", put("hits", -9, 2)),
    Call("code in the trials", E.ResponseError, ("row 2", "na_values=[-9]"),
         "cbind(hits, n - hits) ~ x", "binomial", put("n", -9, 2)),
    Call("many rows", E.ResponseError, ("12 rows in all",), "y ~ x", "beta"),
    Call("gamma zero", E.ResponseError, ("gamma", "row 2", "limit of detection"), "y ~ x", "gamma",
         change=put("y", 0.0, 2)),
    Call("gamma negative", E.ResponseError, ("-3", "row 2", "gaussian"), "y ~ x", "gamma",
         change=put("y", -3.0, 2)),
    Call("half a count", E.ResponseError, ("2.5", "row 7", "whole numbers"), "count ~ x", "poisson",
         change=put("count", 2.5, 7)),
    Call("rate", E.ResponseError, ("count / t", "offset(log(exposure))"), "count / t ~ x",
         "nbinom2"),
    Call("negative count", E.ResponseError, ("-1", "row 0"), "count ~ x", "nbinom1",
         change=put("count", -1, 0)),
    Call("no success", E.ResponseError, ("'binary'", "no success"), "binary ~ x", "binomial",
         change=put("binary", 0)),
    Call("no failure", E.ResponseError, ("no failure",), "cbind(hits, n - hits) ~ x", "binomial",
         change=lambda d: d.assign(n=d["hits"])),
    Call("no trials", E.ResponseError, ("no trials",), "cbind(hits, n) ~ x", "binomial",
         change=lambda d: d.assign(hits=0, n=0)),
    Call("three levels", E.ResponseError, ("3 levels", "'a', 'b', 'c'"), "f ~ x", "binomial"),
    Call("one level", E.ResponseError, ("1 level ", "'a'"), "f ~ x", "binomial",
         change=put("f", "a")),
    Call("counts as 0/1", E.ResponseError, ("'count'", "cbind"), "count ~ x", "binomial"),
    Call("no weights", E.ResponseError, ("weights='n'",), "hits / n ~ x", "binomial"),
    Call("more than all", E.ResponseError,
         ("n - hits", "row 2, where there are more successes than trials (hits = 11, n = 10)"),
         "cbind(hits, n - hits) ~ x", "binomial", change=put("hits", 11, 2)),
    Call("share above one", E.ResponseError,
         ("above 1 in row 2", "11 of 10", "cbind(hits, n - hits)"), "hits / n ~ x", "binomial",
         put("hits", 11, 2), {"weights": "n"}),
    Call("share above one without trials", E.ResponseError, ("above 1 in row 2", "11 of 10"),
         "hits / n ~ x", "binomial", put("hits", 11, 2)),
    Call("half a success", E.ResponseError, ("'hits'", "row 2"), "cbind(hits, n) ~ x",
         "betabinomial", change=put("hits", 1.5, 2)),
    Call("cbind of a mean", E.ResponseError, ("poisson",), "cbind(hits, n - hits) ~ x", "poisson"),
    Call("single betabinomial", E.ResponseError, ("one trial a row", "binomial"), "binary ~ x",
         "betabinomial"),
    # weights and offsets
    Call("not the trials", W, ("'m'", "hits / n", "row 5"), "hits / n ~ x", "binomial",
         lambda d: d.assign(m=d["n"]).pipe(put("m", 7, 5)), {"weights": "m"}),
    Call("not whole trials", W, ("'m'", "not the numbers of trials"), "hits / n ~ x", "binomial",
         lambda d: d.assign(m=d["n"] + 0.5), {"weights": "m"}),
    Call("negative weights", W, ("'w'", "negative", "row 3"), change=put("w", -1.0, 3),
         arguments={"weights": "w"}),
    Call("infinite weights", W, ("'w'", "infinite", "row 3"), change=put("w", np.inf, 3),
         arguments={"weights": "w"}),
    Call("zero weights", W, ("'w'", "all zero"), change=put("w", 0.0), arguments={"weights": "w"}),
    Call("text weights", W, ("weights='f'", "labels"), arguments={"weights": "f"}),
    Call("short weights", W, ("shape (3,)", "12 rows"), arguments={"weights": [1, 2, 3]}),
    Call("weights matrix", W, ("shape (12, 2)",), arguments={"weights": np.ones((N, 2))}),
    Call("scalar weights", W, ("shape ()",), arguments={"weights": 2}),
    Call("weights of text", W, ("one number a row",), arguments={"weights": ["a"] * N}),
    Call("short offset", E.DataError, ("offset=", "shape (11,)"),
         arguments={"offset": np.ones(11)}),
    Call("text offset", E.DataError, ("offset='f'",), arguments={"offset": "f"}),
    Call("infinite offset", E.DataError, ("offset(log(t))", "infinite", "row 4"),
         "count ~ x + offset(log(t))", "poisson", put("t", 0.0, 4)),
    Call("offset not a number", E.DataError, ("offset(log(t))", "not a number", "row 4"),
         "count ~ x + offset(log(t))", "poisson", put("t", -2.0, 4)),
    Call("infinite argument", E.DataError, ("'t'", "infinite", "row 4"), change=put("t", np.inf, 4),
         arguments={"offset": "t"}),
    # factors and groups
    Call("one level factor", E.DataError, ("'f'", "only the level 'a'"), "y ~ f",
         change=put("f", "a")),
    Call("factor emptied by missing", E.DataError, ("'f'", "only the level 'a'"), "y ~ f + x",
         change=lambda d: d.assign(x=d["x"].where(d["f"] == "a"))),
    Call("one group", E.DataError, ("'g'", "one level ('g1')"), "y ~ x + (1 | g)",
         change=put("g", "g1")),
    Call("rows as groups", E.DataError, ("'row'", "12 rows", "residual variance"),
         "y ~ x + (1 | row)", change=lambda d: d.assign(row=range(N))),
    Call("rows as nested groups", E.DataError, ("'f:g'", "12 rows"), "y ~ x + (1 | f:g)"),
    Call("same intercept twice", E.DataError, ("(1 | g)", "(x | g)", "told apart"),
         "y ~ x + (1 | g) + (x | g)"),
    Call("same term twice", E.DataError, ("(1 | g)", "told apart"), "y ~ (1 | g) + (1 | g)"),
    Call("no effect", E.FormulaError, ("nothing varies", "(0 | g)"), "y ~ (0 | g)"),
    Call("constant slope", E.DataError, ("(x | g)", "x is constant"), "y ~ (x | g)",
         change=put("x", 2.0)),
    Call("labels alike", E.DataError, ("'g'", "print alike"), "y ~ (1 | g)",
         change=lambda d: d.assign(g=pd.Categorical([1, "1", 2] * 4))),
    # sizes
    Call("saturated", E.DataError, ("12 fixed coefficients for 12 rows", "gaussian"), "y ~ C(x)"),
    Call("saturated by text", E.DataError, ("12 rows", "decimal comma", "decimal=','"),
         change=lambda d: d.assign(x=commas(d["x"]))),
    Call("saturated after missing", E.DataError, ("3 fixed coefficients for 3 rows",), "y ~ f",
         change=put("x", np.nan, *range(3, N)), arguments={"offset": "x"}),
    # auxiliary models
    Call("dispersion of counts", E.FormulaError, ("poisson", "no dispersion"), "count ~ x",
         "poisson", arguments={"dispersion": "~ x"}),
    Call("zeros of a gaussian", E.ResponseError, ("gaussian", "count family"),
         arguments={"zero_inflation": "~ 1"}),
    Call("two-sided dispersion", E.FormulaError, ("no response",),
         arguments={"dispersion": "y ~ x"}),
    Call("random dispersion", E.FormulaError, ("(1 | g)", "main formula"),
         arguments={"dispersion": "~ (1 | g)"}),
    Call("empty dispersion", E.FormulaError, ("empty",), arguments={"dispersion": ""}),
    Call("dispersion of nothing", E.FormulaError, ("dispersion", "no column"),
         arguments={"dispersion": "~ 0"}),
    Call("dispersion offset", E.FormulaError, ("offset", "main formula"),
         arguments={"dispersion": "~ x + offset(t)"}),
    Call("dispersion value", E.FormulaError, ("dispersion=", "2"), arguments={"dispersion": 2}),
    # warnings: a usable design remains
    Call("missing predictor", E.MissingDataWarning, ("2 of 12 rows", "x (2)"),
         change=put("x", np.nan, 1, 2)),
    Call("missing response", E.MissingDataWarning, ("y (1)",), change=put("y", None, 1)),
    Call("one row missing", E.MissingDataWarning, ("1 of 12 rows was dropped",),
         change=put("y", None, 1)),
    Call("level without rows", E.MissingDataWarning,
         ("3 of 12 rows were dropped for missing values in y (3); no rows are left for 'g2' of g",),
         "y ~ x + f + (1 | g)", change=put("y", np.nan, 3, 4, 5)),
    Call("missing group", E.MissingDataWarning, ("g (1)",), "y ~ x + (1 | g)",
         change=put("g", None, 1)),
    Call("missing weights", E.MissingDataWarning, ("w (1)",), change=put("w", np.nan, 1),
         arguments={"weights": "w"}),
    Call("square", E.FormulaWarning, ("x^2 is x", "I(x^2)", "poly(x, 2)"), "y ~ f + x + x^2"),
    Call("square as in Python", E.FormulaWarning, ("x^2 is x",), "y ~ f + x**2"),
    Call("square of a logarithm", E.FormulaWarning, ("I(log(t)^2)",), "y ~ log(t)^2"),
    Call("square in the dispersion", E.FormulaWarning, ("x^2 is x",),
         arguments={"dispersion": "~ x + x^2"}),
    Call("trials for failures", E.FormulaWarning, ("n is 10 in every row", "cbind(hits, n - hits)"),
         "cbind(hits, n) ~ x", "binomial"),
    Call("blank behind a label", E.LabelWarning, ("'f'", "in blanks", "'a', 'a '", ".str.strip()"),
         "y ~ f", change=put("f", "a ", 0)),
    Call("capitals in a group", E.LabelWarning, ("'g'", "letter case", "'G1', 'g1'", "str.lower()"),
         "y ~ x + (1 | g)", change=put("g", "G1", 0)),
    Call("code as a level", E.LabelWarning, ("level '.'", "read_csv(..., na_values=['.'])"),
         "y ~ f", change=put("f", ".", 0)),
    Call("covariate as text", E.LabelWarning, ("'x'", "decimal comma", "12 levels", "decimal=','"),
         "count ~ x", "poisson", lambda d: d.assign(x=commas(d["x"]))),
    Call("alias", E.RankDeficientWarning, ("column I(2 * x)", "left out"), "y ~ x + I(2 * x)"),
    Call("constant column", E.RankDeficientWarning, ("column x",), change=put("x", 1.0)),
    Call("nested factor", E.RankDeficientWarning, ("h[T.h2]",), "y ~ f + h",
         change=lambda d: d.assign(h=np.where(d["f"] == "a", "h1", "h2"))),
]  # fmt: skip


def run(call: Call) -> Any:
    return gl.glmm(call.formula, call.change(good()), call.family, **call.arguments)


@pytest.mark.parametrize("call", CALLS, ids=[call.id for call in CALLS])
@pytest.mark.filterwarnings("ignore::glmmlab.errors.MissingDataWarning")
@pytest.mark.filterwarnings("ignore::glmmlab.errors.LabelWarning")
def test_a_malformed_call_is_answered(call):
    if issubclass(call.expected, Warning):
        with pytest.warns(call.expected) as caught:
            run(call)
        ours = [w for w in caught if isinstance(w.message, call.expected)]
        message = str(ours[0].message)
        assert len(ours) == 1
    else:
        with pytest.raises(call.expected) as raised:
            run(call)
        assert raised.type is call.expected
        message = str(raised.value)
    for words in call.words:
        assert words in message
    assert len(message) < 500


@pytest.mark.filterwarnings("ignore::glmmlab.errors.SingularFitWarning")
def test_the_table_is_long_and_the_base_data_are_good():
    """Every call differs from a good one only by what its name says."""
    assert len(CALLS) >= 60
    assert len({call.id for call in CALLS}) == len(CALLS)
    for formula, family in [
        ("y ~ x + f + (1 | g)", "gaussian"),
        ("count ~ x + offset(log(t)) + (1 | g)", "poisson"),
        ("share ~ f + (1 | g)", "beta"),
        ("cbind(hits, n - hits) ~ x + (1 | g)", "betabinomial"),
        ("binary ~ x", "binomial"),
    ]:
        assert gl.glmm(formula, good(), family, weights="w").nobs == N


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ({"REML": True}, "REML=: write method='REML'"),
        ({"link": "log"}, "link=: write family=gl.families.get("),
        ({"nsim": 100}, "simulate_residuals"),
        ({"wieghts": "w"}, "wieghts=: its arguments are formula, data, family, weights, offset"),
    ],
)
def test_arguments_of_other_programs(argument, words):
    with pytest.raises(TypeError, match="no argument") as raised:
        gl.glmm("y ~ x", good(), **argument)
    assert words in str(raised.value)
    parameters = inspect.signature(gl.glmm).parameters.values()
    assert not [p for p in parameters if p.kind is inspect.Parameter.VAR_KEYWORD]
