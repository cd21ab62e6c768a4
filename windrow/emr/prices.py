"""What instances cost, from a dated table: prices.json, or the user's own file of the same form."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from windrow.aws.stack import FILES
from windrow.errors import InputError

PLACE = FILES / "prices.json"


@dataclass(frozen=True)
class Prices:
    """Prices in dollars in one region, as of a month."""

    dated: str
    region: str
    source: str
    instances: dict[str, dict[str, float]]
    beside: float
    """For an instance's disk and address, an hour."""

    def hour(self, kind: str, spot: bool) -> float:
        """An hour of an instance: EC2's price, EMR's, disk and address. Raises InputError if the table lacks it."""
        try:
            price = self.instances[kind]
        except KeyError:
            raise InputError(
                f"{kind}: is not in the price table of {self.dated}, which has {', '.join(self.instances)}; use a table"
                " that has it, with --prices FILE"
            ) from None
        return price["ec2"] * (price["spot"] if spot else 1.0) + price["emr"] + self.beside


def load(place: Path | None = None) -> Prices:
    """A price table. Raises InputError if it is not one."""
    place = place or PLACE
    try:
        read = json.loads(place.read_text())
        instances = {kind: _price(price) for kind, price in read["instances"].items()}
        beside = float(read.get("disk_and_address_an_instance_hour", 0.0))
        return Prices(str(read["dated"]), str(read["region"]), str(read.get("source", "")), instances, beside)
    except OSError as error:
        raise InputError(f"--prices {place}: {error.strerror}; copy {PLACE} and edit it") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"--prices {place}: is not a price table ({type(error).__name__}: {error}): it is JSON with dated, region"
            f" and instances, each with vcpus, ec2, emr and spot (a share of ec2); copy {PLACE} and edit it"
        ) from None


def _price(price: dict[str, Any]) -> dict[str, float]:
    found = {name: float(price[name]) for name in ("vcpus", "ec2", "emr", "spot")}
    if min(found.values()) < 0 or found["vcpus"] < 1 or found["spot"] > 1:
        raise ValueError(f"{price}: prices are 0 or more, vcpus 1 or more, spot a share of ec2 from 0 to 1")
    return found
