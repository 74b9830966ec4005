"""Which Slipway this is."""

from importlib.metadata import PackageNotFoundError, version


def app_version() -> str:
    """The package's version, or `unpackaged` where it is deployed as plain folders."""
    try:
        return version("slipway")
    except PackageNotFoundError:
        return "unpackaged"
