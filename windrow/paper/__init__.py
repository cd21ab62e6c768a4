"""The forward test: a strategy traded on paper, bar by bar as a stream brings them; it goes on where it ended.

options.py      what a user asks for: the options of a backtest, or the best pair of a sweep
incoming.py     records of a page -> bars, by the rules of files
trader.py       bars -> orders and values, each symbol's backtest going on
checkpoint.py   the directory: what is in it, and the one point at which a page has been taken
disk.py         the writes, and the lock
loop.py         pages one after another, until somebody ends it; what is printed
alerts.py       a command for each order
status.py       how it stands, for people
forward.py      the same as the output of a backtest, for a report
"""
