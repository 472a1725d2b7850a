"""Keep two replies of a marketplace in the body of one `Answer`, each byte for byte.

An answer without totals cannot be checked against itself. So the client asks a second question, about the totals, and
both replies are kept together: what is read again later is read with the evidence of its time. Pure.
"""

import msgspec


def join_replies(replies: dict[str, bytes | None], **said: str) -> bytes:
    """One JSON object of several replies. `said` are values that the reader needs, such as the price basis.

    A reply of None was asked for and did not come.
    """
    parts: dict[str, object] = dict(said)
    parts |= {name: None if body is None else msgspec.Raw(body) for name, body in replies.items()}
    return msgspec.json.encode(parts)
