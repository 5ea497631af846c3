"""Times one model in gpboost, warm; called by compare.py with an interpreter that has gpboost.

    python peer_gpboost.py data.npz '{"likelihood": "beta", "repeats": 7}'

data.npz: y (n,), X (n, p), groups (n, g), and weights (n,) for trials.  Prints one line of JSON:
gpboost as it comes, with the threads and the algebra it chooses itself, and gpboost tuned, with
exact (Cholesky) algebra and the faster of one thread and all cores.  The iterative algebra that it
chooses for crossed effects stops short of the maximum; small models lose by more threads.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from typing import Any

import gpboost
import numpy as np


def timed(data: dict[str, np.ndarray], spec: dict[str, Any], **options: Any) -> dict[str, Any]:
    """Fit with standard errors ``repeats`` times, after one untimed fit unless repeats is 1."""
    if "weights" in data:
        options["weights"] = data["weights"]
    seconds = []
    for _ in range(spec["repeats"] + (spec["repeats"] > 1)):
        start = time.perf_counter()
        model = gpboost.GPModel(group_data=data["groups"], likelihood=spec["likelihood"], **options)
        model.fit(y=data["y"], X=data["X"])
        model.get_coef(std_err=True)
        seconds.append(time.perf_counter() - start)
    return {
        "seconds": seconds[-spec["repeats"] :],
        "logLik": -model.get_current_neg_log_likelihood(),
        "version": gpboost.__version__,
    }


def main(path: str, text: str) -> None:
    """Both ways to use it."""
    data, spec = dict(np.load(path)), json.loads(text)
    exact = [
        {"matrix_inversion_method": "cholesky", "num_parallel_threads": threads}
        for threads in sorted({1, os.cpu_count() or 1})
    ]
    tuned = [timed(data, spec, **options) | options for options in exact]
    best = min(tuned, key=lambda run: statistics.median(run["seconds"]))
    print(json.dumps({"gpboost": timed(data, spec), "gpboost, tuned": best}))


if __name__ == "__main__":
    main(*sys.argv[1:])
