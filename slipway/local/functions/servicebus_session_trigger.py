"""Receives from a queue or subscription with sessions: the messages of one session in order, one at a time.

Several sessions go on beside each other, up to `maxConcurrentSessions`. One that has had no message for
`sessionIdleTimeout` is let go, for whoever seeks one.
"""

import asyncio

from azure.servicebus import NEXT_AVAILABLE_SESSION
from azure.servicebus.aio import ServiceBusReceiver
from azure.servicebus.exceptions import OperationTimeoutError, SessionLockLostError

from slipway.local.functions.servicebus_trigger import Listener

RENEW_SECONDS = 24 * 3600.0
"""A session is kept for as long as it has messages, not for the time that one message may take."""


class SessionListener(Listener):
    """A lane seeks a session, works through it, and seeks again; one lane always seeks, if there may be one more."""

    async def _run_lane(self) -> None:
        lane = asyncio.current_task()
        assert lane is not None
        while not self._stopping:
            receiver = self._seeker()
            self._seeking.add(lane)
            self._waiting.add(lane)
            try:
                async with receiver:
                    self._back()
                    self._found(lane)
                    await self._work_through(receiver, lane)
            except SessionLockLostError as error:
                await self._lock_lost(receiver, error)
            except OperationTimeoutError:  # no session has a message
                self._back()
            except Exception as error:  # noqa: BLE001 - a trigger outlives whatever the connection does
                await self._away(error)
            finally:
                self._seeking.discard(lane)
                self._waiting.add(lane)
            if self._seeking:
                return

    def _seeker(self) -> ServiceBusReceiver:
        idle_seconds = self._settings.session_idle_timeout.total_seconds()
        return self._receiver(session_id=NEXT_AVAILABLE_SESSION, max_wait_time=idle_seconds)

    def _found(self, lane: "asyncio.Task[None]") -> None:
        self._seeking.discard(lane)
        if not self._seeking and not self._stopping and len(self._lanes) < self._settings.max_concurrent_sessions:
            self._open_lane()

    async def _work_through(self, receiver: ServiceBusReceiver, lane: "asyncio.Task[None]") -> None:
        """Until the session has been idle for long enough."""
        if self._renew_seconds:
            self._renewer.register(receiver, receiver.session, RENEW_SECONDS, self._lock_lost)
        async for message in receiver:
            self._waiting.discard(lane)
            await self._call_and_settle(receiver, message)
            self._waiting.add(lane)
            if self._stopping:
                return
