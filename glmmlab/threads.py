"""One BLAS thread inside a fit.

The matrices of a fit are small; threads that spin while they wait for each other cost up to a
hundred times more than they save.  The limit is process-wide, so it is reference-counted:
concurrent fits share it, and the last one to leave restores what was there before.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_lock = threading.Lock()
_users = 0
_controller: Any = None
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
    global _users, _controller, _limiter
    with _lock:
        if _users == 0:
            if _controller is None:
                from threadpoolctl import ThreadpoolController

                _controller = ThreadpoolController()
            _limiter = _controller.limit(limits=1, user_api="blas")
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                _limiter.restore_original_limits()
                _limiter = None
