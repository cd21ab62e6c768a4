#!/usr/bin/env bash
# One job of template.yaml's daily list, on the master: its output goes to BUCKET/daily/TIME/NAME.
#
#   daily.sh TIME s3://BUCKET NAME COMMAND
#
# COMMAND is a job and its options; it reads BUCKET/bars/. The command `report` instead shows what the job `backtest` of
# the same TIME wrote, as a page.
set -euo pipefail

time=${1:0:16} bucket=$2 name=$3
read -ra command <<<"$4"
folder=$bucket/daily/${time//:/}
windrow=(/opt/windrow/bin/python -m windrow.cli)

if [ "${command[0]}" != report ]; then
    exec "${windrow[@]}" "${command[@]}" -r hadoop --task-python-bin /opt/windrow/bin/python -o "$folder/$name" "$bucket/bars/"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
aws s3 cp --quiet --recursive "$folder/backtest" "$work/backtest"
aws s3 cp --quiet --recursive "$bucket/bars" "$work/bars"
"${windrow[@]}" "${command[@]}" "$work/backtest" --bars "$work/bars" -o "$work/report.html"
aws s3 cp --quiet "$work/report.html" "$folder/$name/report.html"
aws s3 cp --quiet "$work/report.png" "$folder/$name/report.png"
