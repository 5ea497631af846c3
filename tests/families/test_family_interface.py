"""What every family promises the engine: shapes, domains, supports, starts, names."""

from __future__ import annotations

import numpy as np
import pytest

import glmmlab as gl
from families.family_laws import settings
from families.family_points import columns, everyone, identifier, sample
from glmmlab import families
from glmmlab.errors import ResponseError, UnknownNameError
from glmmlab.families import StudentT, ZeroInflated, truncated
from glmmlab.families.base import Family

EVERYONE = everyone()
INSIDE = {"log": -0.4, "inverse": 1.7, "cloglog": -0.5}


def assert_close(got, want) -> None:
    # matrix products may add in another order for another number of columns
    np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-11)


def everything(family: Family, obs, aux, eta) -> list[np.ndarray]:
    parts = [family.normaliser(obs, aux), *family.eta_part(obs, aux, eta, third=True)]
    for triple in family.aux_part(obs, aux, eta):
        parts.extend(triple)
    return parts


def responses(family: Family) -> tuple[np.ndarray, np.ndarray | None]:
    if family.is_binomial:
        return np.array([0.0, 3.0, 7.0, 1.0]), np.array([4.0, 3.0, 20.0, 9.0])
    if family.integer:
        y = np.array([0.0, 3.0, 7.0, 1.0])
        return (y if family.zero_is_possible or not family.check(y).any() else y + 1.0), None
    return np.array([0.1, 0.52, 0.9, 0.3]), None


@pytest.mark.parametrize("family", EVERYONE, ids=identifier)
@pytest.mark.parametrize("shape", ["scalar", "rows", "batch", "full"])
def test_broadcasting_equals_the_loop(family: Family, shape: str) -> None:
    rng = np.random.default_rng(3)
    y, trials = responses(family)
    B, n = 3, len(y)
    obs = family.prepare(y, trials)
    eta = INSIDE.get(family.link.name, 0.5) * (1.0 + 0.3 * rng.random((B, n)))
    sizes = {"scalar": (), "rows": (n,), "batch": (B, 1), "full": (B, n)}
    aux = tuple(rng.normal(0.3, 0.4, sizes[shape]) for _ in family.auxiliary)
    aux = tuple(np.asarray(a) for a in aux)
    normaliser, *rest = everything(family, obs, aux, eta)
    assert normaliser.shape in ((n,), (B, n))
    for part in rest:
        assert part.shape == (B, n)
    for b in range(B):
        for i in range(n):
            one = family.prepare(y[i : i + 1], None if trials is None else trials[i : i + 1])
            at = tuple(np.broadcast_to(a, (B, n))[b, i : i + 1] for a in aux)
            want = everything(family, one, at, eta[b, i : i + 1])
            assert_close(np.broadcast_to(normaliser, (B, n))[b, i], want[0][0])
            for got, expected in zip(rest, want[1:], strict=True):
                assert_close(got[b, i], expected[0])


@pytest.mark.parametrize("family", EVERYONE, ids=identifier)
def test_flat_predictors_give_flat_answers(family: Family) -> None:
    y, trials = responses(family)
    eta = np.full(len(y), INSIDE.get(family.link.name, 0.5))
    aux = tuple(np.asarray(0.4) for _ in family.auxiliary)
    for part in everything(family, family.prepare(y, trials), aux, eta):
        assert part.shape == (len(y),)
        assert part.dtype == float


@pytest.mark.parametrize("family", EVERYONE, ids=identifier)
def test_answers_are_fresh_writable_arrays(family: Family) -> None:
    """The engine scales them in place, which must not reach what the family keeps."""
    y, trials = responses(family)
    obs = family.prepare(y, trials)
    eta = np.full(len(y), INSIDE.get(family.link.name, 0.5))
    aux = tuple(np.asarray(0.4) for _ in family.auxiliary)
    before = [np.array(v) for v in everything(family, obs, aux, eta)]
    for part in family.eta_part(obs, aux, eta, third=True):
        part *= 0.0
    for got, want in zip(everything(family, obs, aux, eta), before, strict=True):
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("family", EVERYONE, ids=identifier)
def test_outside_the_domain_the_engine_can_step_back(family: Family) -> None:
    low, high = family.eta_range
    outside = [v for v in (low, low - 1.0, high, high + 1.0) if np.isfinite(v)]
    y, trials = responses(family)
    obs = family.prepare(y, trials)
    aux = tuple(np.asarray(0.4) for _ in family.auxiliary)
    with np.errstate(all="raise", under="ignore"):
        for value in outside:
            eta = np.full(len(y), INSIDE.get(family.link.name, 0.5))
            eta[1] = value
            l, *derivatives = family.eta_part(obs, aux, eta, third=True)
            assert l[1] == -np.inf
            assert np.isfinite(np.delete(l, 1)).all()
            derivatives += [x for part in family.aux_part(obs, aux, eta) for x in part[1:]]
            assert all(np.isfinite(d).all() for d in derivatives)


