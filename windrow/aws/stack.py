"""The names of template.yaml's stack, and the files that a cluster is made of."""

from pathlib import Path

#: The folder of these files; mrjob.conf has it as $WINDROW_EMR.
FILES = Path(__file__).parents[1] / "emr"

CONF, X86 = FILES / "mrjob.conf", FILES / "mrjob-x86.conf"

#: The tag of template.yaml's resources, and the prefix of their names.
NAME = "windrow"


def bucket_of(number: str, region: str) -> str:
    """The bucket that template.yaml creates in an account.

    >>> bucket_of("123456789012", "eu-central-1")
    'windrow-123456789012-eu-central-1'
    """
    return f"{NAME}-{number}-{region}"
