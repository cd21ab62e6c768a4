"""template.yaml, Dockerfile and the function: what runs a collection every day."""

import json
import re
import subprocess
import sys
from ast import literal_eval
from pathlib import Path

import boto3
import pytest
from cfnlint.decode.cfn_yaml import load

from tests.catalog.lake import Lake
from tests.conftest import ROOT
from windrow.catalog.queries import ddl
from windrow.catalog.snapshots import days, read_day
from windrow.commands import catalog
from windrow.errors import UsageError

FOLDER = ROOT / "windrow" / "catalog"
TEMPLATE = FOLDER / "template.yaml"
#: What moto's CloudFormation does not make, in the order of the file.
NOT_IN_MOTO = {"Once", "Database", "WorkGroup", "Databases", "Tables", "Usage"}
REGION = "eu-west-1"


def checked(name, *arguments):
    done = subprocess.run([Path(sys.executable).with_name(name), *arguments], capture_output=True, text=True)
    return done.returncode, done.stdout


def test_the_template_has_no_fault():
    assert checked("cfn-lint", "--include-checks", "I", "--", TEMPLATE) == (0, "")


def test_the_image_has_no_fault_and_what_it_copies_is_there():
    image = FOLDER / "Dockerfile"
    assert checked("hadolint", image) == (0, "")
    copied = re.findall(r"^COPY (.+) \S+$", image.read_text(), re.MULTILINE)
    assert copied and all((ROOT / name).exists() for names in copied for name in names.split())
    module, _, function = re.search(r'CMD \["(.+)"\]', image.read_text())[1].rpartition(".")
    assert module == catalog.__name__ and getattr(catalog, function) is catalog.handle


def test_parameters_say_what_they_are():
    for name, parameter in load(str(TEMPLATE))["Parameters"].items():
        assert len(parameter["Description"]) > 20, name


def test_athena_gets_the_columns_of_today():
    resources = load(str(TEMPLATE))["Resources"]
    for tree, schema in ddl._TREES.items():
        table = resources[tree.capitalize()]["Properties"]["TableInput"]
        columns = [(one["Name"], one["Type"]) for one in table["StorageDescriptor"]["Columns"]]
        assert columns == [(field.name, ddl._TYPES[field.type]) for field in schema], tree


def test_the_function_may_do_what_the_docs_say_and_no_more():
    [policy] = load(str(TEMPLATE))["Resources"]["Role"]["Properties"]["Policies"]
    granted = set()
    for statement in policy["PolicyDocument"]["Statement"]:
        statement = statement["Fn::If"][1] if "Fn::If" in statement else statement
        granted.update([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    rights = (ROOT / "docs" / "catalog.md").read_text().partition("### Rights")[2].partition("\n## ")[0]
    told = set(re.findall(r"\b[a-z0-9]+:[A-Z]\w+", rights))
    assert granted - {"logs:CreateLogStream", "logs:PutLogEvents"} == told
    assert not any("*" in action for action in granted)


def without(text, names):
    """The template's text without some resources."""
    blocks = re.split(r"(?m)^(?=  [A-Z]\w+:$|[A-Z]\w+:$|  # )", text)
    return "".join(block for block in blocks if block.partition(":")[0].strip() not in names)


def test_a_stack_is_made_and_deleted_as_far_as_moto_goes(aws):
    text = without(TEMPLATE.read_text(), NOT_IN_MOTO)
    assert not re.search(r"Type: AWS::(Glue|Athena)::", text)
    cloud = boto3.client("cloudformation")
    roles = "arn:aws:iam::111122223333:role/reader,arn:aws:iam::444455556666:role/reader"
    given = {"Image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/windrow:1", "Roles": roles,
             "LakeBuckets": "arn:aws:s3:::lake,arn:aws:s3:::other",
             "Arguments": f"--role,{roles.replace(',', ',--role,')}", "AlarmEmail": "data@example.com"}  # fmt: skip
    parameters = [{"ParameterKey": name, "ParameterValue": value} for name, value in given.items()]
    cloud.create_stack(
        StackName="windrow-catalog", TemplateBody=text, Parameters=parameters, Capabilities=["CAPABILITY_NAMED_IAM"]
    )
    assert cloud.describe_stacks(StackName="windrow-catalog")["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
    policy = boto3.client("iam").get_role_policy(RoleName=f"windrow-catalog-{REGION}", PolicyName="collect")
    statements = literal_eval(policy["PolicyDocument"])["Statement"]  # moto has it as Python's text
    allowed = {one["Sid"]: (one["Action"], one["Resource"]) for one in statements if one}
    buckets = given["LakeBuckets"].split(",")
    assert allowed["Folders"] == (["s3:ListBucket"], buckets)
    assert allowed["IcebergMetadata"] == (["s3:GetObject"], [f"{one}/*metadata/*" for one in buckets])
    assert allowed["DeltaLogs"] == (["s3:GetObject"], [f"{one}/*_delta_log/*" for one in buckets])
    [target] = boto3.client("events").list_targets_by_rule(Rule="windrow-catalog")["Targets"]
    arguments = json.loads(target["Input"])["arguments"]
    first, second = roles.split(",")
    assert arguments == ["-o", f"s3://windrow-catalog-123456789012-{REGION}/metrics", "--role", first, "--role", second]
    made = boto3.client("lambda").get_function(FunctionName="windrow-catalog")["Configuration"]
    assert made["Timeout"] == 900
    cloud.delete_stack(StackName="windrow-catalog")
    assert boto3.client("lambda").list_functions()["Functions"] == []
    boto3.client("s3").head_bucket(Bucket=f"windrow-catalog-123456789012-{REGION}")  # snapshots are kept


def test_the_function_collects_by_the_arguments_of_its_event(aws, tmp_path):
    """What is wrong reaches Lambda as an error."""
    lake = Lake()
    lake.database("sales")
    lake.table("sales", "orders")
    place = tmp_path / "metrics"
    assert catalog.handle({"arguments": ["--quiet", "-o", str(place), "--sizes", "none"]}) == {"status": 0}
    [day] = days(str(place))
    assert read_day(str(place), day).tables["tablename"].to_pylist() == ["orders"]
    with pytest.raises(UsageError, match=r"-o: is missing"):
        catalog.handle({})
