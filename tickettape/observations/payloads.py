"""What marketplaces sent, as it is stored: compressed with Zstandard, byte for byte the same when it is read.

An answer is mostly what the same event's answer was a moment before. So it may be compressed against an earlier one,
its *base*: then it takes a tenth of the space, and the base is needed to read it.
"""

import zstandard

MAX_BYTES = 256 * 2**20  # what one may unpack to


def compress_payload(payload: bytes, base: bytes | None = None) -> bytes:
    """A payload as the database stores it; with a `base`, only what differs from it."""
    # the checksum: read against another base, it would otherwise come out wrong without an error
    return zstandard.ZstdCompressor(level=3, dict_data=_dictionary(base), write_checksum=True).compress(payload)


def decompress_payload(payload_zstd: bytes, base: bytes | None = None) -> bytes:
    """A payload as it came. Raises zstandard.ZstdError for what was not packed, or was packed with another base."""
    return zstandard.ZstdDecompressor(dict_data=_dictionary(base)).decompress(payload_zstd, max_output_size=MAX_BYTES)


def _dictionary(base: bytes | None) -> zstandard.ZstdCompressionDict | None:
    return zstandard.ZstdCompressionDict(base, dict_type=zstandard.DICT_TYPE_RAWCONTENT) if base else None
