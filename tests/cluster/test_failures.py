"""What cannot end well on Hadoop ends in one clear message, a status that is not 0, and no half output."""

import gzip

import pytest
import zstandard

import windrow
from tests.cluster.conftest import BY_HADOOP, INDICATORS, ROOT, shuffled_rows

BARS = ROOT / "data/bars.csv"


def check_refused(ran, begins, *says):
    assert (ran.status, ran.out) == (1, b"")
    assert ran.err.startswith(f"error: {begins}"), ran.err
    assert all(text in ran.err for text in says), ran.err
    assert "Traceback" not in ran.err and "Streaming" not in ran.err


def test_an_output_directory_appears_described_and_is_not_overwritten(on_hadoop, tmp_path):
    output = f"file://{tmp_path}/out"
    assert on_hadoop(*INDICATORS, "-o", output, BARS).status == 0
    frame = windrow.read_output(tmp_path / "out")
    assert list(frame.columns) == ["symbol", "timestamp", "sma:20", "ema:12"] and len(frame) == 1195
    check_refused(on_hadoop(*INDICATORS, "-o", output, BARS), f"{output}: exists;")


def test_an_output_is_replaced_if_asked_for_and_nothing_else_is(on_hadoop, tmp_path):
    output, out = f"file://{tmp_path}/out", tmp_path / "out"
    assert on_hadoop("--window", 5, "-o", output, BARS).status == 0
    assert on_hadoop("--window", 20, "-o", output, "--force", BARS).status == 0
    assert len(windrow.read_output(out)) == 1155
    assert [path.name for path in tmp_path.iterdir() if not path.name.endswith(".crc")] == ["out"]
    (out / "notes.txt").write_text("mine")
    why = f"{output}: has notes.txt, which no job wrote; --force replaces outputs of jobs and nothing else;"
    check_refused(on_hadoop("--window", 5, "-o", output, "--force", BARS), why)
    assert (out / "notes.txt").read_text() == "mine"
    (out / "notes.txt").unlink()
    assert len(windrow.read_output(out)) == 1155


@pytest.mark.cluster
@pytest.mark.full
def test_an_output_directory_on_the_cluster(on_cluster, hdfs):
    output = hdfs.uri("a/new/out")
    assert on_cluster(*INDICATORS, "-o", output, BARS).status == 0
    assert sorted(hdfs.read("a/new/out/part-00000").splitlines()) == sorted(
        (ROOT / "data/averages.tsv").read_bytes().splitlines()
    )
    before = hdfs.list("a/new/out")
    assert "_SUCCESS" in before
    check_refused(on_cluster(*INDICATORS, "-o", output, BARS), f"{output}: exists;")
    assert (hdfs.list("a/new"), hdfs.list("a/new/out")) == (["out"], before)


@pytest.mark.parametrize("suffix", ["csv", "csv.zst"], ids=["split by Hadoop", "fetched whole"])
def test_an_input_that_changes_while_hadoop_reads_it_is_refused(on_hadoop, tmp_path, suffix):
    """Hadoop itself does not notice: the submitter asks again before it publishes."""
    bars = tmp_path / f"bars.{suffix}"
    text = b"symbol,timestamp,close\nA,2020-01-01,1\nA,2020-01-02,2\n"
    bars.write_bytes(text if suffix == "csv" else zstandard.compress(text))
    options = ["--window", 1, "--appends-to", bars, "-o", f"file://{tmp_path}/out"]
    ran = on_hadoop(*options, f"file://{bars}", job="tests.cluster.faulty")
    check_refused(ran, "file:", f"{bars}: has changed since the job was submitted (from ")
    assert [path.name for path in tmp_path.iterdir() if not path.name.endswith(".crc")] == [bars.name]


