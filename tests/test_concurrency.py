"""Many fits at once give what they give one by one; nothing global is left behind."""

from __future__ import annotations

import subprocess
import sys
import threading
import warnings
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from threadpoolctl import threadpool_info, threadpool_limits

import glmmlab as gl
from glmmlab import threads
from glmmlab.threads import single_blas_thread
from r_models import call, numbers

CASES = (
    "cbpp_binom",
    "dyestuff_reml",
    "epil2_nbinom1",
    "fung_beta",
    "sal_zip_simple",
    "seeds_binom_plate",
    "seeds_betabinom",
    "sleep_corr_ml",
)


@pytest.fixture(scope="module")
def one_by_one():
    return {case: numbers(case) for case in CASES}


def test_threads_give_the_same_to_the_last_bit(one_by_one):
    work = list(CASES) * 3
    with ThreadPoolExecutor(6) as pool:
        for case, found in zip(work, pool.map(numbers, work), strict=True):
            assert_array_equal(found, one_by_one[case], err_msg=case)


@pytest.mark.slow
def test_processes_give_the_same_to_the_last_bit(one_by_one):
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        for case, found in zip(CASES, pool.map(numbers, CASES), strict=True):
            assert_array_equal(found, one_by_one[case], err_msg=case)


def test_one_fit_may_be_asked_by_many_threads():
    fit = gl.glmm(**call("fung_beta"))

    def ask(_):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            means = fit.emmeans("fungicide").pairs().frame["p"].to_numpy()
            return np.r_[means, fit.predict().to_numpy(), fit.bse.to_numpy()]

    first = ask(0)
    with ThreadPoolExecutor(6) as pool:
        for found in pool.map(ask, range(12)):
            assert_array_equal(found, first)


# -- BLAS threads ----------------------------------------------------------------------------


def blas_threads() -> list[int]:
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


@pytest.fixture
def two_threads():
    """BLAS with two threads, as a user may have it."""
    with threadpool_limits(2, user_api="blas"):
        if not blas_threads() or set(blas_threads()) != {2}:
            pytest.skip("this BLAS cannot have two threads")
        yield


def test_a_fit_runs_under_one_thread_and_gives_back_what_was_there(two_threads, monkeypatch):
    from glmmlab.estimate import fit as fitting

    seen = []
    real = fitting.starting_values

    def watched(*arguments):
        seen.extend(blas_threads())
        return real(*arguments)

    monkeypatch.setattr(fitting, "starting_values", watched)
    gl.glmm(**call("seeds_binom_plate"))
    assert set(seen) == {1} and set(blas_threads()) == {2}


def test_the_limit_nests_and_outlives_errors(two_threads):
    with single_blas_thread():
        with pytest.raises(ZeroDivisionError), single_blas_thread():
            raise ZeroDivisionError
        assert set(blas_threads()) == {1}
    assert set(blas_threads()) == {2}
    assert threads._users == 0


def test_the_last_of_many_to_leave_gives_back_the_threads(two_threads):
    """Threads enter and leave in every order; the limit holds while one is inside."""
    inside, first_out, done = threading.Barrier(3), threading.Event(), []

    def enters(leaves_first):
        with single_blas_thread():
            inside.wait(30)
            if not leaves_first:
                first_out.wait(30)
                done.append(set(blas_threads()))
        if leaves_first:
            first_out.set()

    workers = [threading.Thread(target=enters, args=(first,)) for first in (True, False)]
    for worker in workers:
        worker.start()
    inside.wait(30)
    for worker in workers:
        worker.join(30)
    assert done == [{1}]
    assert set(blas_threads()) == {2} and threads._users == 0


def test_a_failing_fit_gives_back_the_threads(two_threads, monkeypatch):
    from glmmlab.estimate import fit as fitting

    def fails(*arguments):
        raise gl.ConvergenceError("no usable optimum")

    monkeypatch.setattr(fitting, "starting_values", fails)
    with pytest.raises(gl.ConvergenceError):
        gl.glmm(**call("seeds_binom_plate"))
    assert set(blas_threads()) == {2}


# -- no global state -------------------------------------------------------------------------

STATE = """
import random, warnings, locale
import numpy as np, pandas as pd
import glmmlab as gl
def state():
    return repr((
        np.geterr(), random.getstate(), np.random.get_state()[1].tolist(), np.get_printoptions(),
        locale.setlocale(locale.LC_ALL),
        [pd.get_option(o) for o in ("display.max_rows", "display.precision", "mode.copy_on_write")],
    ))
before = state()
seeds = gl.datasets.load("seed_germination")
fit = gl.glmm("cbind(germ, n - germ) ~ extract * gen + (1 | plate)", seeds, "binomial")
fit.summary()._repr_html_(); fit.anova(); fit.emmeans("gen").pairs(); fit.simulate(3, seed=1)
fit.simulate_residuals(n=20, seed=1); fit.bootstrap(2, seed=1); fit.report(); fit.profile()
fit.predict(se=True); fit.diagnose()
assert state() == before
"""


def test_a_session_leaves_no_global_state_behind():
    run = subprocess.run([sys.executable, "-c", STATE], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def test_a_second_thread_is_limited_as_the_first_was(two_threads):
    """threadpoolctl alone would heed the first thread only, as long as it lives."""
    with single_blas_thread():
        pass
    with ThreadPoolExecutor(1) as pool:

        def inside():
            with single_blas_thread():
                return set(blas_threads())

        assert pool.submit(inside).result() == {1}
    assert set(blas_threads()) == {2}


class Library:
    """A BLAS library that has a limit for each thread."""

    filepath, threading_layer = "libopenblas.so", "openmp"

    def clear_controlling_thread(self, force=False):
        raise AssertionError("no thread controls the others")


def test_a_library_with_a_limit_for_each_thread_is_told_apart():
    assert threads._for_each_thread(Library())
    assert not threads._for_each_thread(object())
