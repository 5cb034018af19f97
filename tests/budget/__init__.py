"""Says what the tests cost: groups of tests, their time, and what of it grew.

`groups.py` tells which group a test is of and which groups a change concerns, `plugin.py` measures
while pytest runs, and `costs.py` sums up.
"""
