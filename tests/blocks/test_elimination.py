"""Block elimination against dense linear algebra (mathematics; tolerance of rounding)."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import glmmlab as gl
from glmmlab.blocks import Factor, RandomStructure, elimination
from glmmlab.blocks.cross import FullCross, SparseCross, WideCross, cross_part
from glmmlab.design import build_design

N = 60
LAYOUTS = {
    "one intercept": [("g", 7, 1)],
    "one slope": [("g", 7, 2)],
    "two terms on one factor": [("g", 7, 1), ("g", 7, 1)],
    "nested": [("a", 4, 1), ("a:b", 12, 1)],
    "crossed": [("g", 9, 2), ("h", 5, 1)],
    "three factors with slopes": [("g", 9, 2), ("h", 5, 2), ("k", 3, 1)],
    "every pair once": [("g", 12, 2), ("h", 5, 1)],
    "every pair four times": [("g", 5, 1), ("h", 3, 1)],
}


def terms(layout, rng):
    codes, made = {}, []
    if layout in (LAYOUTS["every pair once"], LAYOUTS["every pair four times"]):
        (_, levels, _), (_, inner, _) = layout
        shuffled = rng.permutation(N) % (levels * inner)
        codes["g"], codes["h"] = np.divmod(shuffled, inner)
    for group, levels, k in layout:
        if group == "a:b":
            codes[group] = codes["a"] * 3 + rng.integers(0, 3, N)
        codes.setdefault(
            group, np.concatenate([np.arange(levels), rng.integers(0, levels, N - levels)])
        )
        made.append(
            SimpleNamespace(
                group=group,
                levels=tuple(range(levels)),
                codes=codes[group].astype(np.intp),
                Z=np.column_stack([np.ones(N), rng.normal(size=(N, k - 1))]),
                diagonal=False,
                names=tuple(f"x{j}" for j in range(k)),
            )
        )
    return made


def dense_m(structure, lowers):
    """M of all random effects, in the order (eliminated level-major, dense part), sorted rows."""
    blocks_big, blocks_rest = [], []
    for s, lower in zip(structure.slots, lowers, strict=True):
        term = structure.terms[s.term]
        scaled = term.Z @ lower
        full = np.zeros((N, len(term.levels), s.size))
        full[np.arange(N), term.codes] = scaled
        if s.eliminated:
            blocks_big.append(full)
        else:
            blocks_rest.append(full.reshape(N, -1))
    big = np.concatenate(blocks_big, axis=2).reshape(N, -1)
    return np.concatenate([big, *blocks_rest], axis=1)[structure.order]


@pytest.mark.parametrize("form", [FullCross, SparseCross, WideCross])
@pytest.mark.parametrize("with_x", [False, True], ids=["random only", "beta integrated"])
@pytest.mark.parametrize("name", LAYOUTS)
def test_factor_agrees_with_dense_algebra(name, with_x, form, monkeypatch):
    monkeypatch.setattr(elimination, "cross_part", form)
    monkeypatch.setattr("glmmlab.blocks.cross.MAX_ENTRIES", 20)  # WideCross: one level a piece
    rng = np.random.default_rng(1)
    structure = RandomStructure(terms(LAYOUTS[name], rng), N)
    theta = rng.normal(size=structure.n_theta)
    pattern = structure.pattern
    R, V = structure.scale(pattern, theta)
    M = dense_m(structure, structure.factors(theta))
    X = rng.normal(size=(3, N)) if with_x else None
    W = rng.uniform(0.2, 3.0, N)
    full = M if X is None else np.column_stack([M, X.T])
    prior = np.eye(full.shape[1])
    if with_x:
        prior[-3:, -3:] = 0.0
    H = full.T @ (W[:, None] * full) + prior
    factor = Factor(pattern, R, V, X, W)
    assert factor.positive
    assert_allclose(factor.log_determinant(), np.linalg.slogdet(H)[1], rtol=1e-12)

    k, levels = R.shape[0], len(pattern.counts)
    rhs = rng.normal(size=len(H))
    x1, x2 = factor.solve(rhs[: k * levels].reshape(levels, k).T, rhs[k * levels :])
    expected = np.linalg.solve(H, rhs)
    assert_allclose(np.concatenate([x1.T.ravel(), x2]), expected, rtol=1e-10, atol=1e-12)

    big, rest, leverage = factor.row_products()
    inverse = np.linalg.inv(H)
    assert_allclose(leverage, np.einsum("ij,jk,ik->i", full, inverse, full), rtol=1e-10)
    products = full @ inverse
    for a in range(k):
        assert_allclose(big[a], products[np.arange(N), pattern.codes * k + a], atol=1e-11)
    for e in range(len(V)):
        at = products[np.arange(N), k * levels + pattern.columns[e]]
        assert_allclose(rest[e], at, atol=1e-11)


def test_the_form_of_the_cross_part_follows_how_full_it_is(monkeypatch):
    rng = np.random.default_rng(4)

    def form(levels, columns):
        crossed = [
            SimpleNamespace(
                group=group,
                levels=tuple(range(count)),
                codes=np.concatenate([np.arange(count), rng.integers(0, count, 600 - count)]),
                Z=np.ones((600, 1)),
                diagonal=False,
            )
            for group, count in (("g", levels), ("h", columns))
        ]
        pattern = RandomStructure(crossed, 600).pattern
        return type(cross_part(pattern, np.ones((1, len(pattern.pairs[0])))))

    assert form(20, 10) is FullCross
    assert form(300, 290) is SparseCross
    monkeypatch.setattr("glmmlab.blocks.cross.MAX_ENTRIES", 600)
    assert form(300, 290) is WideCross


@pytest.mark.parametrize(
    ("name", "complete", "one_row"),
    [
        ("crossed", False, False),
        ("every pair once", True, True),
        ("every pair four times", True, False),
    ],
)
def test_complete_crossings_are_seen(name, complete, one_row):
    pattern = RandomStructure(terms(LAYOUTS[name], np.random.default_rng(5)), N).pattern
    assert pattern.complete == complete
    assert pattern.one_row_a_pair == one_row


def test_a_batch_is_its_entries():
    rng = np.random.default_rng(2)
    structure = RandomStructure(terms(LAYOUTS["one slope"], rng), N)
    theta = rng.normal(size=(5, structure.n_theta))
    W = rng.uniform(0.2, 3.0, (5, N))
    R, V = structure.scale(structure.pattern, theta)
    batch = Factor(structure.pattern, R, V, None, W)
    big, _, leverage = batch.row_products()
    for i in range(5):
        Ri, Vi = structure.scale(structure.pattern, theta[i])
        one = Factor(structure.pattern, Ri, Vi, None, W[i])
        assert_allclose(batch.log_determinant()[i], one.log_determinant(), rtol=1e-13)
        assert_allclose(big[:, i], one.row_products()[0], rtol=1e-12)
        assert_allclose(leverage[i], one.row_products()[2], rtol=1e-12)


def test_indefinite_blocks_are_seen():
    rng = np.random.default_rng(3)
    structure = RandomStructure(terms(LAYOUTS["one slope"], rng), N)
    R, V = structure.scale(structure.pattern, np.ones(structure.n_theta))
    assert not Factor(structure.pattern, R, V, None, np.full(N, -5.0)).positive


@pytest.mark.parametrize(("levels", "fits"), [(10_000, True), (10_001, False)])
def test_too_many_crossed_levels_are_refused(levels, fits):
    rows = np.arange(2 * levels)
    columns = {"a": rows % levels, "b": (rows + rows // levels) % levels}
    data = pd.DataFrame({name: values.astype(str) for name, values in columns.items()})
    data["y"] = rows % 3
    random = build_design("y ~ 1 + (1 | a) + (1 | b)", data, gl.families.Poisson()).random
    if fits:
        assert RandomStructure(random, len(data)).eliminated in ("a", "b")
        return
    with pytest.raises(gl.DataError, match=r"10,001 random effects: \w \(10,001\)"):
        RandomStructure(random, len(data))
