"""How many mappers a Hadoop cluster runs at once, as its resource manager tells Hadoop's client."""

import re
import subprocess
from collections.abc import Sequence

#: What `yarn node -list -showDetails` says of each node that runs.
_NODE = re.compile(r"Configured Resources\s*:\s*<memory:(\d+), vCores:(\d+)")
#: Seconds in which it answers, or is not waited for.
_TIMEOUT = 60


def slots_of(client: Sequence[str], memory: int) -> int | None:
    """Mappers of so many MB for which the cluster has memory and cores, 1 each; None where that is not told.

    client: the command line of `yarn`, which starts a JVM: 2 s.
    """
    try:
        asked = subprocess.run([*client, "node", "-list", "-showDetails"], capture_output=True, timeout=_TIMEOUT)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return slots_in(asked.stdout.decode(errors="replace"), memory)


def slots_in(told: str, memory: int) -> int | None:
    """The same, from what the client printed.

    >>> node = "Detailed Node Information :\\n\\tConfigured Resources : <memory:8192, vCores:4>\\n"
    >>> slots_in(node * 2, 1024), slots_in(node, 3000), slots_in("Total Nodes:0\\n", 1024)
    (8, 2, None)
    """
    return sum(min(int(have) // memory, int(cores)) for have, cores in _NODE.findall(told)) or None
