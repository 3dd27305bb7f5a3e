"""Damage to the bytes of a sound file."""

from __future__ import annotations

from hypothesis import strategies as st

EDITS = ("flip", "cut", "insert", "remove", "overwrite", "zero", "end", "repeat")
LENGTHS = (1, 2, 4, 8, 16, 100, 5000)


@st.composite
def damaged(draw: st.DrawFn, data: bytes, edits: tuple[str, ...] = EDITS) -> bytes:
    """Return bytes with one place changed.

    A bit is flipped, the rest is cut off, or a few bytes are inserted, removed, overwritten, set to
    zero, repeated or appended.
    """
    if not data:
        return draw(st.binary(max_size=20))
    edit = draw(st.sampled_from(edits))
    if edit == "end":
        return data + draw(st.binary(min_size=1, max_size=20))
    where = draw(st.integers(0, len(data) - 1))
    length = 1 if edit == "flip" else draw(st.sampled_from(LENGTHS))
    run = data[where : where + length]
    new, end = b"", where + len(run)
    if edit == "flip":
        new = bytes([run[0] ^ 1 << draw(st.integers(0, 7))])
    elif edit == "cut":
        end = len(data)
    elif edit == "zero":
        new = bytes(len(run))
    elif edit == "repeat":
        new = run * 2
    elif edit in ("insert", "overwrite"):
        new = draw(st.binary(min_size=1, max_size=min(length, 100)))
        end = where if edit == "insert" else where + len(new)
    return data[:where] + new + data[end:]
