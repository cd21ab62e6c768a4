"""`windrow emr plan`: what submit and cluster create would request, without an account, and its time and cost."""

import json
import re
from pathlib import Path

import boto3
import pytest
from botocore.validate import ParamValidator

from tests.emr.conftest import ACCOUNT, BUCKET, REGION
from windrow.aws import permissions
from windrow.aws.stack import FILES
from windrow.emr import model
from windrow.errors import WindrowError

ROOT = Path(__file__).parents[2]
BARS = str(ROOT / "data/bars.csv")
AVERAGES = ["moving-average", "--window", "20"]


@pytest.fixture
def plan(windrow):
    """The JSON of a plan."""

    def made(*words):
        status, out, err = windrow("emr", "plan", "--json", *words)
        assert status == 0, err
        return json.loads(out)

    return made


def test_a_plan_needs_no_account_and_no_network(nowhere, windrow):
    status, out, err = windrow("emr", "plan", *AVERAGES, BARS)
    assert (status, err) == (0, "")
    assert out.startswith("moving-average of 1,250 bars in 1 file, 61 KB\nabout ")
    for part in ("Cluster", "Uploads", "Steps", "Required permissions", "Time and cost"):
        assert f"\n{part}\n" in out
    assert "s3://windrow-ACCOUNT-us-east-1/tmp/" in out and "--window 20" in out


@pytest.mark.parametrize("columns", [40, 60, 80, 200])
def test_a_page_fits_its_terminal(nowhere, windrow, columns):
    _, out, _ = windrow("emr", "plan", *AVERAGES, BARS, columns=columns)
    assert max(len(line.rstrip()) for line in out.splitlines()) <= columns
    assert "\x1b" not in out  # no colours where it is not a terminal


def test_all_required_permissions_are_listed(nowhere, plan, windrow):
    actions = plan(*AVERAGES, BARS)["actions"]
    assert actions["yours"] == [one for group in permissions.YOURS.values() for one in group]
    _, out, _ = windrow("emr", "plan", *AVERAGES, BARS)
    words = set(re.findall(r"\w+", out))
    assert {one.partition(":")[2] for one in [*actions["yours"], *actions["nodes"]]} <= words


def test_a_plan_shows_every_step_as_it_would_be_submitted(nowhere, plan):
    made = plan("--cores", "12", "--region", "eu-west-1", *AVERAGES, "-o", "s3://mine/out", BARS)
    [step] = made["steps"]
    args = step["args"]
    assert step["jar"] == "command-runner.jar" and "hadoop-streaming" in args
    assert "mapreduce.job.reduces=12" in args and made["reduces"] == 12
    assert any(
        word.endswith("moving_average.py --step-num=0 --mapper --window 20 --settled settled.json") for word in args
    )
    assert made["output"] == "s3://mine/out" and made["region"] == "eu-west-1"
    sizes = {one["file"]: one["bytes"] for one in made["uploads"]}
    assert (
        sizes["bootstrap.sh"] == (FILES / "bootstrap.sh").stat().st_size
        and "settled.json, what the inputs are" in sizes
    )
    assert {one["to"].split("/")[2] for one in made["uploads"]} == {"windrow-ACCOUNT-eu-west-1"}


def test_a_job_of_two_steps_is_planned_with_both(nowhere, plan):
    made = plan("sweep", "--best", "--fast", "ema:5..10", "--slow", "ema:21..31", "--split", "0.7", BARS)
    one = plan("crossover", "--fast", "sma:5", "--slow", "sma:20", BARS)
    assert len(made["steps"]) == 2 and len(one["steps"]) == 1
    assert made["seconds"]["start"] == pytest.approx(2 * one["seconds"]["start"], abs=0.15)  # tenths of a second


@pytest.mark.parametrize(
    ("options", "kinds", "core"),
    [
        ([], {"m7g", "m6g", "r7g", "r6g"}, {"TargetSpotCapacity": 8}),
        (["--x86", "--cores", "32"], {"m7i", "m6i", "r7i", "r6i"}, {"TargetSpotCapacity": 32}),
        (["--on-demand"], {"m7g", "m6g", "r7g", "r6g"}, {"TargetOnDemandCapacity": 8}),
    ],
)
def test_the_cluster_is_of_one_architecture_and_falls_back_to_on_demand(nowhere, plan, options, kinds, core):
    fleets = {one["Name"]: one for one in plan(*options, *AVERAGES, BARS)["request"]["Instances"]["InstanceFleets"]}
    types = {
        kind["InstanceType"].partition(".")[0] for fleet in fleets.values() for kind in fleet["InstanceTypeConfigs"]
    }
    assert types == kinds
    assert {name: value for name, value in fleets["core"].items() if name.startswith("Target")} == core
    spot = fleets["core"]["LaunchSpecifications"].get("SpotSpecification")
    assert spot is None if options == ["--on-demand"] else spot["TimeoutAction"] == "SWITCH_TO_ON_DEMAND"


