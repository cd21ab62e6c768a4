"""Required permissions, by their purpose: `windrow emr plan` prints them, and template.yaml's policies grant them."""

#: To read and write objects.
_OBJECTS = (
    "s3:ListBucket",
    "s3:GetBucketLocation",
    "s3:GetObject",
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:AbortMultipartUpload",
)
#: Of whoever submits jobs, by what they are for.
YOURS: dict[str, tuple[str, ...]] = {
    "find account, network, quota": (
        "sts:GetCallerIdentity",
        "ec2:DescribeSubnets",
        "ec2:DescribeSecurityGroups",
        "servicequotas:GetServiceQuota",
        "servicequotas:GetAWSDefaultServiceQuota",
    ),
    "start, watch and terminate clusters": (
        "elasticmapreduce:RunJobFlow",
        "elasticmapreduce:AddJobFlowSteps",
        "elasticmapreduce:AddTags",
        "elasticmapreduce:PutAutoTerminationPolicy",
        "elasticmapreduce:DescribeCluster",
        "elasticmapreduce:DescribeSecurityConfiguration",
        "elasticmapreduce:DescribeStep",
        "elasticmapreduce:ListBootstrapActions",
        "elasticmapreduce:ListClusters",
        "elasticmapreduce:ListInstanceFleets",
        "elasticmapreduce:ListInstances",
        "elasticmapreduce:ListSteps",
        "elasticmapreduce:CancelSteps",
        "elasticmapreduce:TerminateJobFlows",
    ),
    "pass roles to the cluster": (
        "iam:PassRole",
        "iam:CreateServiceLinkedRole",
        "iam:GetRole",
        "iam:GetInstanceProfile",
    ),
    "read inputs, write outputs": _OBJECTS,
}
#: Of the cluster's nodes, by what they are for.
NODES: dict[str, tuple[str, ...]] = {
    "read inputs, write parts and logs": (
        *_OBJECTS,
        "s3:ListBucketMultipartUploads",
        "s3:ListMultipartUploadParts",
    ),
}
#: Of whoever submits jobs over a stream, or follows one; those to put bars into it are beside them. Nodes need none.
READ_STREAMS = (
    "kinesis:DescribeStreamSummary",
    "kinesis:ListShards",
    "kinesis:GetShardIterator",
    "kinesis:GetRecords",
    "kinesis:DescribeStreamConsumer",
    "kinesis:SubscribeToShard",
    "kms:Decrypt",
)
LOAD_STREAMS = ("kinesis:PutRecords", "kms:GenerateDataKey")
#: The same, where a load is to make the stream.
MAKE_STREAMS = ("kinesis:CreateStream", "kinesis:IncreaseStreamRetentionPeriod", "kinesis:StartStreamEncryption")
#: Of whoever watches a data catalog, by what they are for: windrow/commands/catalog.py.
CATALOGS: dict[str, tuple[str, ...]] = {
    "read databases, tables and partitions": (
        "glue:GetCatalogs",
        "glue:GetDatabases",
        "glue:GetTable",
        "glue:GetTables",
        "glue:GetPartitions",
    ),
    "list what tables store": ("s3:ListBucket",),
    "read what Iceberg and Delta count": ("s3:GetObject",),
    "read inventories of it": ("s3:GetObject", "s3:GetInventoryConfiguration"),
    "read metrics of buckets": ("cloudwatch:ListMetrics", "cloudwatch:GetMetricData"),
    "find regions, other accounts": ("ec2:DescribeRegions", "sts:AssumeRole"),
}
#: The same, of whoever counts how often its tables are used.
USAGE: dict[str, tuple[str, ...]] = {
    "read files of a trail": ("s3:ListBucket", "s3:GetObject", "kms:Decrypt"),
    "look up events": ("cloudtrail:LookupEvents",),
    "read the history of queries": (
        "athena:ListWorkGroups",
        "athena:ListQueryExecutions",
        "athena:BatchGetQueryExecution",
        "athena:GetDataCatalog",
    ),
}
