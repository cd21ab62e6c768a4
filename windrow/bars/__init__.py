"""What a row is, and when it is a bar.

columns.py    bars as columns; the layout of an input
layout.py     a header -> which columns hold the symbol, the time and the values
checks.py     what a row's fields must be, and the reason where a row is invalid
text.py       lines of CSV -> bars
"""
