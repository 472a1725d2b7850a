"""Limits: what one key, one address and a guess may cost."""
