"""Responses: their format, their version and their problems."""
