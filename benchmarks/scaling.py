"""How time and memory grow with the rows: Bernoulli data, groups of twenty, four coefficients.

    python benchmarks/scaling.py        # writes results/scaling.json and results/scaling.png

Every size runs in a process of its own, so that the peak memory is its own.  Memory is counted
beyond what the process holds with the data loaded and a small fit done.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000)
HERE = Path(__file__).parent
CHILD = """
import json, resource, sys, time
from workloads import large_bernoulli
import glmmlab as gl
rows = int(sys.argv[1])
small = large_bernoulli(2_000)().astype({"g": "category"})
gl.glmm("y ~ x1 + x2 + x3 + (1 | g)", small, "binomial")
data = large_bernoulli(rows)().astype({"g": "category"})
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.perf_counter()
fit = gl.glmm("y ~ x1 + x2 + x3 + (1 | g)", data, "binomial")
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"rows": rows, "seconds": seconds, "llf": fit.llf,
                  "bytes_per_row": 1024 * (peak - before) / rows}))
"""


def run(rows: int) -> dict[str, Any]:
    """One size in a fresh process."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(rows)],
        cwd=HERE,
        capture_output=True,
        text=True,
        check=True,
    )
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def draw(results: list[dict[str, Any]], exponent: float) -> None:
    """Time, and peak memory beyond the data, against rows on logarithmic axes."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    rows = [r["rows"] for r in results]
    largest = results[-1]
    panels = (
        ([r["seconds"] for r in results], "seconds, fit and standard errors"),
        (
            [r["bytes_per_row"] * r["rows"] / 1e6 for r in results],
            "peak memory beyond the data, MB",
        ),
    )
    titles = (
        f"time grows as rows to the power {exponent:.2f}",
        f"{largest['bytes_per_row']:.0f} bytes a row at {largest['rows']:,} rows",
    )
    figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
    for ax, (values, label), title in zip(axes, panels, titles, strict=True):
        ax.loglog(rows, values, "o-", color="#0072B2")
        ax.set_xlabel("rows")
        ax.set_ylabel(label)
        ax.set_title(title, loc="left", fontsize=10)
        ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(HERE / "results" / "scaling.png", dpi=150)


def main() -> None:
    """All sizes, the exponent of the growth, the figure."""
    results = []
    for rows in SIZES:
        result = run(rows)
        print(
            f"{rows:>9,} rows {result['seconds']:8.3f} s {result['bytes_per_row']:7.0f} bytes/row",
            flush=True,
        )
        results.append(result)
    slope, _ = np.polyfit(
        np.log([r["rows"] for r in results]), np.log([r["seconds"] for r in results]), 1
    )
    print(f"exponent {slope:.3f}")
    target = HERE / "results" / "scaling.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps({"exponent": float(slope), "results": results}, indent=1) + "\n")
    draw(results, float(slope))


if __name__ == "__main__":
    main()
