"""AWS: clients, errors, permissions and the stack's names.

client.py       boto3's clients and what AWS refuses, as AccountError
s3_client.py    boto3's client of S3 and what S3 refuses, as errors that name an object
permissions.py  what IAM must allow
parallel.py     calls, several at a time
stack.py        names of the stack, and the files a cluster is made of
"""
