"""Learning: scales, sequences, a network, and what its forecasts are worth.

scaling.py       scales of a column: fitted to values in pieces, applied, and taken back
normalizing.py   the columns of many symbols scaled, and taken back
sequences.py     sequences of neighbouring bars, and splits of them
sequencing.py    those of many symbols, in parts to train on and to test
"""
