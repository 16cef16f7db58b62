"""How things are told: the same words, numbers and drawings on a page and in a mail."""
