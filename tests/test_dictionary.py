"""The dictionary from R to Python: every entry has R, executed Python, and says what differs.

The Python cells themselves are run, and their outputs compared, by nbval.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).resolve().parents[1] / "notebooks" / "from_r_to_python.ipynb"
CELLS: list[dict[str, Any]] = json.loads(PAGE.read_text(encoding="utf-8"))["cells"]
SOURCES = ["".join(cell["source"]) for cell in CELLS]
ENTRIES = [
    i
    for i, text in enumerate(SOURCES)
    if CELLS[i]["cell_type"] == "markdown" and text.startswith("### ")
]
R_CODE = "\n".join(
    block for i in ENTRIES for block in re.findall(r"```r\n(.*?)```", SOURCES[i], re.DOTALL)
)
ANSWERS = "\n".join(SOURCES[i + 1] for i in ENTRIES)


R_CALLS = """
glmmTMB lmer glmer beta_family Gamma nbinom1 nbinom2 betabinomial t_family cbind offset weights
ziformula dispformula REML nAGQ summary fixef vcov confint VarCorr ranef coef sigma logLik AIC
BIC df.residual nobs predict simulate residuals car::Anova type anova emmeans at pairs contrast
cld multcomp::glht mcp joint_tests emtrends emmip simulateResiduals testUniformity
testDispersion testOutliers testZeroInflation testQuantiles plot plotResiduals
recalculateResiduals createDHARMa relevel contr.sum na.action isSingular diagnose bootMer
lmerTest regrid interaction delta testCategorical testGeneric testTemporalAutocorrelation
testSpatialAutocorrelation refit saveRDS readRDS
"""
OURS = """
params bse pvalues conf_int cov_params summary random_covariance random_effects dispersion llf
aic bic df_resid nobs predict simulate residuals anova joint_tests compare emmeans pairs
contrast cld test_hypotheses emtrends emmip simulate_residuals test_all test_dispersion
recalculate from_simulations is_singular diagnose quadrature zero_inflation dispersion= method=
offset= weights= df= regrid interaction= test(delta test_categorical test_generic refit= save load
"""


def title(i: int) -> str:
    return SOURCES[i].splitlines()[0].removeprefix("### ")


@pytest.mark.parametrize("i", ENTRIES, ids=title)
def test_an_entry_is_r_then_executed_python_then_what_differs(i):
    assert re.search(r"\*\*R\*\*\s+```r\n.+?```\s+\*\*Python\*\*$", SOURCES[i], re.DOTALL)
    python = CELLS[i + 1]
    assert python["cell_type"] == "code"
    assert python["metadata"]["tags"] == ["dictionary"]
    assert python["execution_count"]
    assert python["outputs"], "an entry shows what Python prints"
    assert re.match(r"\*\*Same\?\*\* .+\*\*Differs\.\*\* .+", SOURCES[i + 2], re.DOTALL)


@pytest.mark.parametrize("call", R_CALLS.split())
def test_what_r_users_type_is_in_the_dictionary(call):
    assert re.search(rf"(?<!\w){re.escape(call)}(?!\w)", R_CODE)


@pytest.mark.parametrize("name", OURS.split())
def test_what_glmmlab_offers_is_in_the_dictionary(name):
    tagged = [i for i, c in enumerate(CELLS) if "dictionary" in c["metadata"].get("tags", [])]
    python = "\n".join(SOURCES[i] for i in tagged)
    assert name in python + ANSWERS


def test_every_tagged_cell_stands_in_an_entry_or_goes_on_from_one():
    tagged = [i for i, c in enumerate(CELLS) if "dictionary" in c["metadata"].get("tags", [])]
    starts = {i + 1 for i in ENTRIES}
    for i in tagged:
        assert i in starts or SOURCES[i - 1].startswith("**Same?**")
    assert starts <= set(tagged)
