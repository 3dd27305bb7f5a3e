"""Run a listing of the course."""


def run(listing: str, **names: object) -> dict[str, object]:
    """Run a listing in a namespace of `names`, and return the namespace afterwards."""
    exec(listing, names)  # noqa: S102 - the purpose of this function
    return names
