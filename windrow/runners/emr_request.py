"""What a request for an EMR 7 cluster must have and must not contain: checked before anything costs money.

botocore checks names and types of all fields against its model of EMR. It still accepts requests that EMR refuses after
minutes, that fail on the nodes, or that reveal a secret to everyone who may describe the cluster.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from windrow.aws.instances import architecture, instance_types
from windrow.errors import ClusterError

#: EMR's managed policies let its roles access only clusters that were created with this tag.
TAG = {"Key": "for-use-with-amazon-emr-managed-policies", "Value": "true"}
_MANAGED = "EMR_DefaultRole_V2"
#: The least and the most seconds for which EMR lets a cluster be idle.
_IDLE = (60, 604_800)
_SECRET_NAME = re.compile(r"SECRET|PASSWORD|PASSWD|TOKEN|PRIVATE|CREDENTIAL|ACCESS_KEY|API_?KEY", re.IGNORECASE)
_KEY_ID = re.compile(r"\b(AKIA|ASIA)[A-Z0-9]{16}\b")
_SECRETS = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


def check_request(request: Mapping[str, Any]) -> None:
    """Raises ClusterError for arguments of RunJobFlow that EMR 7 would refuse or windrow cannot run on."""
    for wrong in _wrong(request):
        raise ClusterError(f"-r emr: {wrong}")
    check_secrets(request)


def _wrong(request: Mapping[str, Any]) -> Iterator[str]:
    label = str(request.get("ReleaseLabel", "none"))
    release = re.fullmatch(r"emr-(\d+)\.\d+\.\d+", label)
    if not release or int(release[1]) < 7:
        yield f"release_label {label}: windrow needs Python 3.11, which EMR has from 7.0 on; use e.g. emr-7.13.0"
    applications = [application["Name"] for application in request.get("Applications", ())]
    if "Hadoop" not in applications:
        yield f"applications {applications}: Hadoop is missing; the jobs run on it; use applications: [Hadoop]"
    for field, option in (("ServiceRole", "iam_service_role"), ("JobFlowRole", "iam_instance_profile")):
        if not request.get(field):
            yield f"{option}: is not set; EMR acts in your role; create it with emr/template.yaml, and name it here"
    if request.get("ServiceRole") == _MANAGED and TAG not in request.get("Tags", ()):
        yield f"Tags: no {TAG['Key']}=true; {_MANAGED} may touch no other cluster; add it to extra_cluster_params"
    machines = {type_: architecture(type_) for type_ in instance_types(request)}
    if len(set(machines.values())) != 1:
        yield f"instance types {machines}: a cluster runs one build of its packages; use types of one architecture"
    idle = request.get("AutoTerminationPolicy", {}).get("IdleTimeout", 0)
    if not _IDLE[0] <= idle <= _IDLE[1]:
        yield (
            f"AutoTerminationPolicy.IdleTimeout {idle}: EMR ends an idle cluster after {_IDLE[0]} to {_IDLE[1]} s, even"
            " if this machine is gone; give a number of seconds, e.g. 1800, in extra_cluster_params"
        )
    if not str(request.get("LogUri", "")).startswith("s3://"):
        yield f"cloud_log_dir {request.get('LogUri')}: EMR keeps its logs on S3; give s3://BUCKET/FOLDER/"


def check_secrets(sent: Any) -> None:
    """Raises ClusterError if a request to EMR contains a secret; the message does not contain it."""
    own = [os.environ[name] for name in _SECRETS if os.environ.get(name)]
    for text in _texts(sent):
        if _KEY_ID.search(text) or any(secret in text for secret in own if len(secret) > 3):
            raise ClusterError(
                "-r emr: the request contains AWS credentials, which EMR shows to everyone who may describe the"
                " cluster or its steps; nodes use a role instead; remove them from options, cmdenv and mrjob.conf"
            )


def check_environment_variables(names: Sequence[str]) -> None:
    """Raises ClusterError if a task's variable is named like a secret: steps show them."""
    for name in names:
        if _SECRET_NAME.search(name):
            raise ClusterError(
                f"--cmdenv {name}=...: is named like a secret; EMR shows a step's arguments to everyone who may"
                " describe it; let the tasks fetch the secret themselves, in the nodes' role"
            )


def check_environment(path: Path, request: Mapping[str, Any]) -> None:
    """Raises ClusterError if a packed environment does not fit the cluster's machines."""
    with ZipFile(path) as archive:
        names = " ".join(archive.namelist())
    packed = sorted(set(re.findall(r"\.cpython-(\d+-\w+)-", names)))
    wanted = f"311-{architecture(instance_types(request)[0])}"
    if packed and packed != [wanted]:
        raise ClusterError(
            f"--environment {path}: was packed for CPython {', '.join(packed)}, and the cluster's nodes have {wanted};"
            " pack it on such a machine, choose other instances, or leave it out: the cluster then installs its own"
        )


def _texts(sent: Any) -> Iterator[str]:
    if isinstance(sent, str):
        yield sent
    elif isinstance(sent, Mapping):
        for pair in sent.items():
            yield from _texts(pair)
    elif isinstance(sent, Sequence):
        for each in sent:
            yield from _texts(each)
