"""Which Slipway this is."""


def app_version() -> str:
    """The package's version, or `unpackaged` where it is deployed as plain folders."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("slipway")
    except PackageNotFoundError:
        return "unpackaged"
