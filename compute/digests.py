"""SHA-256 of many values at once."""

from hashlib import sha256
from itertools import pairwise

import numpy as np
import pyarrow as pa


def digests(values: pa.BinaryArray | pa.LargeBinaryArray) -> pa.StringArray:
    """Return SHA-256 of each value, in hexadecimal; a null counts as no bytes.

    >>> digests(pa.array([b"abc"]))[0].as_py()[:8]
    'ba7816bf'
    """
    _, offsets, data = values.buffers()
    width = np.int64 if pa.types.is_large_binary(values.type) else np.int32
    edges = np.frombuffer(offsets, dtype=width)[values.offset :][: len(values) + 1].tolist() if offsets else [0]
    octets = bytes(data or b"")  # pieces of bytes are half the price of Arrow's own, and nothing for the collector
    return pa.array([sha256(octets[begin:end]).hexdigest() for begin, end in pairwise(edges)], pa.string())
