"""Reports in sentences, and tables as Markdown, LaTeX and HTML."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pandas as pd
import pytest

import glmmlab as gl
from glmmlab._tables import Document, Table
from r_models import fit


def tables(f: gl.Fit) -> dict[str, object]:
    """One object of every kind that can be exported."""
    means = f.emmeans("period")
    return {
        "fit": f,
        "summary": f.summary(stars=True),
        "anova": f.anova(),
        "joint tests": f.joint_tests(),
        "means": means,
        "pairs": means.pairs(),
        "letters": means.cld(),
        "hypotheses": f.test_hypotheses(["period[T.2] = 0"]),
        "comparison": f.compare(gl.glmm(f.formula + " + incidence", data=f.estimate.design.data,
                                        family="binomial")),
        "diagnosis": f.diagnose(),
        "profile": f.profile("Intercept"),
        "bootstrap": f.bootstrap(3, seed=1),
        "shares": f.variance_decomposition(),
        "residual test": f.simulate_residuals(seed=1).test_uniformity(),
        "report": f.report(checks=False),
    }  # fmt: skip


@pytest.fixture(scope="module")
def exported() -> dict[str, object]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gl.GlmmlabWarning)
        return tables(fit("cbpp_binom"))


def cells(line: str) -> list[str]:
    """Cells of one line of a Markdown table: split at bars that are not escaped."""
    return re.split(r"(?<!\\)\|", line)[1:-1]


def test_markdown_tables_are_rectangular_and_literal(exported):
    for name, thing in exported.items():
        text = thing.to_markdown()
        widths: set[int] = set()
        for line in [*text.split("\n"), ""]:
            if line.startswith("| "):
                widths.add(len(cells(line)))
            else:
                assert len(widths) <= 1, name
                widths = set()
    summary = exported["summary"].to_markdown()
    assert r"(1 \| herd)" in summary and r"Pr(\>\|z\|)" in summary
    assert r"\*\*\*" in summary  # stars stay stars


def test_latex_environments_close_and_specials_are_escaped(exported):
    for name, thing in exported.items():
        text = thing.to_latex()
        assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}"), name
        assert not re.search(r"(?<!\\)[%#_]|(?<!\\)&(?! )", text), name
        for body in re.findall(r"\\begin\{tabular\}\{(\w+)\}(.*?)\\bottomrule", text, re.S):
            columns, rows = body
            for line in [r for r in rows.split("\n") if r.endswith(r"\\")]:
                assert len(re.findall(r"(?<!\\) & ", f" {line}")) == len(columns) - 1, name


def test_html_is_what_a_notebook_shows(exported):
    for thing in exported.values():
        assert thing.to_html() == thing._repr_html_()


def test_hostile_labels_stay_text_in_every_language():
    document = Document([Table(("a|b", "n"), [("<b>*x*</b> & 50%_\\", "-1")])], "h_1")
    assert r"\<b\>\*x\*\</b\> & 50%\_\\" in document.to_markdown()
    latex = document.to_latex()
    assert r"\textless{}b\textgreater{}*x*" in latex
    assert r"\& 50\%\_\textbackslash{} & $-$1 \\" in latex
    assert r"\textbf{h\_1}" in latex
    assert "<b>" not in document.to_html()


# --------------------------------------------------------------------------------- report


def test_numbers_of_the_report_are_those_of_the_fit():
    f = fit("cbpp_binom")
    report = f.report(checks=False)
    row = f.anova().frame.loc["period"]
    assert f"period (chi-square {row['chisq']:.2f} with 3 df, p < 0.001)" in report.results
    low, high = f.conf_int(parameters="variance").iloc[0][["lower", "upper"]]
    assert f"sd(Intercept | herd) = 0.642 (95% CI {low:.3g} to {high:.3g})" in report.results
    assert f"{f.variance_decomposition().r2_conditional:.1%}" in report.results
    for words in ("binomial generalized linear mixed model", "logit link", "56 observations",
                  "random intercepts for herd (15 levels)", "Laplace"):  # fmt: skip
        assert words in report.methods


def test_residual_checks_are_reported_with_their_seed():
    f = fit("cbpp_binom")
    p = f.simulate_residuals(250, seed=1).test_dispersion().p
    assert f"dispersion p = {p:.3f}" in f.report(seed=1).results
    assert "needs attention" in fit("owls_nbinom1_offset").report().results


def test_singular_fits_say_so():
    assert "The fit was singular: in (1 | block)" in fit("fung_beta").report(checks=False).results
    assert "singular" not in fit("cbpp_binom").report(checks=False).text


def test_kinds_of_models_in_words():
    linear = fit("sleep_uncorr_ml").report(checks=False)
    assert "a linear mixed model, with" in linear.methods
    assert "uncorrelated random intercepts and slopes of Days" in linear.methods
    assert "Laplace" not in linear.methods and "identity" not in linear.text
    assert "restricted maximum likelihood" in fit("sleep_corr_reml").report(checks=False).methods
    assert "correlations" in fit("sleep_corr_reml").report(checks=False).results
    zero = fit("sal_zip").report(checks=False)
    assert "excess zeros modelled by ~ mined" in zero.methods
    assert (
        "the dispersion modelled by ~ DOY"
        in fit("sal_nbinom2_dispDOY").report(checks=False).methods
    )
    plain = fit("seeds_binom").report(checks=False)
    assert "mixed" not in plain.methods and "random" not in plain.text
    empty = fit("dyestuff_ml").report(checks=False)
    assert "an intercept as its fixed part" in empty.methods and "type II" not in empty.methods


def test_separated_and_incomplete_data():
    data = pd.DataFrame({"y": [0.0] * 8 + [0, 1] * 4 + [None], "g": ["a"] * 8 + ["b"] * 9})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gl.GlmmlabWarning)
        report = gl.glmm("y ~ g", data=data, family="binomial").report(checks=False)
    assert "separated" in report.results
    assert "(1 incomplete row left out)" in report.methods
    assert "Separated data allow no Wald test of g." in report.results
    assert "chi-square" not in report.results


def test_terms_beside_separated_ones_are_not_tested_either():
    """Type II tests of a and b stand beside a:b, whose cell of zeros has no finite estimate."""
    data = pd.DataFrame(
        {"a": list("uuvv") * 6, "b": list("yzyz") * 6, "x": range(24), "y": [0, 1, 1, 0] * 6}
    )
    data["y"] = (data["a"] + data["b"] != "vz").astype(int) * ([0, 1, 1, 1] * 3 + [1, 0, 0, 1] * 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gl.GlmmlabWarning)
        report = gl.glmm("y ~ a * b + x", data, "binomial").report(checks=False)
    assert "Wald tests of the terms: x (" in report.results
    assert "no Wald test of a, b and a:b." in report.results


def test_f_tests_are_those_of_anova():
    """Oats: variety on 2 and 10 df, nitrogen on 3 and 45, as lmerTest prints them."""
    oats = gl.datasets.load("oats")
    fit = gl.glmm("grain ~ variety * nitrogen + (1 | block / variety)", oats, method="REML")
    report = fit.report(checks=False, df="kenward-roger")
    assert "type II F tests with Kenward-Roger degrees of freedom" in report.methods
    assert "F tests of the terms: variety (F = 1.49 with 2 and 10 df, p = 0.272)" in report.results
    assert "nitrogen (F = 37.69 with 3 and 45 df, p < 0.001)" in report.results
    assert "chi-square" not in report.text
    number = fit.report(checks=False, df=10)
    assert "F tests with 10 denominator degrees of freedom" in number.methods
    with pytest.warns(gl.InferenceWarning):
        seeds = fit_seeds().report(checks=False, df="satterthwaite")
    assert "Wald chi-square tests" in seeds.methods


def fit_seeds() -> gl.Fit:
    formula = "cbind(germ, n - germ) ~ extract"
    return gl.glmm(formula, gl.datasets.load("seed_germination"), "binomial")


def test_proportions_slopes_and_weights_in_words():
    seeds = gl.datasets.load("seed_germination").assign(share=lambda d: d["germ"] / d["n"])
    seeds["rest"] = seeds["n"] - seeds["germ"]

    def methods(formula: str, family: str = "binomial", weights: str | None = None) -> str:
        return gl.glmm(formula, seeds, family, weights=weights).report(checks=False).methods

    proportion = "The proportion {} was analysed"
    assert proportion.format("germ / n") in methods("cbind(germ, n - germ) ~ gen")
    assert proportion.format("germ / (germ + rest)") in methods("cbind(germ, rest) ~ gen")
    # n - 2 * germ is not what is left of n
    assert "/ (germ + (n - germ))" not in methods("cbind(germ, n - germ) ~ gen")
    assert proportion.format("share (trials: n)") in methods("share ~ gen", weights="n")
    words = methods("germ ~ gen + n", "gaussian", weights="n")
    assert "with fixed effects of gen, a slope of n and prior weights n, fitted" in words
    assert "with slopes of n and rest, fitted" in methods("germ ~ n + rest", "gaussian")
    assert "drawn anew" not in fit_seeds().report().methods
    assert "drawn anew" in fit("cbpp_binom").report().methods


def test_the_zeros_of_hurdles_are_zeros_and_tested():
    galls = gl.datasets.load("galls")
    model = gl.glmm("galls ~ light", galls, "truncated_poisson", zero_inflation="~ light")
    report = model.report(checks=False)
    assert "and zeros modelled by ~ light" in report.methods
    assert "excess" not in report.text
    row = model.anova(component="zero_inflation").frame.loc["light"]
    words = f"Wald tests of the terms for the zeros: light (chi-square {row['chisq']:.2f} with 1 df"
    assert words in report.results


def test_overdispersion_is_reported():
    """Counts of a negative binomial of theta = 0.5 as if they were Poisson."""
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"t": list("ab") * 40, "y": rng.negative_binomial(0.5, 0.05, 80)})
    report = gl.glmm("y ~ t", data, "poisson").report()
    means = data.groupby("t")["y"].transform("mean")
    chisq = ((data["y"] - means) ** 2 / means).sum()
    assert f"vary {chisq / 78:.1f} times as much as the Poisson distribution" in report.results
    assert f"Pearson chi-square {chisq:.1f} with 78 df" in report.results
    assert "no sign of misfit" not in report.results
    assert "times as much" not in fit("cbpp_binom").report(checks=False).results
