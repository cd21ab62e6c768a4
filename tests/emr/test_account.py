"""doctor, cluster and logs against moto's emulator of AWS: what exists, what is missing, and the fix."""

import gzip

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.emr.conftest import BUCKET, REGION


def words(text):
    """Without the line breaks of the page."""
    return " ".join(text.split())


def test_an_account_with_the_stack_is_healthy(stack, aws, quotas, windrow):
    aws("emr").create_security_configuration(Name="windrow-emr", SecurityConfiguration="{}")
    status, out, err = windrow("emr", "doctor")
    assert (status, err) == (0, ""), out
    assert out.endswith("a job can run on EMR\n")
    assert f"{BUCKET} in {REGION}" in words(out) and "64 vCPUs; a job needs 12" in words(out)
    assert "Contents" not in aws("s3").list_objects_v2(Bucket=BUCKET)  # what it wrote is deleted


def test_doctor_names_all_that_an_empty_account_lacks(aws, quotas, windrow):
    quotas["L-34B43A08"] = 4.0
    status, out, _ = windrow("emr", "doctor")
    text = words(out)
    assert status == 1 and "6 of 9 checks failed" in text
    for lack in ("there is no role windrow-emr-service", "there is no instance profile windrow-emr-nodes",
                 f"there is no bucket {BUCKET}", "there is no security configuration windrow-emr",
                 "no subnet is tagged windrow", "4 vCPUs; a job needs 8",
                 "request-service-quota-increase --service-code ec2 --quota-code L-34B43A08"):  # fmt: skip
        assert lack in text, lack
    assert "aws cloudformation deploy --stack-name windrow --template-file" in text


