"""How fast and how large, as ratios: `make bench`. What each line means: bench/README.md.

Nothing here is part of the program, and the program imports nothing from here.
"""
