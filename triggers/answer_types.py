"""What the models of answers are made of."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, WithJsonSchema

_MOMENT = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})"

Moment = Annotated[
    str, WithJsonSchema({"type": "string", "pattern": f"^{_MOMENT}$", "description": "ISO 8601, in UTC."})
]
MomentOrNotYet = Annotated[
    str,
    WithJsonSchema({"type": "string", "pattern": f"^({_MOMENT})?$", "description": "ISO 8601; empty: not yet."}),
]


class Answer(BaseModel):
    """A model that only describes: it is built when the document is, not at every cold start."""

    model_config = ConfigDict(defer_build=True)
