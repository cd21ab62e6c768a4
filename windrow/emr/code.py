"""`windrow emr code`: what the nodes of jobs that no laptop submits install, in the bucket."""

from pathlib import Path
from tempfile import TemporaryDirectory

from windrow.aws.stack import FILES
from windrow.emr.settings import Settings
from windrow.runners.pack import zip_own_packages
from windrow.storage import s3


def put(settings: Settings) -> list[str]:
    """Replaces s3://BUCKET/code/ and returns its objects. Raises OutputError where it may not be written."""
    folder = f"s3://{settings.known_bucket()}/code"
    with TemporaryDirectory(prefix="windrow-") as work:
        files = [FILES / "bootstrap.sh", FILES / "requirements.txt", zip_own_packages(Path(work, "windrow.zip"))]
        s3.delete_prefix(folder)
        s3.upload({f"{folder}/{path.name}": path for path in files})
    return [f"{folder}/{path.name}" for path in files]
