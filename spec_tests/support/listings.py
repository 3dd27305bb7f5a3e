"""Running a listing as a reader who types it in does."""


def run(listing: str, **names: object) -> dict[str, object]:
    """Run a listing where only `names` are known; return the names known afterwards."""
    exec(listing, names)  # noqa: S102 - that is the point
    return names