def test_the_configuration_has_what_emr_7_needs(nowhere, plan):
    request = plan(*AVERAGES, BARS)["request"]
    assert request["ReleaseLabel"] == "emr-7.13.0" and request["Applications"] == [{"Name": "Hadoop"}]
    assert (request["ServiceRole"], request["JobFlowRole"]) == ("windrow-emr-service", "windrow-emr-nodes")
    assert {"Key": "for-use-with-amazon-emr-managed-policies", "Value": "true"} in request["Tags"]
    assert request["AutoTerminationPolicy"] == {"IdleTimeout": 1800}
    assert request["SecurityConfiguration"] == "windrow-emr" and request["LogUri"].startswith("s3://windrow-")
    assert [one["Name"] for one in request["BootstrapActions"]] == ["master"]
    shape = boto3.client("emr", region_name="us-east-1").meta.service_model.operation_model("RunJobFlow").input_shape
    assert ParamValidator().validate(request, shape).generate_report() == ""


class RecordedError(WindrowError):
    """Instead of a cluster."""


@pytest.fixture
def asked(before_calls):
    """The requests for clusters; no cluster is made."""
    requests = []

    def record(params, **_):
        requests.append(params)
        raise RecordedError("recorded")

    before_calls("emr", "RunJobFlow", record)
    return requests


def known(request):
    """A request without what differs from run to run, and from an account to none."""
    text = re.sub(r"\w+\.\w+\.\d{8}\.\d{6}\.\d{6}", "KEY", json.dumps(request))
    text = text.replace("windrow-ACCOUNT-", f"windrow-{ACCOUNT}-")
    made = json.loads(text)
    made["Name"] = made["Name"].partition(" pooling")[0]
    made["Tags"] = [tag for tag in made["Tags"] if not tag["Key"].startswith("__mrjob_pool")]
    network = [made["Instances"].pop(name, None) for name in ("Ec2SubnetId", "Ec2SubnetIds")]
    network += [made["Instances"].pop(f"EmrManaged{kind}SecurityGroup", None) for kind in ("Master", "Slave")]
    return made, network


@pytest.mark.parametrize("options", [[], ["--x86", "--cores", "16"], ["--on-demand", "--region", REGION]], ids=str)
def test_plan_submit_and_create_request_the_same_cluster(stack, asked, windrow, plan, options):
    planned, [placeholder, *_] = known(plan(*options, *AVERAGES, BARS)["request"])
    assert placeholder == "subnet-of-windrow"
    for words in (["submit", *options, *AVERAGES, BARS], ["cluster", "create", *options]):
        status, _, err = windrow("emr", *words)
        assert status == 1 and "recorded" in err
    found = [known(request) for request in asked]
    assert len(found) == 2
    for request, network in found:
        assert request == planned
        assert network[0] is None and len(network[1]) == 2 and all(name.startswith("sg-") for name in network[2:])


def test_a_jobs_own_runner_requests_the_same_cluster(stack, asked, windrow, plan):
    planned, _ = known(plan(*AVERAGES, BARS)["request"])
    status, _, err = windrow(*AVERAGES, "-r", "emr", "--cloud-tmp-dir", f"s3://{BUCKET}/tmp/", BARS)
    assert status == 1 and "recorded" in err
    [(request, _)] = map(known, asked)
    assert request == planned


# Inputs.


def test_bars_are_estimated_from_the_first_bytes_of_inputs(nowhere, plan, tmp_path, run_module):
    for name in ("a.csv", "b.csv.gz", "c.parquet", "d.csv.bz2"):
        done = run_module("windrow.cli", "sample", tmp_path / name, "--symbols", "20", "--bars", "2000", "--quiet")
        assert done.status == 0
        inputs = plan("moving-average", str(tmp_path / name))["inputs"]
        assert inputs["bars"] == pytest.approx(40_000, rel=0.03), name
    inputs = plan("moving-average", str(tmp_path / "a.csv"), str(tmp_path / "b.csv.gz"))["inputs"]
    assert inputs["files"] == 2 and inputs["maps"] == 1 and inputs["bars"] == pytest.approx(80_000, rel=0.03)


