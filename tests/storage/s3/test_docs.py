"""docs/s3.md is true: its commands run."""

import os
import re
import subprocess
import sys
from pathlib import Path

from windrow.storage import s3

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs/s3.md").read_text()


def test_the_guides_commands_run(bucket, tmp_path):
    s3.client().create_bucket(Bucket="my-bucket")
    s3.upload({"s3://my-bucket/bars/bars.csv": ROOT / "data/bars.csv"})
    (tmp_path / "windrow").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m windrow.cli "$@"\n')
    (tmp_path / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    for name in ("windrow", "python"):
        (tmp_path / name).chmod(0o755)
    env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    commands = re.findall(r"^    ((?:windrow|python) .*)$", GUIDE, re.MULTILINE)
    assert len(commands) == 4
    done = [subprocess.run(command, shell=True, cwd=tmp_path, env=env, capture_output=True) for command in commands]
    assert [one.returncode for one in done] == [0, 0, 0, 0], [one.stderr for one in done]
    assert b"golden" in done[1].stdout and b"sma:20" in done[3].stdout and (tmp_path / "averages.png").exists()
    s3.delete_prefix("s3://my-bucket/")
