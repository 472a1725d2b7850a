"""What marketplaces sent, as it is stored: compressed with Zstandard, byte for byte the same when it is read."""

import zstandard

MAX_BYTES = 256 * 2**20  # what one may unpack to


def compress_payload(payload: bytes) -> bytes:
    """A payload as the database stores it."""
    return zstandard.ZstdCompressor(level=3).compress(payload)


def decompress_payload(payload_zstd: bytes) -> bytes:
    """A payload as it came. Raises zstandard.ZstdError for what was not packed."""
    return zstandard.ZstdDecompressor().decompress(payload_zstd, max_output_size=MAX_BYTES)
