"""`helm` and `kubectl` of a command's pod: what they are asked for is passed on to the cluster, which answers with what
they print and their exit code. Run by itself, with few imports (pathlib is none of them): commands start it often."""

import json
import os
import socket
import sys


def main() -> int:
    tool, *arguments = sys.argv[1:]
    named = [arguments[n + 1] for n, word in enumerate(arguments[:-1]) if word in ("-f", "--values")]
    files = {}
    for name in named:
        try:
            if name == "-":
                files[name] = sys.stdin.read()
                continue
            with open(name, encoding="utf-8") as file:  # noqa: PTH123
                files[name] = file.read()
        except OSError as error:
            sys.stderr.write(f"Error: {error}\n")
            return 1
    if "--password-stdin" in arguments:
        files["-"] = sys.stdin.read()
    told = {"cluster": os.environ["STANDIN_CLUSTER"], "folder": os.environ["HOME"]}
    asked = {"tool": tool, "arguments": arguments, "files": files, **told}
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(os.environ["STANDIN_SOCKET"])
        line.sendall(json.dumps(asked).encode() + b"\n")
        answer = b""
        while piece := line.recv(65536):
            answer += piece
    told = json.loads(answer)
    sys.stdout.write(told["out"])
    sys.stderr.write(told["err"])
    return int(told["code"])


if __name__ == "__main__":
    sys.exit(main())
