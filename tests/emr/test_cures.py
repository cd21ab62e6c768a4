"""Errors of `windrow emr` that name an option: what fails, and each cure, as tests/test_cures.py does for jobs.

Plans are made without an account, and what needs one is asked of moto's emulator of AWS. By hand: the bars of
data/bars.csv are 1,250, and a line of bars is taken to have 56 bytes.
"""

import json
import re
from zipfile import ZipFile

import boto3
import pytest

from tests.conftest import ROOT
from tests.emr.conftest import BUCKET, REGION
from windrow.aws.stack import FILES
from windrow.emr import logs
from windrow.runners.unpack import MARK

BARS = str(ROOT / "data/bars.csv")
JOB = ["moving-average", "--window", "20", BARS]
FAR = ["moving-average", "--window", "20", "s3://bars/"]
NO_FLEETS = "runners:\n  emr:\n    instance_fleets: null\n    num_core_instances: 2\n"
NO_FLEETS += "    core_instance_type: m7g.xlarge\n    master_instance_type: m7g.xlarge\n"


def words(text):
    """Without the line breaks of the page."""
    return " ".join(text.split())


#: By function: what fails, its cure, the plans that follow it, and of each plan what must be in it.
PLANS = {
    "emr/inputs.py:stated": (
        ["--bars", "1000", "--input-size", "56000", *FAR], "use one of them",
        [(["--bars", "1000", *FAR], {"bars": 1000, "size": 56_000}),
         (["--input-size", "56000", *FAR], {"bars": 1000, "size": 56_000})],
    ),
    "emr/plan.py:_inputs": (
        FAR, "or plan without reading it, with --bars N or --input-size BYTES",
        [(["--bars", "1000", *FAR], {"bars": 1000}), (["--input-size", "560", *FAR], {"bars": 10})],
    ),
    "emr/settings.py:__post_init__": (
        ["--cores", "0", *JOB], "use 4 or more", [(["--cores", "4", *JOB], {"bars": 1250, "cores": 4})],
    ),
    "emr/settings.py:__post_init__ of both": (
        ["--x86", "-c", "mine.conf", *JOB], "leave one out",
        [(["--x86", *JOB], {"bars": 1250, "cores": 8}), (["-c", "mine.conf", *JOB], {"bars": 1250, "cores": 8})],
    ),
    "emr/plan.py:_cores": (
        ["--cluster", "j-1", *JOB], "set it with --cores N",
        [(["--cluster", "j-1", "--cores", "12", *JOB], {"bars": 1250, "cores": 12})],
    ),
    "emr/settings.py:fleets": (
        ["-c", "mine.conf", "--cores", "16", *JOB], "change the numbers in the configuration, or leave out -c",
        [(["-c", "four.conf", *JOB], {"bars": 1250, "cores": 16}), (["--cores", "16", *JOB], {"cores": 16})],
    ),
    "emr/settings.py:fleets on demand": (
        ["-c", "mine.conf", "--on-demand", *JOB], "or leave out -c", [(["--on-demand", *JOB], {"cores": 8})],
    ),
    "emr/prices.py:load": (
        ["--prices", "none.json", *JOB], f"copy {FILES}/prices.json and edit it",
        [(["--prices", "copy.json", *JOB], {"bars": 1250, "dated": "today"})],
    ),
    "emr/prices.py:load broken": (
        ["--prices", "mine.conf", *JOB], f"copy {FILES}/prices.json and edit it",
        [(["--prices", "copy.json", *JOB], {"dated": "today"})],
    ),
    "emr/prices.py:hour": (
        ["--prices", "few.json", *JOB], "use a table that has it, with --prices FILE",
        [(["--prices", "copy.json", *JOB], {"dated": "today"})],
    ),
    "runners/emr_request.py:check_environment_variables": (
        [*JOB, "--cmdenv", "DB_PASSWORD=x"], "let the tasks fetch the secret themselves", [(JOB, {"bars": 1250})],
    ),
    "runners/emr_request.py:check_environment": (
        [*JOB, "--environment", "x86.pyz"], "choose other instances, or leave it out",
        [(["--x86", *JOB, "--environment", "x86.pyz"], {"bars": 1250}), (JOB, {"bars": 1250})],
    ),
}  # fmt: skip


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The files of PLANS."""
    monkeypatch.chdir(tmp_path)
    include = f"include: {FILES}/mrjob.conf\n"
    (tmp_path / "mine.conf").write_text(include + NO_FLEETS)
    (tmp_path / "four.conf").write_text(include + NO_FLEETS.replace("instances: 2", "instances: 4"))
    table = json.loads((FILES / "prices.json").read_text())
    table["dated"] = "today"
    (tmp_path / "copy.json").write_text(json.dumps(table))
    table["instances"] = {"c5.large": table["instances"].popitem()[1]}
    (tmp_path / "few.json").write_text(json.dumps(table))
    (tmp_path / "x86.pyz").write_bytes(MARK)
    with ZipFile(tmp_path / "x86.pyz", "a") as packed:
        packed.writestr("numpy/core.cpython-311-x86_64-linux-gnu.so", b"")


@pytest.mark.parametrize(("fails", "says", "cures"), PLANS.values(), ids=PLANS)
def test_cures_of_plans(nowhere, folder, windrow, fails, says, cures):
    status, out, err = windrow("emr", "plan", "--json", *fails)
    assert status in (1, 2) and out == "" and says in err, err
    for options, right in cures:
        status, out, err = windrow("emr", "plan", "--json", *options)
        assert status == 0, err
        made = json.loads(out)
        found = {**made["inputs"], **made["prices"], "cores": made["cores"]}
        assert {name: found[name] for name in right} == right


def test_the_bill_says_how_to_use_other_prices(nowhere, folder, windrow):
    """emr/plan_screen.py:_bill"""
    _, out, _ = windrow("emr", "plan", *JOB)
    assert "use your own with --prices FILE" in words(out)
    status, out, _ = windrow("emr", "plan", "--prices", "copy.json", *JOB)
    assert status == 0 and "list prices of today" in words(out)


def test_cures_of_regions(stack, quotas, aws, windrow, monkeypatch):
    """emr/settings.py:resolved, emr/doctor.py:_region"""
    aws("emr").create_security_configuration(Name="windrow-emr", SecurityConfiguration="{}")
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    status, _, err = windrow("emr", "code")
    assert status == 2 and "set AWS_DEFAULT_REGION, e.g. to us-east-1, or use --region" in err
    status, out, _ = windrow("emr", "doctor")
    assert status == 1 and "set AWS_DEFAULT_REGION, e.g. to us-east-1, or use --region" in words(out)
    for region, options in (("", ["--region", REGION]), (REGION, [])):
        monkeypatch.setenv("AWS_DEFAULT_REGION", region)
        status, out, err = windrow("emr", "code", *options)
        assert status == 0 and out.startswith(f"s3://{BUCKET}/code/"), err
        status, out, _ = windrow("emr", "doctor", *options)
        assert status == 0 and out.endswith("a job can run on EMR\n")


def test_cures_of_buckets(stack, quotas, aws, windrow):
    """emr/doctor.py:_bucket_place"""
    aws("emr").create_security_configuration(Name="windrow-emr", SecurityConfiguration="{}")
    boto3.client("s3", region_name="us-west-2").create_bucket(
        Bucket="far", CreateBucketConfiguration={"LocationConstraint": "us-west-2"}
    )
    for bucket, says in (("far", "use --region us-west-2, or another bucket with --bucket"),
                         ("none", "or use another with --bucket")):  # fmt: skip
        status, out, _ = windrow("emr", "doctor", "--bucket", bucket)
        assert status == 1 and says in words(out)
    status, out, _ = windrow("emr", "doctor", "--bucket", BUCKET)
    assert status == 0 and f"{BUCKET} in {REGION}" in words(out)
    _, out, _ = windrow("emr", "doctor", "--bucket", "far", "--region", "us-west-2")
    assert "far in us-west-2" in words(out) and "another bucket" not in words(out)


def test_cures_of_quotas(stack, quotas, aws, windrow):
    """emr/doctor.py:_quotas"""
    aws("emr").create_security_configuration(Name="windrow-emr", SecurityConfiguration="{}")
    quotas["L-34B43A08"] = 4.0
    status, out, _ = windrow("emr", "doctor")
    assert status == 1 and "or use fewer with --cores" in words(out)
    status, out, _ = windrow("emr", "doctor", "--cores", "4")
    assert status == 0 and "4 vCPUs; a job needs 4" in words(out)


def test_what_is_told_of_a_new_cluster_ends_it(stack, aws, windrow):
    """commands/emr.py:create"""
    status, out, err = windrow("emr", "cluster", "create")
    assert status == 0 and re.fullmatch(r"j-\w+\n", out), err
    assert f"terminate it with: windrow emr cluster terminate {out}" in err
    assert windrow("emr", "cluster", "terminate", out.strip())[0] == 0
    assert windrow("emr", "cluster", "list")[1] == "windrow has no cluster in this region\n"


def test_cures_of_steps(cluster, step, windrow, monkeypatch):
    """emr/logs.py:find_step"""
    monkeypatch.setattr(logs, "_DAYS", -1)  # as if the cluster were older than those that are searched
    status, _, err = windrow("emr", "logs", step)
    assert status == 1 and "name its cluster with --cluster, or its region with --region" in err
    status, _, err = windrow("emr", "logs", step, "--cluster", cluster)
    assert status == 0 and err.startswith("averages: ")
    monkeypatch.setattr(logs, "_DAYS", 14)
    status, _, err = windrow("emr", "logs", step, "--region", REGION)
    assert status == 0 and err.startswith("averages: ")