def test_an_output_that_appears_while_a_job_runs_is_left_as_it_is(on_hadoop, tmp_path):
    """Hadoop moves a directory into one that exists: exit 0, and the parts in a hidden directory, it was."""
    output = f"file://{tmp_path}/out"
    ran = on_hadoop(*INDICATORS, "--makes", tmp_path / "out", "-o", output, BARS, job="tests.cluster.faulty")
    check_refused(ran, f"{output}: exists; a job writes a new directory only;")
    assert [path.name for path in tmp_path.iterdir() if not path.name.endswith(".crc")] == ["out"]
    assert [path.name for path in (tmp_path / "out").iterdir() if not path.name.endswith(".crc")] == ["theirs"]


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (["A,2020-01-01,1", "A,2020-01-02T10:00,2"], "but also a time of day: 2020-01-02T10:00:00Z"),
        (
            ["A,2020-01-01,1", "A,2020-01-01,2"],
            "1 conflict, different bars at one symbol and time: A at 2020-01-01",
        ),
        (["A,2020-01-01,1", "A,2020-01-02,x"], "1 of 2 rows are invalid: 1 number"),
    ],
    ids=["mixed", "conflict", "bad"],
)
def test_a_refusal_is_its_message_alone_and_leaves_nothing(on_hadoop, tmp_path, rows, says):
    bars = tmp_path / "bars.csv"
    bars.write_text("\n".join(["symbol,timestamp,close", *rows]) + "\n")
    check_refused(on_hadoop("--window", 1, "-o", f"file://{tmp_path}/out", bars), "", says)
    assert [path.name for path in tmp_path.iterdir() if not path.name.endswith(".crc")] == ["bars.csv"]


@pytest.mark.smoke
def test_a_missing_input(on_hadoop, tmp_path):
    check_refused(on_hadoop(f"file://{tmp_path}/nothere"), "", "nothere", "No such file or directory")


@pytest.mark.cluster
def test_a_missing_input_on_the_cluster(on_cluster, hdfs):
    ran = on_cluster("-o", hdfs.uri("out"), hdfs.uri("nothere"))
    check_refused(ran, "", hdfs.uri("nothere"), "does not exist; check the path")
    ran = on_cluster("-o", hdfs.uri("out"), *BY_HADOOP, hdfs.uri("nothere"))
    check_refused(ran, "", hdfs.uri("nothere"), "No such file or directory")
    assert hdfs.list() == []


@pytest.mark.cluster
@pytest.mark.full
def test_a_damaged_gzip(on_cluster, hdfs):
    header, rows = shuffled_rows()
    whole = gzip.compress("\n".join([header, *rows * 200]).encode())
    assert len(whole) > 1 << 19  # so that its first bytes, read at submission, do not show it
    hdfs.put("in/bars.csv.gz", whole[:-1000])
    ran = on_cluster("-o", hdfs.uri("out"), hdfs.uri("in"))
    check_refused(
        ran, f"{hdfs.uri('in')}/bars.csv.gz: is truncated or damaged", "windrow reads a file whole or not at all"
    )
    ran = on_cluster("-o", hdfs.uri("out"), *BY_HADOOP, hdfs.uri("in"))
    check_refused(ran, f"{hdfs.uri('in')}: is truncated or damaged", "Unexpected end of input stream", "to see more: ")
    assert hdfs.list() == ["in"]


@pytest.mark.cluster
@pytest.mark.full
def test_a_full_disk(cluster, on_cluster, hdfs):
    hdfs.put("full/empty", b"")
    cluster.hadoop("dfsadmin", "-setSpaceQuota", "1m", hdfs.path + "/full")
    for how in ([], BY_HADOOP):
        ran = on_cluster("-o", hdfs.uri("full/out"), *how, BARS)
        check_refused(
            ran, f"{hdfs.uri('full/out')}: HDFS has no space for it: ", "quota", "free some, or choose another place"
        )
        assert hdfs.list("full") == ["empty"]


def check_foreseen_by_nobody(ran, kind):
    assert (ran.status, ran.out) == (1, b"")
    first, *_, error, more, last = ran.err.splitlines()
    assert first == "Traceback (most recent call last):"
    assert error.startswith(f"ZeroDivisionError: a {kind} that nobody foresaw")
    assert more.startswith("to see more: ")
    assert last == "error: a task failed; its traceback or last output is above"
    assert ran.err.count("Traceback") == 1 and "Streaming" not in ran.err
    return more


@pytest.mark.parametrize("kind", [pytest.param("mapper", marks=pytest.mark.smoke), "reducer"])
def test_an_error_that_nobody_foresaw(on_hadoop, tmp_path, kind):
    output = ["-o", f"file://{tmp_path}/out"]
    more = check_foreseen_by_nobody(on_hadoop("--fault", kind, *output, BARS, job="tests.cluster.faulty"), kind)
    assert more == "to see more: run it again with -v"
    assert [path.name for path in tmp_path.iterdir() if not path.name.endswith(".crc")] == []


@pytest.mark.cluster
def test_an_error_that_nobody_foresaw_on_the_cluster(on_cluster, hdfs):
    ran = on_cluster("--fault", "mapper", "-o", hdfs.uri("out"), BARS, job="tests.cluster.faulty")
    more = check_foreseen_by_nobody(ran, "mapper")
    assert "/yarn logs -applicationId application_" in more
    assert hdfs.list() == []
