"""What the package may not do: run code, unpickle data, or let a label act as HTML."""

from __future__ import annotations

import ast
import re
import warnings
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import glmmlab as gl

ENGINE = Path(gl.__file__).parent
FILES = sorted(path for path in ENGINE.rglob("*.py"))

RUNS_CODE = {"eval", "exec", "compile", "__import__", "execfile", "breakpoint", "input"}
UNSAFE_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal", "subprocess"}
UNSAFE_ATTRIBUTES = {"read_pickle", "to_pickle", "eval", "query"}
UNSAFE_OF_OS = {"system", "popen", "startfile"}
# The one place where checked code runs: rows of a formula's expression.
ALLOWED = {("formula/expressions.py", "eval"), ("formula/expressions.py", "compile")}


def _unsafe(node: ast.Attribute) -> bool:
    if node.attr in UNSAFE_OF_OS:  # platform.system() only asks for the system's name
        return isinstance(node.value, ast.Name) and node.value.id == "os"
    return node.attr in UNSAFE_ATTRIBUTES


def faults(source: str, name: str) -> list[str]:
    """Unsafe calls and imports of one file."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in RUNS_CODE and (name, node.func.id) not in ALLOWED:
                found.append(f"{name}:{node.lineno} calls {node.func.id}")
        elif isinstance(node, ast.Import):
            bad = [a.name for a in node.names if a.name.split(".")[0] in UNSAFE_MODULES]
            found += [f"{name}:{node.lineno} imports {module}" for module in bad]
        elif isinstance(node, ast.ImportFrom):
            if (node.module or "").split(".")[0] in UNSAFE_MODULES:
                found.append(f"{name}:{node.lineno} imports from {node.module}")
        elif isinstance(node, ast.Attribute) and _unsafe(node):
            found.append(f"{name}:{node.lineno} uses .{node.attr}")
        elif isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            found.append(f"{name}:{node.lineno} sets allow_pickle")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(ENGINE).as_posix())
def test_no_pickle_and_no_code_from_text(path):
    assert faults(path.read_text(encoding="utf-8"), path.relative_to(ENGINE).as_posix()) == []


def test_the_reader_of_code_sees_what_it_should():
    bad = (
        "import pickle\nfrom marshal import loads\neval('1')\nexec('1')\npd.read_pickle('x')\n"
        "np.load('x', allow_pickle=True)\nos.system('x')\nframe.eval('x')\n"
    )
    assert len(faults(bad, "x.py")) == 8
    assert faults("eval('1')", "formula/expressions.py") == []


def test_nothing_in_a_formula_reaches_beyond_its_functions():
    """Each of these would run code, read a file or reach into an object."""
    data = pd.DataFrame({"y": [1.0, 2.0, 4.0, 3.0], "x": [1.0, 2.0, 3.0, 5.0]})
    for term in (
        "__import__('os').getcwd()", "open('x')", "x.__class__", "np.load('x')", "np.linalg.inv(x)",
        "(lambda: 1)()", "[i for i in x]", "x if x else x", "f'{x}'", "exec('1')", "eval('1')",
        "getattr(x, 'y')", "np.fromfile('x')", "globals()", "x[0]", "(x := 1)", "_f", "_0",
        "I.__globals__", "{0: x}", "log.__self__", "poly.__globals__", "C(x, __import__('os'))",
        "bs(x, df=open('y'))", "poly(x, __import__('os'))", "np.vectorize(x)", "np.save('x', x)",
    ):  # fmt: skip
        for formula in (f"y ~ {term}", f"{term} ~ x", f"y ~ offset({term})", f"y ~ 1 + ({term}|x)"):
            with pytest.raises(gl.GlmmlabError):
                gl.glmm(formula, data)


# -- HTML ------------------------------------------------------------------------------------

EVIL = '<script>alert(1)</script>"\'&<b x="'


class Tags(HTMLParser):
    """Names of all tags and attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.found |= {tag, *(f"{tag}@{name}" for name, _ in attrs)}


