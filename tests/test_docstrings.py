"""Every public function says what it takes, gives, raises and shows, and tells the truth of it."""

from __future__ import annotations

import builtins
import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator

import pytest

import glmmlab as gl

PUBLIC = ("", "datasets", "families", "links", "residuals", "io", "model", "verify")


def functions() -> Iterator[tuple[str, Callable]]:
    """Public functions, and the methods of a Fit."""
    seen = set()
    for room in PUBLIC:
        module = importlib.import_module(f"glmmlab.{room}".rstrip("."))
        listed = getattr(module, "__all__", None)
        for name in listed or dir(module):
            item = getattr(module, name)
            if name.startswith("_") or not inspect.isfunction(item) or item in seen:
                continue
            if listed or item.__module__ == module.__name__:  # not what it only imports
                seen.add(item)
                yield f"{item.__module__}.{name}", item
    for name, item in inspect.getmembers(gl.Fit, inspect.isfunction):
        if not name.startswith("_"):
            yield f"Fit.{name}", item


FUNCTIONS = dict(functions())


def sections(item: Callable) -> dict[str, str]:
    """numpydoc sections of a docstring, heading -> text."""
    parts = re.split(r"^(\w[\w ]*)\n-{3,}\n", inspect.getdoc(item) or "", flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def arguments(item: Callable) -> list[str]:
    """Names of the parameters, without self."""
    return [name for name in inspect.signature(item).parameters if name != "self"]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_parameters_are_all_described_and_no_others(name):
    """Where there is a section of parameters it is complete; where none is, a link leads to one."""
    item = FUNCTIONS[name]
    found = sections(item)
    if "Parameters" not in found:
        text = inspect.getdoc(item) or ""
        linked = re.search(r":(func|meth|class):|``\w+", text)
        assert not arguments(item) or linked, f"{name} describes none of its parameters"
        return
    described = []
    for line in re.findall(r"^(\*{0,2}\w[\w, *]*)(?: :.*)?$", found["Parameters"], re.M):
        described += [one.strip().lstrip("*") for one in line.split(",")]
    assert set(described) == set(arguments(item)), name


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_is_said_to_be_raised_is_an_error_of_ours(name):
    for line in re.findall(r"^(\w.*)$", sections(FUNCTIONS[name]).get("Raises", ""), re.M):
        for error in re.split(r",\s*|\s+or\s+", line.strip()):
            kind = getattr(gl.errors, error, None) or getattr(builtins, error, None)
            assert kind is not None, f"{name} raises {error}, which is no class of glmmlab.errors"


def test_every_module_has_a_docstring():
    for info in pkgutil.walk_packages(gl.__path__, "glmmlab."):
        if not info.name.endswith("__main__"):
            assert (importlib.import_module(info.name).__doc__ or "").strip(), info.name


@pytest.mark.parametrize("name", [n for n in FUNCTIONS if not n.startswith("Fit.to_")])
def test_every_public_function_has_an_example_that_runs(name):
    """``make test`` runs them (--doctest-modules); an example that is skipped is none."""
    text = inspect.getdoc(FUNCTIONS[name]) or ""
    lines = [line for line in text.splitlines() if line.startswith(">>>")]
    linked = re.search(r":(func|meth):`glmmlab\.[\w.]+`", text)
    assert (lines and not any("+SKIP" in line for line in lines)) or linked, name
