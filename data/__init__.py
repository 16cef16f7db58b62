"""The facts and the records, and the rules they keep."""
