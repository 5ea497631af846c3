"""Open JupyterLab on a learner's copies of the exercise notebooks: `make lab`.

    python tools/lab.py [--fresh] [--copy-only] [--folder lab] [arguments of JupyterLab]

A notebook that somebody has worked in is never written over. One that nobody has touched follows
the chapter. --fresh puts the worked ones aside and gives new copies. Needs the extra `course`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import exercises

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "lab"
RECORD = ".copies.json"  # what each notebook was when it was copied


def digest(text: str) -> str:
    """A mark of what is in the cells: JupyterLab rewrites the rest when it merely opens a file."""
    try:
        cells = json.loads(text)["cells"]
        content = [(c["cell_type"], "".join(c["source"]), c.get("outputs", [])) for c in cells]
        text = json.dumps(content, sort_keys=True)
    except (ValueError, KeyError, TypeError):
        pass  # no notebook, or a broken one: then every byte counts
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def put_aside(folder: Path, worked: list[Path]) -> Path:
    """Move the notebooks into a folder of their own beside the new copies."""
    number = 1
    while (aside := folder / f"before-{number}").exists():
        number += 1
    aside.mkdir()
    for path in worked:
        path.rename(aside / path.name)
    return aside


def prepare(folder: Path, *, fresh: bool = False) -> list[str]:
    """Copies of all exercise notebooks; returns what the learner should know, line by line."""
    folder.mkdir(parents=True, exist_ok=True)
    record_path = folder / RECORD
    record = json.loads(read(record_path)) if record_path.exists() else {}
    texts = exercises.derived()
    worked = [
        folder / name
        for name in texts
        if (folder / name).exists() and digest(read(folder / name)) != record.get(name)
    ]
    said = []
    if fresh and worked:
        aside = put_aside(folder, worked)
        said.append(f"Put aside in {aside}: {', '.join(path.name for path in worked)}")
        worked = []
    for name, text in texts.items():
        if folder / name in worked:
            later = record.get(name) != digest(text)
            said.append(f"Kept as you left it: {name}" + (" (its chapter has changed)" * later))
            continue
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
        record[name] = digest(text)
    if worked:
        said.append("For new copies: make lab FRESH=1, or python tools/lab.py --fresh")
    record_path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8", newline="\n")
    return said


def main() -> None:
    parser = argparse.ArgumentParser(description="JupyterLab on copies of the exercises.")
    parser.add_argument("--fresh", action="store_true", help="put your work aside, copy anew")
    parser.add_argument("--copy-only", action="store_true", help="do not open JupyterLab")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the copies are")
    options, others = parser.parse_known_args()
    folder = options.folder.resolve()
    for line in prepare(folder, fresh=options.fresh):
        print(line)
    print(f"The exercise notebooks are in {folder}", flush=True)
    if options.copy_only:
        return
    # The root is the folder above, so that links from the notebooks to the book's pages work.
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder.parent}"]
    command += [f"--LabApp.default_url=/lab/tree/{folder.name}", *others]
    try:
        raise SystemExit(subprocess.run(command).returncode)
    except KeyboardInterrupt:
        raise SystemExit(0) from None


if __name__ == "__main__":
    main()
