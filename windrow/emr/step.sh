#!/usr/bin/env bash
# What a step of windrow runs on the master of EMR:
#   step.sh PLACE SECONDS hadoop-streaming ARGUMENT...
# EMR copies its own logs to S3 minutes after a step, but windrow reads counters, and why a task failed, at once. So
# this saves the output of Hadoop's client to S3: its last lines every SECONDS (0: never) as PLACE.progress, all of it
# at the end as PLACE.client, and, if it failed, its tasks' standard error as PLACE.tasks. Exits with its status.
set -uo pipefail
place=$1 seconds=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

put() { # FILE NAME
    hadoop fs -put -f "$1" "$place.$2" >/dev/null 2>>"$work/errors"
}

application() {
    sed -n 's/.*Submitted application \(application_[0-9_]*\).*/\1/p' "$work/client" | tail -n 1
}

# A cancelled step is interrupted, and kills its job on YARN.
# shellcheck disable=SC2317
# shellcheck disable=SC2329
stop() {
    trap '' INT TERM
    local job
    job=$(application)
    [ -z "$job" ] || yarn application -kill "$job" >/dev/null 2>&1
    kill "$client" ${reporter:+"$reporter"} 2>/dev/null
    exit 143
}

# EMR makes a step's commands log to a file; here the log must go to standard error.
HADOOP_ROOT_LOGGER=INFO,console "$@" >"$work/client" 2>&1 </dev/null &
client=$!
trap stop INT TERM
if [ "$seconds" != 0 ]; then
    # Under its own name: a late copy must not replace what is saved at the end.
    while sleep "$seconds"; do
        tail -n 20 "$work/client" >"$work/progress" && put "$work/progress" progress
    done &
    reporter=$!
fi
wait "$client"
status=$?
[ -z "${reporter:-}" ] || kill "$reporter" 2>/dev/null
cat "$work/client" >&2 # for EMR's own log of the step

if [ $status != 0 ] && job=$(application) && [ -n "$job" ]; then
    for patience in 1 2 3 4; do # each node uploads its own logs
        yarn logs -applicationId "$job" -log_files stderr 2>/dev/null | head -c 4000000 >"$work/tasks"
        ! grep -q '^Traceback' "$work/tasks" || break
        sleep $patience
    done
    put "$work/tasks" tasks
fi
# Without the counters in it, the output cannot be trusted.
put "$work/client" client || put "$work/client" client || {
    cat "$work/errors" >&2
    exit 1
}
exit $status
