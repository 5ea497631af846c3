"""One BLAS thread inside a fit.

The matrices of a fit are small; threads that spin while they wait for each other cost up to a
hundred times more than they save.  The limit is process-wide, so it is reference-counted:
concurrent fits share it, and the last one to leave restores what was there before.

threadpoolctl lets one thread alone change a process-wide limit, the first that did, and ignores
all others.  Here the count decides who may: whoever enters first or leaves last takes the control
over.  (OpenBLAS over OpenMP has a limit for each thread instead; there every thread sets its own.)
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_lock = threading.Lock()
_users = 0
_controllers: tuple[Any, Any] | None = None
_limiter: Any = None


@contextmanager
def single_blas_thread() -> Iterator[None]:
    """Limit BLAS to one thread while any caller is inside.

    Examples
    --------
    >>> from glmmlab.threads import single_blas_thread
    >>> with single_blas_thread():
    ...     pass
    """
    global _users, _controllers, _limiter
    with _lock:
        if _controllers is None:
            _controllers = _found()
        shared, own = _controllers
        if _users == 0:
            _take_over(shared)
            _limiter = shared.limit(limits=1, user_api="blas")
        _users += 1
    mine = own.limit(limits=1, user_api="blas") if own.lib_controllers else None
    try:
        yield
    finally:
        if mine is not None:
            mine.restore_original_limits()
        with _lock:
            _users -= 1
            if _users == 0:
                _take_over(shared)
                _limiter.restore_original_limits()
                _take_over(shared)  # the next to set a limit may be any thread
                _limiter = None


def _found() -> tuple[Any, Any]:
    """The libraries whose limit is the process's, and those with one for each thread."""
    from threadpoolctl import ThreadpoolController

    libraries = ThreadpoolController().select(user_api="blas")
    own = [lib.filepath for lib in libraries.lib_controllers if _for_each_thread(lib)]
    shared = [lib.filepath for lib in libraries.lib_controllers if not _for_each_thread(lib)]
    return libraries.select(filepath=shared), libraries.select(filepath=own)


def _for_each_thread(library: Any) -> bool:
    layer = getattr(library, "threading_layer", None)
    return hasattr(library, "clear_controlling_thread") and layer == "openmp"


def _take_over(controller: Any) -> None:
    """Let this thread change the limits (threadpoolctl from 3.8; before, every thread may)."""
    for library in controller.lib_controllers:
        if hasattr(library, "clear_controlling_thread"):
            library.clear_controlling_thread(force=True)
