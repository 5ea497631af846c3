"""The house itself: one direction of imports, small files, notebooks, versions, the wheel."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

import glmmlab

ROOT = Path(__file__).resolve().parents[1]
ENGINE = ROOT / "glmmlab"
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PAGES = sorted((ROOT / "book").glob("*.md"))

# A room imports only from its own line and the lines above it.
ROOMS = (
    ("errors", "_types", "_arguments", "_random", "_tables", "_files", "_warnings", "threads"),
    ("links",),
    ("families",),
    ("formula",),
    ("design",),
    ("blocks",),
    ("laplace",),
    ("quadrature", "gaussian"),
    ("estimate",),
    ("plots",),
    ("inference", "residuals", "saving"),
    ("results",),
    ("model", "datasets", "io", "verify"),
)
LEVEL = {room: level for level, rooms in enumerate(ROOMS) for room in rooms}
LONGEST_FILE = 420


def engine_files() -> list[Path]:
    return sorted(p for p in ENGINE.rglob("*.py") if p != ENGINE / "__init__.py")


def room_of(path: Path) -> str:
    return path.relative_to(ENGINE).parts[0].removesuffix(".py")


def imported_modules(source: str, package: tuple[str, ...], *, for_types: bool = True) -> set[str]:
    """Absolute names of all that a file of ``package`` imports, at its top or inside functions.

    ``for_types=False`` leaves out what stands under ``if TYPE_CHECKING:``.
    """
    tree = ast.parse(source)
    left_out: set[ast.AST] = set()
    for node in ast.walk(tree):
        is_typing = isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        if is_typing and not for_types:
            left_out.update(inner for line in node.body for inner in ast.walk(line))
    names: set[str] = set()
    for node in ast.walk(tree):
        if node in left_out:
            continue
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join((*above, *(node.module.split(".") if node.module else ())))
            # `from glmmlab import links` names its room only in the alias.
            names.update(f"{base}.{alias.name}" for alias in node.names)
    return names


def imports_of(path: Path) -> set[str]:
    package = ("glmmlab", *path.relative_to(ENGINE).parts[:-1])
    return imported_modules(path.read_text(encoding="utf-8"), package)


def rooms_among(modules: set[str]) -> set[str]:
    return {name.split(".")[1] for name in modules if name.startswith("glmmlab.")}


@pytest.mark.parametrize("path", engine_files(), ids=lambda p: str(p.relative_to(ENGINE)))
def test_a_room_imports_only_from_rooms_above_it(path: Path) -> None:
    own = room_of(path)
    assert own in LEVEL, f"give the room {own!r} its place in ROOMS"
    for other in rooms_among(imports_of(path)):
        assert other in LEVEL, f"{path.name} imports {other!r}, which is no room of the house"
        assert LEVEL[other] <= LEVEL[own], f"{own} may not import {other}: it stands below"


def test_the_graph_reader_sees_every_form_of_import() -> None:
    """The test above cannot pass by being blind."""
    source = (
        "import glmmlab.links\nfrom glmmlab import families\nfrom glmmlab.design import Design\n"
        "def f():\n    from .wald import test\n    from .. import plots\n    import numpy\n"
    )
    found = rooms_among(imported_modules(source, ("glmmlab", "inference")))
    assert found == {"links", "families", "design", "inference", "plots"}


def test_matplotlib_is_imported_only_by_plots() -> None:
    users = set()
    for path in engine_files():
        source = path.read_text(encoding="utf-8")
        running = imported_modules(source, (), for_types=False)
        if any(name.split(".")[0] == "matplotlib" for name in running):
            users.add(room_of(path))
    assert users == {"plots"}


def test_importing_glmmlab_stays_light() -> None:
    heavy = "['matplotlib', 'statsmodels', 'tqdm', 'joblib', 'scipy.stats']"
    code = f"import sys, glmmlab; print([m for m in {heavy} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize("path", engine_files(), ids=lambda p: str(p.relative_to(ENGINE)))
def test_no_engine_file_is_long(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= LONGEST_FILE, f"{lines} lines: is this two things?"


def test_one_version_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert project["version"] == str(citation["version"]) == glmmlab.__version__


def test_every_direct_dependency_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"]]
    for extra in project["optional-dependencies"].values():
        wanted += extra
    names = {re.split(r"[\[<>=;! ]", line)[0] for line in wanted} - {"glmmlab"}
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+( ; .+)?", line) for line in pins)
    pinned = {_canonical(line.split("==")[0]) for line in pins}
    assert {_canonical(name) for name in names} <= pinned


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


# ---------------------------------------------------------------------------------------------
# README and Makefile
# ---------------------------------------------------------------------------------------------


def test_readme_starts_with_the_two_commands_of_the_makefile() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    first_block = re.search(r"```sh\n(.*?)```", readme, re.S)
    assert first_block
    commands = [line.split("#")[0].strip() for line in first_block[1].splitlines()]
    assert commands == ["make book", "make test"]
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.M))
    assert set(re.findall(r"`make ([a-z-]+)`", readme)) <= targets


def test_readme_gives_the_makefile_s_own_lines_for_windows() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    install = re.search(r"-m (pip install .*)", makefile)
    test = re.search(r"-m (pytest .*)", makefile)
    book = re.search(r"\$\(JUPYTER_BOOK\) (build .*)", makefile)
    assert install and test and book
    assert f"-m {install[1].replace('-qq ', '')}" in readme
    assert f"-m {test[1]}" in readme
    assert f"jupyter-book {book[1]}" in readme


def test_readme_has_the_table_of_the_stored_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    from compare import markdown

    stored = json.loads((ROOT / "benchmarks/results/compare.json").read_text(encoding="utf-8"))
    assert markdown(stored) in (ROOT / "README.md").read_text(encoding="utf-8")


# ---------------------------------------------------------------------------------------------
# Notebooks and pages
# ---------------------------------------------------------------------------------------------


def _cells(path: Path) -> list[dict[str, Any]]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code" and "".join(cell["source"])]


def _shows_image(cell: dict[str, Any]) -> bool:
    return any(
        kind.startswith("image/") for output in cell["outputs"] for kind in output.get("data", {})
    )


def alt_text_fault(alt: str | None) -> str | None:
    """Why this text is no alt text, or None."""
    if not alt or len(alt.split()) < 5:
        return "a figure needs a sentence for those who cannot see it"
    if re.search(r"\.(png|svg|jpe?g)\b|^[\w./\\-]+$", alt):
        return "this is a path, not a description"
    return None


def test_alt_text_that_is_missing_short_or_a_path_is_refused() -> None:
    assert alt_text_fault(None)
    assert alt_text_fault("figure")
    assert alt_text_fault("../_images/one two three four five.png")
    assert not alt_text_fault("Severity of 48 plots by fungicide: 11 is lowest and 1 highest.")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_notebook_is_as_the_book_needs_it(path: Path) -> None:
    raw = path.read_text(encoding="utf-8")
    notebook = json.loads(raw)
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert not re.search(r"(?<![\w.])/(home|root|work|tmp|Users)/|[A-Z]:\\\\", raw), "machine path"
    cells = _cells(path)
    assert all(cell["execution_count"] for cell in cells), "run it and store the outputs"
    counts = [cell["execution_count"] for cell in cells]
    assert counts == list(range(1, len(cells) + 1)), "run it from top to bottom"
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert outputs, "no outputs are stored"
    assert not [o for o in outputs if o["output_type"] == "error"]
    assert not [o for o in outputs if o.get("name") == "stderr"], "warnings reach the reader"
    for cell in filter(_shows_image, cells):
        alt = cell["metadata"].get("mystnb", {}).get("image", {}).get("alt")
        assert not (fault := alt_text_fault(alt)), f"{fault}:\n{''.join(cell['source'])[:200]}"


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.name)
def test_page_is_as_the_book_needs_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"https?://[^\s)>\"]*\.(js|css|png|svg)\b", text), "loads from a network"
    for block in re.findall(r"```\{code-cell\}[^\n]*\n(.*?)```", text, re.S):
        options = yaml.safe_load(_cell_options(block)) or {}
        alt = options.get("mystnb", {}).get("image", {}).get("alt")
        if re.search(r"^\s*_?(plt|fig)\b|subplots\(", block, re.M) or alt is not None:
            assert not (fault := alt_text_fault(alt)), f"{fault}:\n{block[:300]}"
    for figure in re.findall(r"```\{(?:figure|image)\}.*?\n(.*?)```", text, re.S):
        alt = re.search(r"^:alt: (.*)", figure, re.M)
        assert not (fault := alt_text_fault(alt and alt[1])), f"{fault}:\n{figure}"


def _cell_options(block: str) -> str:
    fence = re.match(r"---\n(.*?)---\n", block, re.S)
    if fence:
        return fence[1]
    return "\n".join(line[1:] for line in block.splitlines() if line.startswith(":"))


def test_every_page_and_notebook_stands_in_the_table_of_contents() -> None:
    toc = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    listed = set(re.findall(r"(?:file|root): (\S+)", toc))
    pages = (*NOTEBOOKS, *PAGES, *(ROOT / "book" / "api").glob("*.md"))
    existing = {path.relative_to(ROOT).with_suffix("").as_posix() for path in pages}
    assert listed == existing


# ---------------------------------------------------------------------------------------------
# The wheel
# ---------------------------------------------------------------------------------------------

USE_WHEEL = """
import warnings
import glmmlab as gl
assert gl.__file__.startswith({target!r}), gl.__file__
warnings.simplefilter("ignore", gl.errors.SingularFitWarning)
severity = gl.datasets.load("disease_severity")
seeds = gl.datasets.load("seed_germination")
assert severity.shape == (48, 4) and seeds.shape == (21, 5)
assert gl.datasets.load("seed_germination_binary").shape == (831, 4)
beta = gl.glmm("severity ~ fungicide + (1 | block)", data=severity, family="beta")
binomial = gl.glmm("cbind(germ, n - germ) ~ extract * gen", data=seeds, family="binomial")
print(beta.llf, binomial.llf)
"""

VERIFY = """
from glmmlab.verify import cases, compare
found = [compare(case) for case in cases()]
print(sum(one.agrees for one in found), "of", len(found))
"""


@pytest.mark.slow
def test_the_wheel_works_elsewhere(tmp_path: Path) -> None:
    dist, target = tmp_path / "dist", tmp_path / "site"
    _run("-m", "build", "--wheel", "--no-isolation", "--outdir", str(dist), str(ROOT), cwd=ROOT)
    (wheel,) = dist.glob("*.whl")
    _run("-m", "pip", "install", "--no-deps", "--quiet", "--target", str(target), str(wheel))
    script = tmp_path / "use.py"
    script.write_text(
        f"import sys\nsys.path.insert(0, {str(target)!r})\n" + USE_WHEEL.format(target=str(target)),
        encoding="utf-8",
    )
    beta, binomial = (float(x) for x in _run(str(script), cwd=tmp_path).split())
    verify = f"import sys\nsys.path.insert(0, {str(target)!r})\n" + VERIFY
    assert _run("-c", verify, cwd=tmp_path).split()[:3] == ["53", "of", "53"]
    # R's answers, tests/reference/expected.
    for case, ours in (("fung_beta", beta), ("seeds_binom", binomial)):
        expected = json.loads((ROOT / f"tests/reference/expected/{case}.json").read_text())
        assert ours == pytest.approx(expected["logLik"], abs=1e-6)


def _run(*arguments: str, cwd: Path | None = None) -> str:
    run = subprocess.run(
        [sys.executable, *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout
