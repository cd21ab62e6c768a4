"""The request for a cluster: every field as botocore's model of EMR has it, and what EMR 7 needs."""

import copy
import re
import zipfile

import botocore.session
import pytest
from botocore.validate import ParamValidator

from jobs.moving_average import MovingAverage
from tests.cluster.conftest import ROOT
from tests.runners.emr.conftest import CONF
from windrow.aws.instances import instance_types, worker_cores
from windrow.aws.stack import CONF as OURS
from windrow.aws.stack import X86
from windrow.errors import ClusterError
from windrow.runners.emr_request import check_environment, check_request
from windrow.runners.unpack import MARK

BARS = ROOT / "data/bars.csv"


@pytest.fixture
def planned(tmp_path, monkeypatch):
    """What a job would ask of EMR: the request for a cluster, and its steps."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a secret of nobody's")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    conf = tmp_path / "mrjob.conf"

    def plan(*options, base=OURS):
        conf.write_text(CONF.format(root=ROOT).replace(str(ROOT / "windrow/emr/mrjob.conf"), str(base)))
        job = MovingAverage(["-r", "emr", "-c", str(conf), "-o", "s3://bars/out", *map(str, options), str(BARS)])
        job.options.output_dir = "s3://bars/.staged"
        with job.make_runner() as runner:
            return runner.plan()

    return plan


def wrong_in(value, shape, path=""):
    """Where a value is not what botocore's model says, enumerations and lengths included, which botocore leaves out."""
    if shape.type_name == "structure":
        yield from (f"{path}.{name}: unknown" for name in value if name not in shape.members)
        for name, member in shape.members.items():
            if name in value:
                yield from wrong_in(value[name], member, f"{path}.{name}")
    elif shape.type_name == "list":
        for number, each in enumerate(value):
            yield from wrong_in(each, shape.member, f"{path}[{number}]")
    elif shape.type_name == "map":
        for name, each in value.items():
            yield from wrong_in(each, shape.value, f"{path}.{name}")
    elif shape.type_name == "string":
        told = shape.metadata
        if told.get("enum") and value not in told["enum"]:
            yield f"{path}: {value} is none of {told['enum']}"
        if not told.get("min", 0) <= len(value) <= told.get("max", 1 << 30):
            yield f"{path}: has {len(value)} characters"
        if told.get("pattern") and not re.fullmatch(r"[\t\n\r -\ud7ff\ue000-\U0010ffff]*", value):
            yield f"{path}: has characters that EMR does not take"


def check_model(operation, arguments):
    model = botocore.session.get_session().get_service_model("emr").operation_model(operation).input_shape
    report = ParamValidator().validate(arguments, model)
    assert not report.has_errors(), report.generate_report()
    assert list(wrong_in(arguments, model)) == []


@pytest.mark.parametrize("base", [OURS, X86], ids=["graviton", "x86"])
def test_every_field_is_in_botocores_model(planned, base):
    request = planned(base=base).request
    check_model("RunJobFlow", request)
    wrong = {**request, "Unheard": 1}
    with pytest.raises(AssertionError, match="Unheard"):
        check_model("RunJobFlow", wrong)


@pytest.mark.parametrize(("base", "letter"), [(OURS, "g"), (X86, "i")], ids=["graviton", "x86"])
def test_what_emr_7_needs(planned, base, letter):
    request = planned(base=base).request
    instances = request["Instances"]
    assert request["ReleaseLabel"] == "emr-7.13.0" and request["Applications"] == [{"Name": "Hadoop"}]
    assert request["ServiceRole"] and request["JobFlowRole"] and request["SecurityConfiguration"]
    assert {"Key": "for-use-with-amazon-emr-managed-policies", "Value": "true"} in request["Tags"]
    assert 60 <= request["AutoTerminationPolicy"]["IdleTimeout"] <= 604800
    assert request["LogUri"].startswith("s3://")
    assert {kind.partition(".")[0][-1] for kind in instance_types(request)} == {letter}
    assert instances["KeepJobFlowAliveWhenNoSteps"] is True and instances["Ec2SubnetId"]
    assert "AmiVersion" not in request and request["Steps"] == []
    assert worker_cores(request) == 8


