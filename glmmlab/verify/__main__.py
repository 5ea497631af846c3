"""``python -m glmmlab.verify``: the table of agreement with R on this machine."""

from __future__ import annotations

import argparse
import math
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import version

import glmmlab
from glmmlab.errors import GlmmlabError
from glmmlab.verify.agreement import TOLERANCES, Agreement, compare
from glmmlab.verify.reference import cases, reference

_SHORT = {
    "log-likelihood": "logLik",
    "coefficients": "coef",
    "standard errors": "se",
    "Wald tests": "Wald",
    "means": "means",
    "comparisons": "pairs p",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit the cases, print the table, return 0 if all agree with R and 1 if one does not.

    Parameters
    ----------
    arguments : sequence of str, optional
        Names of cases; all without any.

    Returns
    -------
    int
        The program's exit status; 2 where the cases cannot be read.

    Examples
    --------
    >>> main(["dyestuff_ml"])  # doctest: +SKIP
    0
    """
    parser = argparse.ArgumentParser(
        prog="python -m glmmlab.verify",
        description="Fit the reference cases on this machine and compare them with R.",
        epilog="Exit status: 0 all agree, 1 some do not, 2 the cases cannot be read.",
    )
    parser.add_argument("case", nargs="*", help="names of cases (all without any)")
    wanted = parser.parse_args(arguments).case
    try:
        chosen = tuple(wanted) or cases()
        r = reference(chosen[0])["R_versions"]
        for case in chosen:
            reference(case)
    except GlmmlabError as error:
        print(error, file=sys.stderr)
        return 2
    print(_versions(r), end="\n\n")
    width = max(len(case) for case in chosen)
    print(_line("case", width, list(_SHORT.values()), ""))
    found = []
    for case in chosen:
        one = compare(case)
        found.append(one)
        print(_line(case, width, [_cell(one, name) for name in _SHORT], _verdict(one)), flush=True)
    print("\n" + _closing(found))
    return 0 if all(one.agrees for one in found) else 1


def _versions(r: object) -> str:
    packages = ("numpy", "scipy", "pandas", "formulaic")
    here = ", ".join(f"{name} {version(name)}" for name in packages)
    theirs = ", ".join(f"{k} {v}" for k, v in r.items()) if isinstance(r, dict) else str(r)
    machine = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return f"glmmlab {glmmlab.__version__} on {machine}\n{here}\nagainst {theirs}"


def _line(case: str, width: int, cells: list[str], verdict: str) -> str:
    return f"{case:<{width}}  {''.join(f'{cell:>9}' for cell in cells)}  {verdict}".rstrip()


def _cell(one: Agreement, name: str) -> str:
    if name not in one.differences:
        return "-"
    value = one.differences[name]
    if math.isnan(value):
        return "missing"
    return f"{value:.0e}" if value else "0"


def _verdict(one: Agreement) -> str:
    if one.failure:
        return f"FAILED: {one.failure.splitlines()[0]}"
    return "agrees" if one.agrees else f"DIFFERS: {', '.join(one.disagreements)}"


def _closing(found: list[Agreement]) -> str:
    good = sum(one.agrees for one in found)
    lines = [f"{good} of {len(found)} models agree with R. Largest differences allowed:"]
    for name, (limit, unit) in TOLERANCES.items():
        lines.append(f"  {_SHORT[name]:<8} {limit:.0e}  {name}, {unit}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
