#!/usr/bin/env bash
# What a step of windrow runs on the master of EMR:
#   step.sh PLACE SECONDS hadoop-streaming ARGUMENT...
# EMR brings its own logs to S3 minutes after a step, and windrow reads counters, and why a task failed, at once. So
# what Hadoop's client says is put on S3: its last lines every SECONDS (0: not) as PLACE.progress, all of it at
# the end as PLACE.client, and, if it failed, what its tasks wrote to standard error as PLACE.tasks. Ends as it did.
set -uo pipefail
place=$1 seconds=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

put() { # FILE NAME
    hadoop fs -put -f "$1" "$place.$2" >/dev/null 2>>"$work/unsaid"
}

application() {
    sed -n 's/.*Submitted application \(application_[0-9_]*\).*/\1/p' "$work/client" | tail -n 1
}

# A step that is cancelled is interrupted, and takes its job along.
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

# EMR has commands of a step log to a file of its own; here it is to be read.
HADOOP_ROOT_LOGGER=INFO,console "$@" >"$work/client" 2>&1 </dev/null &
client=$!
trap stop INT TERM
if [ "$seconds" != 0 ]; then
    # Under a name of its own: a late copy of what was said then must not replace what is said at the end.
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
    for patience in 1 2 3 4; do # each node brings its own
        yarn logs -applicationId "$job" -log_files stderr 2>/dev/null | head -c 4000000 >"$work/tasks"
        ! grep -q '^Traceback' "$work/tasks" || break
        sleep $patience
    done
    put "$work/tasks" tasks
fi
# Without this word the output could not be judged.
put "$work/client" client || put "$work/client" client || {
    cat "$work/unsaid" >&2
    exit 1
}
exit $status
