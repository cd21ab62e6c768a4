"""The market: who is in it, and where its prices come from.

universe.py    the symbols that are collected
sources.py     what the collector asks of a source of prices
yahoo.py       Yahoo's, by yfinance
generated.py   made-up bars in an exchange's sessions
filed.py       those of any input that windrow reads
collector.py   from a source into a database, symbol by symbol
loads.py       what a database knows of its loads: watermarks, counts, the lock
gaps.py        bars that are missing
schedule.py    the collector once a week: a timer of systemd, a line of crontab
constituents.py  who is in which sector, when
sectors.py     indices, averages, volatility and breadth of sectors
options.py     the options of jobs over sectors
"""
