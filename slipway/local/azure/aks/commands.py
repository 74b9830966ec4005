"""Commands that are run in a cluster: by a real shell, in a folder of their own, with `helm` and `kubectl` on its path
that ask this cluster. Quoting, pipes and exit codes are the shell's."""

import asyncio
import base64
import contextlib
import io
import json
import logging
import os
import shutil
import sys
import uuid
import zipfile
from pathlib import Path

from slipway.local.azure.aks.helm import Asked, Helm, ToolFailed
from slipway.local.azure.aks.kubectl import Kubectl
from slipway.local.azure.aks.store import ClusterStore, Command

LONGEST_S = 60.0
MOST_LOGS = 512 * 1024
TOOLS = ("helm", "kubectl")
UNSCHEDULABLE = (
    "Failed to run command due to cluster perf issue, container command-{id} in aks-command namespace did not start "
    "within 60s on your cluster, retry may helps."
)
log = logging.getLogger(__name__)


class Commands:
    """`folder` is theirs alone, and a short path: a socket lies in it. `unschedulable`: how many of the next commands
    find no node to run on; while they are `held`, those that are begun wait for one."""

    def __init__(self, store: ClusterStore, helm: Helm, kubectl: Kubectl, folder: Path) -> None:
        self._store = store
        self._tools: dict[str, Helm | Kubectl] = {"helm": helm, "kubectl": kubectl}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._folder = folder
        self.unschedulable = 0
        self._free = asyncio.Event()
        self._free.set()

    def hold(self, held: bool) -> None:
        if held:
            self._free.clear()
        else:
            self._free.set()

    async def open(self, exit: contextlib.AsyncExitStack) -> None:
        """Ready for commands; those that were under way when the stand-in ended are over, as a pod's is that died."""
        shutil.rmtree(self._folder, ignore_errors=True)  # of a process that was killed
        self._folder.mkdir(mode=0o700)
        exit.callback(shutil.rmtree, self._folder, ignore_errors=True)
        exit.push_async_callback(self._close)
        for tool in TOOLS:
            file = self._bin / tool
            file.parent.mkdir(exist_ok=True)
            script = Path(__file__).with_name("tool.py")
            file.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S -E "{script}" {tool} "$@"\n', encoding="utf-8")
            file.chmod(0o700)
        server = await asyncio.start_unix_server(self._answer, self._socket, limit=4 * 1024 * 1024)
        exit.callback(server.close)
        for command in self._store.unfinished():
            self._store.finish_command(command.id, None, "", "the command's pod was lost")

    def begin(self, cluster: str, command: str, context: str) -> str:
        id = uuid.uuid4().hex
        self._store.begin_command(id, cluster, {"command": command, "context": context})
        if self.unschedulable:
            self.unschedulable -= 1
            self._store.finish_command(id, None, "", UNSCHEDULABLE.format(id=id))
            return id
        self._running[id] = task = asyncio.create_task(self._run(id))
        task.add_done_callback(lambda _: self._running.pop(id, None))
        return id

    async def ended(self, id: str) -> None:
        """Wait until it has ended; not while it waits for a node, which nobody could give it meanwhile."""
        if id in self._running and self._free.is_set():
            await asyncio.wait([self._running[id]])

    async def _run(self, id: str) -> None:
        command = self._store.command(id)
        assert command is not None
        await self._free.wait()
        folder = self._folder / id
        folder.mkdir()
        try:
            code, logs = await self._in_shell(command, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        self._store.finish_command(id, code, logs)

    async def _in_shell(self, command: Command, folder: Path) -> tuple[int, str]:
        if command.body["context"]:
            with zipfile.ZipFile(io.BytesIO(base64.b64decode(command.body["context"]))) as files:
                files.extractall(folder)
        told = {"STANDIN_SOCKET": str(self._socket), "STANDIN_CLUSTER": command.cluster, "HOME": str(folder)}
        process = await asyncio.create_subprocess_exec(
            *("/bin/sh", "-c", command.body["command"]),
            cwd=folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={"PATH": f"{self._bin}{os.pathsep}/usr/bin:/bin", **told},
        )
        try:
            output, _ = await asyncio.wait_for(process.communicate(), LONGEST_S)
        except (TimeoutError, asyncio.CancelledError):
            process.kill()
            await process.wait()
            raise
        assert process.returncode is not None
        return process.returncode, output[:MOST_LOGS].decode("utf-8", "replace")

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked = json.loads(await reader.readline())
            tool = self._tools[asked["tool"]]
            out, err, code = "", "", 0
            try:
                out = await tool.run(Asked(asked["cluster"], asked["arguments"], asked["files"], asked["folder"]))
            except ToolFailed as failure:
                err, code = f"{failure}\n", 1
            writer.write(json.dumps({"out": out, "err": err, "code": code}).encode())
            await writer.drain()
        except (OSError, ValueError, KeyError):
            log.exception("a command's tool could not be answered")
        finally:
            writer.close()

    @property
    def _bin(self) -> Path:
        return self._folder / "bin"

    @property
    def _socket(self) -> Path:
        return self._folder / "tools.sock"

    async def _close(self) -> None:
        for task in list(self._running.values()):
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)
