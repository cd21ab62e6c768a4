"""An account on an emulator of AWS, with the stack of template.yaml in it."""

import json

import boto3
import pytest

from tests.emulator import enter, leave_aws, served
from windrow.aws import session
from windrow.aws.stack import FILES
from windrow.cli import main
from windrow.emr import doctor

REGION = "eu-central-1"
ACCOUNT = "123456789012"
BUCKET = f"windrow-{ACCOUNT}-{REGION}"
#: mrjob looks for a configuration there too.
_HOMES = ("MRJOB_CONF", "HOME")


@pytest.fixture(scope="session")
def moto():
    """The address of the server."""
    with served() as address:
        yield address


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """No AWS: no credentials, no region, no configuration of mrjob's, and an address that does not answer."""
    leave_aws(monkeypatch, tmp_path, attempts=1, also=_HOMES)


@pytest.fixture
def aws(moto, nowhere, monkeypatch):
    """An empty account; returns a client of a service."""
    enter(monkeypatch, moto, REGION)
    return lambda service: boto3.client(service, region_name=REGION)


@pytest.fixture
def stack(aws):
    """The account with template.yaml deployed in it."""
    return deployed(aws)


def deployed(aws, **parameters):
    """CloudFormation, which has made the stack with these parameters."""
    allowed = {"Effect": "Allow", "Action": "ec2:RunInstances", "Resource": "*"}
    aws("iam").create_policy(  # every account of AWS has it
        PolicyName="AmazonEMRServicePolicy_v2", Path="/service-role/",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}),
    )  # fmt: skip
    formation = aws("cloudformation")
    text = (FILES / "template.yaml").read_text().replace("iam::aws:policy", f"iam::{ACCOUNT}:policy")
    given = [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()]
    formation.create_stack(
        StackName="windrow", TemplateBody=text, Capabilities=["CAPABILITY_NAMED_IAM"], Parameters=given
    )
    [made] = formation.describe_stacks(StackName="windrow")["Stacks"]
    assert made["StackStatus"] == "CREATE_COMPLETE"
    return formation


@pytest.fixture
def before_calls(monkeypatch):
    """`before_calls(service, operation, function)`: windrow's calls of that operation go to the function first."""
    hooks = {}

    def hooked(role=None):
        made = boto3.session.Session()
        for event, function in hooks.items():
            made.events.register(event, function)
        return made

    def hook(service, operation, function):
        hooks[f"provide-client-params.{service}.{operation}"] = function

    monkeypatch.setattr(session, "session", hooked)
    monkeypatch.setattr(session, "_clients", {})
    return hook


@pytest.fixture
def windrow(capsys, monkeypatch):
    """Runs the command in this process, on a terminal of so many columns: (status, stdout, stderr)."""

    def run(*arguments, columns=100):
        monkeypatch.setenv("COLUMNS", str(columns))
        capsys.readouterr()
        status = main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


@pytest.fixture
def quotas(monkeypatch):
    """Quotas of vCPUs, since moto has none of EC2."""
    limits = {"L-34B43A08": 64.0, "L-1216C47A": 64.0}
    monkeypatch.setattr(doctor, "_quota", lambda code, region: limits[code])
    return limits


@pytest.fixture
def cluster(stack, windrow):
    """A cluster of the pool."""
    status, out, err = windrow("emr", "cluster", "create", "--cores", "16")
    assert status == 0, err
    return out.strip()


@pytest.fixture
def step(cluster, aws):
    """The id of a step on the cluster."""
    said = f"s3://{BUCKET}/tmp/job/said-1-0"
    args = ["bash", "-c", "...", f"s3://{BUCKET}/tmp/job/files/step.sh", said, "10", "hadoop-streaming"]
    jar = {"Jar": "command-runner.jar", "Args": args}
    made = aws("emr").add_job_flow_steps(JobFlowId=cluster, Steps=[{"Name": "averages", "HadoopJarStep": jar}])
    return made["StepIds"][0]