def test_inputs_on_s3_are_listed_or_stated(aws, plan, windrow):
    status, _, err = windrow("emr", "plan", *AVERAGES, "s3://bars/2026/")
    assert (
        status == 1
        and "s3://bars/2026/: " in err
        and "or plan without reading it, with --bars N or --input-size BYTES" in err
    )
    made = plan("--bars", "1000000000", *AVERAGES, "s3://bars/2026/")
    assert made["inputs"]["bars"] == 10**9 and made["inputs"]["maps"] == 104 and not made["inputs"]["known"]
    assert "s3://bars/2026/" in made["steps"][0]["args"]
    assert plan("--input-size", "56000000000", *AVERAGES, "s3://b/")["inputs"]["bars"] == 10**9


def test_inputs_on_s3_are_sampled(aws, plan):
    s3 = aws("s3")
    s3.create_bucket(Bucket="bars", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.upload_file(BARS, "bars", "2026/bars.csv")
    made = plan(*AVERAGES, "s3://bars/2026/")
    assert made["inputs"] == {"files": 1, "size": 60883, "bars": 1250, "maps": 1, "known": True}
    [handed_out] = [one["to"] for one in made["uploads"] if one["to"].endswith("/inputs/inputs.txt")]
    assert handed_out in made["steps"][0]["args"]


# Refusals.


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["moving-avrage", BARS], 2, "moving-avrage: is not a job: a job's own options come after its name"),
        (["moving-average"], 2, "no input: a plan depends on how much there is"),
        (["--cores", "0", *AVERAGES, BARS], 2, "--cores 0: is too few: a cluster needs workers; use 4 or more"),
        (["--bars", "1", "--input-size", "2", *AVERAGES, BARS], 2, "--bars, --input-size: both are set"),
        (["--cluster", "j-1", *AVERAGES, BARS], 2, "--cluster j-1: the number of its cores is not known"),
        (["-c", "none.conf", *AVERAGES, BARS], 1, "-c none.conf: cannot be read: No such file or directory"),
        (["-c", "a", "--x86", *AVERAGES, BARS], 2, "--x86 -c a: both choose the instances"),
        (["--prices", "none.json", *AVERAGES, BARS], 1, "--prices none.json: No such file or directory; copy "),
        ([*AVERAGES, "none.csv"], 1, "none.csv: "),
        ([*AVERAGES, "--cmdenv", "DB_PASSWORD=hunter2", BARS], 1, "--cmdenv DB_PASSWORD=...: is named like a secret"),
    ],
)
def test_what_cannot_be_planned_is_refused(nowhere, windrow, words, status, message):
    returned, out, err = windrow("emr", "plan", *words)
    assert (returned, out) == (status, "") and err.startswith(f"error: {message}"), err
    assert "hunter2" not in err


def test_cores_need_a_core_fleet(nowhere, windrow, tmp_path):
    conf = tmp_path / "mine.conf"
    conf.write_text("runners:\n  emr:\n    instance_fleets: null\n    num_core_instances: 2\n")
    _, _, err = windrow("emr", "plan", "-c", conf, "--cores", "8", *AVERAGES, BARS)
    assert "--cores 8: the configuration has no core fleet in instance_fleets" in err


def test_instance_groups_are_planned_too(nowhere, plan, windrow, tmp_path):
    conf = tmp_path / "mine.conf"
    conf.write_text(
        "include: {}\nrunners:\n  emr:\n    instance_fleets: null\n    num_core_instances: 3\n"
        "    core_instance_type: m7g.2xlarge\n    master_instance_type: m7g.xlarge\n".format(FILES / "mrjob.conf")
    )
    made = plan("-c", conf, *AVERAGES, BARS)
    assert made["cores"] == made["reduces"] == 24 and made["dollars"] is None
    _, out, _ = windrow("emr", "plan", "-c", conf, *AVERAGES, BARS)
    assert re.search(r"core +3 of m7g.2xlarge", out) and "No cost: the configuration has instance groups" in out


def test_a_map_only_job_gets_no_reducers(nowhere, plan):
    [step] = plan("rejects", BARS)["steps"]
    assert [word for word in step["args"] if "mapreduce.job.reduces" in word] == ["mapreduce.job.reduces=0"]


