"""What AWS refuses about clusters, as errors of windrow: what is wrong, why, and the cure."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore import exceptions

from windrow.errors import ClusterError

_SESSION = "get new ones, by `aws sso login` or as you got these"
_ROLE = re.compile(r"role|instance ?profile", re.IGNORECASE)
#: By what EMR, or AWS before it, calls the refusal.
_MEANINGS = {
    "AccessDenied": "access is denied; `windrow emr plan` lists the rights that a job needs: ask whoever gives them",
    "UnrecognizedClient": "AWS does not know the access key; check AWS_ACCESS_KEY_ID, or AWS_PROFILE",
    "InvalidClientTokenId": "AWS does not know the access key; check AWS_ACCESS_KEY_ID, or AWS_PROFILE",
    "InvalidSignature": "the secret does not fit the access key; check AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
    "SignatureDoesNotMatch": "the secret does not fit the access key; check AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
    "ExpiredToken": f"the credentials have expired; {_SESSION}",
    "Throttling": "EMR is asked too often, and said so ten times; run again later, with a longer check_cluster_every",
}


@contextmanager
def refusing_clusters(region: str) -> Iterator[None]:
    """Raises what boto3 raises in this block as ClusterError."""
    try:
        yield
    except exceptions.ClientError as error:
        raise ClusterError(f"EMR in {region}: {_meaning(error.response)}") from error
    except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError) as error:
        raise ClusterError(
            f"EMR in {region}: no credentials for AWS were found, or only some; EMR must know who asks; set"
            " AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile by AWS_PROFILE"
        ) from error
    except exceptions.ParamValidationError as error:
        raise ClusterError(f"EMR in {region}: no such request is known: {error}; mend mrjob.conf") from error
    except (exceptions.HTTPClientError, exceptions.ConnectionError) as error:
        raise ClusterError(
            f"EMR in {region}: cannot be reached: {error}; check the region's name, the network and AWS_ENDPOINT_URL"
        ) from error
    except exceptions.BotoCoreError as error:
        raise ClusterError(
            f"EMR in {region}: {error}; check AWS's variables, such as AWS_PROFILE, and files"
        ) from error


def _meaning(response: Mapping[str, Any]) -> str:
    told = response.get("Error", {})
    code, message = str(told.get("Code", "")), str(told.get("Message", "")).rstrip(".")
    meaning = _MEANINGS.get(code.removesuffix("Exception"))
    if meaning is not None:
        return f"{meaning} ({code}: {message})"
    if _ROLE.search(message):
        return (
            f"{message} ({code}); EMR acts by a role, and nodes by an instance profile, of this account; make them by"
            " emr/template.yaml, or name yours by --iam-service-role and --iam-instance-profile"
        )
    return f"refused: {message} ({code}); mend what it names in mrjob.conf or among the options"
