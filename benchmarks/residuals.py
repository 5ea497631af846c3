"""Time and memory of simulated residuals, beside the same steps in R.

    python benchmarks/residuals.py          # writes results/residuals.json

10,000 Poisson counts in 100 groups, 250 simulations with random effects drawn anew.  R's side
(residuals.R) is written from the published description of DHARMa, which Debian does not pack:
glmmTMB's simulate(), then base R.  The two take turns, so that both see the same machine, and the
ratios are medians over the turns.  Both programs must find the same dispersion, within the Monte
Carlo error of 250 simulations, before times are compared.

Memory is that of a process of its own: a million rows from the fit to the figure.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import glmmlab as gl

HERE = Path(__file__).parent
ROWS, NSIM, TURNS = 10_000, 250, 7
LARGE = 1_000_000


def counts(rows: int, groups: int) -> pd.DataFrame:
    """Poisson counts of the model that is fitted."""
    rng = np.random.default_rng(20_261)
    group = np.arange(rows) % groups
    x = rng.uniform(-1, 1, rows)
    mean = np.exp(1 + x + rng.normal(0, 0.5, groups)[group])
    return pd.DataFrame({"y": rng.poisson(mean), "x": x, "g": pd.Categorical(group)})


def same_steps(fit: gl.Fit, seed: int) -> float:
    """What R does too: simulations, residuals, textbook p-values of three tests; the dispersion."""
    res = fit.simulate_residuals(NSIM, seed=seed)
    res.test_uniformity(reference="independent")
    dispersion = res.test_dispersion()
    res.test_outliers(type="binomial")
    return dispersion.statistic


def default_tests(fit: gl.Fit, seed: int) -> None:
    """Simulations, residuals, and every default test: five, with references that hold here."""
    fit.simulate_residuals(NSIM, seed=seed).test_all()


def with_figure(fit: gl.Fit, seed: int) -> None:
    """The default tests and the overview figure, drawn."""
    res = fit.simulate_residuals(NSIM, seed=seed)
    res.test_all()
    figure = res.plot()
    figure.canvas.draw()
    figure.clear()


def seconds(function: Callable[[gl.Fit, int], Any], fit: gl.Fit, seed: int) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    function(fit, seed)
    return time.perf_counter() - start


def in_r(table: Path, seed: int) -> dict[str, Any]:
    """The steps in R, warm: its start and the fit are not counted."""
    run = subprocess.run(
        ["Rscript", str(HERE / "residuals.R"), str(table), str(seed)],
        capture_output=True,
        text=True,
        check=True,
    )
    result: dict[str, Any] = json.loads(run.stdout.strip().splitlines()[-1])
    return result


def take_turns() -> dict[str, Any]:
    """Seconds of every turn, ours and R's."""
    import matplotlib

    matplotlib.use("Agg")
    data = counts(ROWS, 100)
    fit = gl.glmm("y ~ x + (1 | g)", data, "poisson")
    with_figure(fit, 0)  # imports and fonts are not counted
    times: dict[str, list[float]] = {"same steps": [], "default tests": [], "with figure": []}
    theirs, ratios = [], []
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "data.csv"
        data.to_csv(table, index=False)
        for turn in range(1, TURNS + 1):
            for name, what in zip(times, (same_steps, default_tests, with_figure), strict=True):
                times[name].append(seconds(what, fit, turn))
            if shutil.which("Rscript") is not None:
                theirs.append(in_r(table, turn))
                ratios.append(theirs[-1]["ratio"])
    result: dict[str, Any] = {"glmmlab": times, "version": gl.__version__}
    if not theirs or "missing" in theirs[0]:
        return result | {"R": "not installed"}
    own = same_steps(fit, 1)
    difference = abs(own - statistics.median(ratios))
    if difference > 0.02:
        raise SystemExit(f"the dispersion is {own:.4f} here and {ratios} in R: not the same model")
    totals = [sum(t["seconds"].values()) for t in theirs]
    ratio = {
        name: statistics.median(r / t for r, t in zip(totals, ours, strict=True))
        for name, ours in times.items()
    }
    steps = {k: statistics.median(t["seconds"][k] for t in theirs) for k in theirs[0]["seconds"]}
    return result | {
        "R": {"total": totals, "steps": steps, "glmmTMB": theirs[0]["version"]},
        "R over glmmlab": ratio,
        "dispersion": [own, statistics.median(ratios)],
    }


def large() -> None:
    """A million rows in this process; prints its peak memory (kilobytes)."""
    import resource

    import matplotlib

    matplotlib.use("Agg")
    fit = gl.glmm("y ~ x + (1 | g)", counts(LARGE, 1000), "poisson")
    fitted = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    res = fit.simulate_residuals(NSIM, seed=1)
    res.test_all()
    tested = time.perf_counter() - start
    res.plot().canvas.draw()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    drawn = time.perf_counter() - start - tested
    print(
        json.dumps(
            {
                "rows": LARGE,
                "nsim": NSIM,
                "gigabytes after the fit": 1024 * fitted / 1e9,
                "peak gigabytes": 1024 * peak / 1e9,
                "seconds to the tests": tested,
                "seconds of the figure": drawn,
            }
        )
    )


def main() -> None:
    """Both measurements, stored."""
    result = take_turns()
    child = subprocess.run(
        [sys.executable, __file__, "--large"], capture_output=True, text=True, check=True
    )
    result["memory"] = json.loads(child.stdout.strip().splitlines()[-1])
    (HERE / "results" / "residuals.json").write_text(json.dumps(result, indent=2) + "\n")
    for name, ours in result["glmmlab"].items():
        line = f"{name:14s} {statistics.median(ours):6.2f} s"
        if "R over glmmlab" in result:
            line += f"   R, same steps: {result['R over glmmlab'][name]:5.1f} x"
        print(line)
    print(json.dumps(result["memory"], indent=2))


if __name__ == "__main__":
    large() if "--large" in sys.argv else main()
