"""How tickets are ordered and narrowed, and how long texts are folded."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from godtui.candybar.folding import MOST_OUTPUT, output, sentences
from godtui.candybar.tickets import URGENCY, TicketFilter, arrange, natural
from tests.candybar.dispatchers import ago, night, ticket


def names(entries) -> list[str]:
    return [f"{one.state} {one.shown}/{one.total}" if one.ticket is None else one.ticket.reference for one in entries]


def test_every_state_has_its_place():
    entries = arrange([ticket(number, state) for number, state in enumerate(reversed(URGENCY))], {}, TicketFilter())
    assert [one.state for one in entries if one.ticket is None] == list(URGENCY)


def test_open_tickets_stand_by_reference_and_ended_ones_the_newest_first():
    waiting = [ticket(10, "ready", changed_at=ago(1)), ticket(9, "ready", changed_at=ago(2))]
    ended = [ticket(1, changed_at=ago(50)), ticket(2, changed_at=ago(5))]
    assert names(arrange([*ended, *waiting], {}, TicketFilter())) == [
        "ready 2/2",
        "INFRA-9",
        "INFRA-10",
        "dispatched 2/2",
        "INFRA-2",
        "INFRA-1",
    ]


def test_states_without_a_loaded_ticket_are_counted_unless_words_are_wanted():
    counts = {"ready": 1, "dispatched": 9_000}
    assert names(arrange([ticket(1, "ready")], counts, TicketFilter())) == ["ready 1/1", "INFRA-1", "dispatched 0/9000"]
    assert names(arrange([ticket(1, "ready")], counts, TicketFilter("infra-1"))) == ["ready 1/1", "INFRA-1"]


def test_a_pinned_ticket_is_there_whatever_is_wanted():
    one = ticket(1, "ready")
    assert names(arrange([one], {}, TicketFilter("blocked"), one.id)) == ["ready 1/1", "INFRA-1"]
    assert arrange([one], {}, TicketFilter("blocked")) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("blocked", {"INFRA-17", "INFRA-18"}),
        ("state:blocked archive", {"INFRA-18"}),
        ("BLOCKED Failed", {"INFRA-3", "INFRA-17", "INFRA-18"}),
        ("candystore", {"INFRA-17", "INFRA-18"}),
        ("run-7", {"INFRA-57"}),
        ("infra-3", {"INFRA-3", "INFRA-31", "INFRA-33", "INFRA-35"}),
        ("日本", {"INFRA-40"}),
        ("nowhere", set()),
    ],
)
def test_words_and_states_narrow(text, found):
    wanted = TicketFilter(text)
    assert {one.reference for one in night() if wanted.admits(one)} == found


def test_only_one_state_is_asked_of_the_engine_and_only_a_word_may_be_a_name():
    assert [TicketFilter(text).only_state for text in ("blocked x", "blocked held", "")] == ["blocked", None, None]
    assert [TicketFilter(text).name for text in ("INFRA-7", "blocked", "two words", "")] == [
        "INFRA-7",
        None,
        None,
        None,
    ]


def test_references_sort_by_their_numbers():
    references = ["B-2", "A-10", "A-9", "A", "", "7", "A-" + "9" * 50, "A-²"]
    assert sorted(references, key=natural)[:3] == ["", "7", "A"]
    assert natural("A-9") < natural("a-10")


def test_of_a_line_that_is_written_over_the_last_writing_is_shown_and_no_colour():
    assert output("\x1b[1;31mred\x1b[0m\r\n 10%\r 50%\r100%\na\tb\n\n", 40) == ("red", "100%", "a       b")


@pytest.mark.parametrize("cells", [1, 2, 7, 80])
@pytest.mark.parametrize("text", ["x" * 500, "日本語 " * 100, "e" + "\u0301" * 300, "\x1b]0;t\x07", " \n \n", ""])
def test_folded_lines_fit_and_nothing_acts(text, cells):
    for line in (*output(text, cells), *sentences(text, cells)):
        assert cell_len(line) <= max(2, cells)
        assert line.isprintable() or line == ""


def test_only_the_end_of_much_output_is_kept():
    lines = output("begin\n" + "x\n" * MOST_OUTPUT + "end", 80)
    assert (lines[-1], "begin" in lines) == ("end", False)
