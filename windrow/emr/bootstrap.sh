#!/usr/bin/env bash
# Prepares a node of EMR 7 (Amazon Linux 2023) for windrow: Python 3.11 and the packages of requirements.txt, each
# verified by its hash, in a virtual environment. EMR runs it on every node before Hadoop starts; running it again
# changes nothing.
#
#   bootstrap.sh requirements.txt [windrow.zip]
#
# Both are local files or on S3. The tasks of `-r emr` bring windrow along; the zip is for the steps of template.yaml,
# which a master runs by itself, and `windrow emr code` uploads it to the bucket.
# WINDROW_HOME is the environment's folder (mrjob.conf has the same one); WINDROW_SUDO= runs without sudo.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
get() { # FILE: prints where it is on this machine
    case $1 in
        s3://*) aws s3 cp --quiet "$1" "$work/" && echo "$work/${1##*/}" ;;
        *) echo "$1" ;;
    esac
}

requirements=$(get "${1:?the requirements come first: bootstrap.sh requirements.txt [windrow.zip]}")
code=${2:+$(get "$2")}
home=${WINDROW_HOME:-/opt/windrow}
sudo=${WINDROW_SUDO-sudo}

# Identifies the environment; written into it once it is complete.
made_of=$(cat "$requirements" ${code:+"$code"} | sha256sum | cut -d ' ' -f 1)

if [ "$(cat "$home/made-of" 2>/dev/null)" = "$made_of" ]; then
    echo "$home: already exists"
    exit 0
fi

if ! python3.11 -c 'import ensurepip, venv' 2>/dev/null; then
    $sudo dnf install -y -q python3.11 python3.11-pip
fi

# A run that lost its connection leaves a part behind: start over.
$sudo rm -rf "$home"
$sudo mkdir -p "$home"
$sudo python3.11 -m venv "$home"
pip=("$home/bin/python" -m pip --quiet --disable-pip-version-check --no-input install)
$sudo "${pip[@]}" --retries 10 --only-binary :all: --require-hashes -r "$requirements"
if [ -n "$code" ]; then
    $sudo "$home/bin/python" -m zipfile -e "$code" "$home/lib/python3.11/site-packages"
fi
# If something does not work, fail the cluster now, not the first task.
"$home/bin/python" -c 'import mrjob.job, numpy, orjson, pandas, pyarrow'
echo "$made_of" | $sudo tee "$home/made-of" >/dev/null
echo "$home: made, $("$home/bin/python" --version)"
