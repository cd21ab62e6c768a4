"""Writes requirements.txt: what a node installs, all versions pinned, with hashes of wheels for both architectures.

    python emr/pin.py          (make emr-requirements)

pip itself resolves setup.cfg's requirements, and those of the extras that a master needs, for CPython 3.11 on Amazon
Linux 2023 (glibc 2.34), once for Graviton and once for x86, from wheels only: a node has no compiler.
"""

import configparser
import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / "windrow/emr/requirements.txt"
ARCHITECTURES = ("aarch64", "x86_64")
#: Extras of setup.cfg that a master needs for the steps of template.yaml: S3, and the report's picture.
EXTRAS = ("aws", "plot")
#: Versions of glibc, newest first, whose wheels run on Amazon Linux 2023.
GLIBC = tuple(range(34, 16, -1))
HEAD = """\
# What bootstrap.sh installs on a node: CPython 3.11, Amazon Linux 2023, Graviton (aarch64) and x86_64.
# Generated from setup.cfg by `make emr-requirements`; do not edit.
"""


def wanted():
    """The requirements of setup.cfg."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    lists = [setup["options"]["install_requires"], *(setup["options.extras_require"][extra] for extra in EXTRAS)]
    return [line for lines in lists for line in lines.splitlines() if line.strip()]


def resolved(requirements, architecture):
    """Name and version of every distribution that pip would install, its wheel's file and hash."""
    platforms = [f"manylinux_2_{minor}_{architecture}" for minor in GLIBC] + [f"manylinux2014_{architecture}"]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--report", "-"]
    command += ["--only-binary=:all:", "--python-version=3.11", "--implementation=cp", "--abi=cp311", "--abi=abi3"]
    command += ["--abi=none", *(f"--platform={platform}" for platform in platforms), *requirements]
    report = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    for one in report["install"]:
        name = one["metadata"]["name"].lower().replace("_", "-")
        wheel = unquote(one["download_info"]["url"].rpartition("/")[2])
        yield (name, one["metadata"]["version"]), wheel, one["download_info"]["archive_info"]["hashes"]["sha256"]


def main():
    pins = {}
    for architecture in ARCHITECTURES:
        # The first architecture's versions apply to the second too: a pin has one version.
        constrained = [*wanted(), *(f"{name}=={version}" for name, version in pins)]
        for pin, wheel, digest in resolved(constrained, architecture):
            pins.setdefault(pin, {})[wheel] = digest
    PLACE.write_text(HEAD + "".join(pinned(*pin, wheels) for pin, wheels in sorted(pins.items())))
    print(f"{len(pins)} pins in {PLACE.relative_to(ROOT)}")


def pinned(name, version, wheels):
    """The lines of one pin: its wheels, one of pure Python or one per architecture, and their hashes."""
    files = "".join(f"# {wheel}\n" for wheel in wheels)
    return (
        files
        + " \\\n    ".join([f"{name}=={version}", *(f"--hash=sha256:{hash_}" for hash_ in wheels.values())])
        + "\n"
    )


if __name__ == "__main__":
    main()
