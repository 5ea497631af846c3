"""How far estimates, intervals and tests can be trusted: bias, coverage, type I error.

Every *cell* is one layout with one known model (benchmarks/truths.py).  Data are drawn from it
and fitted, and three things are counted:

bias       of the estimates (of standard deviations and dispersions too)
coverage   of 95 % intervals: Wald (z, and t), profile likelihood, parametric bootstrap
rejection  at 5 % of true null hypotheses: Anova of types II and III, likelihood ratio,
           comparisons of marginal means, bootstrap likelihood ratio

    python benchmarks/studies/inference.py                  # all cells not stored yet
    python benchmarks/studies/inference.py --workers 4
    python benchmarks/studies/inference.py --list
    python benchmarks/studies/inference.py "disease beta" --reps 20    # printed only

Each finished cell is added to results/inference.csv by one atomic write; an interrupted run goes
on with the cells that are missing.  Replicate i of a cell has a random stream of its own, spawned
from the seed, the cell's name and i: results do not depend on workers or on the order of cells.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from counted import INNER, LEVEL, SEED, Cell, Key, Values, replicates, setting
from truths import BETWEEN, TRUTHS

import glmmlab as gl

CSV = Path(__file__).parent / "results" / "inference.csv"
LARGEST_ERROR = 50.0
"""An estimate further from the truth than this, on a link scale, has run away."""


def cells() -> Iterator[Cell]:
    """All cells, the most important first."""
    own = [("disease", "beta"), ("germination", "binomial"), ("germination", "betabinomial")]
    for layout, family in own:
        yield Cell(layout, family, reps=500, profiles=150)
    yield Cell("disease", "beta", null=True, reps=500)
    few = ("gaussian, REML", "gaussian", "binomial", "poisson", "nbinom2", "beta", "bernoulli")
    for groups in BETWEEN:
        for family in few:
            if groups < 8 and family == "bernoulli":  # groups of zeros only: separation
                continue
            if "REML" in family:  # quick, and the reference for all others
                yield Cell(f"between-{groups}", family, reps=1000)
            else:
                yield Cell(f"between-{groups}", family, reps=400, profiles=60)
    for family in TRUTHS:
        yield Cell("factorial-20", family, reps=_reps(family, 200))
    small = [f for f in TRUTHS if f not in ("bernoulli", "t")]
    # (few 0/1 rows separate; the likelihood of a t model is unbounded in so few rows)
    for family in small:
        for layout in ("disease", "germination"):
            if (layout, family) not in own:
                yield Cell(layout, family, reps=_reps(family, 200))
        if family != "beta":
            yield Cell("disease", family, null=True, reps=_reps(family, 200))
    for family in TRUTHS:
        yield Cell("factorial-60", family, reps=_reps(family, 100))
    for layout, family in own:
        yield Cell(layout, family, reps=100, kind="bootstrap intervals")
    for layout, family, null in (
        ("germination", "binomial", False),
        ("disease", "beta", True),
        ("germination", "betabinomial", False),
    ):
        yield Cell(layout, family, null=null, reps=100, kind="bootstrap test")


def _reps(family: str, usual: int) -> int:
    """Fewer of the family whose density is a sum of many terms."""
    return usual // 4 if family == "tweedie" else usual


def run(cell: Cell, workers: int = 1) -> pd.DataFrame:
    """The table of one cell: ``measure, method, target, value, mc_se, reps``."""
    starts = range(0, cell.reps, 10)
    jobs = (delayed(replicates)(cell, i, min(i + 10, cell.reps)) for i in starts)
    rows = [row for part in Parallel(n_jobs=workers)(jobs) for row in part]
    keys = list(dict.fromkeys(key for row in rows for key in row))
    return pd.DataFrame([_summary(key, rows) for key in keys])


def _summary(key: Key, rows: list[Values]) -> dict[str, Any]:
    values = np.array([row[key] for row in rows if key in row], dtype=float)
    values = values[np.isfinite(values)]
    measure, method, target = key
    if measure == "ratio":  # the median, since single estimates may have no bound
        value, error = _median(values)
    elif measure == "bias":
        values = values[np.abs(values) < LARGEST_ERROR]
        value, error = _mean(values)
    else:
        value, error = _mean(values)
    found = {"measure": measure, "method": method, "target": target, "value": value}
    more = {"sd": float(np.std(values, ddof=1))} if measure == "bias" and len(values) > 1 else {}
    return found | {"mc_se": error, "reps": len(values)} | more


def _mean(values: np.ndarray) -> tuple[float, float]:
    """Mean with its Monte Carlo standard error; that of a share of 0 or 1 is taken as 1/reps."""
    n = len(values)
    if n < 2:
        return float("nan"), float("nan")
    error = float(np.std(values, ddof=1) / np.sqrt(n))
    return float(np.mean(values)), error if error > 0 else 1.0 / n


def _median(values: np.ndarray) -> tuple[float, float]:
    """Median, and half the distance of the order statistics one standard error to its sides."""
    n = len(values)
    if n < 2:
        return float("nan"), float("nan")
    low, middle, high = np.quantile(values, [0.5 - 0.5 / np.sqrt(n), 0.5, 0.5 + 0.5 / np.sqrt(n)])
    return float(middle), float((high - low) / 2)


def about() -> dict[str, Any]:
    """What a table belongs to."""
    packages = ("numpy", "scipy", "pandas")
    return {
        "script": Path(__file__).name,
        "seed": SEED,
        "level": LEVEL,
        "refits of a bootstrap": INNER,
        "glmmlab": gl.__version__,
        "python": platform.python_version(),
        "versions": {package: version(package) for package in packages},
    }


def stored(path: Path) -> pd.DataFrame:
    """Finished cells of this seed and version; empty where there are none."""
    told = path.with_suffix(".json")
    if not (path.exists() and told.exists()):
        return pd.DataFrame()
    found, now = json.loads(told.read_text(encoding="utf-8")), about()
    same = all(found[name] == now[name] for name in ("seed", "glmmlab", "refits of a bootstrap"))
    return pd.read_csv(path, keep_default_na=False, na_values=[""]) if same else pd.DataFrame()


def _replace(path: Path, text: str) -> None:
    """The whole file or the old one, whenever the run is interrupted."""
    path.parent.mkdir(exist_ok=True)
    new = path.with_suffix(path.suffix + ".new")
    new.write_text(text, encoding="utf-8")
    os.replace(new, path)


def add(cell: Cell, table: pd.DataFrame, seconds: float, path: Path) -> None:
    """Store one finished cell beside the others."""
    known = setting(cell.layout, cell.family, cell.null)
    layout = known.layout
    where = {
        "cell": cell.name,
        "layout": layout.name,
        "size": layout.size,
        "rows": len(known.frame),
        "groups": known.frame[layout.group].nunique() if known.sd else 0,
        "family": cell.family,
        "null": int(cell.null),
        "asked": cell.reps,
    }
    table = table.assign(**where)[[*where, *table.columns]].assign(seconds=round(seconds))
    earlier = stored(path)
    if len(earlier):
        table = pd.concat([earlier[earlier["cell"] != cell.name], table])
    _replace(path.with_suffix(".json"), json.dumps(about(), indent=2) + "\n")
    _replace(path, table.to_csv(index=False, float_format="%.5g"))


def main(command: list[str] | None = None) -> None:
    """Run, list or print cells."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cell", nargs="?", help="one cell, printed and not stored")
    parser.add_argument("--reps", type=int, help="replicates of that cell")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument("--list", action="store_true", help="names of the cells")
    arguments = parser.parse_args(command)
    every = {cell.name: cell for cell in cells()}
    if arguments.list:
        print("\n".join(every))
        return
    if arguments.cell:
        cell = every[arguments.cell]
        print(run(replace(cell, reps=arguments.reps or cell.reps), arguments.workers).to_string())
        return
    earlier = stored(CSV)
    done = dict(zip(earlier["cell"], earlier["asked"], strict=True)) if len(earlier) else {}
    for name, cell in every.items():
        if done.get(name) == cell.reps:
            continue
        started = time.perf_counter()
        table = run(cell, arguments.workers)
        seconds = time.perf_counter() - started
        add(cell, table, seconds, CSV)
        print(f"{name}: {cell.reps} replicates, {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
