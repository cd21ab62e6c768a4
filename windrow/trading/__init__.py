"""Trading by the rules of DESIGN section 8, of many runs over one symbol's bars.

rules.py      what a user chooses: sizes, costs, when orders fill
figures.py    what is told of a run, from sums that grow with runs, never with bars
"""
