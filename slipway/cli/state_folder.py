"""The laptop system's state folder: who runs where (`run.json`), and who is signed in (`login.json`)."""

import os
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

FOLDER = ".slipway"
Model = TypeVar("Model", bound=BaseModel)


class RunFile(BaseModel):
    """What `slipway run` writes while it runs. `servicebus` is a connection string for any AMQP client,
    `people` are the names with which one can log in."""

    url: str
    issuer: str
    ca: str
    tenant: str
    servicebus: str
    people: list[str] = []
    pids: dict[str, int]
    ports: dict[str, int]


class LoginFile(BaseModel):
    """What `slipway login` keeps (mode 0600): a token, and the one address it may be sent to.

    `with_run`: it is for the system on this state folder, wherever that answers.
    """

    person: str
    url: str
    issuer: str
    expires_at: datetime
    access_token: str
    with_run: bool = False


def state_folder() -> Path:
    """`$SLIPWAY_STATE`, else the nearest `.slipway` from here upwards, else `.slipway` here (not made yet)."""
    if chosen := os.environ.get("SLIPWAY_STATE"):
        return Path(chosen)
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / FOLDER).is_dir():
            return folder / FOLDER
    return here / FOLDER


def read_run(state: Path) -> RunFile | None:
    """What runs on that state folder, or None."""
    return _read(state / "run.json", RunFile)


def read_login(state: Path) -> LoginFile | None:
    """Who signed in there, or None."""
    return _read(state / "login.json", LoginFile)


def write_private(file: Path, model: BaseModel) -> None:
    """Write JSON that only its owner can read, all of it or nothing."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(f".{os.getpid()}.tmp")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(model.model_dump_json(indent=2) + "\n")
    draft.replace(file)


def _read(file: Path, model: type[Model]) -> Model | None:
    try:
        return model.model_validate_json(file.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None  # a file of another version says nothing to us
