#!/usr/bin/env bash
# One job of template.yaml's daily list, on the master: its output goes to BUCKET/daily/TIME/NAME.
#
#   daily.sh TIME s3://BUCKET NAME COMMAND
#
# COMMAND is a job and its options; it reads BUCKET/bars/. The command `report` instead turns the output of the job
# `backtest` of the same TIME into a page and a picture. WINDROW_HOME is the folder of bootstrap.sh's environment.
set -euo pipefail

time=${1:0:16} bucket=$2 name=$3
read -ra command <<<"$4"
python=${WINDROW_HOME:-/opt/windrow}/bin/python
bars=$bucket/bars/
folder=$bucket/daily/${time//:/}
windrow=("$python" -m windrow.cli)

# As in mrjob.conf: S3's own splits are 32 MB, and starting a mapper takes longer than reading those.
split=mapreduce.input.fileinputformat.split.minsize=536870912

if [ "${command[0]}" != report ]; then
    exec "${windrow[@]}" "${command[@]}" -r hadoop -D "$split" --task-python-bin "$python" -o "$folder/$name" "$bars"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${windrow[@]}" "${command[@]}" "$folder/backtest" --bars "$bars" -o "$work/report.html"
hadoop fs -mkdir -p "$folder/$name"
hadoop fs -put "$work/report.html" "$work/report.png" "$folder/$name/"
