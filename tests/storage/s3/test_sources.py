"""The field's sources on S3: tests/feeds/test_sources.py reads them as files."""

import pytest

from tests.feeds.test_sources import ALL, SOURCES, lines, together

pytestmark = pytest.mark.one_python


@pytest.mark.parametrize("source", ALL, ids=[source.name for source in ALL])
def test_a_source_is_read_right_from_s3(bucket, run_job, source):
    place = bucket.put(source.name, (SOURCES / source.name).read_bytes())
    symbol = ["--symbol", "X"] if source.symbols == "X" else []
    ran = run_job("--window", "1", *source.options.split(), *symbol, place)
    assert (ran.status, ran.lines) == (0, lines(source)), ran.err


@pytest.mark.parametrize(("names", "expected"), together())
def test_sources_are_read_together_from_s3(bucket, run_job, names, expected):
    for name in names:
        bucket.put(name, (SOURCES / name).read_bytes())
    ran = run_job("-q", "-r", "local", "--window", "1", "--symbol-from-filename", bucket.uri)
    assert (ran.status, sorted(ran.lines)) == (0, expected), ran.err
