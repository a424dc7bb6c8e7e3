"""Random damage: whatever is done to a byte of a permit, a checkpoint or the log, it is refused or seen."""

import json
import random
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from spe.offices import build

from kimed_spe import audit, canonical, gate, merkle, permit, pseudonym
from kimed_spe.register import Entry, Register, parse

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def damaged(data: bytes, seed: int) -> bytes:
    """One byte changed, removed, doubled, or a piece moved."""
    chance = random.Random(seed)
    place = chance.randrange(len(data))
    other = chance.randrange(len(data))
    kind = chance.randrange(4)
    if kind == 0:
        return data[:place] + bytes([data[place] ^ (1 << chance.randrange(8))]) + data[place + 1 :]
    if kind == 1:
        return data[:place] + data[place + 1 :]
    if kind == 2:
        return data[:place] + data[place : place + 1] + data[place:]
    return data[: min(place, other)] + data[max(place, other) :]


def same_meaning(one: bytes, other: bytes) -> bool:
    """Whether both are the same envelope: a blank around the signed bytes or unused bits of base64 change nothing."""
    try:
        return Envelope.from_dict(canonical.decode(one)) == Envelope.from_dict(canonical.decode(other))
    except (ValueError, KeyError, TypeError, AttributeError, VerificationError):
        return False


def test_damaged_permits_are_refused(tmp_path: Path):
    site = build(tmp_path / "s")
    site.revoke(now=datetime.now(UTC))
    site.sign()
    whole = site.permit_path.read_bytes()
    gate.enforce(site.context(), site.permit_path, site.trust_path, Register(tmp_path / "r"))
    refused = 0
    for seed in range(300):
        data = damaged(whole, seed)
        if same_meaning(data, whole):
            continue
        site.permit_path.write_bytes(data)
        with pytest.raises(permit.PermitRefused):
            gate.enforce(site.context(), site.permit_path, site.trust_path, Register(tmp_path / "r"))
        refused += 1
    assert refused > 250


def test_damaged_logs_are_seen(tmp_path: Path):
    site = build(tmp_path / "s")
    register = Register(tmp_path / "r")
    for number in range(12):
        register.append("job", {"number": number, "text": "ä" * number})
    register.checkpoint(site.keys["register"])
    whole, store = register.log.read_bytes(), site.trust
    assert audit.verify(register, store) == []
    for seed in range(400):
        data = damaged(whole, seed)
        if data == whole:
            continue
        register.log.write_bytes(data)
        assert audit.verify(register, store), seed


def test_damaged_checkpoints_are_seen(tmp_path: Path):
    site = build(tmp_path / "s")
    register = Register(tmp_path / "r")
    register.append("job", {})
    path, _ = register.checkpoint(site.keys["register"])
    whole, store = path.read_bytes(), site.trust
    for seed in range(300):
        data = damaged(whole, seed)
        if not same_meaning(data, whole):
            path.write_bytes(data)
            assert audit.verify(register, store), seed


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.text(), JSON, max_size=5), st.text())
def test_every_entry_is_read_as_it_was_written(content: dict, kind: str):
    entry = Entry(3, "2026-11-24T00:00:00.000000Z", kind, json.loads(json.dumps(content)), "0" * 64)
    assert parse(entry.line()) == entry and b"\n" not in entry.line()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(max_size=8), min_size=1, max_size=40), st.data())
def test_every_audit_path_proves_its_leaf(entries: list[bytes], data: st.DataObject):
    index = data.draw(st.integers(0, len(entries) - 1))
    leaves = [merkle.leaf(entry) for entry in entries]
    path = merkle.inclusion(leaves, index)
    assert merkle.root_from_inclusion(leaves[index], index, len(leaves), path) == merkle.root(leaves)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(st.text(min_size=1).filter(lambda text: text.strip()), st.text(min_size=1).filter(lambda text: text.strip()))
def test_different_identifiers_get_different_pseudonyms(one: str, other: str):
    domain = pseudonym.Domain.derive(b"k" * 32, "p")
    try:
        first, second = pseudonym.normalised(one), pseudonym.normalised(other)
    except ValueError:
        return
    assert pseudonym.valid(domain.pseudonym(one))
    assert (domain.pseudonym(one) == domain.pseudonym(other)) == (first == second)