@pytest.mark.parametrize("family", EVERYONE, ids=identifier)
def test_wild_predictors_give_no_nan_and_no_warning(family: Family) -> None:
    y, trials = responses(family)
    obs = family.prepare(y, trials)
    with np.errstate(all="raise", under="ignore"):
        for a in (-40.0, 0.4, 40.0):
            aux = tuple(np.asarray(a) for _ in family.auxiliary)
            for eta in (-2e4, -750.0, -400.0, 400.0, 750.0, 2e4):
                l, *derivatives = family.eta_part(obs, aux, np.full(len(y), eta), third=True)
                assert not np.isnan(l).any() and not (l == np.inf).any()
                assert not any(np.isnan(d).any() for d in derivatives)
                for part in family.aux_part(obs, aux, np.full(len(y), eta)):
                    assert not any(np.isnan(d).any() for d in part)


@pytest.mark.parametrize("family", EVERYONE, ids=identifier)
def test_endless_rows_are_those_without_a_best_predictor(family: Family) -> None:
    """Mathematics: the log-density on a grid that holds every best predictor there is."""
    y, trials = responses(family)
    if trials is None:
        y = np.concatenate([y, [0.0, 1.0]])
        y = y[~family.check(y) & ~(family.is_hurdle & (y == 0))]  # a hurdle's zeros tell nothing
    ways = family.endless(y, trials)
    widest = 1e3 if family.natural == "identity" else 60.0
    low, high = np.clip(family.eta_range, -widest, widest)
    eta = np.linspace(low, high, 4_003)[1:-1]
    aux = tuple(np.array(value) for value in settings(family)[0][1])
    rows = [
        None if trials is None else np.full(eta.shape, n) for n in (y if trials is None else trials)
    ]
    for value, n, way in zip(y, rows, np.zeros(len(y)) if ways is None else ways, strict=True):
        l = family.logpdf(np.full(eta.shape, value), None, aux, n, eta=eta)
        if way:
            assert l[-1 if way > 0 else 0] == l.max()
        else:
            assert l[0] < l.max() or np.isfinite(family.eta_range[0])
            assert l[-1] < l.max() or np.isfinite(family.eta_range[1])


@pytest.mark.parametrize("family", EVERYONE, ids=identifier)
def test_starting_values_are_finite_for_every_legal_response(family: Family) -> None:
    candidates = [0.0, 1.0, 2.0, 5.0, 1e5, 0.5, 1e-9, 1 - 1e-9, -4.0]
    n = np.full(6, 5.0) if family.is_binomial else None
    legal = [v for v in candidates if not family.check(np.full(6, v), n).any()]
    assert len(legal) >= 2
    mixed = np.resize(legal, 6)
    weights = np.array([1.0, 0.0, 2.0, 0.5, 3.0, 1.0])
    with np.errstate(all="raise", under="ignore"):
        for y in [*(np.full(6, v) for v in legal), mixed]:
            for w in (None, weights, np.zeros(6)):
                eta, aux = family.start(y, n, w)
                assert eta.shape == (6,) and np.isfinite(eta).all()
                assert len(aux) == len(family.auxiliary) and np.isfinite(aux).all()
                low, high = family.eta_range
                assert ((eta > low) & (eta < high)).all()
                values = tuple(np.asarray(a) for a in aux)
                l = family.logpdf(y, aux=values, trials=n, eta=eta)
                assert np.isfinite(l).all()