def assert_harmless(html: str, what: str) -> None:
    tags = Tags()
    tags.feed(html)
    bad = {t for t in tags.found if re.match(r"script|b@|.*@(on|x$)|iframe|object", t)}
    assert not bad, f"{what}: {bad}"
    assert "<script" not in html and "alert(1)</" not in html, what


@pytest.fixture(scope="module")
def evil():
    """A fit whose every name and level is hostile."""
    rng = np.random.default_rng(1)
    n = 96
    treatment = np.array([f"{EVIL}{i}" for i in range(3)])[np.arange(n) % 3]
    data = pd.DataFrame(
        {
            EVIL: rng.poisson(5, n).astype(float),
            f"t{EVIL}": treatment,
            f"s{EVIL}": np.where(np.arange(n) // 3 % 2, "u", EVIL),
            f"g{EVIL}": np.array([f"{EVIL}{i}" for i in range(8)])[np.arange(n) // 12],
            f"x{EVIL}": rng.normal(size=n),
        }
    )
    formula = f"`{EVIL}` ~ `t{EVIL}` * `s{EVIL}` + `x{EVIL}` + (1 | `g{EVIL}`)"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gl.GlmmlabWarning)
        fit = gl.glmm(formula, data, zero_inflation=None, family="poisson")
        small = gl.glmm(f"`{EVIL}` ~ 1 + (1 | `g{EVIL}`)", data, family="poisson")
        normal = gl.glmm(formula, data)
    return fit, small, normal


def views(fit: gl.Fit, small: gl.Fit, normal: gl.Fit) -> dict[str, object]:
    """Every object that draws itself as HTML."""
    t, s, x = f"t{EVIL}", f"s{EVIL}", f"x{EVIL}"
    means = fit.emmeans(t)
    residuals = fit.simulate_residuals(n=30, seed=1)
    treatment = fit.estimate.design.data[t]
    return {
        "fit": fit,
        "summary": fit.summary(stars=True),
        "summary df": normal.summary(df="satterthwaite"),
        "report": fit.report(),
        "anova": fit.anova(),
        "anova 3": fit.anova(type=3),
        "joint": fit.joint_tests(),
        "joint by": fit.joint_tests(by=s),
        "compare": fit.compare(small),
        "emmeans": means,
        "emmeans by": fit.emmeans(t, by=s, type="response"),
        "pairs": means.pairs(),
        "intervals": means.confint(),
        "tests": means.test(),
        "joint test": means.pairs().joint_test(),
        "pairs by": fit.emmeans(t, by=s).pairs(),
        "contrast": means.contrast("eff"),
        "simple": fit.emmeans([t, s]).contrast("pairwise", simple="each"),
        "cld": means.cld(),
        "pwpm": means.pwpm(),
        "trends": fit.emtrends(t, f"`{x}`"),
        "diagnosis": fit.diagnose(),
        "residual test": residuals.test_uniformity(),
        "residuals by group": residuals.test_categorical(treatment),
        "profile": fit.profile([small.params.index[0]]),
        "bootstrap": fit.bootstrap(3, seed=1),
        "variances": fit.variance_decomposition(),
    }


def test_every_view_escapes_every_label(evil):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gl.GlmmlabWarning)
        shown = views(*evil)
    for what, view in shown.items():
        html = [view._repr_html_()]
        if callable(getattr(view, "to_html", None)) and not isinstance(view, pd.DataFrame):
            html.append(view.to_html())
        for one in html:
            assert_harmless(one, what)


def test_the_views_above_are_all_there_are(evil):
    """A class with an HTML view of its own is among those tested."""
    classes = set()
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                names = {f.name for f in node.body if isinstance(f, ast.FunctionDef)}
                if names & {"_repr_html_", "_document"}:
                    classes.add(node.name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gl.GlmmlabWarning)
        shown = views(*evil)
    tested = {cls.__name__ for view in shown.values() for cls in type(view).__mro__}
    assert classes - tested - {"Exported"} == set()
