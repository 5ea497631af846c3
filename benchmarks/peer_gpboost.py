"""Times one model in gpboost, warm; called by compare.py with an interpreter that has gpboost.

    python peer_gpboost.py data.npz '{"likelihood": "beta", "repeats": 7}'

data.npz: y (n,), X (n, p), groups (n, g), and weights (n,) for trials.  Prints one line of JSON.
The exact (Cholesky) algebra is asked for: the iterative one stops short of the maximum.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time

import gpboost
import numpy as np


def timed(data: dict[str, np.ndarray], spec: dict, threads: int) -> dict:
    """Fit with standard errors ``repeats`` times, after one untimed fit unless repeats is 1."""
    options = {"weights": data["weights"]} if "weights" in data else {}
    seconds = []
    for _ in range(spec["repeats"] + (spec["repeats"] > 1)):
        start = time.perf_counter()
        model = gpboost.GPModel(
            group_data=data["groups"],
            likelihood=spec["likelihood"],
            matrix_inversion_method="cholesky",
            num_parallel_threads=threads,
            **options,
        )
        model.fit(y=data["y"], X=data["X"])
        model.get_coef(std_err=True)
        seconds.append(time.perf_counter() - start)
    return {
        "seconds": seconds[-spec["repeats"] :],
        "logLik": -model.get_current_neg_log_likelihood(),
        "version": gpboost.__version__,
        "threads": threads,
    }


def main(path: str, text: str) -> None:
    """One thread and all cores, the faster of the two: small models lose by more threads."""
    data, spec = dict(np.load(path)), json.loads(text)
    cores = sorted({1, os.cpu_count() or 1})
    runs = [timed(data, spec, threads) for threads in cores]
    print(json.dumps(min(runs, key=lambda run: statistics.median(run["seconds"]))))


if __name__ == "__main__":
    main(*sys.argv[1:])