@pytest.mark.parametrize("family", EVERYONE, ids=identifier)
def test_starting_values_are_near(family: Family) -> None:
    """On plenty of data the start is within a few units of the truth on the predictor scales."""
    mu, aux, n = settings(family)[0]
    if family.link.inverse(np.asarray(family.link.link(np.asarray(mu)))) != pytest.approx(mu):
        pytest.skip("the setting's mean is outside this link")
    trials = None if n is None else np.full(4000, max(n, 8.0))
    values = tuple(np.asarray(a) for a in aux)
    y = family.simulate(np.random.default_rng(5), np.full(4000, mu), values, trials)
    eta, start = family.start(y, trials)
    # what lies under a truncated count shows only through its shape
    slack = 1.5 if "truncated" in family.name else 0.35
    assert abs(family.link.inverse(eta).mean() - mu) < slack * max(abs(mu), 0.5)
    for got, want, name in zip(start, aux, family.auxiliary, strict=True):
        assert abs(got - want) < (2.6 if name == "shape" else 1.8), name


CHECKS = [
    ("gaussian", [0.0, -3.5], [np.nan, np.inf], None),
    ("t", [0.0, -3.5], [np.nan, -np.inf], None),
    ("gamma", [1e-300, 5.0], [0.0, -1.0, np.nan, np.inf], None),
    ("truncated_poisson", [1.0, 12.0], [0.0, -1.0, 1.5, np.nan, np.inf], None),
    ("truncated_nbinom1", [1.0, 12.0], [0.0, -1.0, 1.5, np.nan, np.inf], None),
    ("truncated_nbinom2", [1.0, 12.0], [0.0, -1.0, 1.5, np.nan, np.inf], None),
    ("genpois", [0.0, 12.0], [-1.0, 0.5, np.nan, np.inf], None),
    ("ordbeta", [0.0, 1.0, 0.5], [-0.1, 1.1, np.nan], None),
    ("tweedie", [0.0, 12.5], [-1.0, np.nan, np.inf], None),
    ("inverse_gaussian", [1e-300, 5.0], [0.0, -1.0, np.nan, np.inf], None),
    ("lognormal", [1e-300, 5.0], [0.0, -1.0, np.nan, np.inf], None),
    ("beta", [1e-9, 0.5], [0.0, 1.0, -0.1, 1.1, np.nan], None),
    ("binomial", [0.0, 3.0], [-1.0, 4.0, 1.5, np.nan, np.inf], 3.0),
    ("betabinomial", [0.0, 3.0], [-1.0, 4.0, 1.5, np.nan], 3.0),
    ("poisson", [0.0, 12.0], [-1.0, 0.5, np.nan, np.inf], None),
    ("nbinom1", [0.0, 12.0], [-1.0, 0.5, np.nan, np.inf], None),
    ("nbinom2", [0.0, 12.0], [-1.0, 0.5, np.nan, np.inf], None),
]


@pytest.mark.parametrize(("name", "good", "bad", "n"), CHECKS)
def test_supports(name: str, good: list[float], bad: list[float], n: float | None) -> None:
    family = families.get(name)
    y = np.array([*good, *bad])
    trials = None if n is None else np.full(len(y), n)
    with np.errstate(all="raise"):
        rows = family.check(y, trials)
    np.testing.assert_array_equal(rows, [False] * len(good) + [True] * len(bad))
    assert len(family.support) > 10


def test_every_family_has_a_support_check() -> None:
    assert {case[0] for case in CHECKS} == set(families.names())


def test_binomial_without_trials_takes_zero_and_one() -> None:
    y = np.array([0.0, 1.0, 2.0, 0.5])
    np.testing.assert_array_equal(families.get("binomial").check(y), [False, False, True, True])


def test_zero_inflation_makes_zeros_legal() -> None:
    y = np.array([0.0, 2.0, -1.0])
    np.testing.assert_array_equal(families.get("gamma").check(y), [True, False, True])
    np.testing.assert_array_equal(
        ZeroInflated(families.get("gamma")).check(y), [False, False, True]
    )


def test_no_mass_at_zero_is_the_limit_of_zero_inflation() -> None:
    """logit pi = -80: the base, where it gives a zero more than exp(-20)."""
    for family in EVERYONE:
        if isinstance(family, ZeroInflated) or family.natural == "identity":
            continue
        y, trials, aux, eta = columns(sample(family, 30))
        inflated = ZeroInflated(family)
        l = inflated.logpdf(y, aux=(*aux, np.asarray(-80.0)), trials=trials, eta=eta)
        want = family.logpdf(y, aux=aux, trials=trials, eta=eta)
        keep = (want > -20.0) & ((y > 0) | family.zero_is_possible)
        np.testing.assert_allclose(l[keep], want[keep], rtol=1e-12, atol=1e-12)


