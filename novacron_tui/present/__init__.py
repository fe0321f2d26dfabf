"""Pure functions from model values to what is painted: spans, cells, columns. Imports no Textual.

Foreign text becomes SafeText here and nowhere later: what leaves this package a terminal cannot obey.
"""
