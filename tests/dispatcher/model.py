"""What the dispatcher must do, as a model of a few lines: when a ticket's episodes begin and end.

Sort all that was told of a ticket by Plane's `updated_at`. An episode is a run of times at which it was ready; an
absence that lasted `rearm`, from the first time at which it was not ready to the next at which it was, parts two. The
current episode is the last one, while nothing later says that the ticket is not ready.

At least once: the current episode contains a time whose content was admitted, refused for good, or withdrawn by hand.

At most once: deliveries come late, so what is current is judged by what is known. A new episode is *decided* when all
of the current one lies beyond what earlier ones reach. One reaches up to the newest time of readiness known when its
message was made, or when it was refused or withdrawn by hand, whichever was last; until then, up to the newest known.
OpenClaw never has more runs of a ticket, each key's counted once, than episodes were decided.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence


def current(told: Mapping[int, bool], rearm: int) -> tuple[int, ...]:
    """The times of the current episode; none where the ticket is not ready."""
    episode: list[int] = []
    absent: int | None = None
    for at, ready in sorted(told.items()):
        if not ready:
            absent = at if absent is None else absent
            continue
        if absent is not None and at - absent >= rearm:
            episode = []
        episode.append(at)
        absent = None
    return () if absent is not None else tuple(episode)


def decided(arrivals: Iterable[tuple[int, bool]], ends: Collection[int], rearm: int) -> int:
    """How many episodes were ever decided, deliveries having come in this order; `ends` are the times at which one's
    reach ended."""
    told: dict[int, bool] = {}
    number, reach, is_ended = 0, -1, True
    for at, ready in arrivals:
        told[at] = ready
        episode = current(told, rearm)
        if episode and episode[0] > reach:
            number, is_ended = number + 1, False
        if episode and not is_ended:
            reach, is_ended = max(reach, episode[-1]), episode[-1] in ends
    return number


def is_met(episode: Sequence[int], done: Collection[int]) -> bool:
    """Whether an episode contains a time whose content was admitted, refused for good or withdrawn by hand."""
    return not set(episode).isdisjoint(done)
