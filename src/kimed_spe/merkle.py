"""Merkle tree hashes and inclusion proofs of RFC 6962 (Certificate Transparency), section 2.1, with SHA-256.

Leaves and nodes are hashed with different prefixes, so that no entry can pretend to be a subtree.
"""

import hashlib
from collections.abc import Iterable, Sequence


def leaf(data: bytes) -> bytes:
    """Hash of one entry: SHA-256(0x00 || entry)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node(left: bytes, right: bytes) -> bytes:
    """Hash of two subtrees: SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The root of a growing tree in logarithmic space: one hash per complete subtree, largest first.

    Attributes
    ----------
    size
        Number of leaves so far.
    """

    def __init__(self) -> None:
        self.size = 0
        self._subtrees: list[bytes] = []

    def add(self, leaf_hash: bytes) -> None:
        """Take one more leaf; every trailing one bit of the old size is a subtree that becomes complete."""
        carried, size = leaf_hash, self.size
        while size & 1:
            carried = node(self._subtrees.pop(), carried)
            size >>= 1
        self._subtrees.append(carried)
        self.size += 1

    def root(self) -> bytes:
        """Merkle tree hash of the leaves so far; of none it is SHA-256 of the empty string."""
        if not self._subtrees:
            return hashlib.sha256().digest()
        *left, result = self._subtrees
        for subtree in reversed(left):
            result = node(subtree, result)
        return result


def root(leaf_hashes: Iterable[bytes]) -> bytes:
    """Merkle tree hash (section 2.1) of leaf hashes in order."""
    frontier = Frontier()
    for leaf_hash in leaf_hashes:
        frontier.add(leaf_hash)
    return frontier.root()


def _split(size: int) -> int:
    """Largest power of two smaller than `size` (k in section 2.1)."""
    return 1 << ((size - 1).bit_length() - 1)


def inclusion(leaf_hashes: Sequence[bytes], index: int) -> list[bytes]:
    """Audit path of the leaf `index` (section 2.1.1), from the leaf towards the root.

    Raises
    ------
    IndexError
        There is no such leaf.
    """
    if not 0 <= index < len(leaf_hashes):
        raise IndexError(f"no leaf {index} in a tree of {len(leaf_hashes)}")
    if len(leaf_hashes) == 1:
        return []
    split = _split(len(leaf_hashes))
    if index < split:
        return [*inclusion(leaf_hashes[:split], index), root(leaf_hashes[split:])]
    return [*inclusion(leaf_hashes[split:], index - split), root(leaf_hashes[:split])]


def root_from_inclusion(leaf_hash: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """The root that an audit path leads to; equal to the tree's root if and only if the leaf is in the tree.

    Raises
    ------
    ValueError
        The path has the wrong length for this place in a tree of this size.
    """
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size}")
    if size == 1:
        if path:
            raise ValueError("the audit path is too long")
        return leaf_hash
    if not path:
        raise ValueError("the audit path is too short")
    split = _split(size)
    if index < split:
        return node(root_from_inclusion(leaf_hash, index, split, path[:-1]), path[-1])
    return node(path[-1], root_from_inclusion(leaf_hash, index - split, size - split, path[:-1]))
