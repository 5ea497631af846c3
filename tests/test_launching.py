"""Binder and Colab: what is installed there, what pages link to; nothing without an address."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType, SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
BINDER = ROOT / ".binder"
REPO = "https://github.com/someone/glmmlab"


def load(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(spec.name, module)
    spec.loader.exec_module(module)
    return module


launching = load("book/_ext/launching.py")
exercises = load("tools/exercises.py")


def page(address: str, name: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The body of a page of a book that was built with the address."""
    monkeypatch.setenv("REPO_URL", address)
    app = SimpleNamespace(config=SimpleNamespace())
    launching.set_repository(app, app.config)
    context = {"body": "<h1>Counts</h1><p>Text.</p>"}
    launching.add_links(app, name, "page.html", context, object())
    return context["body"]


@pytest.mark.parametrize("address", [REPO, f"{REPO}/", f"{REPO}.git"])
def test_a_chapter_links_to_its_own_notebook(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    body = page(address, "notebooks/counts", monkeypatch)
    assert body.startswith('<h1>Counts</h1><p class="launch">')
    on_binder, in_colab = map(urlsplit, re.findall(r'href="([^"]+)"', body))
    assert on_binder.path == "/v2/gh/someone/glmmlab/main"
    assert parse_qs(on_binder.query) == {"urlpath": ["lab/tree/lab/counts.ipynb"]}
    assert in_colab.path == "/github/someone/glmmlab/blob/exercises/counts.ipynb"
    assert "counts.ipynb" in exercises.derived()


def test_without_an_address_no_page_has_links(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "launch" not in page("", "notebooks/counts", monkeypatch)
    assert "launch" not in page(REPO, "book/three_steps", monkeypatch)


@pytest.mark.parametrize("address", ["someone/glmmlab", "https://example.org/a/b", f"{REPO}/x/y"])
def test_an_address_that_is_no_repository_is_refused(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match="REPO_URL must be like"):
        page(address, "notebooks/counts", monkeypatch)


def test_colab_copies_link_to_each_other_where_the_pages_do() -> None:
    made = exercises.Repository(REPO).absolute("[next](counts.ipynb)")
    assert made == f"[next]({launching.colab('someone/glmmlab', 'counts.ipynb')})"


def test_the_workflow_keeps_the_branch_that_the_links_name() -> None:
    text = (ROOT / ".github" / "workflows" / "book.yml").read_text(encoding="utf-8")
    jobs = yaml.safe_load(text)["jobs"]
    steps = jobs["exercises"]["steps"]
    script = "\n".join(step.get("run", "") for step in steps)
    assert "tools/exercises.py _build/colab --colab" in script
    assert re.search(r"git push .*\bexercises$", script, re.M)
    assert jobs["exercises"]["if"] == "github.ref == 'refs/heads/main'"
    assert any("REPO_URL" in step.get("env", {}) for step in jobs["build"]["steps"])


def test_the_workflow_installs_what_the_tool_imports() -> None:
    """The job that derives the notebooks has no more than it installs by name."""
    text = (ROOT / ".github" / "workflows" / "book.yml").read_text(encoding="utf-8")
    steps = yaml.safe_load(text)["jobs"]["exercises"]["steps"]
    installed = next(step["run"] for step in steps if "pip install" in step.get("run", "")).split()
    source = (ROOT / "tools" / "exercises.py").read_text(encoding="utf-8")
    imported = set(re.findall(r"^(?:import|from) (\w+)", source, re.M))
    wanted = {{"yaml": "pyyaml"}.get(name, name) for name in imported - sys.stdlib_module_names}
    assert wanted and wanted <= set(installed)


def test_binder_installs_what_a_learner_installs() -> None:
    lines = (BINDER / "requirements.txt").read_text(encoding="utf-8").split("\n")
    wanted = [line for line in lines if line and not line.startswith("#")]
    assert wanted == ["-c ../constraints.txt", "-e .[course]"]
    assert (BINDER / "../constraints.txt").is_file()  # pip reads it beside the file that names it
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "course" in project["optional-dependencies"]
    version = (BINDER / "runtime.txt").read_text(encoding="utf-8").strip()
    minor = re.fullmatch(r"python-3\.(\d+)", version)
    assert minor and int(minor[1]) >= int(project["requires-python"].removeprefix(">=3."))


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_binder_prepares_the_copies_that_the_links_open(tmp_path: Path) -> None:
    for folder in (".binder", "tools", "notebooks"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    (tmp_path / "book").mkdir()
    for source in [*(ROOT / "book").glob("*.md"), ROOT / "book" / "references.bib"]:
        shutil.copy(source, tmp_path / "book")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    where = {**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    where["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    subprocess.run([tmp_path / ".binder" / "postBuild"], cwd=tmp_path, env=where, check=True)
    assert (tmp_path / "lab" / "counts.ipynb").is_file()
