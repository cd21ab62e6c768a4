"""Sinks: where results go.

lines.py     results -> lines of text, SYMBOL <tab> TIMESTAMP <tab> value...
publish.py   parts that appear together, by one rename, or not at all
"""
