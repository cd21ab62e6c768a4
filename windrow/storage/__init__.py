"""Bytes by scheme: files of this machine, objects of S3, files on HDFS."""
