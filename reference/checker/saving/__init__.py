"""The files that scripts save: their names, and what is in them."""
