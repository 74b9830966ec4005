"""Stories of a stage, kept with the transitions that they show."""

from collections.abc import Awaitable, Callable

from tests.workflow.model import Model

Told = Callable[[Model], Awaitable[None]]
STORIES: list[tuple[Told, set[str]]] = []


def shows(*transitions: str) -> Callable[[Told], Told]:
    def kept(story: Told) -> Told:
        STORIES.append((story, set(transitions)))
        return story

    return kept
