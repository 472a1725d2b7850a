"""What keeps a program from its database, as a person is told."""


class UnavailableDatabaseError(RuntimeError):
    """The database cannot be used. The message is for a person: what is wrong, and what to do."""
