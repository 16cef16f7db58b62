"""A generated chain whose true demand is known: customers, trade, shelves, what is recorded, and the judge.

It shares no code with the forecaster's model and is no draw from it: seasons are sums of lopsided humps and
holiday pulses, thinned by a logistic answer to the temperature that came; prices move a mixture of two kinds
of customers; those who do not find a style may take another; sales are made day by day from what hangs there.
"""
