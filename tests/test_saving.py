"""A saved fit comes back as it was, from a plain file that says what is wrong with it."""

from __future__ import annotations

import json
import os
import stat
import warnings
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_array_equal
from pandas.testing import assert_frame_equal, assert_series_equal

import glmmlab as gl
from conftest import reference_cases
from glmmlab import _files
from glmmlab._files import canonical, checksum, decode_array, encode_array
from glmmlab.saving import SCHEMA
from glmmlab.saving.columns import decode_frame, encode_frame
from r_models import fit

OLD_FILES = sorted((Path(__file__).parent / "data").glob("fit_schema*.json"))


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "fit.json"
    fit("cbpp_binom").save(path)
    return path


def reload(one: gl.Fit, folder: Path) -> gl.Fit:
    one.save(folder / "fit.json")
    return gl.load(folder / "fit.json")


def document(path: Path) -> dict:
    return json.loads(path.read_text())


def rewrite(path: Path, content: dict, sealed: bool = True) -> None:
    """Write a changed file, with a checksum that agrees if ``sealed``."""
    if sealed:
        content["sha256"] = checksum(content["fit"])
    path.write_text(canonical(content))


# -- the same fit ----------------------------------------------------------------------------


@pytest.mark.parametrize("case", reference_cases())
def test_every_reference_model_comes_back_as_it_was(case, tmp_path):
    one, two = fit(case), reload(fit(case), tmp_path)
    assert str(two.summary()) == str(one.summary())
    assert two._repr_html_() == one._repr_html_()
    assert (two.llf, two.npar, two.nobs, two.converged) == (
        one.llf,
        one.npar,
        one.nobs,
        one.converged,
    )
    assert_frame_equal(two.cov_params(), one.cov_params(), check_exact=True)
    assert [(type(w), str(w)) for w in two.warnings] == [(type(w), str(w)) for w in one.warnings]
    for name, frame in one.random_effects.items():
        assert_frame_equal(two.random_effects[name], frame, check_exact=True)
    assert_series_equal(two.fittedvalues, one.fittedvalues, check_exact=True)
    assert_series_equal(two.residuals("pearson"), one.residuals("pearson"), check_exact=True)
    assert_array_equal(two.simulate(2, seed=1), one.simulate(2, seed=1))
    if len(one.params) > 1:
        assert_frame_equal(two.anova().frame, one.anova().frame, check_exact=True)
    assert_frame_equal(two.conf_int(), one.conf_int(), check_exact=True)
    assert_frame_equal(two.estimate.design.data, one.estimate.design.data)
    assert two.optimization.evaluations == one.optimization.evaluations
    assert_array_equal(two.optimization.iterates, one.optimization.iterates)


def test_all_that_inference_gives_is_the_same(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gl.GlmmlabWarning)
        one = gl.glmm(
            "severity ~ fungicide + (1 | block)", gl.datasets.load("disease_severity"), "beta"
        )
        two = reload(one, tmp_path)
        means = [f.emmeans("fungicide", type="response") for f in (one, two)]
        assert_frame_equal(means[1].frame, means[0].frame, check_exact=True)
        assert_frame_equal(means[1].pairs().frame, means[0].pairs().frame, check_exact=True)
        assert_frame_equal(means[1].cld(), means[0].cld(), check_exact=True)
        new = {"fungicide": ["1", "2"], "block": ["1", "9"]}
        assert_frame_equal(two.predict(new, se=True), one.predict(new, se=True), check_exact=True)
        both = [f.simulate_residuals(n=50, seed=1).scaled for f in (one, two)]
        assert_array_equal(both[1], both[0])
        both = [f.conf_int(method="profile") for f in (one, two)]
        assert_frame_equal(both[1], both[0], check_exact=True)
        both = [f.bootstrap(3, seed=1).frame for f in (one, two)]
        assert_frame_equal(both[1], both[0], check_exact=True)


