"""ASP.NET route templates: which function answers a path.

`shops/{id:int}/{part?}/{*rest}`: literals ignore case, `{a}.{b}` may share a segment, a value never holds a
slash except in a catch-all. The order among templates is that of WebJobsRouteBuilder in
azure-webjobs-sdk-extensions: literal before parameter, more constraints first, longer first.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote
from uuid import UUID

from slipway.local.functions.refusal import AppRefused

Constraint = Callable[[str], bool]
_PARAMETER = re.compile(r"\{(\*{0,2})([^{}:?=]+)((?::[^{}:=?]+)*)(=[^{}?]*)?(\??)\}")


def _parses(parse: Callable[[str], object]) -> Constraint:
    def fits(value: str) -> bool:
        try:
            parse(value)
        except ValueError:
            return False
        return True

    return fits


def _int_of(bits: int) -> Constraint:
    limit = 1 << (bits - 1)
    return lambda value: bool(re.fullmatch(r"[+-]?[0-9]{1,20}", value)) and -limit <= int(value) < limit


_PLAIN: Mapping[str, Constraint] = {
    "int": _int_of(32),
    "long": _int_of(64),
    "bool": lambda value: value.lower() in ("true", "false"),
    "guid": _parses(UUID),
    "alpha": lambda value: bool(re.fullmatch(r"[A-Za-z]*", value)),
    "float": _parses(float),
    "double": _parses(float),
    "decimal": _parses(float),
    "datetime": _parses(datetime.fromisoformat),
    "required": bool,
}
_WITH_NUMBERS: Mapping[str, Callable[..., Constraint]] = {
    "min": lambda least: lambda value: _PLAIN["long"](value) and int(value) >= least,
    "max": lambda most: lambda value: _PLAIN["long"](value) and int(value) <= most,
    "range": lambda least, most: lambda value: _PLAIN["long"](value) and least <= int(value) <= most,
    "minlength": lambda least: lambda value: len(value) >= least,
    "maxlength": lambda most: lambda value: len(value) <= most,
    "length": lambda least, most=None: lambda value: least <= len(value) <= (least if most is None else most),
}


@dataclass(frozen=True)
class Parameter:
    name: str
    catch_all: bool
    constraints: tuple[Constraint, ...]
    optional: bool
    default: str | None


class Template:
    """One parsed template. Raises AppRefused for a constraint that this host lacks or a malformed text."""

    def __init__(self, text: str) -> None:
        self.text = text
        segments = [segment for segment in text.strip("/").split("/") if segment]
        self._parameters: list[Parameter] = []
        self._pattern = re.compile("".join(map(self._segment, segments)), re.IGNORECASE | re.DOTALL)
        self.order = (*(self._rank(segment) for segment in segments), (2, 0, 0, ""))

    def match(self, path: str) -> dict[str, str] | None:
        """Route values of a path as `decoded_path` gives it, or None."""
        found = self._pattern.fullmatch(path)
        if found is None:
            return None
        values: dict[str, str] = {}
        for number, parameter in enumerate(self._parameters):
            value = found[f"p{number}"] or parameter.default
            if value is None:
                continue
            if not all(fits(value) for fits in parameter.constraints):
                return None
            values[parameter.name] = value
        return values

    def _segment(self, segment: str) -> str:
        pattern, at, whole = "", 0, _PARAMETER.fullmatch(segment)
        for match in _PARAMETER.finditer(segment):
            pattern += _literal(segment[at : match.start()], self.text)
            parameter = self._parameter(match)
            group = f"p{len(self._parameters)}"
            self._parameters.append(parameter)
            if parameter.catch_all:
                return f"(?:/{pattern}(?P<{group}>.*))?" if not pattern else f"/{pattern}(?P<{group}>.*)"
            pattern += f"(?P<{group}>[^/]+)"
            at = match.end()
            if whole and (parameter.optional or parameter.default is not None):
                return f"(?:/{pattern})?"
        return "/" + pattern + _literal(segment[at:], self.text)

    def _parameter(self, match: re.Match[str]) -> Parameter:
        stars, name, constraints, default, optional = match.groups()
        return Parameter(
            name=name,
            catch_all=bool(stars),
            constraints=tuple(self._constraint(text) for text in constraints.split(":")[1:]),
            optional=bool(optional),
            default=default[1:] if default else None,
        )

    def _constraint(self, text: str) -> Constraint:
        name, _, arguments = text.partition("(")
        if not arguments and name in _PLAIN:
            return _PLAIN[name]
        try:
            return _WITH_NUMBERS[name](*(int(number) for number in arguments.removesuffix(")").split(",")))
        except (KeyError, ValueError, TypeError) as error:  # no such one, no number, too many or too few
            raise AppRefused(f"route '{self.text}': the constraint '{text}' is not supported by this host") from error

    def _rank(self, segment: str) -> tuple[int, int, int, str]:
        first = _PARAMETER.match(segment)
        if first is None:
            return (0, 0, 0, segment.lower())
        return (1, bool(first[1]), -first[3].count(":"), "")


def decoded_path(raw: str) -> str:
    """The path of a request line as Kestrel hands it on, decoded but for `%2F`, less slashes at the end."""
    path = unquote(re.sub("%(?=2f)", "%25", raw, flags=re.IGNORECASE)).strip("/")
    return f"/{path}" if path else ""


def _literal(text: str, template: str) -> str:
    if "{" in text or "}" in text:
        raise AppRefused(f"route '{template}' is not a route template this host understands")
    return re.escape(text)


@dataclass(frozen=True)
class Route:
    """A template, the methods it takes (None: all) and the name of its function."""

    template: Template
    methods: frozenset[str] | None
    function: str


class Routes:
    """All routes of an app, in the order in which they are tried."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = sorted(routes, key=lambda route: route.template.order)

    def find(self, method: str, path: str) -> tuple[str, dict[str, str]] | None:
        """Function and route values for a method and a path as in the request line.

        None: 404, also when only the method differs.
        """
        path = decoded_path(path)
        for route in self._routes:
            if route.methods is not None and method not in route.methods:
                continue
            values = route.template.match(path)
            if values is not None:
                return route.function, values
        return None
