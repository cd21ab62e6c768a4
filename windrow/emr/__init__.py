"""On EMR: what a cluster is made of, and the `windrow emr` commands.

    mrjob.conf, mrjob-x86.conf    the cluster: release, fleets, roles, bootstrap
    bootstrap.sh                  what every node does first, with requirements.txt, pinned by hashes
    template.yaml                 CloudFormation: bucket, network, roles, and a state machine that runs jobs daily
    model.json, prices.json       what work costs in time, and time in money
    settings.py                   what the commands' options make of the configuration
    plan.py, inputs.py, page.py   windrow emr plan: cluster, steps, uploads, rights, time, money
    model.py, prices.py           the estimate
    clusters.py, logs.py          clusters of the pool; why a step failed
    doctor.py, actions.py, aws.py what an account must have and allow, and what it answers
    commands.py                   the click group

The runner of `-r emr`, and the request by which EMR starts a cluster, are in windrow/runners/.
"""
