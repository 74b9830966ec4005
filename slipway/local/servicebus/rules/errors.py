"""What can be wrong with a rule, before and after it meets a message."""


class RuleError(ValueError):
    """A filter or an action cannot be understood; the text says where."""


class FilterError(Exception):
    """A filter or an action was understood and cannot be done with this message, e.g. a division by zero."""
