"""Sizes of folders, in three ways.

listed.py        by listing them
nests.py         folders within others, listed once
counted.py       a page of a listing, counted from its bytes
inventory.py     from S3 Inventory
manifests.py     its manifests: found at a place, and checked
cloudwatch.py    of whole buckets, from CloudWatch
"""
