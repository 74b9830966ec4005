"""Route templates as ASP.NET reads them."""

import pytest

from slipway.local.functions.refusal import AppRefused
from slipway.local.functions.routes import Route, Routes, Template


@pytest.mark.parametrize(
    ("template", "path", "values"),
    [
        ("shops", "/shops", {}),
        ("shops", "/SHOPS/", {}),
        ("shops/{id}", "/shops/7", {"id": "7"}),
        ("shops/{id}", "/shops", None),
        ("shops/{id}", "/shops/7/8", None),
        ("shops/{id:int}", "/shops/-7", {"id": "-7"}),
        ("shops/{id:int}", "/shops/seven", None),
        ("shops/{id:int}", "/shops/2147483648", None),
        ("shops/{id:int:min(5)}", "/shops/4", None),
        (
            "shops/{id:guid}",
            "/shops/11111111-1111-4111-8111-111111111111",
            {"id": "11111111-1111-4111-8111-111111111111"},
        ),
        ("shops/{id:length(2,3)}", "/shops/abcd", None),
        ("shops/{id?}", "/shops", {}),
        ("shops/{id?}", "/shops/7", {"id": "7"}),
        ("shops/{id=first}", "/shops", {"id": "first"}),
        ("files/{*rest}", "/files/a/b.txt", {"rest": "a/b.txt"}),
        ("files/{*rest}", "/files", {}),
        ("files/{name}.{ext}", "/files/report.final.pdf", {"name": "report.final", "ext": "pdf"}),
        ("a b/{x}", "/a%20b/%C3%A9%2Ff", {"x": "é%2Ff"}),
        ("{root:maxlength(0)?}", "/", {}),
        ("{root:maxlength(0)?}", "/x", None),
    ],
)
def test_template_matches_as_in_asp_net(template: str, path: str, values: dict[str, str] | None) -> None:
    found = Routes([Route(Template(template), None, "f")]).find("GET", path)
    assert found == (("f", values) if values is not None else None)


def test_more_specific_route_wins_whatever_the_order_of_registration() -> None:
    templates = ["{*all}", "shops/{name}", "shops/{id:int}", "shops/best", "shops/{id}/parts"]
    routes = Routes(Route(Template(text), None, text) for text in templates)
    chosen = [
        found[0]
        for path in ("/shops/best", "/shops/7", "/shops/x", "/shops/x/parts", "/else/where")
        if (found := routes.find("GET", path))
    ]
    assert chosen == ["shops/best", "shops/{id:int}", "shops/{name}", "shops/{id}/parts", "{*all}"]


def test_one_path_may_have_a_function_per_method() -> None:
    routes = Routes([Route(Template("x"), frozenset({method}), method) for method in ("GET", "POST")])
    assert routes.find("POST", "/x") == ("POST", {})
    assert routes.find("PUT", "/x") is None


@pytest.mark.parametrize(
    "template", ["{id:regex(^a$)}", "{id:purple}", "a{b", "{id:int(3)}", "{id:range(3)}", "{id:length(1,2,3)}"]
)
def test_template_that_is_not_understood_is_refused_by_name(template: str) -> None:
    with pytest.raises(AppRefused, match="route '"):
        Template(template)
