"""Runs windrow and what else one would run there in turn on the one-machine Hadoop, and writes the figures.

    make cluster
    python benchmarks/cluster.py [--bars 5e6,20e6] [--programs Java,Dask] [--runs 3] [--conf .cluster/mrjob.conf]

SMA(20) over daily bars on HDFS, splits of 128 MB, two reducers. CPU is that of all processes: the client's, Hadoop's
daemons, and the containers that these start. Hadoop's own counter does not do: it looks at a task's processes when
records pass through Java, and so misses a Python that reads and writes by itself. The first round of each size is
checked. The job in Java is compiled first, which takes a JDK.
"""

import argparse
import getpass
import re
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from functools import cached_property
from pathlib import Path

import psutil
from bench import among, numbers, remove
from cases import MILLION, Case
from measure import run
from programs import WINDROW
from report import record, write_report
from same import DifferentError, check_same

from windrow.sample.bars import write

HERE = Path(__file__).parent
PEERS = HERE / "peers"
SIZES = (5 * MILLION, 20 * MILLION)
REDUCERS = 2
#: Hadoop's own size of a block. The cluster's are of 16 MB, so that tests' small files have several.
SPLIT = 128 << 20
JAVA = "JavaSecondarySort"
#: The classes of Hadoop's daemons. NodeManagers wait for all that containers start, and so have their CPU at the end.
DAEMONS = (".NameNode", ".DataNode", ".ResourceManager", ".NodeManager", ".JobHistoryServer")
#: Seconds that a job's last containers have to end after its client.
CONTAINERS_END = 5
#: Hadoop's counter of bytes that were shuffled, as its client prints it.
SHUFFLED = re.compile(r"Reduce shuffle bytes\s*=\s*(\d+)")


def main():
    options = parse()
    for bars in options.bars:
        case = Case("one", "daily", bars)
        print(case.title, flush=True)
        with tempfile.TemporaryDirectory(prefix="windrow-bench-") as folder:
            measured = Cluster(options, Path(folder)).measure(case, options.runs)
        record(HERE, "cluster", {"work": case.work, "shape": case.shape, "bars": bars, "programs": measured})
    write_report(HERE)


class Cluster:
    """Bars and outputs in a folder of HDFS, and programs that run there in turn."""

    def __init__(self, options, folder):
        self._conf, self._hadoop_bin, self._place = options.conf, options.hadoop, options.place
        self._names, self._jars, self._folder = options.programs, options.jars, folder

    def measure(self, case, runs):
        """Seconds of all timed runs of each program, and the bytes a bar that it shuffled where Hadoop counts them."""
        self._upload(case.sample)
        try:
            return self._measure(case, runs)
        finally:
            self._hadoop("fs", "-rm", "-r", "-f", "-skipTrash", self._place)

    def _measure(self, case, runs):
        figures = {name: {"wall": [], "cpu": []} for name in self._names}
        for number in range(runs + 1):
            for name, figure in figures.items():
                done, cpu = self._run(name)
                if number == 0:
                    self._check(name, case)
                    continue
                figure["wall"].append(round(done.wall, 2))
                figure["cpu"].append(round(cpu, 2))
                if shuffled := SHUFFLED.findall(done.said):
                    figure["shuffled"] = round(int(shuffled[-1]) / case.bars, 2)
        for name, figure in figures.items():
            print(f"  {name:16} {min(figure['wall']):7.1f} s at best", flush=True)
        return figures

    def _run(self, name):
        self._hadoop("fs", "-rm", "-r", "-f", "-skipTrash", f"{self._place}/out")
        before = spent_by_hadoop()
        done = run(PROGRAMS[name](self, self._place), memory=False)
        time.sleep(CONTAINERS_END)
        return done, done.cpu + spent_by_hadoop() - before

    def windrow(self, place):
        """The command line of windrow's job on the bars in a folder, as are those below of the others."""
        return self._mrjob(place, "-m", "jobs.moving_average", "-v")

    def record_per_bar(self, place):
        return self._mrjob(place, PEERS / "record_per_bar.py")

    def _mrjob(self, place, *job):
        where = ["-r", "hadoop", "-c", self._conf, "-o", f"{place}/out"]
        return [sys.executable, *job, *where, *self.options(), f"{place}/bars.csv"]

    def java(self, place):
        return [*self._hadoop_bin, "jar", self._jar, JAVA, *self.options(), f"{place}/bars.csv", f"{place}/out"]

    @cached_property
    def _jar(self):
        return compiled(self._jars, self._folder)

    def options(self):
        """Options of jobs: the number of reducers, and the size of splits."""
        return [f"-Dmapreduce.job.reduces={REDUCERS}", f"-Dmapreduce.input.fileinputformat.split.minsize={SPLIT}"]

    def pyspark(self, place):
        return self._query("pyspark_query", self._setting("fs.defaultFS") + place.removeprefix("hdfs://"))

    def dask(self, place):
        host = self._setting("dfs.namenode.http-address")
        return self._query("dask_query", f"webhdfs://{getpass.getuser()}@{host}{place.removeprefix('hdfs://')}")

    def _query(self, peer, place):
        return [sys.executable, PEERS / f"{peer}.py", "one", f"{place}/bars.csv", f"{place}/out"]

    def _setting(self, name):
        return self._hadoop("getconf", "-confKey", name).decode().strip()

    def _upload(self, sample):
        bars = self._folder / "bars.csv"
        write(sample, bars)
        self._hadoop("fs", "-rm", "-r", "-f", "-skipTrash", self._place)
        self._hadoop("fs", "-mkdir", "-p", self._place)
        self._hadoop("fs", "-put", str(bars), f"{self._place}/bars.csv")
        remove(bars)

    def _check(self, name, case):
        """Ends this program where another's numbers are not windrow's."""
        mine, here = (self._folder / program.replace(" ", "-") for program in (WINDROW.name, name))
        with here.open("wb") as lines:
            subprocess.run([*self._hadoop_bin, "fs", "-cat", f"{self._place}/out/part-*"], stdout=lines, check=True)
        if here != mine:
            try:
                check_same(mine, here, 1)
            except DifferentError as error:
                sys.exit(f"{name} and windrow disagree on {case.title}: {error}")
            remove(here)

    def _hadoop(self, *arguments):
        return subprocess.run([*self._hadoop_bin, *arguments], check=True, capture_output=True).stdout


