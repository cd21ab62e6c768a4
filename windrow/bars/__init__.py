"""What a row is: columns, layouts, checks and the CSV parser.

columns.py    bars as columns; the layout of an input
epochs.py     times as counts since 1970: which unit each is in
form.py       how an input writes its rows: delimiter, times, numbers
clocks.py     times in other forms: 03/01/2023, 3-Jan-23, Jan 03, 2023 9:30 PM
numbers.py    numbers in other forms: 1.234,50, $36.60, 1.2M
scales.py     columns that count a part of the unit: --scale close=1e-9
headers.py    whether a line is a header, and agrees with the settled columns
layout.py     a header -> which columns hold the symbol, the time and the values
checks.py     what the fields of a row must be, and why a row is invalid
examples.py   one row for each reason why rows are no bars
text.py       lines of CSV -> bars
"""
