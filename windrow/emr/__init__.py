"""Amazon EMR: plans, clusters, logs, prices and their files.

    mrjob.conf, mrjob-x86.conf    the cluster: release, fleets, roles, bootstrap
    bootstrap.sh                  what every node does first, with requirements.txt, pinned by hashes
    step.sh, daily.sh             what a step runs on the master; one job of the daily list
    template.yaml                 CloudFormation: bucket, network, roles, and a state machine that runs jobs daily
    model.json, prices.json       what work costs in time, and time in money
    settings.py                   the configuration, with the options of the commands applied
    plan.py, inputs.py            windrow emr plan: cluster, steps, uploads, permissions, time, money
    model.py, prices.py           the estimates of time and money
    clusters.py, logs.py          clusters of the pool; why a step failed
    doctor.py, code.py            what an account lacks; the code in the bucket that nodes install
    screens.py                    what the commands print

The commands are in windrow/commands/emr.py; the runner of `-r emr`, and its request for a cluster, in windrow/runners/.
"""