#: What runs, by the name that tables give it.
PROGRAMS = {
    WINDROW.name: Cluster.windrow,
    "Java": Cluster.java,
    "record per bar": Cluster.record_per_bar,
    "PySpark": Cluster.pyspark,
    "Dask": Cluster.dask,
}


def compiled(jars, folder):
    """The jar of the job in Java."""
    if not shutil.which("javac"):
        sys.exit("the job in Java needs a JDK's javac: install openjdk-17-jdk-headless, or choose others by --programs")
    classes = folder / "classes"
    subprocess.run(["javac", "-cp", f"{jars}/*", "-d", classes, PEERS / f"{JAVA}.java"], check=True)
    return shutil.make_archive(str(folder / JAVA), "zip", classes)  # which is what a jar is


def spent_by_hadoop():
    """Seconds of CPU that Hadoop's daemons took so far, and what they started and has ended."""
    spent = [sum(daemon.cpu_times()[:4]) for daemon in psutil.process_iter() if is_daemon(daemon)]
    if not spent:
        sys.exit("no daemon of Hadoop runs on this machine, so nothing tells what its tasks cost: run `make cluster`")
    return sum(spent)


def is_daemon(process):
    """Whether this is a daemon of Hadoop; a container's processes are not, nor is a client."""
    with suppress(psutil.Error):
        return any(word.startswith("org.apache.hadoop.") and word.endswith(DAEMONS) for word in process.cmdline())
    return False


def parse():
    home = HERE.parent / ".cluster"
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--bars", type=numbers, default=SIZES, help="sizes, as 5e6,20e6 (default 5 and 20 million)")
    parser.add_argument("--programs", type=among(PROGRAMS), default=list(PROGRAMS), help=f"of {','.join(PROGRAMS)}")
    parser.add_argument("--runs", type=int, default=3, help="timed runs of each program (default 3)")
    parser.add_argument("--conf", default=home / "mrjob.conf", help="mrjob's configuration (default make cluster's)")
    parser.add_argument("--hadoop", type=str.split, default=[str(home / "hadoop")], help="the hadoop command")
    parser.add_argument("--jars", default=home / "jars", help="Hadoop's jars, to compile the job in Java")
    parser.add_argument("--place", default="hdfs:///windrow-bench", help="a folder for bars and outputs, emptied")
    options = parser.parse_args()
    options.programs = [WINDROW.name, *(name for name in options.programs if name != WINDROW.name)]
    return options


if __name__ == "__main__":
    main()