def test_steps_run_python_3_11_and_show_no_secret(planned):
    steps = planned("--slices", "100d").steps
    check_model("AddJobFlowSteps", {"JobFlowId": "j-1", "Steps": steps})
    for step in steps:
        assert step["ActionOnFailure"] == "CONTINUE" and step["HadoopJarStep"]["Jar"] == "command-runner.jar"
        args = step["HadoopJarStep"]["Args"]
        assert "python3.11" in args[args.index("-mapper") + 1] and "secret of nobody" not in str(args)
        assert [arg for arg in args if "mapreduce.job.reduces=2" in arg]
        assert not [arg for arg in args if str(ROOT) in arg]  # paths of this machine are nobody's business
    assert "/opt/windrow/bin/python" in OURS.read_text()


GOOD = {
    "ReleaseLabel": "emr-7.13.0",
    "Applications": [{"Name": "Hadoop"}],
    "ServiceRole": "EMR_DefaultRole_V2",
    "JobFlowRole": "EMR_EC2_DefaultRole",
    "Tags": [{"Key": "for-use-with-amazon-emr-managed-policies", "Value": "true"}],
    "Instances": {
        "InstanceGroups": [
            {"InstanceRole": "MASTER", "InstanceType": "m7g.xlarge", "InstanceCount": 1},
            {"InstanceRole": "CORE", "InstanceType": "r7gd.2xlarge", "InstanceCount": 3},
        ]
    },
    "AutoTerminationPolicy": {"IdleTimeout": 3600},
    "LogUri": "s3://logs/",
}


def test_a_good_request():
    check_request(GOOD)
    assert worker_cores(GOOD) == 24


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("ReleaseLabel", "emr-6.15.0", "release_label emr-6.15.0: windrow needs Python 3.11"),
        ("Applications", [{"Name": "Spark"}], r"applications \['Spark'\]: Hadoop is missing"),
        ("ServiceRole", "", "iam_service_role: is not set; .* emr/template.yaml"),
        ("JobFlowRole", "", "iam_instance_profile: is not set"),
        ("Tags", [], "Tags: no for-use-with-amazon-emr-managed-policies=true"),
        ("AutoTerminationPolicy", {}, "IdleTimeout 0: EMR ends an idle cluster after 60 to 604800 s"),
        ("LogUri", "/tmp/logs", "cloud_log_dir /tmp/logs: EMR keeps its logs on S3"),
        ("Name", "by AKIA0123456789ABCDEF", "the request contains AWS credentials"),
    ],
)
def test_what_is_refused(field, value, says):
    with pytest.raises(ClusterError, match=says):
        check_request({**GOOD, field: value})


def test_two_architectures():
    request = copy.deepcopy(GOOD)
    request["Instances"]["InstanceGroups"][1]["InstanceType"] = "m7i.xlarge"
    with pytest.raises(ClusterError, match="'x86_64'}: a cluster runs one build"):
        check_request(request)


def test_a_packed_environment_takes_the_bootstraps_place(planned, tmp_path):
    packed = tmp_path / "windrow.pyz"
    packed.write_bytes(MARK)
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr("packages/numpy/core.cpython-311-aarch64-linux-gnu.so", b"")
    assert [action["Name"] for action in planned().request["BootstrapActions"]] == ["master"]
    made = planned("--environment", packed)
    assert made.request["BootstrapActions"] == [] and str(packed) not in str(made.steps)
    args = made.steps[0]["HadoopJarStep"]["Args"]
    assert "./windrow.pyz" in args[args.index("-mapper") + 1]


def test_an_environment_for_other_machines(tmp_path):
    for name in ("x86_64", "aarch64"):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr(f"packages/numpy/core.cpython-311-{name}-linux-gnu.so", b"")
    check_environment(tmp_path / "aarch64", GOOD)
    with pytest.raises(
        ClusterError, match="was packed for CPython 311-x86_64, and the cluster's nodes have 311-aarch64"
    ):
        check_environment(tmp_path / "x86_64", GOOD)
