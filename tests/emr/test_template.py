"""template.yaml: cfn-lint finds no fault, it deploys, and its permissions and cluster are those of a plan."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from cfnlint.decode.cfn_yaml import load

from tests.emr.conftest import BUCKET, deployed
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


def test_a_stack_has_no_stream_unless_it_is_asked_for(stack, aws):
    assert aws("kinesis").list_streams()["StreamNames"] == []
    assert not {"Bars", "StreamKey", "ReadStreamPolicy", "LoadStreamPolicy"} & resources(stack).keys()


def test_the_stream_that_is_asked_for_keeps_a_year(aws):
    deployed(aws, Stream="provisioned", StreamShards="12")
    summary = aws("kinesis").describe_stream_summary(StreamName="windrow-bars")["StreamDescriptionSummary"]
    assert (summary["RetentionPeriodHours"], summary["OpenShardCount"]) == (8760, 12)


def test_a_stream_on_demand_has_no_number_of_shards():
    """By its text: moto's CloudFormation makes all streams provisioned."""
    template = load(str(TEMPLATE))
    stream = template["Resources"]["Bars"]["Properties"]
    assert template["Conditions"]["StreamOnDemand"] == {"Fn::Equals": [{"Ref": "Stream"}, "on-demand"]}
    assert stream["StreamModeDetails"] == {"StreamMode": {"Fn::If": ["StreamOnDemand", "ON_DEMAND", "PROVISIONED"]}}
    assert stream["ShardCount"] == {"Fn::If": ["StreamOnDemand", {"Ref": "AWS::NoValue"}, {"Ref": "StreamShards"}]}


def test_the_stream_is_encrypted_and_outlives_the_stack_with_its_key():
    """By its text: moto's CloudFormation creates the stream without encryption."""
    found = load(str(TEMPLATE))["Resources"]
    encryption = found["Bars"]["Properties"]["StreamEncryption"]
    assert encryption == {"EncryptionType": "KMS", "KeyId": {"Fn::GetAtt": ["StreamKey", "Arn"]}}
    for name in ("Bars", "StreamKey"):
        assert (found[name]["DeletionPolicy"], found[name]["UpdateReplacePolicy"]) == ("Retain", "Retain")


@pytest.mark.parametrize("hours", ["24", "168"])
def test_a_stream_may_keep_less(aws, hours):
    deployed(aws, Stream="provisioned", StreamHours=hours)
    summary = aws("kinesis").describe_stream_summary(StreamName="windrow-bars")["StreamDescriptionSummary"]
    assert summary["RetentionPeriodHours"] == int(hours)


@pytest.mark.parametrize(
    ("policy", "listed"),
    [("ReadStreamPolicy", permissions.READ_STREAMS), ("LoadStreamPolicy", permissions.LOAD_STREAMS)],
)
def test_whoever_uses_the_stream_gets_the_permissions_that_are_listed_and_no_more(aws, policy, listed):
    iam, arn = aws("iam"), resources(deployed(aws, Stream="provisioned"))[policy]
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    assert sorted(actions_of(document)) == sorted(listed)
    stream = aws("kinesis").describe_stream_summary(StreamName="windrow-bars")["StreamDescriptionSummary"]["StreamARN"]
    for statement in document["Statement"]:
        of_key = "kms:" in str(statement["Action"])
        assert statement["Resource"].startswith("arn:aws:kms:" if of_key else stream)
        assert of_key == ("kms:ViaService" in str(statement.get("Condition")))


def test_the_permissions_of_streams_are_those_of_the_calls_that_windrow_makes():
    """Each call of a client in the source has its permission listed, and the other way round."""
    source = "".join(path.read_text() for path in (FILES.parent / "storage" / "kinesis").glob("*.py"))
    calls = set(re.findall(r"(?:client|kinesis)\.([a-z]+_[a-z_]+)\(", source))
    named = {f"kinesis:{''.join(word.title() for word in call.split('_'))}" for call in calls}
    every = {*permissions.READ_STREAMS, *permissions.LOAD_STREAMS, *permissions.MAKE_STREAMS}
    assert named == {action for action in every if action.startswith("kinesis:")}


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
