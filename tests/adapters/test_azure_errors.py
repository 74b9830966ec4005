"""What an SDK's error means, from the shapes that Azure's services use."""

import json
from typing import Any

import pytest
from azure.core.exceptions import DecodeError, DeserializationError, ServiceRequestError, ServiceResponseError
from azure.servicebus.exceptions import (
    MessagingEntityNotFoundError,
    ServiceBusAuthorizationError,
    ServiceBusConnectionError,
    ServiceBusServerBusyError,
)

from slipway.adapters.azure_errors import AzureProblem, FaultKind, explain, explain_response, explained
from slipway.promotion.outcomes import Outcome
from slipway.promotion.rights.catalogue import FLAGS


class AnAnswer:
    """What the SDKs hand over of an HTTP answer."""

    def __init__(self, status: int, body: Any = "", **headers: str) -> None:
        self.status_code = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.request: Any = None
        self._body = body if isinstance(body, str) else json.dumps(body)

    def text(self) -> str:
        return self._body


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, FaultKind.INVALID),
        (401, FaultKind.DENIED),
        (403, FaultKind.DENIED),
        (404, FaultKind.MISSING),
        (409, FaultKind.CONFLICT),
        (412, FaultKind.CONFLICT),
        (429, FaultKind.THROTTLED),
        (500, FaultKind.UNAVAILABLE),
        (501, FaultKind.INVALID),
        (503, FaultKind.UNAVAILABLE),
    ],
)
def test_the_status_says_what_to_do(status: int, kind: FaultKind) -> None:
    assert explain_response(AnAnswer(status)).kind is kind


def test_app_services_own_conflict_is_read() -> None:
    said = "Cannot modify this site because another operation is in progress. Details: Id: 7"
    fault = explain_response(AnAnswer(409, {"Code": "Conflict", "Message": said, "Details": []}))
    assert (fault.kind, fault.code) == (FaultKind.CONFLICT, "Conflict")
    assert "another operation is in progress" in fault.words


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"code": "TooMany", "message": "slower"}},
        {"code": "TooMany", "message": "slower"},
        {"odata.error": {"code": "TooMany", "message": {"lang": "en-US", "value": "slower"}}},
        "<?xml version='1.0'?><Error><Code>TooMany</Code><Message>slower</Message></Error>",
    ],
)
def test_every_shape_of_code_and_message_is_read(body: Any) -> None:
    fault = explain_response(AnAnswer(429, body, retry_after="17"))
    assert (fault.code, fault.retry_after_s) == ("TooMany", 17.0)
    assert "slower" in fault.words


@pytest.mark.parametrize("body", ["", "<html>gateway</html>", "[1, 2]", "null", '{"error": "text"}'])
def test_a_body_that_is_no_error_of_azures_is_no_trouble(body: str) -> None:
    assert explain_response(AnAnswer(503, body)).kind is FaultKind.UNAVAILABLE


def test_a_refusal_names_the_action_that_our_identity_lacks() -> None:
    said = (
        "The client 'abc' with object id 'def' does not have authorization to perform action "
        "'Microsoft.Web/sites/slots/slotsswap/action' over scope '/subscriptions/1'."
    )
    fault = explain_response(AnAnswer(403, {"error": {"code": "AuthorizationFailed", "message": said}}))
    assert "lacks the action Microsoft.Web/sites/slots/slotsswap/action" in fault.words
    answer = fault.answer({"kind": "x"}, 1.0)
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "AZURE_DENIED")


def test_a_refusal_that_names_no_action_is_told_with_the_role_that_it_takes() -> None:
    of_a_head = AnAnswer(403, "", x_ms_error_code="AuthorizationPermissionMismatch")
    words = explain_response(of_a_head, role="Storage Blob Data Contributor").words
    assert "needs the role Storage Blob Data Contributor" in words and "AuthorizationPermissionMismatch" in words


def test_a_throttle_is_waited_out_with_the_same_handle() -> None:
    answer = explain_response(AnAnswer(429, "", retry_after="30")).answer({"kind": "x"}, 1.0)
    assert (answer.running, answer.after_s, answer.handle) == (True, 30.0, {"kind": "x"})


