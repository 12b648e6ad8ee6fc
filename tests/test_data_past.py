"""Past values: their times, gaps, seasons and baselines, by hand and by what is drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bptt.data.past.baselines import drift, last_known, naive, seasonal_naive
from bptt.data.past.pasts import PastColumns, Pasts, read_pasts
from bptt.data.past.rolling import Forecasts, errors, interval_scores, naive_error, score_forecasts
from bptt.data.past.seasonality import autocorrelation, find_season
from bptt.data.past.time_axis import place_times
from bptt.data.past.tracks import Track, WindowOptions, Windows, grows_with_level
from bptt.data.readers.document import Document
from bptt.errors import InputError


def read(text: str, **columns: object) -> Pasts:
    return read_pasts(Document("d.csv", text), PastColumns(**columns))  # type: ignore[arg-type]


def placed(*cells: str):  # type: ignore[no-untyped-def]
    return place_times(cells, [f"d.csv:{n}" for n in range(2, len(cells) + 2)])


@pytest.mark.parametrize(
    ("cells", "step", "season", "after"),
    [
        (("1949-11", "1949-12", "1950-01"), "1 month", 12, "1950-02"),
        (("2020-01-31", "2020-02-29", "2020-03-31"), "1 month", 12, "2020-04-30"),
        (("2020-01-15", "2020-04-15", "2020-07-15"), "1 quarter", 4, "2020-10-15"),
        (("2020-02-28", "2020-02-29", "2020-03-01"), "1 day", 7, "2020-03-02"),
        (("2020-01-02", "2020-01-03", "2020-01-06"), "1 business day", 5, "2020-01-07"),
        (("2020-01-01", "2020-01-08", "2020-01-15"), "1 week", 52, "2020-01-22"),
        (("2020-01-01 22:00", "2020-01-01 23:00", "2020-01-02 00:00"), "1 hour", 24, "2020-01-02 01:00"),
        (
            ("2020-01-01T00:00:30", "2020-01-01T00:01:00", "2020-01-01T00:01:30"),
            "30 seconds",
            1,
            "2020-01-01T00:02:00",
        ),
        (("1949", "1950", "1951"), "1", None, "1952"),
        (("0.5", "1", "1.5"), "0.5", None, "2"),
        (("19580329", "19580405", "19580412"), "1 week", 52, "19580419"),
    ],
)
def test_the_step_of_times_and_what_comes_next(
    cells: tuple[str, ...], step: str, season: int | None, after: str
) -> None:
    found = placed(*cells)
    assert (found.axis.step, found.axis.season, found.axis.label(3)) == (step, season, after)
    assert [found.axis.label(n) for n in range(3)] == list(cells)


def test_gaps_and_the_order_of_rows() -> None:
    found = read("date,x\n2020-03,3\n2020-01,1\n2020-05,5\n2020-04,4\n")
    assert found.series[0].values[:, 0].tolist()[:1] == [1]
    assert np.isnan(found.series[0].values[1, 0])
    assert "times that are missing between others: 1, values unknown there" in found.notes
    assert "series whose rows were not in the order of time, and are sorted: 1" in found.notes


def test_several_series_and_columns() -> None:
    found = read("id,date,x,y\n片,2020-01,1,2\nb,2020-01,5,6\n片,2020-02,3,\nb,2020-02,7,8\n")
    assert [past.name for past in found.series] == ["片", "b"]
    assert found.columns == ("x", "y")
    assert np.isnan(found.series[0].values[1, 1])
    assert read("id,date,x,y\na,2020-01,1,2\na,2020-02,3,4\n", values=("y",)).columns == ("y",)


def test_values_without_times(tmp_path: Path) -> None:
    assert read("1\n2\n\n4\n").series[0].values[:, 0].tolist()[:2] == [1, 2]
    assert read("@data\n1,2,3\n4,5,6\n").series[1].values[:, 0].tolist() == [4, 5, 6]
    np.savez(tmp_path / "d.npz", X=np.zeros((2, 5, 3)))
    assert read_pasts(tmp_path / "d.npz", PastColumns()).columns == ("1", "2", "3")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "date,x\n2020-01,1\n2020-01,2\n",
            "d.csv:3: a series has one row for each time, got 2020-01 again, as",
        ),
        (
            "date,x\n2020-01-01,1\n2020-01-02,2\n2020-01-03,3\n2020-01-04 12:00,3\n",
            "d.csv:5: times must be evenly spaced",
        ),
        ("date,x\n2020-01-01,1\n2020-01-02,2\n2021-01-03,3\n", "times must be evenly spaced"),
        ("date,x\n2020-01,1\n,2\n", "d.csv:3: must have a time"),
        ("date,x\n2020-01,1\nsoon,2\n", "d.csv:3: times are all numbers"),
        ("date,x\n2020-01,1\n2020-02,viel\n", "d.csv:3: column x must be a number, got 'viel'"),
        ("date,x\n2020-01,1\n2020-02,inf\n", "d.csv:3: must be a finite number"),
        ("date,x\n2020-01,\n2020-02,\n", "a series must have values in the column x"),
        ("date,x\n2020-01,1\n", "d.csv:2: a series has two times or more"),
        ("date,what\n2020-01,a\n2020-02,b\n", "must have a column of numbers"),
        (
            "id,date,x\na,2020-01,1\na,2020-02,2\nb,2020-01-01,1\nb,2020-01-02,2\n",
            "all series must have one step",
        ),
    ],
)
def test_what_is_no_past_is_named(text: str, words: str) -> None:
    with pytest.raises(InputError) as error:
        read(text)
    assert words in str(error.value)


def test_the_season_is_found_by_times_and_autocorrelation() -> None:
    draw = np.random.default_rng(0)
    steps = np.arange(120.0)
    waves = (np.sin(2 * np.pi * steps / 12) + 0.1 * draw.normal(size=120) + steps / 10)[:, None]
    assert find_season([waves], 12).length == 12
    assert find_season([waves], None).length == 12
    assert find_season([waves], 7).length == 1
    # Of random walks one in twenty exceeds the limit: two of 40, by chance hardly more than seven.
    walks = [draw.normal(size=(120, 1)).cumsum(0) for _ in range(40)]
    assert sum(find_season([walk], 12).length == 12 for walk in walks) <= 7
    assert find_season([waves[:20]], 12).length == 1
    changes = np.diff(waves[:, 0])
    by_hand = np.corrcoef(changes[:-3] - changes.mean(), changes[3:] - changes.mean())[0, 1]
    # Means and powers of the parts differ by 3 of 119 terms.
    assert autocorrelation(waves[:, 0], 3)[3] == pytest.approx(by_hand, abs=0.05)


def test_baselines_by_hand() -> None:
    past = np.array([[1.0], [2], [4], [8], [7]])
    assert naive(past, 2)[:, 0].tolist() == [7, 7]
    assert seasonal_naive(past, 5, 3)[:, 0].tolist() == [4, 8, 7, 4, 8]
    assert drift(past, 2)[:, 0].tolist() == [8.5, 10]
    assert last_known(np.array([[np.nan], [3], [np.nan]]))[:, 0].tolist() == [3, 3, 3]


def test_metrics_by_hand() -> None:
    """MASE: |5 - 4|, |7 - 9| over the mean of |3 - 1|, |4 - 2|, |2 - 3|, at a season of 2: 1.5 / (5 / 3)."""
    learned = np.array([[1.0], [2], [3], [4], [2]])
    scale = naive_error(learned, 2)
    assert scale[0] == pytest.approx(5 / 3)
    found = errors(np.array([[5.0, 7, np.nan]]), np.array([[4.0, 9, 1]]), float(scale[0]))
    assert found["mase"] == pytest.approx(0.9)
    assert found["smape"] == pytest.approx((200 / 9 + 400 / 16) / 2)
    assert found["rmse"] == pytest.approx(np.sqrt(2.5))
    # Width 2, and 2 / 0.1 for each of the unit by which 7 is outside.
    scores = interval_scores(np.array([[5.0, 7]]), np.array([[4.0, 4]]), np.array([[6.0, 6]]), 2.0, 0.9)
    assert scores["coverage"] == 0.5
    assert scores["msis"] == pytest.approx((2 + 2 + 20) / 2 / 2)


def test_rolling_origins_beside_the_baselines() -> None:
    values = np.arange(12.0)[:, None]
    origins = [7, 8, 9]
    right = np.stack([values[origin + 1 : origin + 3] for origin in origins])
    found = score_forecasts([Forecasts(values, origins, 8, right, right - 1, right + 1)], 4, 0.9)
    assert found.methods["model"]["mase"] == 0
    assert found.methods["model"]["coverage"] == 1
    # A line: a season back is 4 less, the last value 1 and 2 less, and drift is right.
    assert found.methods["seasonal naive"]["mae"] == 4
    assert found.methods["naive"]["mae"] == 1.5
    assert found.methods["drift"]["mae"] == pytest.approx(0, abs=1e-12)
    assert found.best_simple == "drift"
    assert [note[:40] for note in found.notes] == ["the drift forecast is not beaten: MASE 0"]


def test_what_a_network_reads_says_nothing_of_what_follows() -> None:
    draw = np.random.default_rng(1)
    values = draw.normal(size=(40, 2)).cumsum(0)
    values[[3, 17], 0] = np.nan
    options = WindowOptions(3, 4, 8, log=False)
    other = values.copy()
    other[21:] += 100
    one, two = Track(values, options), Track(other, options)
    np.testing.assert_array_equal(one.window(20), two.window(20))
    np.testing.assert_array_equal(one.base(20), two.base(20))
    np.testing.assert_array_equal(one.scales[:21], two.scales[:21])
    assert one.window(20).shape == (8, 4)


@pytest.mark.parametrize("log", [False, True])
def test_what_is_forecast_is_restored(log: bool) -> None:
    values = np.exp(np.random.default_rng(2).normal(size=(30, 2)))
    track = Track(values, WindowOptions(5, 3, 6, log))
    target = track.target(20)
    np.testing.assert_allclose(track.restore(20, target[:, None])[..., 0], values[21:26], rtol=1e-12)
    assert np.isnan(track.target(27)[-2:]).all()
    assert np.isnan(track.target(20, end=22)[2:]).all()
    windows = Windows([track], [(0, 20), (0, 21)])
    assert len(windows[0][0]) == 6
    assert windows.targets().shape == (2, 10)


def test_logarithms_where_deviations_grow_with_the_level() -> None:
    steps = np.arange(120.0)
    wave = np.sin(2 * np.pi * steps / 12)
    assert grows_with_level([((steps + 10) * (1 + 0.3 * wave))[:, None]], 12)
    assert not grows_with_level([(steps + 30 + 10 * wave)[:, None]], 12)
    assert not grows_with_level([((steps - 10) * (1 + 0.3 * wave))[:, None]], 12)
