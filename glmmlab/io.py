"""Read a saved fit."""

from __future__ import annotations

import os

from glmmlab._files import read_object
from glmmlab.errors import SavedFileError
from glmmlab.results.fit import Fit
from glmmlab.saving import from_document


def load(path: str | os.PathLike[str]) -> Fit:
    """Load a fit that ``fit.save(path)`` wrote; the optimum is read, not searched again.

    The file is plain JSON and nothing in it is run as a program, except that its formula is
    evaluated on its data, as ``glmm`` does it: columns, numbers, arithmetic and a fixed list of
    functions, nothing else.  All the same, a formula is code: load files from people you trust.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    Fit
        It gives the same tables, predictions, simulations and intervals as the one saved.

    Raises
    ------
    SavedFileError
        The file cannot be read, is damaged, was changed after it was saved, is no saved fit, or
        comes from a newer glmmlab; the message says which, and where.

    Examples
    --------
    >>> import os, tempfile
    >>> import glmmlab as gl
    >>> seeds = gl.datasets.load("seed_germination")
    >>> fit = gl.glmm("cbind(germ, n - germ) ~ extract * gen", data=seeds, family="binomial")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     fit.save(os.path.join(folder, "seeds.json"))
    ...     again = gl.load(os.path.join(folder, "seeds.json"))
    >>> again.llf == fit.llf and again.params.equals(fit.params)
    True
    """
    document = read_object(path)
    try:
        return Fit(from_document(document))
    except SavedFileError as error:
        raise SavedFileError(f"{os.fspath(path)} cannot be loaded: {error}") from None