def data_of_many_types() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    n = 24
    frame = pd.DataFrame(
        {
            "y": rng.poisson(4, n).astype("int16"),
            "x": rng.normal(size=n).astype("float32"),
            "whole": pd.array([*rng.integers(0, 5, n - 1), None], dtype="Int64"),
            "yes": rng.integers(0, 2, n).astype(bool),
            "maybe": pd.array([True, False, *[True] * (n - 2)], dtype="boolean"),
            "f": pd.Categorical(rng.choice(list("cba"), n), categories=["c", "b", "a", "unused"]),
            "o": pd.Categorical(
                rng.permutation([3, 1, 2] * (n // 3)), categories=[1, 2, 3], ordered=True
            ),
            "text": pd.array(rng.permutation(["Ünï", "NaN"] * (n // 2)), dtype="string"),
            "old": rng.permutation(["a", "Infinity"] * (n // 2)).astype(object),
            "w": rng.uniform(0.5, 2, n),
            "day": pd.date_range("2020-01-01", periods=n),
            "thing": [object()] * n,
            "t": rng.uniform(1, 2, n),
        },
        index=pd.Index([f"plot {i}" for i in range(n)], name="plot"),
    )
    return frame


def test_data_of_every_type_come_back_and_the_rest_is_left_out(tmp_path):
    data = data_of_many_types()
    formula = "y ~ x + f + o + yes + maybe + text + old + whole + offset(log(t))"
    with pytest.warns(gl.MissingDataWarning):
        one = gl.glmm(formula, data, "poisson", weights="w", offset=np.linspace(0, 0.1, len(data)))
    two = reload(one, tmp_path)
    assert list(two.params.index) == list(one.params.index)
    kept = one.estimate.design.data.drop(columns="thing")
    assert_frame_equal(two.estimate.design.data, kept)
    assert document(tmp_path / "fit.json")["fit"]["data"]["left_out"] == ["thing"]
    assert_array_equal(two.estimate.design.weights, one.estimate.design.weights)
    assert_array_equal(two.estimate.design.offset, one.estimate.design.offset)
    assert two.estimate.design.offset_name == one.estimate.design.offset_name
    assert two.estimate.design.n_dropped == 1


@pytest.mark.parametrize(
    "index",
    [
        pd.RangeIndex(5, 14, 3, name="row"),
        pd.Index([1.5, np.inf, -0.0]),
        pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)], names=["site", "year"]),
        pd.date_range("2020-02-28", periods=3, name="day"),
        pd.CategoricalIndex(["x", "y", "x"]),
        pd.date_range("2020-03-28", periods=3, tz="Europe/Berlin"),
        pd.period_range("2020-02", periods=3, freq="M"),
        pd.interval_range(0.0, 1.5, periods=3, closed="both"),
    ],
    ids=["range", "float", "multi", "dates", "categories", "zone", "periods", "intervals"],
)
def test_an_index_comes_back(index):
    frame = pd.DataFrame({"x": [1.0, np.nan, -np.inf]}, index=index)
    again = decode_frame(json.loads(canonical(encode_frame(frame))))
    assert_frame_equal(again, frame, check_freq=False)


def _of_days(n):
    """Columns of labels that are neither numbers nor text."""
    day = pd.Series(pd.date_range("2024-03-30", periods=3).take(np.arange(n) % 3))
    missing = pd.Series(np.arange(n) == 1)
    return {
        "intervals": pd.cut(np.arange(n) % 7, 3),
        "whole intervals": pd.IntervalIndex.from_breaks(range(n + 1), closed="left"),
        "dates": day.dt.date.where(~missing, None),
        "categories of dates": pd.Categorical(day.dt.date),
        "zone": day.dt.tz_localize("Europe/Berlin").where(~missing),
        "offset": day.dt.tz_localize("UTC+02:00"),
        "periods": day.dt.to_period("D").where(~missing),
        "categories of periods": pd.Categorical(day.dt.to_period("M")),
    }


@pytest.mark.parametrize("name", _of_days(1))
def test_labels_of_days_and_ranges_come_back(name):
    frame = pd.DataFrame({name: _of_days(9)[name]})
    again = decode_frame(json.loads(canonical(encode_frame(frame))))
    assert_frame_equal(again, frame)


@pytest.mark.parametrize("name", ["intervals", "categories of dates", "categories of periods"])
def test_fits_to_such_labels_come_back(name, tmp_path):
    rng = np.random.default_rng(6)
    data = pd.DataFrame({"y": rng.normal(size=60), "k": _of_days(60)[name]})
    one = gl.glmm("y ~ k", data)
    two = reload(one, tmp_path)
    assert_frame_equal(two.predict(data, se=True), one.predict(data, se=True))
    assert_frame_equal(two.emmeans("k").frame, one.emmeans("k").frame)


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"kind": "periods", "dtype": "period[x]", "values": [1]}, "'period.x.' is no type of da"),
        ({"kind": "dates", "dtype": "M8[s]", "values": [1], "zone": "Mars"}, "zone 'Mars'. is no"),
        ({"kind": "intervals", "left": {"kind": "numbers", "dtype": "f8", "values": [1.0]},
          "right": {"kind": "numbers", "dtype": "f8", "values": [0.0]}, "closed": "left"},
         "a column of intervals is damaged"),
    ],
    ids=["periods", "zone", "intervals"],
)  # fmt: skip
def test_labels_that_are_none(entry, says):
    with pytest.raises(gl.SavedFileError, match=says):
        decode_frame({"columns": [{"name": "k", **entry}], "index": {
            "kind": "range", "start": 0, "stop": 1, "step": 1, "names": [None]}})  # fmt: skip


