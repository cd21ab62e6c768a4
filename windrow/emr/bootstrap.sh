#!/usr/bin/env bash
# Makes a node of EMR 7 (Amazon Linux 2023) ready for windrow: Python 3.11 and the packages of requirements.txt, each
# checked by its hash, in an environment of their own. EMR runs it on every node before Hadoop starts; running it again
# changes nothing.
#
#   bootstrap.sh requirements.txt [windrow.whl]
#
# The tasks of `-r emr` bring windrow along; the wheel is for steps that a master runs by itself (template.yaml).
# WINDROW_HOME is where the environment lies (mrjob.conf names the same place); WINDROW_SUDO= runs without sudo.
set -euo pipefail

requirements=${1:?the requirements file comes first: bootstrap.sh requirements.txt [windrow.whl]}
wheel=${2:-}
home=${WINDROW_HOME:-/opt/windrow}
sudo=${WINDROW_SUDO-sudo}

# What the environment is made of; it names itself by this once it is whole.
made_of=$(cat "$requirements" ${wheel:+"$wheel"} | sha256sum | cut -d ' ' -f 1)

if [ "$(cat "$home/made-of" 2>/dev/null)" = "$made_of" ]; then
    echo "$home: is there already"
    exit 0
fi

if ! python3.11 -c 'import ensurepip, venv' 2>/dev/null; then
    $sudo dnf install -y -q python3.11 python3.11-pip
fi

# A node that lost its connection midway leaves a part behind: begin anew.
$sudo rm -rf "$home"
$sudo mkdir -p "$home"
$sudo python3.11 -m venv "$home"
pip=("$home/bin/python" -m pip --quiet --disable-pip-version-check --no-cache-dir --no-input install)
$sudo "${pip[@]}" --retries 10 --only-binary :all: --require-hashes -r "$requirements"
if [ -n "$wheel" ]; then
    $sudo "${pip[@]}" --no-index --no-deps "$wheel"
fi
# What does not work should end the cluster now, not the first task.
"$home/bin/python" -c 'import mrjob.job, numpy, orjson, pandas, pyarrow'
echo "$made_of" | $sudo tee "$home/made-of" >/dev/null
echo "$home: made, $("$home/bin/python" --version)"
