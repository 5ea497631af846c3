"""Reports in sentences, and tables as Markdown, LaTeX and HTML."""

from __future__ import annotations

import re
import warnings

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
    assert "(1 incomplete rows left out)" in report.methods
