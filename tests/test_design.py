"""The data of a model, checked and coded: names and levels as R's, rows, aliased columns."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from conftest import case_data, our_name, reference, reference_cases
from glmmlab import families
from glmmlab.design import build_design
from glmmlab.design.objects import theta_positions
from glmmlab.design.rank import independent_columns
from glmmlab.errors import DataError, MissingDataWarning, RankDeficientWarning, WeightsError

GAUSSIAN = families.get("gaussian")
BINOMIAL = families.get("binomial")


def case_design(case):
    r = reference(case)
    family = families.get({"Gamma": "gamma"}.get(r["family"], r["family"]), link=r["link"])
    if "ziformula" in r:
        family = families.ZeroInflated(family)
    return build_design(
        r["formula"],
        case_data(case),
        family,
        weights=r.get("weights"),
        dispersion=r.get("dispformula"),
        zero_inflation=r.get("ziformula"),
    )


def names(r, block):
    return [our_name(name, r["levels"]) for name in block["fixef"]]


def turned(text):
    return ":".join(reversed(text.split(":")))


@pytest.mark.parametrize("case", reference_cases())
def test_columns_rows_and_levels_are_those_of_r(case):
    r, design = reference(case), case_design(case)
    assert design.nobs == r["nobs"]
    assert list(design.conditional.fixed.names) == names(r, r)
    for ours, theirs in (("dispersion", "disp"), ("zero_inflation", "zi")):
        if r.get(theirs, {}).get("fixef"):
            assert list(design.auxiliary[ours].names) == names(r, r[theirs])
    ours = {term.group: term for term in design.random}
    for effects in r.get("ranef", []):
        nested = ":" in effects["group"]  # R writes cask:batch
        term = ours.pop(turned(effects["group"]) if nested else effects["group"])
        levels = [turned(level) if nested else level for level in effects["levels"]]
        assert set(levels) == set(term.levels)
        assert list(term.names) == [our_name(name, r["levels"]) for name in effects["names"]]
    assert not ours


@pytest.mark.parametrize("other", ["seeds_binom_plate_weights", "seeds_bernoulli_plate"])
def test_binomial_forms_are_one_design(other):
    counts, form = case_design("seeds_binom_plate"), case_design(other)
    assert form.weights is None
    plates = counts.data["plate"].astype(str)
    for values, expected in ((form.y, counts.y), (form.trials, counts.trials)):
        totals = pd.Series(values).groupby(form.data["plate"].astype(str).to_numpy()).sum()
        assert_allclose(totals[plates], expected)


@pytest.fixture
def frame():
    rng = np.random.default_rng(11)
    n = 24
    return pd.DataFrame(
        {
            "y": rng.normal(size=n),
            "x": rng.normal(size=n),
            "w": rng.uniform(1, 2, n),
            "t": rng.uniform(1, 9, n),
            "f": np.tile(list("abc"), 8),
            "g": np.repeat(["g1", "g2", "g3", "g4"], 6),
            "h": np.tile(np.repeat([2, 1], 3), 4),
        },
        index=[f"row{i}" for i in range(n)],
    )


def test_missing_rows_are_dropped_once_and_counted(frame):
    frame.loc["row3", "x"] = np.nan
    frame.loc[["row3", "row7"], "f"] = None
    frame.loc["row9", "g"] = None
    frame.loc["row10", "t"] = np.nan
    frame.loc["row11", "w"] = np.nan
    frame["unused"] = np.nan
    with pytest.warns(MissingDataWarning) as caught:
        design = build_design("y ~ x + f + offset(log(t)) + (1 | g)", frame, GAUSSIAN, weights="w")
    assert len(caught) == 1
    message = str(caught[0].message)
    assert message.startswith("5 of 24 rows were dropped for missing values in x (1), f (2)")
    assert all(f"{name} (1)" in message for name in ("g", "t", "w"))
    assert design.n_dropped == 5 and design.nobs == 19
    kept = frame.index.drop(["row3", "row7", "row9", "row10", "row11"])
    assert design.data.index.equals(kept)
    assert_array_equal(design.y, frame.loc[kept, "y"])
    assert_array_equal(design.weights, frame.loc[kept, "w"])
    assert_allclose(design.offset, np.log(frame.loc[kept, "t"]))
    assert len(design.conditional.X) == len(design.random[0].codes) == 19
    assert design.warnings == (caught[0].message,)


def test_levels_lost_with_missing_rows_are_dropped(frame):
    frame["f"] = frame["f"].astype(pd.CategoricalDtype(list("abcz")))
    frame.loc[frame["f"] == "b", "x"] = np.nan
    with pytest.warns(MissingDataWarning, match="8 of 24 rows"):
        design = build_design("y ~ x + f", frame, GAUSSIAN)
    assert design.conditional.names == ("Intercept", "x", "f[T.c]")


@pytest.mark.parametrize("as_array", [False, True])
def test_missing_dispersion_and_arguments(frame, as_array):
    frame.loc["row2", "w"] = np.nan
    frame.loc["row4", "x"] = np.nan
    offset = np.where(frame.index == "row6", np.nan, 1.5)
    with pytest.warns(MissingDataWarning, match="3 of 24") as caught:
        design = build_design(
            "y ~ 1 + offset(t)",
            frame,
            GAUSSIAN,
            weights=frame["w"] if as_array else "w",
            offset=offset,
            dispersion="~ x",
        )
    assert "offset (1)" in str(caught[0].message)
    kept = frame.index.drop(["row2", "row4", "row6"])
    assert_allclose(design.offset, frame.loc[kept, "t"] + 1.5)
    assert_array_equal(design.auxiliary["dispersion"].X[:, 1], frame.loc[kept, "x"])
    assert (design.weights_name, design.offset_name) == ("weights" if as_array else "w", "offset")


def test_nothing_is_said_about_good_data(frame):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        design = build_design("y ~ x * f + (x | g)", frame, GAUSSIAN)
    assert design.warnings == () and design.n_dropped == 0
    assert design.weights is None and design.trials is None
    assert_array_equal(design.offset, np.zeros(24))
    assert design.data.equals(frame)


def test_arguments_are_columns_or_arrays(frame):
    by_name = build_design("y ~ x", frame, GAUSSIAN, weights="w", offset="t")
    by_array = build_design(
        "y ~ x", frame, GAUSSIAN, weights=list(frame["w"]), offset=frame["t"].to_numpy()
    )
    assert_array_equal(by_name.weights, by_array.weights)
    assert_array_equal(by_name.offset, by_array.offset)
    for role, error in (("weights", WeightsError), ("offset", DataError)):
        with pytest.raises(error, match=f"{role}= is a Series whose index"):
            build_design("y ~ x", frame, GAUSSIAN, **{role: frame["w"].reset_index(drop=True)})


def test_warnings_point_at_the_call_of_the_caller(frame):
    """build_design is called by glmm(), whose caller should see the line."""

    def glmm():
        return build_design("y ~ x", frame, GAUSSIAN)

    frame.loc["row1", "x"] = np.nan
    with pytest.warns(MissingDataWarning) as caught:
        glmm()
    assert caught[0].filename == __file__


def test_a_dict_of_columns_will_do():
    design = build_design("y ~ x", {"y": [1.0, 2.0, 4.0], "x": [1, 2, 3]}, GAUSSIAN)
    assert design.nobs == 3


# Random terms ----------------------------------------------------------------------------------

TERMS = {
    "(1 | g)": [("g", ("Intercept",), False)],
    "(x | g)": [("g", ("Intercept", "x"), False)],
    "(x || g)": [("g", ("Intercept", "x"), True)],
    "(0 + x | g)": [("g", ("x",), False)],
    "(-1 + x | g)": [("g", ("x",), False)],
    "(1 || g)": [("g", ("Intercept",), False)],
    "(f | g)": [("g", ("Intercept", "f[T.b]", "f[T.c]"), False)],
    "(0 + f | g)": [("g", ("f[a]", "f[b]", "f[c]"), False)],
    "(f || g)": [("g", ("Intercept", "f[T.b]", "f[T.c]"), True)],
    "(1 | g / h)": [("g", ("Intercept",), False), ("g:h", ("Intercept",), False)],
    "(1 | g:h)": [("g:h", ("Intercept",), False)],
    "(1 | g) + (1 | f)": [("g", ("Intercept",), False), ("f", ("Intercept",), False)],
    "(1 | g) + (0 + x | g)": [("g", ("Intercept",), False), ("g", ("x",), False)],
    "(poly(x, 2) | g)": [("g", ("Intercept", "poly(x, 2)[1]", "poly(x, 2)[2]"), False)],
}


@pytest.mark.parametrize(("text", "expected"), TERMS.items(), ids=TERMS)
def test_random_terms(frame, text, expected):
    design = build_design(f"y ~ x + {text}", frame, GAUSSIAN)
    assert [(t.group, t.names, t.diagonal) for t in design.random] == expected
    for term in design.random:
        assert term.Z.shape == (24, len(term.names))
        codes, Z = term.matrix(frame)
        assert_array_equal(codes, term.codes)
        assert_allclose(Z, term.Z, atol=1e-14)
        assert set(codes) == set(range(len(term.levels)))


@pytest.mark.parametrize("bar", ["|", "||"])
def test_theta_runs_along_the_rows_of_the_cholesky_factor(frame, bar):
    (term,) = build_design(f"y ~ x + (f {bar} g)", frame, GAUSSIAN).random
    lower = np.eye(3) if bar == "||" else np.tril(np.ones((3, 3)))
    assert_array_equal(theta_positions(term), np.argwhere(lower))  # argwhere goes by rows


def test_levels_of_groups(frame):
    design = build_design("y ~ 1 + (1 | g/h) + (1 | h)", frame, GAUSSIAN)
    g, nested, h = design.random
    assert g.levels == ("g1", "g2", "g3", "g4")
    assert h.levels == ("1", "2")
    assert nested.levels == tuple(f"{a}:{b}" for a in g.levels for b in h.levels)
    labels = [f"{a}:{b}" for a, b in zip(frame["g"], frame["h"], strict=True)]
    assert [nested.levels[c] for c in nested.codes] == labels


def test_new_levels_have_no_code(frame):
    frame["y"] = np.arange(1.0, 25.0)  # of gamma, which leaves a level as many rows as effects
    design = build_design("y ~ 1 + (f | g/h)", frame, families.get("gamma"))
    new = pd.DataFrame(
        {"g": ["g2", "new", None, "g1"], "h": [1.0, 2.0, 1.0, np.nan], "f": list("cbac")}
    )
    codes, Z = design.random[0].matrix(new)
    assert_array_equal(codes, [1, -1, -1, 0])
    assert_array_equal(Z, [[1, 0, 1], [1, 1, 0], [1, 0, 0], [1, 0, 1]])
    assert_array_equal(design.random[1].codes_for(new), [2, -1, -1, -1])


def test_a_group_whose_name_has_a_colon(frame):
    frame["a:b"] = frame["g"]
    design = build_design("y ~ 1 + (1 | `a:b`)", frame, GAUSSIAN)
    assert design.random[0].group_columns == ("a:b",)
    assert_array_equal(design.random[0].codes_for(frame), design.random[0].codes)


VISITS = pd.DataFrame(
    {
        "y": np.random.default_rng(5).normal(size=24),
        "x": np.random.default_rng(6).normal(size=24),
        "plot": np.repeat(list("abcdefgh"), 3),
        "visit": np.tile(list("uvw"), 8),
        "day": np.tile([0.0, 3.0, 10.0], 8),
    }
)


@pytest.mark.parametrize(
    "random",
    [
        "(visit | plot)",
        "(0 + visit | plot)",
        "(0 + visit || plot)",
        "(1 | plot) + (0 + visit | plot)",
        "(day + I(day**2) | plot)",
    ],
)
def test_effects_that_can_be_the_residual(random):
    """One row a visit of a plot: any covariance of its three rows, the identity among them."""
    with pytest.raises(
        DataError, match=r"cannot be told from the residual variance .* \(1 \| plot\)"
    ):
        build_design(f"y ~ visit + {random}", VISITS, GAUSSIAN)
    build_design(f"y ~ visit + {random}", pd.concat([VISITS, VISITS]), GAUSSIAN)
    build_design(f"abs(y) ~ visit + {random}", VISITS, families.get("gamma"))


@pytest.mark.parametrize(
    "random", ["(1 | plot)", "(day | plot)", "(visit || plot)", "(x + I(x**2) | plot)"]
)
def test_effects_that_cannot_be_the_residual(random):
    """Too few effects, too few free covariances, or plots whose covariates differ."""
    build_design(f"y ~ visit + {random}", VISITS, GAUSSIAN)


@pytest.mark.parametrize("name", ["poisson", "nbinom2", "gamma", "zero-inflated nbinom2"])
def test_a_level_a_row_is_possible_without_a_residual(frame, name):
    """Overdispersion as a random effect of the rows, in models whose scale is not a residual."""
    family = families.get(name.split()[-1])
    if name.startswith("zero"):
        family = families.ZeroInflated(family)
    frame["count"], frame["row"] = np.arange(1, 25), np.arange(24)
    design = build_design("count ~ x + (1 | row)", frame, family)
    assert len(design.random[0].levels) == design.nobs


# Aliased columns: which coefficients R's lm() leaves missing (R 4.2.2) ----------------------------

R_ALIASED = {
    "x + I(x + z) + z + f": ("z", "f[T.b]"),
    "f + g": ("g[T.w]",),
    "f * g": ("g[T.w]", "f[T.b]:g[T.v]", "f[T.b]:g[T.w]"),
    "f + f:g - 1": ("f[a]:g[T.v]", "f[a]:g[T.w]", "f[b]:g[T.w]"),
    "x + I(x^2) + I(2 * x^2 - x) + I(1 + 0 * x)": ("I(2 * x ** 2 - x)", "I(1 + 0 * x)"),
}


@pytest.mark.parametrize(("text", "aliased"), R_ALIASED.items(), ids=R_ALIASED)
def test_aliased_columns_are_those_of_r(text, aliased):
    data = pd.DataFrame(
        {
            "x": np.arange(1.0, 9.0),
            "z": [2.0, 1, 4, 3, 6, 5, 8, 7],
            "f": list("abababab"),
            "g": list("uvuvuwuw"),
            "y": [3.0, 1, 4, 1, 5, 9, 2, 6],
        }
    )
    with pytest.warns(RankDeficientWarning) as caught:
        part = build_design(f"y ~ {text}", data, GAUSSIAN).conditional
    assert part.aliased == aliased
    assert all(name in str(caught[0].message) for name in aliased)
    assert part.X.shape[1] == len(part.kept) == np.linalg.matrix_rank(part.fixed.matrix(data))
    assert_array_equal(part.X, part.fixed.matrix(data)[:, part.kept])
    assert part.X.flags.c_contiguous


def test_aliased_columns_of_the_dispersion_model(frame):
    with pytest.warns(RankDeficientWarning, match=r"column I\(x \* 2\) of the dispersion model is"):
        design = build_design("y ~ x", frame, GAUSSIAN, dispersion="~ x + I(x * 2)")
    assert design.auxiliary["dispersion"].names == ("Intercept", "x")


def test_independent_columns_against_ranks():
    """Each column is kept exactly if it raises the rank of the columns before it."""
    rng = np.random.default_rng(5)
    for _ in range(50):
        n, p, r = rng.integers(2, 9), rng.integers(1, 9), rng.integers(1, 5)
        X = (
            rng.integers(-2, 3, (n, r))
            @ rng.integers(-1, 2, (r, p))
            * 10.0 ** rng.integers(-6, 7, p)
        )
        scaled = X / np.maximum(np.abs(X).max(axis=0), 1e-300)
        ranks = [0, *(np.linalg.matrix_rank(scaled[:, : j + 1]) for j in range(p))]
        expected = tuple(j for j in range(p) if ranks[j + 1] > ranks[j])
        assert independent_columns(X) == expected


def test_badly_scaled_columns_are_not_dropped():
    x = np.linspace(0, 1, 30)
    X = np.column_stack([np.ones(30), 1e9 * x, 1e-9 * x**2])
    assert independent_columns(X) == (0, 1, 2)


def test_auxiliary_parts(frame):
    design = build_design("y ~ x", frame, families.get("t"))
    assert {name: part.names for name, part in design.auxiliary.items()} == {
        "dispersion": ("Intercept",),
        "shape": ("Intercept",),
    }
    design = build_design("y ~ x", frame, GAUSSIAN, dispersion="0 + f")
    assert design.auxiliary["dispersion"].names == ("f[a]", "f[b]", "f[c]")


def test_the_users_frame_is_left_alone(frame):
    before = frame.copy(deep=True)
    frame.loc["row1", "x"] = before.loc["row1", "x"] = np.nan
    with pytest.warns(MissingDataWarning):
        build_design("y ~ x * f + (x | g)", frame, GAUSSIAN, weights="w", offset="t")
    pd.testing.assert_frame_equal(frame, before)


def test_an_index_that_repeats_itself(frame):
    frame.index = [0] * len(frame)
    frame.iloc[3, frame.columns.get_loc("x")] = np.nan
    with pytest.warns(MissingDataWarning, match="1 of 24"):
        design = build_design("y ~ x + (1 | g)", frame, GAUSSIAN)
    assert design.nobs == 23


def test_nested_levels_that_print_alike_are_an_error():
    """``p:q`` in ``r`` and ``p`` in ``q:r`` would be one name for two groups."""
    data = pd.DataFrame({"y": range(8), "a": ["p", "p:q"] * 4, "b": ["q:r", "r"] * 4})
    with pytest.raises(DataError, match="'p:q:r'"):
        build_design("y ~ 1 + (1 | a:b)", data, families.get("poisson"))
