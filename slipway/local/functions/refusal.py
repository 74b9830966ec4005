"""The one error that stops the host before it serves anything."""


class AppRefused(Exception):
    """This host cannot run the app as it is. The text is one line that names what and where."""
