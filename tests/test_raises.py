"""Every error and warning that a docstring announces can be had from the function that says so."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from test_docstrings import sections

import glmmlab as gl
from glmmlab import residuals
from glmmlab.inference import linear, step_down
from glmmlab.inference.comparison_arrows import comparison_arrows
from glmmlab.inference.emmeans import EMMeans
from glmmlab.residuals.categorical import categorical_test
from glmmlab.residuals.temporal import temporal_test

# The engine's inner rooms answer to glmm() and load(), whose own promises are in the table.
INNER = (
    "_files", "blocks", "design", "estimate", "formula", "gaussian", "saving",
    "inference.checkpoint", "inference.variance_components",
)  # fmt: skip


def promises() -> Iterator[tuple[str, str]]:
    """(function, error or warning) of all public docstrings."""
    for info in pkgutil.walk_packages(gl.__path__, "glmmlab."):
        room = info.name.removeprefix("glmmlab.")
        if room.startswith(INNER) or room.endswith("__main__"):
            continue
        module = importlib.import_module(info.name)
        for name, item in functions(module):
            said = sections(item)
            for heading in ("Raises", "Warns"):
                for line in re.findall(r"^(\w.*)$", said.get(heading, ""), re.M):
                    for kind in re.split(r",\s*|\s+or\s+", line.strip()):
                        yield f"{room}.{name}", kind


def functions(module: Any) -> Iterator[tuple[str, Callable]]:
    """Functions, classes and their methods that a module defines under public names."""
    for name, item in vars(module).items():
        if name.startswith("_") or getattr(item, "__module__", None) != module.__name__:
            continue
        if inspect.isfunction(item):
            yield name, item
        elif inspect.isclass(item):
            if item.__doc__:
                yield name, item
            for method, member in vars(item).items():
                if inspect.isfunction(member) and not method.startswith("_"):
                    yield f"{name}.{method}", member


# ------------------------------------------------------------------------------ what is asked

SEEDS = gl.datasets.load("seed_germination")
FORMULA = "cbind(germ, n - germ) ~ extract * gen"
PAIRS_OF_TEN = np.array([np.eye(10)[j] - np.eye(10)[i] for i in range(10) for j in range(i)])
NUMBERS = {"y": [1.0, 2.0, 3.0, 4.0, 5.0, 6.5], "x": [1.0, -1.0, 2.0, -2.0, 3.0, -3.0]}


@cache
def cauchy() -> gl.Fit:
    """Estimated degrees of freedom of about 1: no variance."""
    y = np.random.default_rng(2).standard_cauchy(100)
    return gl.glmm("y ~ 1 + (1 | g)", {"y": y, "g": np.repeat(range(10), 10)}, "t")


def poisson_level() -> gl.Fit:
    """Counts that spread no more than Poisson's where f is a: no standard error of that spread."""
    rng = np.random.default_rng(3)
    y = np.r_[rng.poisson(6, 90), rng.negative_binomial(2, 0.3, 90)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gl.GlmmlabWarning)
        return gl.glmm(
            "y ~ f", {"y": y, "f": np.repeat(["a", "b"], 90)}, "nbinom2", dispersion="~ f"
        )


def no_spread_in_one_level() -> gl.Fit:
    """Zeros alone where f is u, where the mean and its zero inflation cannot be told apart."""
    data = {"y": [0, 0, 0, 0, 3, 1, 2, 5], "f": list("uuuuvvvv")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gl.GlmmlabWarning)
        return gl.glmm("y ~ f", data, "poisson")


@cache
def seeds() -> gl.Fit:
    return gl.glmm(FORMULA, SEEDS, "binomial")


@cache
def plates() -> gl.Fit:
    return gl.glmm(FORMULA + " + (1 | plate)", SEEDS, "binomial")


