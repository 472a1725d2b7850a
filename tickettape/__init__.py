"""Tickettape."""
