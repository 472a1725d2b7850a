"""Faults of a whole program that runs: see README.md beside this file."""
