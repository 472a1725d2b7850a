"""Speed and sizes, each as a ratio to its bound, measured side by side in one run: `make bench`.

Never part of the tests: a machine's mood is no defect. Each part uses a PostgreSQL of its own that goes with it.
"""