def test_without_credentials_doctor_shows_how_to_get_some(nowhere, windrow, monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    status, out, _ = windrow("emr", "doctor")
    assert status == 1 and "no AWS credentials were found" in words(out) and "`aws configure`" in words(out)


def test_a_region_that_does_not_exist_fails(aws, windrow, monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-nowhere-1")
    status, out, _ = windrow("emr", "doctor")
    assert status == 1 and "eu-nowhere-1: EMR has no such region" in words(out) and "AWS_DEFAULT_REGION" in words(out)


def test_a_bucket_in_another_region_fails(stack, aws, quotas, windrow):
    boto3.client("s3", region_name="us-west-2").create_bucket(
        Bucket="far", CreateBucketConfiguration={"LocationConstraint": "us-west-2"}
    )
    status, out, _ = windrow("emr", "doctor", "--bucket", "far")
    assert (
        status == 1 and "far in us-west-2" in words(out) and "use --region us-west-2, or another bucket" in words(out)
    )


def test_a_role_that_trusts_another_service_fails(stack, aws, quotas, windrow):
    trust = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs.amazonaws.com"},'
    trust += ' "Action": "sts:AssumeRole"}]}'
    aws("iam").update_assume_role_policy(RoleName="windrow-emr-service", PolicyDocument=trust)
    status, out, _ = windrow("emr", "doctor")
    assert status == 1 and "windrow-emr-service does not trust elasticmapreduce.amazonaws.com" in words(out)


@pytest.fixture
def deny(before_calls):
    """Refuses operations of AWS by their names, as IAM does."""

    def refuse(model, **_):
        error = {"Code": "AccessDenied", "Message": f"User: arn:aws:iam::1:user/me may not {model.name}"}
        raise ClientError({"Error": error}, model.name)

    def add(*operations):
        for operation in operations:
            before_calls("*", operation, refuse)

    return add


def test_a_bucket_that_may_not_be_written_to_fails(stack, deny, quotas, windrow):
    deny("PutObject")
    status, out, _ = windrow("emr", "doctor")
    assert status == 1 and "s3: PutObject: access is denied" in words(out) and "need s3:PutObject" in words(out)


def test_a_quota_that_may_not_be_read_is_no_failure(stack, aws, deny, windrow):
    aws("emr").create_security_configuration(Name="windrow-emr", SecurityConfiguration="{}")
    deny("GetServiceQuota", "GetAWSDefaultServiceQuota")
    status, out, _ = windrow("emr", "doctor")
    assert status == 0 and "could not be read: service-quotas: GetServiceQuota: access is denied" in words(out)


def test_a_denied_list_of_clusters_names_the_required_permission(aws, deny, windrow):
    deny("ListClusters")
    status, out, err = windrow("emr", "cluster", "list")
    assert (status, out) == (1, "")
    assert err.startswith(
        "error: emr: ListClusters: access is denied (AccessDenied: User: arn:aws:iam::1:user/me may not ListClusters);"
    )
    assert "elasticmapreduce:ListClusters" in err and "Traceback" not in err


# Clusters.


def test_a_cluster_is_created_listed_and_terminated(cluster, aws, windrow):
    described = aws("emr").describe_cluster(ClusterId=cluster)["Cluster"]
    assert {"Key": "windrow", "Value": "cluster"} in described["Tags"] and described["AutoTerminate"] is False
    status, out, _ = windrow("emr", "cluster", "list")
    assert status == 0 and cluster in out and "waiting" in out
    assert windrow("emr", "cluster", "terminate", cluster)[:2] == (0, f"asked EMR to terminate {cluster}\n")
    assert windrow("emr", "cluster", "list")[1] == "windrow has no cluster in this region\n"


def test_what_nodes_need_is_in_the_bucket_before_the_cluster(cluster, aws):
    keys = [one["Key"] for one in aws("s3").list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert {key.rpartition("/")[2] for key in keys} >= {"b.sh", "bootstrap.sh", "requirements.txt"}


def test_others_clusters_are_left_alone(stack, aws, windrow):
    instances = {"MasterInstanceType": "m7g.xlarge", "InstanceCount": 1, "KeepJobFlowAliveWhenNoSteps": True}
    other = aws("emr").run_job_flow(Name="theirs", Instances=instances, ReleaseLabel="emr-7.13.0")["JobFlowId"]
    assert other not in windrow("emr", "cluster", "list")[1]
    status, _, err = windrow("emr", "cluster", "terminate", other)
    assert status == 1 and err.startswith(
        f"error: {other}: is not windrow's: it does not have the tag windrow=cluster; "
    )
    assert aws("emr").describe_cluster(ClusterId=other)["Cluster"]["Status"]["State"] == "WAITING"


def test_a_cluster_without_a_bucket_is_refused(aws, windrow):
    status, _, err = windrow("emr", "cluster", "create")
    assert status == 1 and BUCKET in err and "there is no such bucket" in err


def test_no_region_is_refused(aws, windrow, monkeypatch):
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    status, _, err = windrow("emr", "cluster", "create")
    assert status == 2 and err.startswith("error: --region: no region is set")


def test_code_of_the_daily_jobs_is_put_and_replaced(stack, aws, windrow):
    for _ in range(2):
        status, out, err = windrow("emr", "code")
        assert status == 0, err
    assert out.split() == [f"s3://{BUCKET}/code/{name}" for name in ("bootstrap.sh", "requirements.txt", "windrow.zip")]
    keys = [one["Key"] for one in aws("s3").list_objects_v2(Bucket=BUCKET, Prefix="code/")["Contents"]]
    assert keys == ["code/bootstrap.sh", "code/requirements.txt", "code/windrow.zip"]


# Logs.

CLIENT = """26/11/22 01:00:00 INFO impl.YarnClientImpl: Submitted application application_1795270550237_0002
26/11/22 01:00:40 ERROR streaming.StreamJob: Job not successful!
"""
TASK = """+ /opt/windrow/bin/python moving_average.py --mapper
Traceback (most recent call last):
  File "/mnt/yarn/usercache/hadoop/appcache/application_1/container_1_0002_01_000002/moving_average.py", line 9, in map
    1 / 0
ZeroDivisionError: division by zero
"""


@pytest.fixture
def failed(monkeypatch):
    """Steps are reported as failed, since moto's never fail."""
    from windrow.emr import logs

    real = logs.find_step
    monkeypatch.setattr(logs, "find_step", lambda *words: real(*words)._replace(state="FAILED"))


def test_logs_shows_the_tasks_traceback_from_emrs_logs(cluster, step, failed, aws, windrow):
    folder = f"tmp/logs/{cluster}"
    files = {
        f"{folder}/steps/{step}/stderr.gz": CLIENT,
        f"{folder}/containers/application_1795270550237_0002/container_1795270550237_0002_01_000001/stderr.gz": "",
        f"{folder}/containers/application_1795270550237_0002/container_1795270550237_0002_01_000002/stderr.gz": TASK,
    }
    for key, text in files.items():
        aws("s3").put_object(Bucket=BUCKET, Key=key, Body=gzip.compress(text.encode()))
    for arguments in ([step], [step, "--cluster", cluster]):
        status, out, _ = windrow("emr", "logs", *arguments)
        assert status == 0
        assert out.startswith('Traceback (most recent call last):\n  File "moving_average.py", line 9, in map\n')
        assert "ZeroDivisionError: division by zero\n" in out and "to see more: aws s3 cp --recursive" in out


def test_logs_shows_what_the_step_itself_has_saved(step, failed, aws, windrow):
    gathered = f"Container: container_1\n====\nLogType:stderr\nLogContents:\n{TASK}\nEnd of LogType:stderr\n"
    aws("s3").put_object(Bucket=BUCKET, Key="tmp/job/said-1-0.client", Body=CLIENT.encode())
    aws("s3").put_object(Bucket=BUCKET, Key="tmp/job/said-1-0.tasks", Body=gathered.encode())
    _, out, _ = windrow("emr", "logs", step)
    assert "ZeroDivisionError: division by zero\n" in out


def test_logs_that_emr_has_not_copied_yet_are_announced(step, failed, windrow):
    status, _, err = windrow("emr", "logs", step)
    assert status == 1 and f"error: {step}: EMR has not copied its logs to s3://{BUCKET}/tmp/logs/" in err


def test_a_step_that_has_not_failed_has_nothing_to_explain(step, windrow):
    status, out, err = windrow("emr", "logs", step)
    assert (status, out) == (0, "") and err.startswith("averages: ")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("j-1", "j-1: is not a step: a step's id begins with s-"),
        ("s-NONE", "s-NONE: is not a step of any cluster of the last 14 days"),
    ],
)
def test_what_is_not_a_step_is_refused(stack, windrow, name, message):
    status, _, err = windrow("emr", "logs", name)
    assert status == 1 and err.startswith(f"error: {message}")
