"""Errors about outputs on S3 that name an option, and each cure: tests/test_cures.py sees which functions are here."""

import pytest

import windrow
from tests.test_cures import MEAN, csv


def test_cures_of_folders_on_s3(bucket, run_job):
    """storage/s3/listing.py:list_objects"""
    bucket.put("bars/2020/bars.csv", csv().encode())
    failed = run_job(*MEAN, f"{bucket.uri}/bars")
    assert failed.status == 1 and "not those of its subfolders (but for --recursive)" in failed.err
    means = [b"AA\t2020-01-02\t11.0", b"AA\t2020-01-03\t11.5", b"AA\t2020-01-04\t13.0"]
    for arguments in (["--recursive", f"{bucket.uri}/bars"], [f"{bucket.uri}/**/*.csv"]):
        assert run_job(*MEAN, *arguments).lines == means


def test_cures_of_outputs_on_s3(bucket, run_job):
    """storage/s3/writing.py:refuse_taken"""
    bars, out = bucket.put("bars.csv", csv().encode()), f"{bucket.uri}/out"
    assert run_job(*MEAN, "-o", out, bars).status == 0
    for taken in (out, bars):
        failed = run_job(*MEAN, "-o", taken, bars)
        assert failed.status == 1 and failed.err.endswith("remove it, or choose another with --output-dir\n")
    assert run_job(*MEAN, "--output-dir", f"{bucket.uri}/other", bars).status == 0
    assert windrow.read_output(f"{bucket.uri}/other")["sma:2"].tolist() == [11, 11.5, 13]


def test_cures_of_reading_outputs_on_s3(bucket, run_job):
    """storage/publish.py:at_hand"""
    bars = bucket.put("bars.csv", csv().encode())
    with pytest.raises(
        windrow.errors.InputError, match="give the directory that --output-dir named, or one of its parts"
    ):
        windrow.read_output(f"{bucket.uri}/nothing")
    assert run_job(*MEAN, "--output-dir", f"{bucket.uri}/out", bars).status == 0
    for place in ("out", "out/part-00000"):
        assert windrow.read_output(f"{bucket.uri}/{place}").iloc[:, 2].tolist() == [11, 11.5, 13]
