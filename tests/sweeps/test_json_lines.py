"""Lines by column are those of a dict each, to the byte."""

import numpy as np
import orjson
import pytest

from windrow.sweeps.json_lines import json_lines
from windrow.trading.figure_rows import FigureRows


@pytest.mark.parametrize("count", [1, 3, 512, 1300])
def test_lines_are_those_of_a_dict_each(count):
    random = np.random.default_rng(count)
    floats = random.normal(0, 1, count) * 10.0 ** random.integers(-300, 300, count)
    floats[::7], floats[1::7], floats[2::7], floats[3::7] = np.nan, np.inf, -0.0, 1e16
    columns = {
        "fast": random.integers(-5, 2**62, count),
        "part": np.array([["train 1", None, 'a, "b"', "2024-01-02"][at % 4] for at in range(count)], object),
        "pnl": floats,
        "both": np.stack([floats, floats])[:, ::-1].T[:, 1],
        "ruined": random.random(count) < 0.5,
    }
    undefined = {run: {"pnl": "no, bars", "part": "none"} for run in range(0, count, 5)}
    rows = FigureRows(columns, undefined)
    assert list(json_lines(rows)) == list(map(orjson.dumps, rows))
