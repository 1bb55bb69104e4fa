# SPDX-License-Identifier: LGPL-2.1-or-later
"""Files with known digests: the same seed gives the same bytes everywhere."""

import hashlib
import os
import random


def pattern(size, seed=1):
    """Bytes in which no two places look alike, so that a join at the wrong offset shows."""
    return random.Random(seed).randbytes(size)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def file_sha256(path):
    """Of a file too large to hold."""
    digest = hashlib.sha256()
    with open(path, 'rb') as source:
        for block in iter(lambda: source.read(1 << 20), b''):
            digest.update(block)
    return digest.hexdigest()


def sparse(path, size, seed=1, mark=4096):
    """A file of any size that costs nothing on disk: known bytes at its begin, middle and end."""
    with open(path, 'wb') as target:
        target.truncate(size)
        for number, offset in enumerate((0, size // 2, max(0, size - mark))):
            target.seek(offset)
            target.write(pattern(min(mark, size), seed + number))
    os.chmod(path, 0o644)
    return file_sha256(path)


def write(path, data):
    """A file that every user may read."""
    with open(path, 'wb') as target:
        target.write(data)
    os.chmod(path, 0o644)


def read(path):
    with open(path, 'rb') as source:
        return source.read()
