"""Groups of rows: by one column or several, by name, by table or by value."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from glmmlab import residuals
from glmmlab.errors import DataError, UnknownColumnError

N = 48
DATA = pd.DataFrame(
    {
        "plot": np.tile(list("dacb"), 12),
        "trt": pd.Categorical(np.repeat(["low", "high"], 24), categories=["low", "high", "none"]),
        "day": np.tile(np.repeat([10.0, 2.0, 30.0], 4), 4),
        "date": pd.to_datetime(np.tile(np.repeat(["2024-03-01", "2024-02-01"], 4), 6)),
    }
)


@pytest.fixture
def res() -> residuals.SimulatedResiduals:
    rng = np.random.default_rng(1)
    mean = rng.uniform(2, 9, N)
    y, s = rng.poisson(mean), rng.poisson(mean, (100, N))
    return residuals.from_simulations(y, s, mean, True, seed=1, data=DATA)


def expected(res: residuals.SimulatedResiduals, names: list[str]) -> pd.DataFrame:
    """pandas' own sums of the groups that occur, in their order."""
    frame = DATA.assign(total=res.observed)
    return frame.groupby(names, observed=True)["total"].sum().reset_index()


@pytest.mark.parametrize("names", [["plot", "trt"], ["trt", "plot"], ["trt", "day", "plot"]])
def test_several_columns(res: residuals.SimulatedResiduals, names: list[str]) -> None:
    sums = expected(res, names)
    for group in (names, tuple(names), DATA[names]):
        grouped = res.recalculate(group)
        assert grouped.observed.tolist() == sums["total"].tolist()
        assert list(grouped.data.columns) == names
        for name in names:
            assert grouped.data[name].tolist() == sums[name].tolist()
    assert res.recalculate(names, select=DATA["plot"].to_numpy() == "a").data["plot"].eq("a").all()


@pytest.mark.parametrize("group", ["plot", ["plot"], DATA[["plot"]], DATA["plot"]])
def test_one_column(res: residuals.SimulatedResiduals, group: object) -> None:
    grouped = res.recalculate(group)
    assert grouped.observed.tolist() == expected(res, ["plot"])["total"].tolist()
    assert grouped.data["plot"].tolist() == list("abcd")


def test_groups_as_a_list_of_values(res: residuals.SimulatedResiduals) -> None:
    grouped = res.recalculate(DATA["plot"].tolist())
    assert grouped.observed.tolist() == expected(res, ["plot"])["total"].tolist()


def test_times_stay_times(res: residuals.SimulatedResiduals) -> None:
    """What the message on repeated times says can be done as it is written."""
    for name in ("day", "date"):
        with pytest.raises(DataError) as said:
            res.test_temporal(name)
        assert f"res.recalculate({name!r}).test_temporal({name!r})" in str(said.value)
    test = res.recalculate("day").test_temporal("day")
    assert test.nobs == 3
    assert res.recalculate("day").data["day"].tolist() == [2.0, 10.0, 30.0]
    assert res.recalculate("date").data["date"].is_monotonic_increasing
    with pytest.raises(DataError, match=r"recalculate\(time\).test_temporal\(np.unique\(time\)\)"):
        res.test_temporal(DATA["day"].to_numpy())
    time = DATA["day"].to_numpy()
    again = res.recalculate(time).test_temporal(np.unique(time))
    assert again.statistic == test.statistic


def test_what_cannot_group(res: residuals.SimulatedResiduals) -> None:
    with pytest.raises(UnknownColumnError, match="no column 'treatment'"):
        res.recalculate(["plot", "treatment"])
    with pytest.raises(DataError, match="column twice: plot, plot"):
        res.recalculate(["plot", "plot"])
    with pytest.raises(DataError, match="names no column"):
        res.recalculate([])
    with pytest.raises(DataError, match="table of 2 columns"):
        res.test_categorical(DATA[["plot", "trt"]])
    with pytest.raises(DataError, match="'plot' has 10 values"):
        res.recalculate(DATA[["plot", "trt"]].head(10))