def test_no_secret_is_printed(aws, windrow):
    for words in (["plan", *AVERAGES, BARS], ["plan", "--json", *AVERAGES, BARS], ["doctor"], ["cluster", "list"]):
        _, out, err = windrow("emr", *words)
        assert "wJalrXUtnFEMI" not in out + err


# Time and money.


def test_the_cost_is_time_by_the_price_table(nowhere, plan, tmp_path):
    table = json.loads((FILES / "prices.json").read_text())
    for price in table["instances"].values():
        price.update(ec2=1.0, emr=0.5, spot=0.25)
    table["disk_and_address_an_instance_hour"] = 0.0
    mine = tmp_path / "prices.json"
    mine.write_text(json.dumps(table))
    made = plan("--prices", mine, "--cores", "16", "--bars", "1000000000", *AVERAGES, "s3://b/")
    hours = (made["seconds"]["total"] + made["seconds"]["end"]) / 3600
    assert made["dollars"]["on_demand"] == pytest.approx(hours * 5 * 1.5, rel=1e-3)  # a master and four workers
    assert made["dollars"]["spot"] == pytest.approx(hours * (1.5 + 4 * 0.75), rel=1e-3)


NEGATIVE = '{"dated": "x", "region": "y", "instances": {"a.xlarge": {"vcpus": 4, "ec2": -1, "emr": 0, "spot": 0}}}'
NO_PRICE = '{"dated": "x", "region": "y", "instances": {"m7g.xlarge": {}}}'


@pytest.mark.parametrize("text", ["", "[]", '{"dated": "2026"}', NO_PRICE, NEGATIVE])
def test_what_is_not_a_price_table_is_refused(nowhere, windrow, tmp_path, text):
    mine = tmp_path / "prices.json"
    mine.write_text(text)
    status, _, err = windrow("emr", "plan", "--prices", mine, *AVERAGES, BARS)
    assert status == 1 and f"--prices {mine}: is not a price table (" in err and "copy " in err


def test_an_instance_without_a_price_is_refused(nowhere, windrow, tmp_path):
    table = json.loads((FILES / "prices.json").read_text())
    del table["instances"]["m7g.xlarge"]
    mine = tmp_path / "prices.json"
    mine.write_text(json.dumps(table))
    _, _, err = windrow("emr", "plan", "--prices", mine, *AVERAGES, BARS)
    assert f"error: m7g.xlarge: is not in the price table of {table['dated']}, which has m6g.xlarge" in err


def test_work_is_estimated_by_the_model_of_the_page_on_scaling():
    figures = model.load()
    one, two = (figures.estimate("moving-average", bars, 100, 16, 16) for bars in (10**9, 2 * 10**9))
    work = (figures.model.map_cpu + figures.model.reduce_cpu + figures.hadoop.java) * 1000
    assert one.work == pytest.approx(work / 16)
    assert one.tasks == pytest.approx((100 / 16 + 1) * figures.hadoop.task)
    assert two.work == pytest.approx(2 * one.work) and two.tasks == one.tasks and two.cluster == one.cluster
    half = figures.estimate("moving-average", 10**9, 100, 32, 32)
    assert half.work == pytest.approx(one.work / 2) and half.start == one.start
    running = figures.estimate("moving-average", 10**9, 100, 16, 16, new_cluster=False)
    assert running.cluster == running.end == 0 and running.work == one.work


def test_cores_without_a_task_have_nothing_to_do():
    """A gzipped file is one mapper's, however many cores there are."""
    figures = model.load()
    few, many = (figures.estimate("moving-average", 10**9, 1, 1, cores) for cores in (1, 1000))
    assert few == many
    mapping = figures.model.map_cpu + figures.hadoop.java
    split = figures.estimate("moving-average", 10**9, 500, 1, 1000)
    assert few.work - split.work == pytest.approx(1000 * mapping * (1 - 1 / 500))


def test_the_page_on_scaling_and_plans_have_the_same_figures():
    text, figures = (ROOT / "docs/scaling.md").read_text(), model.load()
    assert f"| CPU seconds a million bars on one core, mappers | {figures.model.map_cpu:.3f} |" in text
    assert f"| CPU seconds a million bars on one core, reducers | {figures.model.reduce_cpu:.3f} |" in text


def test_every_job_has_its_figures():
    from windrow.mapreduce.registry import find_jobs

    assert set(find_jobs()) == set(model.load().jobs)
