r"""From text to terms: `type:agent.# -is:invalid payload.task.status=failed "disk full"`.

    filter     = [term *(space term)]
    term       = ["-"] (keyed / comparison / word)
    keyed      = key ":" value *("," value)         a comma means any of; a colon in a value needs no quotes
    comparison = "payload" 1*("." step) operator value *("," value)
    step       = bare / quoted                      quoted is a key; bare digits are an index too, * is every item
    word       = bare / quoted                      bare holds none of  : , " = < > ~ *
    quoted     = '"' *(character / '\"' / '\\') '"'

Keys are lower case. Space is whatever Unicode calls so. A value is quoted as a whole or not at all; a backslash is
special only inside quotes, before a quote or another backslash. Every error gives the offset where its term begins.
"""

from __future__ import annotations

import re
from dataclasses import replace
from difflib import get_close_matches

from godtui.filters import comparison, keys
from godtui.filters.lexer import TermError, check_characters, chunks, is_quoted, located, shown, unquoted, values
from godtui.filters.terms import Term, WordTerm
from godtui.filters.words import tokens

_PLAIN = re.compile(r'([^:,"=<>~*]*+)(.?)', re.DOTALL)
_COMPARE = "{} compares nothing; write payload.path=value, or put a text to search for in double quotes"
_SIGNS = {
    ",": "{} has a comma, which parts values only after a key; put a text to search for in double quotes",
    '"': "{} has a quote in its middle; double quotes go round the whole text",
    "*": "{} has a *, but words are always whole; * is understood in type: and in payload paths",
    "=": _COMPARE,
    "<": _COMPARE,
    ">": _COMPARE,
    "~": _COMPARE,
}
"""What to say of a word that holds a sign of the language."""


def read_terms(text: str, now: int) -> tuple[Term, ...]:
    """The terms of a filter. Raises FilterError."""
    check_characters(text, "filter")
    terms = []
    for offset, chunk in chunks(text, "filter"):
        with located(offset, "filter"):
            terms.append(replace(_term(chunk, now), offset=offset))
    return tuple(terms)


def read_parameter(parameter: str, key: str, text: str, now: int) -> Term:
    """The term of a query parameter whose whole text is a key's values. Raises FilterError."""
    check_characters(text, parameter)
    with located(0, parameter):
        return keys.read(key, values(text), now)


def read_words(parameter: str, text: str) -> tuple[Term, ...]:
    """The terms of a query parameter that holds words and quoted phrases only. Raises FilterError."""
    check_characters(text, parameter)
    terms = []
    for offset, chunk in chunks(text, parameter):
        with located(offset, parameter):
            terms.append(replace(_word(chunk), offset=offset))
    with located(0, parameter):
        if not terms:
            raise TermError("there is nothing to search for")
    return tuple(terms)


def _term(chunk: str, now: int) -> Term:
    if not chunk.startswith("-"):
        return _condition(chunk, now)
    if chunk == "-":
        raise TermError("a - stands directly before the term that it negates")
    if chunk.startswith("--"):
        raise TermError('one - negates; put a text that begins with - in double quotes, such as "-5"')
    return replace(_condition(chunk[1:], now), negated=True)


def _condition(text: str, now: int) -> Term:
    if text.startswith('"'):
        if not is_quoted(text):
            raise TermError("a space must follow a phrase in double quotes")
        return _word(unquoted(text))
    if comparison.begins(text):
        return comparison.read(text)
    plain, sign = _PLAIN.match(text).groups()  # type: ignore[union-attr]
    if not sign:
        return _word(text)
    if sign != ":":
        raise TermError(_SIGNS[sign].format(shown(text)))
    if plain not in keys.KEYS:
        raise TermError(_unknown_key(plain))
    return keys.read(plain, values(text[len(plain) + 1 :]), now)


def _unknown_key(key: str) -> str:
    if near := get_close_matches(key.lower(), keys.KEYS, 1):
        return f"{shown(key)} is no key of a filter; did you mean {near[0]}: ?"
    if key == comparison.ROOT:
        return "a payload is compared with = != > >= < <= or ~, such as payload.task.status=failed"
    known = ", ".join(f"{name}:" for name in keys.KEYS)
    return f"{shown(key)} is none of the keys {known}; put a text with a colon in double quotes"


def _word(text: str) -> WordTerm:
    found = tuple(tokens(text))
    if not found:
        raise TermError(f"{shown(text)} has no letter and no digit to search for")
    return WordTerm(found)
