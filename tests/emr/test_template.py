"""template.yaml: cfn-lint finds no fault, it deploys, and its permissions and cluster are those of a plan."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from cfnlint.decode.cfn_yaml import load

from tests.emr.conftest import BUCKET
from windrow.aws import permissions
from windrow.aws.stack import FILES
from windrow.emr.plan import flat

TEMPLATE = FILES / "template.yaml"


def test_cfn_lint_finds_no_fault():
    command = [Path(sys.executable).with_name("cfn-lint"), "--include-checks", "I", "--", TEMPLATE]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_parameters_say_what_they_are():
    for name, parameter in load(str(TEMPLATE))["Parameters"].items():
        assert len(parameter["Description"]) > 20, name


def resources(stack):
    listed = stack.describe_stack_resources(StackName="windrow")["StackResources"]
    return {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in listed if "LogicalResourceId" in one}


def actions_of(document):
    found = []
    for statement in document["Statement"]:
        assert statement["Effect"] == "Allow"
        action = statement["Action"]
        found += [action] if isinstance(action, str) else action
    return found


def test_the_bucket_is_private_and_encrypted_and_forgets_unfinished_uploads():
    """By its text: moto's CloudFormation creates the bucket without these."""
    found = load(str(TEMPLATE))["Resources"]
    bucket = found["Bucket"]["Properties"]
    unfinished = {"DaysAfterInitiation": 1}
    assert unfinished in [
        rule.get("AbortIncompleteMultipartUpload") for rule in bucket["LifecycleConfiguration"]["Rules"]
    ]
    blocked = bucket["PublicAccessBlockConfiguration"]
    assert set(blocked.values()) == {True} and len(blocked) == 4
    [encryption] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    [tls] = found["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert tls["Effect"] == "Deny" and tls["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_it_deploys_and_nothing_can_connect_to_its_clusters(stack, aws):
    aws("s3").head_bucket(Bucket=BUCKET)
    groups = aws("ec2").describe_security_groups(Filters=[{"Name": "tag-key", "Values": ["windrow"]}])["SecurityGroups"]
    assert len(groups) == 2 and not any(group["IpPermissions"] for group in groups)
    disks = load(str(TEMPLATE))["Resources"]["Encryption"]["Properties"]["SecurityConfiguration"]
    local = disks["EncryptionConfiguration"]["AtRestEncryptionConfiguration"]["LocalDiskEncryptionConfiguration"]
    assert local["EnableEbsEncryption"] is True


def test_whoever_submits_gets_the_permissions_that_a_plan_lists_and_no_more(stack, aws):
    arn = resources(stack)["SubmitPolicy"]
    iam = aws("iam")
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    granted = actions_of(document)
    assert sorted(set(granted)) == sorted(flat(permissions.YOURS))
    assert not any("*" in action for action in granted)


def test_nodes_get_the_permissions_that_a_plan_lists_and_no_more(stack, aws):
    document = aws("iam").get_role_policy(RoleName="windrow-emr-nodes", PolicyName="bars")["PolicyDocument"]
    document = yaml.safe_load(document) if isinstance(document, str) else document  # moto's own spelling of it
    assert sorted(actions_of(document)) == sorted(flat(permissions.NODES))
    assert all(BUCKET in str(statement["Resource"]) for statement in document["Statement"])


@pytest.fixture
def machine(stack, aws):
    """The state machine's definition, as it is deployed."""
    arn = resources(stack)["Daily"]
    return json.loads(aws("stepfunctions").describe_state_machine(stateMachineArn=arn)["definition"])


def test_the_daily_cluster_is_the_one_of_a_plan(machine, windrow):
    asked = machine["States"]["Start"]["Parameters"]
    status, out, err = windrow("emr", "plan", "--json", "moving-average", "data/bars.csv")
    assert status == 0, err
    planned = json.loads(out)["request"]
    same = ("ReleaseLabel", "Applications", "SecurityConfiguration", "AutoTerminationPolicy", "EbsRootVolumeSize")
    assert {name: asked[name] for name in same} == {name: planned[name] for name in same}
    assert (asked["ServiceRole"], asked["JobFlowRole"]) == (planned["ServiceRole"], planned["JobFlowRole"])
    assert asked["Instances"]["InstanceFleets"] == planned["Instances"]["InstanceFleets"]
    assert all(tag in planned["Tags"] for tag in asked["Tags"])
    properties = {one["Classification"]: one["Properties"] for one in asked["Configurations"]}
    assert properties["mapred-site"].pop("mapreduce.job.reduces") == "8"
    assert properties == {one["Classification"]: one["Properties"] for one in planned["Configurations"]}


def test_a_cluster_is_terminated_whatever_happens_to_its_jobs(machine):
    states = machine["States"]
    assert states["Jobs"]["Next"] == "End" and states["Jobs"]["Catch"][0]["Next"] == "EndAfterFailure"
    for name in ("End", "EndAfterFailure"):
        assert states[name]["Resource"].endswith(":terminateCluster")
    assert states["EndAfterFailure"]["Next"] == "Failed" and states["Failed"]["Type"] == "Fail"


def test_the_daily_definition_is_valid_for_step_functions(machine, tmp_path):
    """By cfn-lint's schema of definitions; it cannot look into the template's text."""
    place = tmp_path / "machine.json"
    own = {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {"Definition": machine, "RoleArn": "arn:aws:iam::1"},
    }
    place.write_text(json.dumps({"Resources": {"Machine": own}}))
    command = [Path(sys.executable).with_name("cfn-lint"), "--ignore-checks", "E1156", "--", place]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_daily_jobs_are_windrows(stack, aws):
    from windrow.mapreduce.registry import find_jobs

    [target] = aws("events").list_targets_by_rule(Rule="windrow-daily")["Targets"]
    template = target["InputTransformer"]["InputTemplate"].replace("<time>", '"2026-11-20T22:30:00Z"')
    jobs = json.loads(template)["jobs"]
    assert [job["name"] for job in jobs] == ["averages", "signals", "backtest", "report"]
    for job in jobs[:-1]:
        name, *_ = job["command"].split()
        assert name in find_jobs()
    assert aws("events").describe_rule(Name="windrow-daily")["State"] == "DISABLED"