@cache
def empty_cell() -> gl.Fit:
    """A model of two factors without data where a is t and b is w."""
    data = pd.DataFrame({"a": list("sstssts"), "b": list("vwvvwvw"), "y": [1.0, 2, 3, 4, 6, 5, 7]})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gl.RankDeficientWarning)
        return gl.glmm("y ~ a * b", data)


def weighted() -> gl.Fit:
    return gl.glmm("germ ~ gen", SEEDS, "poisson", weights=np.full(21, 2.0))


@cache
def doses_as_text() -> EMMeans:
    data = pd.DataFrame({"dose": ["0", "5", "10"] * 2, "y": [1.0, 2, 3, 4, 6, 5]})
    return gl.glmm("y ~ dose", data).emmeans("dose")


@cache
def wide() -> gl.Fit:
    rng = np.random.default_rng(1)
    names = [f"x{i}" for i in range(14)]
    data = pd.DataFrame(rng.normal(size=(60, 14)), columns=names).assign(y=rng.normal(size=60))
    return gl.glmm("y ~ " + " + ".join(names), data)


@cache
def slopes() -> gl.Fit:
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"x": np.tile(np.arange(6.0), 10), "g": np.repeat(list("abcdefghij"), 6)})
    means = 3 + np.repeat(rng.normal(size=10), 6) + data["x"] * np.repeat(rng.normal(size=10), 6)
    data["y"] = means + rng.normal(size=60)
    return gl.glmm("y ~ x + (x | g)", data)


@cache
def counts() -> gl.Fit:
    data = pd.DataFrame({"y": np.arange(1.0, 25.0) % 7 + 1, "f": np.tile(list("ab"), 12)})
    return gl.glmm("y ~ f", data, "genpois")


def scaled(n: int = 10) -> residuals.SimulatedResiduals:
    return seeds().simulate_residuals(n, seed=1)


def simulations(observed: Any, simulated: Any, **options: Any) -> residuals.SimulatedResiduals:
    fitted = np.zeros(np.shape(observed))
    return residuals.from_simulations(observed, simulated, fitted, True, seed=1, **options)


def beside_the_maximum() -> gl.Fit:
    """A fit whose coefficients were moved away from where the likelihood is highest."""
    estimate = seeds().estimate
    part = replace(estimate.conditional, params=estimate.conditional.params + 0.05)
    return gl.Fit(replace(estimate, conditional=part))


def without_arrows() -> Any:
    """Means at the corners of a long rectangle of standard errors: the short sides are apart."""
    data = {"y": [0.0, 1.0] * 8, "f": np.repeat(list("abcd"), 4)}
    estimate = gl.glmm("y ~ 0 + f", data).estimate
    corners = np.array([[0.0, 0.0], [0.0, 1.0], [0.3, 0.0], [0.3, 1.0]])
    part = replace(
        estimate.conditional,
        params=np.array([0.0, 0.1, 1.0, 1.1]),
        cov=corners @ corners.T + 1e-4 * np.eye(4),
    )
    return gl.Fit(replace(estimate, conditional=part)).emmeans("f")


def outside_its_link() -> gl.Fit:
    data = {"x": [1.0, 2.0, 3.0, 4.0, 5.0], "y": [1.0, 0.6, 0.3, 0.26, 0.2]}
    return gl.glmm("y ~ x", data, gl.families.Gamma(link="inverse"))


