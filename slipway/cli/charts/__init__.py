"""Plots as PNG and in the terminal, in plain Python: a plotting library would be the heaviest thing in the room."""
