"""AWS: clients, errors, permissions and the stack's names.

session.py      boto3's sessions and clients, with one configuration
roles.py        sessions with the credentials of a role that is assumed
client.py       clients of all services, whose refusals are AccountErrors
s3_client.py    the client of S3, whose refusals name an object
refusals.py     AWS's codes -> what is wrong and the fix
permissions.py  what IAM must allow
instances.py    types, architecture and cores of a cluster's machines
parallel.py     calls, several at a time
stack.py        names of the stack, and the files a cluster is made of
"""