def failing_refit(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if y[0] > 1:
        raise gl.ConvergenceError("no usable optimum")
    return y, y


BIG = SEEDS.assign(germ=SEEDS["germ"].where(SEEDS.index > 0, 999))

PROMISED: dict[tuple[str, str], Callable[[Path], object]] = {
    ("_random.generator", "UnknownNameError"): lambda _: seeds().simulate(2, seed=0.5),
    ("datasets.load", "UnknownNameError"): lambda _: gl.datasets.load("seed_germ"),
    ("datasets.describe", "UnknownNameError"): lambda _: gl.datasets.describe("seed_germ"),
    ("families.get", "UnknownNameError"): lambda _: gl.families.get("poison"),
    ("families.base.Family", "UnknownNameError"): lambda _: gl.families.Poisson(link="logit"),
    ("families.student_t.StudentT", "ResponseError"): lambda _: gl.families.StudentT(df="four"),
    ("families.zero_inflated.ZeroInflated", "UnknownNameError"): lambda _: gl.families.ZeroInflated(
        gl.families.ZeroInflated(gl.families.Poisson())
    ),
    ("families.zero_inflated.ZeroInflated", "ResponseError"): lambda _: gl.families.ZeroInflated(
        gl.families.Gaussian()
    ),
    ("quadrature.Quadrature", "DataError"): lambda _: gl.glmm(
        FORMULA + " + (1 | plate) + (1 | gen)", SEEDS, "binomial", quadrature=3
    ),
    ("links.get", "UnknownNameError"): lambda _: gl.links.get("logist"),
    ("io.load", "SavedFileError"): lambda path: gl.load(path / "nothing.json"),
    ("verify.agreement.compare", "UnknownNameError"): lambda _: _verify("no case"),
    ("results.fit.Fit.save", "SavedFileError"): lambda path: seeds().save(path / "no" / "x.json"),
    # ------------------------------------------------------------------------------- the model
    ("model.glmm", "FormulaError"): lambda _: gl.glmm("y ~ (1 | ", NUMBERS),
    ("model.glmm", "UnknownColumnError"): lambda _: gl.glmm("y ~ z", NUMBERS),
    ("model.glmm", "UnknownNameError"): lambda _: gl.glmm("y ~ x", NUMBERS, method="MLE"),
    ("model.glmm", "ResponseError"): lambda _: gl.glmm(FORMULA, BIG, "binomial"),
    ("model.glmm", "WeightsError"): lambda _: gl.glmm("y ~ x", NUMBERS, weights=[-1.0] * 6),
    ("model.glmm", "DataError"): lambda _: gl.glmm("y ~ x", NUMBERS | {"x": [np.inf] * 6}),
    ("model.glmm", "ConvergenceError"): lambda _: gl.glmm(  # 1 / (b x) takes both signs
        "y ~ 0 + x", NUMBERS, gl.families.Gamma(link="inverse")
    ),
    ("model.glmm", "SingularFitWarning"): lambda _: gl.glmm(
        "severity ~ fungicide + (1 | block)", gl.datasets.load("disease_severity"), "beta"
    ),
    ("model.glmm", "SeparationWarning"): lambda _: gl.glmm(
        "y ~ x", {"y": [0, 0, 0, 1, 1, 1], "x": [1, 2, 3, 4, 5, 6]}, "binomial"
    ),
    ("model.glmm", "RankDeficientWarning"): lambda _: gl.glmm("y ~ x + I(2 * x)", NUMBERS),
    ("model.glmm", "MissingDataWarning"): lambda _: gl.glmm(
        "y ~ x", NUMBERS | {"x": [np.nan, *NUMBERS["x"][1:]]}
    ),
    ("model.glmm", "LabelWarning"): lambda _: gl.glmm(
        "y ~ f", NUMBERS | {"f": ["a", "a ", *"bbbb"]}
    ),
    ("model.glmm", "FormulaWarning"): lambda _: gl.glmm("y ~ x^2", NUMBERS),
    # ------------------------------------------------------------------------------- inference
    ("inference.anova.anova", "UnknownNameError"): lambda _: seeds().anova(type=1),
    ("inference.bootstrap.bootstrap", "DataError"): lambda _: seeds().bootstrap(
        4, lambda f: f.llf, resume=seeds().bootstrap(2, seed=1)
    ),
    ("inference.bootstrap.bootstrap", "SavedFileError"): lambda path: seeds().bootstrap(
        2, seed=1, checkpoint=path / "no" / "x.json"
    ),
    ("inference.bootstrap.bootstrap", "UnknownNameError"): lambda path: seeds().bootstrap(
        4, resume=seeds().bootstrap(2, seed=1), checkpoint=path / "x.json"
    ),
    ("inference.bootstrap.bootstrap", "InferenceWarning"): lambda _: weighted().bootstrap(
        2, seed=1
    ),
    ("inference.bootstrap_test.bootstrap_comparison", "ComparisonError"): lambda _: seeds().compare(
        plates(), plates(), bootstrap=2
    ),
    ("inference.comparison.compare", "ComparisonError"): lambda _: seeds().compare(),
    ("inference.comparison_arrows.comparison_arrows", "InferenceWarning"): lambda _: (
        comparison_arrows(without_arrows(), adjust="none")
    ),
    ("inference.emmeans.EMMeans.plot_comparisons", "InferenceWarning"): lambda _: (
        without_arrows().plot_comparisons(adjust="none")
    ),
    ("inference.estimate_table.EstimateTable.contrast", "InferenceWarning"): lambda _: (
        doses_as_text().contrast("poly")
    ),
    ("inference.level_order.tell_of_level_order", "InferenceWarning"): lambda _: (
        doses_as_text().contrast("consec")
    ),
    ("inference.contrast_table.Contrasts.matrix", "UnknownNameError"): lambda _: (
        seeds().emmeans("gen").contrast("eff").matrix()
    ),
    ("inference.contrasts.contrast_family", "UnknownNameError"): lambda _: (
        seeds().emmeans("gen").contrast("pairwize")
    ),
    ("inference.contrasts.contrast_family", "GlmmlabError"): lambda _: (
        seeds().emmeans("gen").contrast({"a": [1, -1, 0]})
    ),
    ("inference.emmeans.emmeans", "UnknownColumnError"): lambda _: seeds().emmeans("generation"),
    ("inference.emmeans.emmeans", "UnknownNameError"): lambda _: seeds().emmeans("gen", type="y"),
    ("inference.emmeans.emmeans", "ExtrapolationWarning"): lambda _: outside_its_link().emmeans(
        "x", at={"x": [-20.0, 3.0]}, type="response"
    ),
    ("inference.estimate_table.EstimateTable.cross_adjust", "UnknownNameError"): lambda _: (
        seeds().emmeans("extract").pairs().cross_adjust()
    ),
    ("inference.linear.crossed", "UnknownNameError"): lambda _: linear.crossed(
        linear.Families(("gen",)), "mvt"
    ),
    ("inference.rescaling.Rescaling.values", "GlmmlabError"): lambda _: (
        seeds().emmeans("gen").contrast("pairwise", scale=-1)
    ),
    ("inference.step_down.westfall_p", "InferenceError"): lambda _: step_down.westfall_p(
        np.arange(45.0), np.full(45, 0.5), PAIRS_OF_TEN @ PAIRS_OF_TEN.T
    ),
    ("inference.estimate_table.EstimateTable.regrid", "EstimabilityError"): lambda _: (
        outside_its_link().emmeans("x", at={"x": -20.0}).regrid()
    ),
    ("inference.hypotheses.linear_hypotheses", "FormulaError"): lambda _: seeds().test_hypotheses(
        "gen = 0 ="
    ),
    ("inference.hypotheses.linear_hypotheses", "GlmmlabError"): lambda _: seeds().test_hypotheses(
        np.eye(3)
    ),
    ("inference.interaction_plot.interaction_plot", "FormulaError"): lambda _: seeds().emmip("gen"),
    ("inference.intervals.wald_intervals", "UnknownNameError"): lambda _: seeds().conf_int(
        parameters="all"
    ),
    ("inference.marginal.averaged", "UnknownNameError"): lambda _: _inverse_link_with_groups(),
    ("inference.model_parts.total_sd", "DataError"): lambda _: slopes().emmeans(
        "x", type="response", bias_adjust=True
    ),
    ("inference.parameters.choose", "UnknownNameError"): lambda _: seeds().profile("gen"),
    ("inference.predict.predict", "UnknownNameError"): lambda _: seeds().predict(scale="mean"),
    ("inference.predict.predict", "UnknownLevelError"): lambda _: seeds().predict(
        {"gen": ["O99"], "extract": ["bean"]}
    ),
    ("inference.predict.predict", "UnknownColumnError"): lambda _: seeds().predict(
        {"gen": ["O73"]}
    ),
    ("inference.predict.predict", "DataError"): lambda _: gl.glmm(
        "y ~ log(x + 4)", NUMBERS
    ).predict({"x": [-4.0, 1.0]}),
    ("inference.predict.predict", "RankDeficientWarning"): lambda _: empty_cell().predict(
        {"a": ["t"], "b": ["w"]}
    ),
    ("inference.predict.predict", "SeparationWarning"): lambda _: no_spread_in_one_level().predict(
        {"f": ["u"]}, se=True
    ),
    ("inference.predict.predict", "InferenceWarning"): lambda _: poisson_level().predict(
        {"f": ["a"]}, interval="prediction", seed=1
    ),
    ("inference.predict.predict", "ExtrapolationWarning"): lambda _: weighted().predict(
        {"gen": ["O73"]}, offset=1000.0
    ),
    ("inference.profile.Profile.conf_int", "UnknownNameError"): lambda _: (
        seeds().profile("gen[T.O75]").conf_int(0.99)
    ),
    ("inference.profile.profile", "UnknownNameError"): lambda _: gl.glmm(
        "y ~ x", NUMBERS, method="REML"
    ).profile("x"),
    ("inference.profile.profile", "InferenceWarning"): lambda _: beside_the_maximum().profile(),
    ("inference.random_effects.random_effects_table", "UnknownNameError"): lambda _: (
        plates().random_effects_table(uncertainty="both")
    ),
    ("inference.random_effects.group_of", "UnknownNameError"): lambda _: plates().plot_shrinkage(
        "plot"
    ),
    ("inference.reference_grid.build_grid", "UnknownColumnError"): lambda _: seeds().emmeans(
        "gen", at={"dose": 1}
    ),
    ("inference.reference_grid.build_grid", "UnknownLevelError"): lambda _: seeds().emmeans(
        "gen", at={"extract": "water"}
    ),
    ("inference.reference_grid.build_grid", "DataError"): lambda _: slopes().emmeans(
        "x", at={"x": np.arange(10_001.0)}
    ),
    ("inference.reference_grid.with_values", "DataError"): lambda _: wide().joint_tests(
        confounded=True
    ),
    ("inference.residual_kinds.residuals", "UnknownNameError"): lambda _: seeds().residuals("raw"),
    ("inference.residual_kinds.residuals", "EstimabilityError"): lambda _: counts().residuals(
        "deviance"
    ),
    ("inference.simulate.simulate", "UnknownNameError"): lambda _: seeds().simulate(0),
    ("inference.small_sample.small_sample", "InferenceError"): lambda _: slopes().anova(
        df="kenward-roger"
    ),  # of a fit by maximum likelihood
    ("inference.small_sample.small_sample", "UnknownNameError"): lambda _: _small_sample("welch"),
    ("inference.small_sample.degrees_for", "InferenceWarning"): lambda _: seeds().anova(
        df="satterthwaite"
    ),
    ("inference.trends.emtrends", "FormulaError"): lambda _: seeds().emtrends("gen", "n +"),
    ("inference.trends.emtrends", "UnknownColumnError"): lambda _: seeds().emtrends("gen", "dose"),
    ("inference.trends.emtrends", "DataError"): lambda _: seeds().emtrends("gen", "extract"),
    ("inference.wald.joint_test", "InferenceError"): lambda _: (
        seeds().emmeans(["extract", "gen"]).pairs().joint_test(null=1)
    ),
    ("inference.variance_decomposition.variance_decomposition", "EstimabilityError"): lambda _: (
        cauchy().variance_decomposition()
    ),
    ("inference.variance_decomposition.variance_decomposition", "UnknownNameError"): lambda _: (
        seeds().variance_decomposition("trigamma")
    ),
    # ------------------------------------------------------------------------------- residuals
    ("residuals.create.from_simulations", "DataError"): lambda _: simulations(
        [1.0, 2.0], np.ones((5, 3))
    ),
    ("residuals.create.from_simulations", "ResponseError"): lambda _: simulations(
        [1.0, np.nan], np.ones((5, 2))
    ),
    ("residuals.create.simulate_residuals", "InferenceWarning"): lambda _: (
        weighted().simulate_residuals(5, seed=1)
    ),
    ("residuals.categorical.categorical_test", "DataError"): lambda _: categorical_test(
        np.ones(2) / 2, pd.Categorical(["a", None]), "factor"
    ),
    ("residuals.pit.traditional", "InferenceWarning"): lambda _: residuals.from_simulations(
        [1.0, 2.0], [[1.0, 2.0], [2.0, 3.0], [1.0, 3.0]], [1, 2], False, 1, method="traditional"
    ),
    ("residuals.refit.refit_all", "InferenceWarning"): lambda _: simulations(
        [1.0, 2.0],
        [[1.0, 2.0], [2.0, 3.0], [0.0, 1.0], [1.0, 1.0]],
        pearson=[0.0, 0.0],
        refit=failing_refit,
    ),
    ("residuals.scaled.SimulatedResiduals.plot_panels", "InferenceWarning"): lambda _: scaled(
        20
    ).plot_panels([None, np.arange(21.0)]),
    ("residuals.temporal.temporal_test", "DataError"): lambda _: temporal_test(
        np.full(9, 0.5), np.arange(9.0)
    ),
    ("residuals.simulate.refits", "EstimabilityError"): lambda _: cauchy().simulate_residuals(
        5, seed=1, refit=True
    ),
    ("residuals.tested.TestedResiduals.test_phylogenetic", "DataError"): lambda _: (
        scaled().test_phylogenetic(
            pd.DataFrame(np.ones((2, 2)), list("ab"), list("ab")), ["c"] * 21
        )
    ),
}


def _verify(case: str) -> object:
    from glmmlab.verify import compare

    return compare(case)


def _small_sample(method: str) -> object:
    from glmmlab.inference.small_sample import small_sample

    return small_sample(slopes().estimate, method)


def _inverse_link_with_groups() -> object:
    data = pd.DataFrame({"y": np.tile([1.0, 2.0, 1.5, 3.0], 6), "g": np.repeat(list("abcdef"), 4)})
    data["y"] += np.repeat(np.arange(6) / 6, 4)
    fit = gl.glmm("y ~ 1 + (1 | g)", data, gl.families.Gamma(link="inverse"))
    return fit.predict(random_effects="marginal")


def test_the_table_is_that_of_the_docstrings():
    missing_files = {("datasets.load", "DataError")}  # tests/test_datasets.py takes them away
    assert set(promises()) - missing_files == set(PROMISED)


@pytest.mark.parametrize("promise", PROMISED, ids=" ".join)
def test_what_is_promised_is_raised(promise, tmp_path):
    function, kind = promise
    expected = getattr(gl.errors, kind)
    if issubclass(expected, Warning):
        with pytest.warns(expected):
            PROMISED[promise](tmp_path)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gl.GlmmlabWarning)
        with pytest.raises(expected) as caught:
            PROMISED[promise](tmp_path)
    name = function.rpartition(".")[2]
    name = "__init__" if name[0].isupper() else name
    assert name in {entry.name for entry in caught.traceback}
