"""Run the engine's tests on every Python found and on old and new dependencies: `make matrix`.

Each row of the matrix is a virtual environment of its own under _build/matrix with the built
wheel in it.  Dependency sets: ``lowest`` (the lower bounds of pyproject.toml, exactly),
``pandas2`` (the newest of all, with pandas 2) and ``newest``.  Interpreters: every ``python3.N``
on the path from the project's minimum, those of pyenv, and those of ``--python``.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
TESTERS = ("pytest", "hypothesis", "mpmath")
BOOK = re.compile(r"^(import|from) (nbformat|prose|yaml)", re.MULTILINE)
"""What marks a test of the book and the repository, which do not depend on what is installed."""
NEWEST_TRIED = 30


def lowest() -> list[str]:
    """The lower bounds of the dependencies as exact pins."""
    return [re.sub(r">=", "==", line) for line in PROJECT["dependencies"]]


SETS = {"lowest": lowest(), "pandas2": ["pandas<3"], "newest": []}


def interpreters(asked: list[str]) -> dict[str, str]:
    """Version -> program, of every Python from the project's minimum that is found."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    first = int(re.sub(r".*3\.", "", PROJECT["requires-python"]))
    names = [*asked, *(f"python3.{minor}" for minor in range(first, NEWEST_TRIED)), sys.executable]
    names += [str(path) for path in sorted(pyenv.glob("versions/3.*/bin/python"))]
    found: dict[str, str] = {}
    for name in names:
        program = shutil.which(name)
        if program is None:
            if name in asked:
                raise SystemExit(f"there is no interpreter {name}")
            continue
        code = "import sys; print('%d.%d' % sys.version_info[:2])"
        version = subprocess.run([program, "-c", code], capture_output=True, text=True)
        if version.returncode:  # a shim of a version manager without that version behind it
            continue
        number = version.stdout.strip()
        if int(number.split(".")[1]) >= first:
            found.setdefault(number, program)
    return dict(sorted(found.items(), key=lambda one: int(one[0].split(".")[1])))


def wheel(folder: Path) -> Path:
    """Build the wheel."""
    shutil.rmtree(folder, ignore_errors=True)
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(ROOT)]
    subprocess.run([*command, "--no-isolation"], check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def run_row(program: str, place: Path, built: Path, pins: list[str], tests: list[str]) -> str:
    """One row: make the environment, install, test; the row's verdict."""
    shutil.rmtree(place, ignore_errors=True)
    log = place.parent / f"{place.name}.log"
    python = place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if program == sys.executable:
        venv.create(place, with_pip=True)
    else:
        subprocess.run([program, "-m", "venv", str(place)], check=True)
    install = [str(python), "-m", "pip", "install", "-q", str(built), *TESTERS, *pins]
    ignored = [
        f"--ignore={path}"
        for path in sorted((ROOT / "tests").glob("test_*.py"))
        if BOOK.search(path.read_text(encoding="utf-8"))
    ]
    test = [str(python), "-m", "pytest", *ignored, *tests]
    with log.open("w", encoding="utf-8") as out:
        for what, command in (("no such installation", install), ("tests fail", test)):
            done = subprocess.run(command, cwd=place, stdout=out, stderr=subprocess.STDOUT)
            if done.returncode:
                return f"{what}: see {log.relative_to(ROOT)}"
    summary = [line for line in log.read_text(encoding="utf-8").splitlines() if " passed" in line]
    return f"ok  {summary[-1] if summary else ''}".rstrip()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", action="append", default=[], help="one more interpreter")
    parser.add_argument("--set", action="append", choices=SETS, help="dependency sets (all)")
    parser.add_argument("tests", nargs="*", help="what pytest runs (all of the engine's tests)")
    arguments = parser.parse_args()
    folder = ROOT / "_build" / "matrix"
    built = wheel(folder / "dist")
    tests = arguments.tests or ["-o", "addopts=--strict-markers --import-mode=importlib"]
    tests += ["-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT), str(ROOT / "tests")]
    minimum = PROJECT["requires-python"].removeprefix(">=")
    verdicts = []
    for number, program in interpreters(arguments.python).items():
        for name in arguments.set or SETS:
            if name == "lowest" and number != minimum:  # old wheels exist for old Pythons only
                continue
            place = folder / f"py{number}-{name}"
            verdict = run_row(program, place, built, SETS[name], tests)
            print(f"Python {number}  {name:<8}  {verdict}", flush=True)
            verdicts.append(verdict.startswith("ok"))
    return 0 if verdicts and all(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
