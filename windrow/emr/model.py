"""What a job takes, from a few figures: the model of docs/scaling.md, and what Hadoop and EMR add to it.

The figures are in model.json: `local` is written by make bench-scaling, `hadoop` by make bench-plan; `jobs` are ratios
of CPU times of 2 million bars by -r local; `emr` is what AWS's pages tell, for nobody has measured it here.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from windrow.emr import FILES

PLACE = FILES / "model.json"
MILLION = 1_000_000


@dataclass(frozen=True)
class Model:
    """CPU seconds a million bars of the mappers and of the reducers, and of a run's tasks beside that; and how much of
    the cores' time is spent on them."""

    map_cpu: float
    reduce_cpu: float
    fixed: float
    efficiency: float
    shuffled: float
    task_mb: float

    def cpu(self, bars: float) -> float:
        """CPU seconds of a run."""
        return self.fixed + (self.map_cpu + self.reduce_cpu) * bars / MILLION

    def wall(self, bars: float, cores: float) -> float:
        """Seconds of a run where all cores have work."""
        return self.cpu(bars) / cores / self.efficiency


@dataclass(frozen=True)
class Hadoop:
    """What a step on YARN takes beside the job's own work."""

    start: float
    """Seconds from submission to the first task, and from the last task to the client's end."""
    task_cpu: float
    """CPU seconds of a task before its first bar: a JVM, and a Python with its imports."""
    java_cpu: float
    """CPU seconds a million bars: lines through Java, twice, and the sort."""
    efficiency: float
    """Share of the cores' time that is work."""


@dataclass(frozen=True)
class Emr:
    """Seconds of a cluster's life around its steps; not measured here."""

    start: float
    bootstrap: float
    step: float
    end: float


@dataclass(frozen=True)
class Estimate:
    """Seconds of each part of a run, and CPU seconds."""

    cluster: float
    start: float
    tasks: float
    work: float
    end: float
    cpu: float

    @property
    def steps(self) -> float:
        """Seconds that the steps take on a cluster that is there."""
        return self.start + self.tasks + self.work

    @property
    def total(self) -> float:
        """Seconds from submission to the result."""
        return self.cluster + self.steps

    @property
    def billed(self) -> float:
        """Seconds for which the cluster's instances are paid for."""
        return self.cluster + self.steps + self.end


@dataclass(frozen=True)
class Job:
    """CPU of a job's mappers and reducers, as times one average's; `each`: of every column or pair but the first."""

    map: float = 1.0
    reduce: float = 1.0
    each: float = 0.0


@dataclass(frozen=True)
class Figures:
    """All of model.json."""

    model: Model
    hadoop: Hadoop
    emr: Emr
    jobs: dict[str, "Job"]
    measured: str

    def estimate(
        self, job: str, bars: float, maps: int, reduces: int, cores: int,
        items: int = 1, steps: int = 1, new_cluster: bool = True,
    ) -> Estimate:  # fmt: skip
        """What a job takes that reads so many bars by so many tasks, on so many cores of the workers.

        `items` are the columns that it computes, or the pairs that it trades.
        """
        times = self.jobs.get(job, Job())
        reducing = times.reduce + times.each * (items - 1)
        millions = bars / MILLION
        work = (self.model.map_cpu * times.map + self.model.reduce_cpu * reducing + self.hadoop.java_cpu) * millions
        tasks = self.hadoop.task_cpu * (maps + reduces) * steps
        share = cores * self.hadoop.efficiency
        return Estimate(
            cluster=self.emr.start + self.emr.bootstrap if new_cluster else 0.0,
            start=(self.hadoop.start + (self.emr.step if new_cluster else 0.0)) * steps,
            tasks=tasks / share,
            work=work / share,
            end=self.emr.end if new_cluster else 0.0,
            cpu=tasks + work,
        )


def load(place: Path = PLACE) -> Figures:
    """The figures that were measured."""
    read = json.loads(place.read_text())
    return Figures(
        model=Model(**read["local"]),
        hadoop=Hadoop(**read["hadoop"]),
        emr=Emr(**read["emr"]),
        jobs={name: Job(**times) for name, times in read["jobs"].items()},
        measured=read["measured"],
    )


def save(place: Path = PLACE, **parts: Any) -> None:
    """Replaces parts of the file, each by name; the rest stays."""
    read = json.loads(place.read_text()) if place.exists() else {}
    told = {name: asdict(part) if hasattr(part, "__dataclass_fields__") else part for name, part in parts.items()}
    place.write_text(json.dumps({**read, **told}, indent=2) + "\n")