def test_what_cannot_be_saved_says_what_to_do(tmp_path):
    rng = np.random.default_rng(6)
    data = pd.DataFrame({"y": rng.normal(size=40), "g": [(i % 4, "a") for i in range(40)]})
    one = gl.glmm("y ~ 1 + (1 | g)", data)
    said = r"column 'g' cannot be saved: it holds tuple values: use .astype\(str\)"
    with pytest.raises(gl.SavedFileError, match=said):
        one.save(tmp_path / "fit.json")
    data["g"] = data["g"].astype(str)
    reload(gl.glmm("y ~ 1 + (1 | g)", data), tmp_path)


def test_arrow_columns_come_back():
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame(
        {
            "i": pd.array([1, None, 3], dtype="int64[pyarrow]"),
            "d": pd.array([1.5, None, 0.1], dtype="double[pyarrow]"),
            "b": pd.array([True, None, False], dtype="bool[pyarrow]"),
        }
    )
    again = decode_frame(json.loads(canonical(encode_frame(frame))))
    assert_frame_equal(again, frame)


def test_a_storage_that_is_not_there_gives_way_to_the_nearest():
    entry = encode_frame(pd.DataFrame({"i": pd.array([1, None], dtype="Int64"), "s": ["a", "b"]}))
    entry["columns"][0]["dtype"] = "int64[no such engine]"
    entry["columns"][1]["dtype"] = "string[no such engine]"
    again = decode_frame(entry)
    assert again["i"].tolist() == [1, pd.NA] and again["s"].tolist() == ["a", "b"]


def test_decimals_become_floats():
    frame = pd.DataFrame({"d": [Decimal("0.1"), None]})
    assert decode_frame(encode_frame(frame))["d"].tolist() == [0.1, None]


@given(
    hnp.arrays(float, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0), elements=st.floats())
)
def test_every_float_survives_to_its_last_bit(values):
    again = decode_array(json.loads(canonical(encode_array(values))))
    assert again.shape == values.shape
    assert_array_equal(again, values)
    assert_array_equal(np.signbit(again), np.signbit(values) & ~np.isnan(values))


@given(
    st.lists(
        st.one_of(st.none(), st.text(max_size=5), st.sampled_from(["NaN", "Infinity"])), min_size=1
    )
)
def test_every_text_survives(values):
    frame = pd.DataFrame({"s": pd.Series(values, dtype=object)})
    again = decode_frame(json.loads(canonical(encode_frame(frame))))
    assert again["s"].tolist() == values


@pytest.mark.parametrize(
    "family",
    [
        gl.families.StudentT(df=5),
        gl.families.StudentT(link="log", df=5),
        gl.families.get("gamma", link="inverse"),
        *(gl.families.get(name) for name in gl.families.names()),
        gl.families.ZeroInflated(gl.families.get("nbinom2", link="sqrt")),
    ],
    ids=repr,
)
def test_every_family_comes_back(family):
    from glmmlab.saving.document import decode_family, encode_family

    again = decode_family(json.loads(canonical(encode_family(family))))
    assert repr(again) == repr(family) and again.auxiliary == family.auxiliary


def test_a_family_of_ones_own_is_refused(tmp_path):
    class Mine(gl.families.Poisson):
        pass

    mine = gl.glmm("y ~ 1", {"y": [1, 2, 3, 4]}, Mine())
    with pytest.raises(gl.SavedFileError, match="family of your own"):
        mine.save(tmp_path / "mine.json")
    assert list(tmp_path.iterdir()) == []


# -- old files -------------------------------------------------------------------------------


def test_there_is_a_stored_file_of_every_schema():
    assert [document(path)["schema"] for path in OLD_FILES] == list(range(1, SCHEMA + 1))


@pytest.mark.parametrize("path", OLD_FILES, ids=lambda path: path.stem)
def test_old_files_keep_loading(path):
    """R's log-likelihood of this model (tests/reference/expected/cbpp_binom.json)."""
    old, new = gl.load(path), fit("cbpp_binom")
    from conftest import reference

    assert old.llf == pytest.approx(reference("cbpp_binom")["logLik"], abs=1e-6)
    assert list(old.params.index) == list(new.params.index)
    assert old.anova().frame.index.tolist() == new.anova().frame.index.tolist()
    assert len(old.predict()) == new.nobs


