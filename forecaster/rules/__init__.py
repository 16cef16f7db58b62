"""The rules: from a night's gap, stock and calendar to findings worth a person's time."""
