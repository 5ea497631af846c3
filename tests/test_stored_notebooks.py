"""Notebooks are stored as tools/run_notebooks.py stores them, and use what is public."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PAGES = sorted((ROOT / "book").glob("*.md"))
LARGEST = 1_000_000  # bytes: a reader may be on a slow line
PUBLIC = {"datasets", "families", "links", "plots", "residuals"}  # beside glmmlab itself

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)


def cells(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return found


@every_notebook
def test_notebook_is_small_and_has_no_times_of_its_run(path: Path) -> None:
    assert path.stat().st_size < LARGEST
    assert not [cell["id"] for cell in cells(path) if "execution" in cell["metadata"]]


@every_notebook
def test_pictures_have_a_palette(path: Path) -> None:
    for cell in cells(path):
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                png = base64.b64decode("".join(output["data"]["image/png"]))
                assert Image.open(io.BytesIO(png)).mode == "P", f"{cell['id']}: `make notebooks`"


@pytest.mark.parametrize("path", [*NOTEBOOKS, *PAGES], ids=lambda path: path.name)
def test_the_course_uses_only_what_is_public(path: Path) -> None:
    """What is inside the engine may change, and a reader cannot look it up."""
    text = path.read_text(encoding="utf-8")
    imported = set(re.findall(r"^\W*(?:from|import) glmmlab\.(\w+)", text, re.M))
    assert imported <= PUBLIC
    assert not re.search(r"\w\.estimate\.", text)