# -- files that are not right ----------------------------------------------------------------


def test_no_such_file_or_folder(tmp_path):
    with pytest.raises(gl.SavedFileError, match=r"cannot read.*absent.json: No such file"):
        gl.load(tmp_path / "absent.json")
    with pytest.raises(gl.SavedFileError, match="cannot write"):
        fit("cbpp_binom").save(tmp_path / "absent" / "fit.json")
    with pytest.raises(gl.SavedFileError, match="cannot read"):
        gl.load(tmp_path)


def test_a_file_that_was_cut_short_says_where(saved):
    text = saved.read_text()
    for part in (0.0, 0.1, 0.5, 0.99):
        saved.write_text(text[: int(part * (len(text) - 2))])
        with pytest.raises(gl.SavedFileError, match=r"damaged or no JSON file: .* at line 1, col"):
            gl.load(saved)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\x80\x04pickle", "no text file"),
        (b"[1, 2]", "holds a JSON list"),
        (b"{}", "'format' is None"),
        (b'{"format": "something else"}', "'format' is 'something else'"),
        (b'{"format": "glmmlab fit"}', "'schema' is None"),
        (b'{"format": "glmmlab fit", "schema": true}', "'schema' is True"),
        (b'{"format": "glmmlab fit", "schema": 1}', "'fit' is missing"),
        (b'{"format": "glmmlab fit", "schema": 99, "glmmlab": "9.0"}', "9.0 in schema 99.*Update"),
        (b'{"format": NaN}', "NaN is not JSON"),
        (b"[" * 100_000, "damaged or no JSON"),
    ],
    ids=range(10),
)
def test_a_foreign_or_newer_file_is_named(tmp_path, content, says):
    path = tmp_path / "other.json"
    path.write_bytes(content)
    with pytest.raises(gl.SavedFileError, match=says) as raised:
        gl.load(path)
    assert "other.json" in str(raised.value)


def test_a_changed_number_is_noticed(saved):
    content = document(saved)
    content["fit"]["estimate"]["llf"] += 1e-9
    rewrite(saved, content, sealed=False)
    with pytest.raises(gl.SavedFileError, match="changed after it was saved"):
        gl.load(saved)


def _places(content, at=()):
    """Every place in a JSON document."""
    if isinstance(content, dict):
        for key, value in content.items():
            yield (*at, key)
            yield from _places(value, (*at, key))
    elif isinstance(content, list) and content:
        yield (*at, 0)
        yield from _places(content[0], (*at, 0))


@pytest.mark.parametrize("damage", ["missing", None, "x", -1, [], {}], ids=str)
def test_any_damage_under_a_good_checksum_is_an_error_of_ours_or_harmless(saved, damage):
    """Every part of the file in turn is taken out or replaced."""
    original = saved.read_text()
    refused = 0
    places = list(_places(json.loads(original)["fit"], ("fit",)))
    for place in places:
        content = json.loads(original)
        holder = content
        for key in place[:-1]:
            holder = holder[key]
        if damage == "missing":
            del holder[place[-1]]
        else:
            holder[place[-1]] = damage
        rewrite(saved, content)
        try:
            gl.load(saved)
        except gl.SavedFileError:
            refused += 1
    assert refused > 0.5 * len(places)


# -- writing ---------------------------------------------------------------------------------


def test_a_write_that_fails_leaves_the_old_file_and_no_other(saved, monkeypatch):
    before = saved.read_bytes()

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_files.os, "fsync", full)
    with pytest.raises(gl.SavedFileError, match="No space left"):
        fit("dyestuff_ml").save(saved)
    assert saved.read_bytes() == before
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


def test_an_interrupted_write_leaves_the_old_file_and_no_other(saved, monkeypatch):
    before = saved.read_bytes()

    def stop(*paths):
        raise KeyboardInterrupt

    monkeypatch.setattr(_files.os, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        fit("dyestuff_ml").save(saved)
    assert saved.read_bytes() == before
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_a_replaced_file_keeps_its_permissions(saved):
    saved.chmod(0o640)
    fit("dyestuff_ml").save(saved)
    assert stat.S_IMODE(saved.stat().st_mode) == 0o640


def test_the_file_is_plain_json_and_the_same_for_the_same_fit(saved, tmp_path):
    text = saved.read_text()
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    gl.load(saved).save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_text() == text
