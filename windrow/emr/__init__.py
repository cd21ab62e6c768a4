"""On EMR: what a cluster is made of, and what the `windrow emr` commands do.

    mrjob.conf, mrjob-x86.conf    the cluster: release, fleets, roles, bootstrap
    bootstrap.sh                  what every node does first, with requirements.txt, pinned by hashes
    step.sh, daily.sh             what a step runs on the master; one job of the daily list
    template.yaml                 CloudFormation: bucket, network, roles, and a state machine that runs jobs daily
    model.json, prices.json       how long work takes, and what time costs
    settings.py                   what the commands' options make of the configuration
    plan.py, inputs.py            windrow emr plan: cluster, steps, uploads, permissions, time, cost
    model.py, prices.py           the estimate
    clusters.py, logs.py          clusters of the pool; why a step failed
    doctor.py                     what an account must have and allow
    code.py                       windrow's own code, for the daily jobs
    plan_screen.py, screens.py    pages on the terminal; amounts.py: times, money and sizes as text

The commands are in windrow/commands/emr.py; the runner of `-r emr`, and the request by which EMR starts a cluster, in
windrow/runners/; what IAM must allow in windrow/aws/permissions.py.
"""
