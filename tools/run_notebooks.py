"""Run the course's notebooks and store what they print: `make notebooks`.

    python tools/run_notebooks.py [--only WORD]

The notebooks are stored with their outputs, which `make test` compares with a rerun. This is how
they are stored: run from the top, without the times of the run, and with pictures of at most 256
colours, which is a third of their size and looks the same.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from PIL import Image

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
LONGEST = 300  # seconds a cell may take


def smaller(png: bytes) -> bytes:
    """The same picture by a palette; one with a transparent ground is left as it is."""
    picture = Image.open(io.BytesIO(png))
    if picture.mode == "P" or picture.convert("RGBA").getextrema()[3] != (255, 255):
        return png
    palette = picture.convert("RGB").quantize(
        256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE
    )
    packed = io.BytesIO()
    palette.save(packed, "PNG", optimize=True)
    return packed.getvalue() if packed.tell() < len(png) else png


def shrink_pictures(notebook: nbformat.NotebookNode) -> None:
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "image/png" in data:
                png = base64.b64decode(data["image/png"])
                data["image/png"] = base64.b64encode(smaller(png)).decode() + "\n"


def run(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    metadata = json.loads(path.read_text(encoding="utf-8"))["metadata"]
    NotebookClient(
        notebook,
        timeout=LONGEST,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(path.parent)}},
    ).execute()
    notebook.metadata = nbformat.from_dict(metadata)  # not the version of this Python
    shrink_pictures(notebook)
    nbformat.write(notebook, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="notebooks whose name holds this word")
    options = parser.parse_args()
    paths = [path for path in sorted(FOLDER.glob("*.ipynb")) if options.only in path.stem]
    if not paths:
        raise SystemExit(f"no notebook in {FOLDER} has {options.only!r} in its name")
    for path in paths:
        print(f"  {path.name}", flush=True)
        run(path)


if __name__ == "__main__":
    main()
