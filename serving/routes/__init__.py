"""Routes: what each path answers, one module a subject."""
