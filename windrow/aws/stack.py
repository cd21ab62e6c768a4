"""The names by which template.yaml's stack is known, and the files a cluster is made of."""

from pathlib import Path

#: The folder of what is no Python. mrjob.conf knows it as $WINDROW_EMR.
FILES = Path(__file__).parents[1] / "emr"

CONF, X86 = FILES / "mrjob.conf", FILES / "mrjob-x86.conf"

#: By which tag, and name of roles, template.yaml's parts are known.
NAME = "windrow"


def bucket_of(number: str, region: str) -> str:
    """The bucket that template.yaml makes in an account.

    >>> bucket_of("123456789012", "eu-central-1")
    'windrow-123456789012-eu-central-1'
    """
    return f"{NAME}-{number}-{region}"
