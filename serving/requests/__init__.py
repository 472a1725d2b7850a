"""Requests: where they come from, how they arrive, and their parameters."""