def test_a_signature_in_an_address_is_not_repeated() -> None:
    said = "could not fetch https://store.example/app.zip?sv=2026&sig=SECRET now"
    fault = explain_response(AnAnswer(400, {"error": {"code": "Bad", "message": said}}))
    assert "SECRET" not in fault.words and "https://store.example/app.zip" in fault.words


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ServiceResponseError("reset"), FaultKind.UNKNOWN),
        (DecodeError("JSON is invalid"), FaultKind.UNKNOWN),
        (ServiceRequestError("refused"), FaultKind.UNAVAILABLE),
        (ServiceBusServerBusyError(message="busy"), FaultKind.THROTTLED),
        (ServiceBusAuthorizationError(message="no"), FaultKind.DENIED),
        (MessagingEntityNotFoundError(message="gone"), FaultKind.MISSING),
        (ServiceBusConnectionError(message="lost"), FaultKind.UNAVAILABLE),
    ],
)
def test_errors_without_an_http_answer_are_told_apart(error: Exception, kind: FaultKind) -> None:
    assert explain(error).kind is kind


def test_what_is_no_error_of_azures_is_raised_again() -> None:
    with pytest.raises(ZeroDivisionError):
        explain(ZeroDivisionError())


@pytest.mark.parametrize(
    ("named", "waits_s"), [("1e400", 3600), ("Infinity", 3600), ("99999999999", 3600), ("nan", 0), ("-5", 0)]
)
def test_a_time_that_no_throttle_names_is_not_waited_for(named: str, waits_s: float) -> None:
    assert explain_response(AnAnswer(429, "", retry_after=named)).retry_after_s == waits_s


@pytest.mark.parametrize("error", [DeserializationError("no such form"), json.JSONDecodeError("no JSON", "<html>", 0)])
def test_an_answer_that_cannot_be_read_leaves_open_whether_azure_did_it(error: Exception) -> None:
    with pytest.raises(AzureProblem, match="the answer cannot be read") as raised, explained():
        raise error
    assert raised.value.fault.kind is FaultKind.UNKNOWN


def test_what_is_no_error_of_an_sdk_stays_what_it_is() -> None:
    with pytest.raises(KeyError), explained():
        raise KeyError("ours")


def test_a_refusal_on_a_linked_resource_names_the_action_that_is_missing_there() -> None:
    said = (
        "The client 'a' with object id 'a' has permission to perform action 'Microsoft.App/containerApps/write' on "
        "scope '/apps/shop'; however, it does not have permission to perform action(s) "
        "'Microsoft.App/managedEnvironments/join/action' on the linked scope(s) '/environments/shop' (respectively) or "
        "the linked scope(s) are invalid."
    )
    words = explain_response(AnAnswer(403, {"error": {"code": "LinkedAuthorizationFailed", "message": said}})).words
    assert (
        "lacks the action Microsoft.App/managedEnvironments/join/action on /environments/shop; `slipway roles`" in words
    )


def test_key_vaults_refusal_names_the_action_and_the_secret() -> None:
    action = "Microsoft.KeyVault/vaults/secrets/getSecret/action"
    said = f"Caller is not authorized.\r\nAction: '{action}'\r\nResource: '/v/x'\r\n"
    words = explain_response(AnAnswer(403, {"error": {"code": "Forbidden", "message": said}}), FLAGS).words
    assert "lacks the action Microsoft.KeyVault/vaults/secrets/getSecret/action on /v/x" in words


def test_a_refusal_without_an_action_names_what_the_request_takes_and_who_refused() -> None:
    from azure.core.rest import HttpRequest

    refused = AnAnswer(403)
    refused.request = HttpRequest("GET", "https://shop.azconfig.io/kv/limit?secret=1")
    fault = explain_response(refused, FLAGS)
    assert fault.kind is FaultKind.DENIED and "?secret" not in fault.words
    assert f"lacks {' or '.join(FLAGS.data_actions)} on shop.azconfig.io (role {FLAGS.name})" in fault.words
    assert (
        "it needs the role Storage Table Data Contributor"
        in explain_response(AnAnswer(403), "Storage Table Data Contributor").words
    ), "that one comes with the deployment"
