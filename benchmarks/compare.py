"""Times glmmlab beside its peers: same data, same machine, same run.

    python benchmarks/compare.py                 # every workload
    python benchmarks/compare.py "cbpp, binomial, 56 rows"
    GPBOOST_PYTHON=elsewhere/bin/python python benchmarks/compare.py   # gpboost installed there

A peer that is not installed is skipped, and the table says so.  Before any time is compared the
log-likelihoods must agree.  Times are of warm processes, fit and standard errors, medians.
Results are written to ``benchmarks/results/compare.json``; the table for README.md is printed.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from workloads import WORKLOADS, Workload

import glmmlab as gl
from glmmlab.design import build_design

HERE = Path(__file__).parent
GPBOOST_NAMES = {"binomial": "bernoulli_logit", "nbinom2": "negative_binomial"}


def time_glmmlab(work: Workload, data: pd.DataFrame) -> dict[str, Any]:
    """Formula to standard errors."""
    if "g" in data:
        data = data.astype({"g": "category"})
    seconds: list[float] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gl.GlmmlabWarning)
        if work.repeats > 1:
            gl.glmm(work.formula, data, work.family, method=work.method)
        for _ in range(work.repeats):
            start = time.perf_counter()
            fit = gl.glmm(work.formula, data, work.family, method=work.method)
            seconds.append(time.perf_counter() - start)
    return {"seconds": seconds, "logLik": fit.llf, "version": gl.__version__}


def time_r(package: str, work: Workload, data: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """The same model in R (peers.R)."""
    if shutil.which("Rscript") is None:
        return {package: {"missing": True}}
    factors = [c for c in data if isinstance(data[c].dtype, pd.CategoricalDtype)]
    factors += [c for c in ("g", "s", "d", "subject", "item") if c in data]
    spec = {
        "r_formula": work.r_formula or work.formula,
        "family": work.family,
        "method": work.method,
        "repeats": work.repeats,
        "factors": factors,
    }
    with tempfile.TemporaryDirectory() as folder:
        table, description = Path(folder) / "data.csv", Path(folder) / "spec.json"
        data.to_csv(table, index=False)
        description.write_text(json.dumps(spec))
        command = ["Rscript", str(HERE / "peers.R"), package, str(table), str(description)]
        result = _answer(command)
    if isinstance(result.get("seconds"), float | int):
        result["seconds"] = [result["seconds"]]
    return {package: result}


def time_gpboost(work: Workload, data: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """The same model in gpboost (peer_gpboost.py), as it comes and tuned.

    From finished matrices: it has no formulas.
    """
    python = os.environ.get("GPBOOST_PYTHON", sys.executable)
    known = subprocess.run([python, "-c", "import gpboost"], capture_output=True, check=False)
    if known.returncode:
        return {"gpboost": {"missing": True}}
    design = build_design(work.formula, data, gl.families.get(work.family))
    if any(term.Z.shape[1] > 1 for term in design.random):
        return {"gpboost": {"skipped": "it has no correlated slopes"}}
    arrays = {
        "y": design.y,
        "X": design.conditional.X,
        "groups": np.column_stack([term.codes for term in design.random]),
    }
    likelihood = GPBOOST_NAMES.get(work.family, work.family)
    if design.trials is not None and (design.trials > 1).any():
        likelihood = "binomial_logit"
        arrays |= {"y": design.y / design.trials, "weights": design.trials}
    spec = {"likelihood": likelihood, "repeats": work.repeats}
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "data.npz"
        np.savez(table, **arrays)
        answer = _answer([python, str(HERE / "peer_gpboost.py"), str(table), json.dumps(spec)])
    return {"gpboost": answer} if "failed" in answer else answer


def _answer(command: list[str]) -> dict[str, Any]:
    """What a peer prints last, or the last line of its complaint."""
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        return {"failed": run.stderr.strip().splitlines()[-1:]}
    result: dict[str, Any] = json.loads(run.stdout.strip().splitlines()[-1])
    return result


def compare(work: Workload) -> list[dict[str, Any]]:
    """One workload, everybody."""
    data = work.data()
    ours = time_glmmlab(work, data)
    rows = [{"workload": work.name, "who": "glmmlab", **ours}]
    for peer in work.peers:
        gpboost = peer == "gpboost"
        results = time_gpboost(work, data) if gpboost else time_r(peer, work, data)
        for who, result in results.items():
            row = {"workload": work.name, "who": who, **result}
            if "logLik" in result:
                row["logLik_difference"] = ours["logLik"] - result["logLik"]
                row["agrees"] = abs(row["logLik_difference"]) < work.tolerance
            rows.append(row)
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """The results as text; ratios are peer over glmmlab."""
    lines, ours = [], 1.0
    for row in rows:
        if "seconds" not in row:
            why = "not installed" if row.get("missing") else f"failed {row.get('failed')}"
            why = row.get("skipped", why)
            lines.append(f"{row['workload']:34} {row['who']:14} {why}")
            continue
        median = statistics.median(row["seconds"])
        if row["who"] == "glmmlab":
            ours = median
        note = f"{median / ours:6.1f} x"
        if not row.get("agrees", True):
            note = f"stops {row['logLik_difference']:.2g} below our log-likelihood"
        lines.append(
            f"{row['workload']:34} {row['who']:14} {1e3 * median:10.1f} ms  {note:40} "
            f"logLik {row['logLik']:.6f}"
        )
    return "\n".join(lines)


PEERS = ("glmmTMB", "lme4", "gpboost", "gpboost, tuned")


def markdown(rows: list[dict[str, Any]]) -> str:
    """README's table: our time, and the others' as multiples of it; + where they stop short."""
    lines = [f"| model | glmmlab | {' | '.join(PEERS)} |", "|---" * (2 + len(PEERS)) + "|"]
    for name in dict.fromkeys(row["workload"] for row in rows):
        of = {row["who"]: row for row in rows if row["workload"] == name}
        ours = statistics.median(of["glmmlab"]["seconds"])
        if len(of) == 1:
            continue
        cells = [name, f"{ours:.2g} s" if ours > 0.5 else f"{1e3 * ours:.2g} ms"]
        for peer in PEERS:
            row = of.get(peer, {})
            ratio = statistics.median(row["seconds"]) / ours if "seconds" in row else None
            short = "" if row.get("agrees", True) else " +"
            cells.append(
                "" if ratio is None else f"{ratio:{'.0f' if ratio >= 10 else '.1f'}} x{short}"
            )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main(names: list[str]) -> None:
    """Run, print as results come, store."""
    everything = []
    for name in names or list(WORKLOADS):
        rows = compare(WORKLOADS[name])
        print(table(rows), flush=True)
        everything += rows
    if not names:
        target = HERE / "results" / "compare.json"
        target.parent.mkdir(exist_ok=True)
        target.write_text(json.dumps(everything, indent=1) + "\n")
        print(markdown(everything))


if __name__ == "__main__":
    main(sys.argv[1:])