def test_dispersion_is_the_phi_of_the_variance_function() -> None:
    """The table of names that others rely on: what fit.dispersion reports."""
    a = 0.7
    want = {
        "gaussian": np.exp(2 * a),
        "t": np.exp(2 * a),
        **dict.fromkeys(("gamma", "beta", "betabinomial", "nbinom1", "nbinom2"), np.exp(a)),
        "poisson": 1.0,
        "binomial": 1.0,
    }
    for name, value in want.items():
        assert families.get(name).dispersion(a) == pytest.approx(value, rel=1e-14), name
        inflated = families.get(name)
        if inflated.natural != "identity":
            assert ZeroInflated(inflated).dispersion(a) == pytest.approx(value, rel=1e-14)
    assert StudentT().shape(np.log(4.0)) == {"degrees of freedom": pytest.approx(4.0)}
    assert families.get("poisson").shape(1.0) == {}


def test_registry() -> None:
    assert set(families.names()) >= {
        *("gaussian", "t", "gamma", "beta", "binomial", "betabinomial", "poisson"),
        *("nbinom1", "nbinom2"),
    }
    for name in families.names():
        family = families.get(name)
        assert family.name == name and family.link.name == family.default_link
        assert family.default_link in family.allowed_links
        assert repr(family).endswith(f"(link={family.default_link!r})")
    assert families.get("gamma").link.name == "log"
    probit = families.get("binomial", link="probit")
    assert families.get(probit) is probit
    assert families.get(probit, link="logit").link.name == "logit"
    assert gl.families.Gamma(link="inverse").link == gl.links.Inverse()


def test_links_of_composed_families_can_be_changed() -> None:
    fixed = StudentT(df=3.0).with_link("log")
    assert (fixed.df, fixed.link.name) == (3.0, "log")
    assert repr(fixed) == "StudentT(link='log', df=3.0)"
    inflated = families.get(ZeroInflated(families.get("poisson")), link="sqrt")
    assert isinstance(inflated, ZeroInflated) and inflated.base.link.name == "sqrt"
    assert repr(inflated) == "ZeroInflated(Poisson(link='sqrt'))"


def test_options_of_a_family_come_along() -> None:
    class Known(families.Gaussian):
        def __init__(self, link: str | None = None, sigma: float = 1.0) -> None:
            super().__init__(link)
            self.sigma = sigma

        def options(self) -> dict[str, float]:
            return {"sigma": self.sigma}

    known = Known(sigma=2.0).with_link("log")
    assert isinstance(known, Known) and (known.sigma, known.link.name) == (2.0, "log")
    assert repr(known) == "Known(link='log', sigma=2.0)"
    assert families.get("poisson").options() == StudentT().options() == {}
    assert StudentT(df=3.0).options() == {"df": 3.0}


def test_the_classical_linear_model_is_gaussian_with_the_identity_link() -> None:
    linear = [(f.name, f.link.name) for f in everyone() if f.is_linear]
    assert set(linear) == {("gaussian", "identity")}


def test_counts_truncated_at_zero_must_say_how_likely_zero_is() -> None:
    class Unsaid(truncated._Truncated, families.Poisson):
        name = "unsaid"
        _base = families.Poisson

    with pytest.raises(TypeError, match="abstract"):
        Unsaid()


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [("poison", "poisson"), ("betabinom", "betabinomial"), ("Gausian", "gaussian")],
)
def test_an_unknown_family_suggests_the_nearest(wrong: str, hint: str) -> None:
    with pytest.raises(UnknownNameError, match=f"Did you mean '{hint}'"):
        families.get(wrong)


def test_wrong_arguments_say_what_to_do() -> None:
    with pytest.raises(UnknownNameError, match="gamma family does not take the 'logit' link"):
        families.get("gamma", link="logit")
    with pytest.raises(UnknownNameError, match="zero-inflated already"):
        ZeroInflated(ZeroInflated(families.get("poisson")))
    with pytest.raises(ResponseError, match="gaussian"):
        ZeroInflated(families.get("gaussian"))
    with pytest.raises(ResponseError, match="positive"):
        StudentT(df=0.0)
