"""Receives from one queue or subscription with peek-lock and calls one function for each message.

The message is completed when the function returns and abandoned when it raises; the broker counts deliveries
and dead-letters. While the function runs its lock is renewed. When the broker is away the trigger comes back by
itself, for ever.
"""

import asyncio
import logging
from typing import Any

from azure.core.exceptions import AzureError
from azure.servicebus import ServiceBusReceivedMessage
from azure.servicebus.aio import AutoLockRenewer, ServiceBusReceiver
from azure.servicebus.exceptions import MessageLockLostError, SessionLockLostError

from slipway.local.functions.app import Function
from slipway.local.functions.bindings import ServiceBusTrigger
from slipway.local.functions.host_json import ServiceBusSettings
from slipway.local.functions.invocation import InvocationFailed, Invoker
from slipway.local.functions.servicebus_connection import Connections
from slipway.local.functions.servicebus_message import body_of, metadata_of

log = logging.getLogger(__name__)
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 5.0
SETTLE_PAUSES_SECONDS = (0.5, 1.0, 2.0, 4.0)
IDLE_SECONDS = 20.0  # after which a receiver that is not the only one closes


class Listener:
    """The trigger of one function.

    One receiver is always open. A receiver of the SDK does one thing at a time (while it waits for a message it
    holds up settlements), so each has one message at a time, and whenever all are busy another one opens, up to
    `maxConcurrentCalls`.
    """

    def __init__(
        self,
        function: Function,
        trigger: ServiceBusTrigger,
        connections: Connections,
        invoker: Invoker,
        settings: ServiceBusSettings,
    ) -> None:
        """Raises AppRefused when the connection is not set."""
        self._function = function
        self._trigger = trigger
        self._client = connections.client(trigger.connection)
        self._invoker = invoker
        self._settings = settings
        self._renew_seconds = settings.max_auto_lock_renewal_duration.total_seconds()
        self._lanes: set[asyncio.Task[None]] = set()
        self._waiting: set[asyncio.Task[None]] = set()  # lanes without a message
        self._seeking: set[asyncio.Task[None]] = set()  # lanes without a session, where there are sessions
        self._stopping = False
        self._pause = FIRST_PAUSE_SECONDS

    def start(self) -> None:
        self._renewer = AutoLockRenewer()
        self._open_lane()

    def stop_receiving(self) -> None:
        """No further message is taken; those taken go on."""
        self._stopping = True
        for lane in self._waiting:
            lane.cancel()

    async def close(self, seconds: float) -> None:
        """Waits until all messages taken are settled, at most so long; the broker delivers the others again."""
        if self._lanes:
            _, late = await asyncio.wait(self._lanes, timeout=max(seconds, 1.0))
            for lane in late:
                lane.cancel()
            if late:
                await asyncio.wait(late, timeout=2.0)
        await self._renewer.close()

    def _open_lane(self) -> None:
        lane = asyncio.create_task(self._run_lane(), name=f"receive {self._trigger.path}")
        self._lanes.add(lane)
        self._waiting.add(lane)
        lane.add_done_callback(self._lane_ended)

    def _lane_ended(self, lane: asyncio.Task[None]) -> None:
        self._lanes.discard(lane)
        self._waiting.discard(lane)
        if not lane.cancelled() and (error := lane.exception()) is not None:
            log.error("a receiver of %s broke", self._trigger.path, exc_info=error)
        if not self._lanes and not self._stopping:
            self._open_lane()

    async def _run_lane(self) -> None:
        lane = asyncio.current_task()
        assert lane is not None
        receiver = self._receiver()
        try:
            while not self._stopping and (message := await self._next(receiver)) is not None:
                self._waiting.discard(lane)
                if not self._waiting and len(self._lanes) < self._settings.max_concurrent_calls:
                    self._open_lane()
                await self._handle(receiver, message)
                self._waiting.add(lane)
        finally:
            self._waiting.discard(lane)
            await receiver.close()

    def _receiver(self, **options: Any) -> ServiceBusReceiver:
        trigger = self._trigger
        options = {"prefetch_count": self._settings.prefetch_count, "max_wait_time": IDLE_SECONDS, **options}
        if trigger.queue is not None:
            return self._client.get_queue_receiver(trigger.queue, **options)
        assert trigger.topic is not None
        assert trigger.subscription is not None
        return self._client.get_subscription_receiver(trigger.topic, trigger.subscription, **options)

    async def _next(self, receiver: ServiceBusReceiver) -> ServiceBusReceivedMessage | None:
        """The next message; None for a receiver that is not needed any more."""
        while True:
            try:
                message = await anext(receiver)
            except StopAsyncIteration:
                if len(self._waiting) > 1:
                    return None
            except Exception as error:  # noqa: BLE001 - a trigger outlives whatever the connection does
                if len(self._waiting) > 1:
                    return None
                await self._away(error)
            else:
                self._back()
                return message

    async def _away(self, error: Exception) -> None:
        if self._pause == FIRST_PAUSE_SECONDS:
            log.warning(
                "function %s cannot receive from %s and keeps trying: %s: %s",
                self._function.name,
                self._trigger.path,
                type(error).__name__,
                error,
                exc_info=None if isinstance(error, AzureError | OSError) else error,
            )
        await asyncio.sleep(self._pause)
        self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)

    def _back(self) -> None:
        if self._pause > FIRST_PAUSE_SECONDS:
            log.warning("function %s receives from %s again", self._function.name, self._trigger.path)
        self._pause = FIRST_PAUSE_SECONDS

    async def _handle(self, receiver: ServiceBusReceiver, message: ServiceBusReceivedMessage) -> None:
        if self._renew_seconds:
            self._renewer.register(receiver, message, self._renew_seconds, self._lock_lost)
        await self._call_and_settle(receiver, message)

    async def _call_and_settle(self, receiver: ServiceBusReceiver, message: ServiceBusReceivedMessage) -> None:
        settle = receiver.complete_message if await self._call(message) else receiver.abandon_message
        for pause in (*SETTLE_PAUSES_SECONDS, None):  # by its lock token, also over a new connection
            try:
                await settle(message)
                return
            except (AzureError, OSError, ValueError) as error:  # ValueError: while the receiver is reopening
                if pause is None or isinstance(error, MessageLockLostError | SessionLockLostError):
                    self._give_up(message, error)
                    return
                await asyncio.sleep(pause)

    async def _call(self, message: ServiceBusReceivedMessage) -> bool:
        try:
            body = body_of(message)
        except ValueError as error:
            log.error("function %s cannot take message %s: %s", self._function.name, message.sequence_number, error)
            return False
        try:
            await self._invoker.invoke(self._function, body, metadata_of(message))
        except InvocationFailed:
            return False
        return True

    def _give_up(self, message: ServiceBusReceivedMessage, error: Exception) -> None:
        log.warning(
            "message %s of %s could not be settled, the broker will deliver it again: %s: %s",
            message.sequence_number,
            self._trigger.path,
            type(error).__name__,
            error,
        )

    async def _lock_lost(self, message: object, error: Exception | None) -> None:
        log.warning(
            "function %s: a lock of %s is not renewed: %s",
            self._function.name,
            self._trigger.path,
            error,
        )
