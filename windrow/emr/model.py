"""How long a job takes, from a few figures: the model of docs/scaling.md, and what Hadoop and EMR add to it.

The figures are in model.json: `local` is written by make bench-scaling, `hadoop` by make bench-plan; `jobs` are ratios
of CPU times of 2 million bars with -r local; `emr` is from AWS's documentation, and not measured here.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from windrow.aws.stack import FILES

PLACE = FILES / "model.json"
MILLION = 1_000_000


@dataclass(frozen=True)
class Model:
    """CPU seconds per million bars of the mappers and of the reducers, what both take longer if rows are in no order,
    and the fixed CPU seconds of a run's tasks; and the share of the cores' time that is spent on them."""

    map_cpu: float
    reduce_cpu: float
    unordered: float
    fixed: float
    efficiency: float
    shuffled: float
    task_mb: float

    def cpu(self, bars: float, order: str = "time") -> float:
        """CPU seconds of a run."""
        a_million = self.map_cpu + self.reduce_cpu + (self.unordered if order == "shuffled" else 0)
        return self.fixed + a_million * bars / MILLION

    def wall(self, bars: float, cores: float, order: str = "time") -> float:
        """Seconds of a run in which all cores have work."""
        return self.cpu(bars, order) / cores / self.efficiency


@dataclass(frozen=True)
class Hadoop:
    """What a step on YARN adds to the job's own work."""

    start: float
    """Seconds from submission to the first task, and from the last task to the client's end."""
    task: float
    """Seconds for which a task occupies a core before its first bar: a container, a JVM, a Python with its imports."""
    java: float
    """Seconds of a core per million bars: lines pass through Java twice, and the sort."""


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
        """Seconds that the steps take on a running cluster."""
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
    """CPU of a job's mappers and reducers, as multiples of one average's; `each`: of each further column or pair."""

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
        """How long a job takes that reads so many bars with so many tasks, on so many cores of the workers.

        `items` is the number of columns that it computes, or of pairs that it trades. Cores beyond the number of tasks
        have nothing to do.
        """
        times = self.jobs.get(job, Job())
        millions = bars / MILLION
        mapping = (self.model.map_cpu * times.map + self.hadoop.java) * millions
        reducing = self.model.reduce_cpu * (times.reduce + times.each * (items - 1)) * millions
        mappers, reducers = _at_once(maps, cores), _at_once(reduces, cores)
        waves = (maps / mappers + reduces / reducers) * steps
        return Estimate(
            cluster=self.emr.start + self.emr.bootstrap if new_cluster else 0.0,
            start=(self.hadoop.start + (self.emr.step if new_cluster else 0.0)) * steps,
            tasks=self.hadoop.task * waves,
            work=mapping / mappers + reducing / reducers,
            end=self.emr.end if new_cluster else 0.0,
            cpu=self.hadoop.task * (maps + reduces) * steps + mapping + reducing,
        )


def _at_once(tasks: int, cores: int) -> int:
    """How many of so many tasks run at a time."""
    return max(1, min(tasks, cores))


def load(place: Path = PLACE) -> Figures:
    """The measured figures."""
    read = json.loads(place.read_text())
    return Figures(
        model=Model(**read["local"]),
        hadoop=Hadoop(**read["hadoop"]),
        emr=Emr(**read["emr"]),
        jobs={name: Job(**times) for name, times in read["jobs"].items()},
        measured=read["measured"],
    )


def save(place: Path = PLACE, **parts: Any) -> None:
    """Replaces parts of the file, by their names; the rest stays."""
    read = json.loads(place.read_text()) if place.exists() else {}
    plain = {name: asdict(part) if hasattr(part, "__dataclass_fields__") else part for name, part in parts.items()}
    place.write_text(json.dumps({**read, **plain}, indent=2) + "\n")
