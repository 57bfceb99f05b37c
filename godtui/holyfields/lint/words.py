"""The word lists: verbs in the past tense, and abbreviations written out."""

from __future__ import annotations

from typing import Final

_IRREGULAR: Final = {
    "begin": "begun", "bind": "bound", "break": "broken", "bring": "brought", "build": "built", "buy": "bought",
    "catch": "caught", "choose": "chosen", "come": "come", "cut": "cut", "deal": "dealt", "do": "done", "draw": "drawn",
    "fall": "fallen", "feed": "fed", "find": "found", "forget": "forgotten", "freeze": "frozen", "get": "got",
    "give": "given", "go": "gone", "grow": "grown", "hear": "heard", "hide": "hidden", "hit": "hit", "hold": "held",
    "input": "input", "keep": "kept", "know": "known", "lead": "led", "leave": "left", "lend": "lent", "let": "let",
    "lose": "lost", "make": "made", "meet": "met", "offset": "offset", "override": "overridden",
    "overwrite": "overwritten", "pay": "paid", "put": "put", "read": "read", "rebuild": "rebuilt", "redo": "redone",
    "reset": "reset", "rewrite": "rewritten", "rise": "risen", "run": "run", "say": "said", "see": "seen",
    "seek": "sought", "sell": "sold", "send": "sent", "set": "set", "shut": "shut", "speak": "spoken",
    "spend": "spent", "split": "split",
    "spread": "spread", "take": "taken", "tell": "told", "think": "thought", "understand": "understood",
    "undo": "undone", "upset": "upset", "withdraw": "withdrawn", "win": "won", "write": "written",
}  # fmt: skip
"""Irregular verbs and the form that ends an event type."""

_VERBS: Final = """
    abort accept acknowledge acquire activate add adjust allocate announce append apply approve archive arrive ask
    assign attach authenticate authorize backup block boot bounce call cancel capture change charge check claim clean
    clear click clone close collect comment commit compile complete compute configure confirm connect consume converge
    convert copy crash create deactivate decide decline delegate delete deliver deny deploy deprecate detach detect
    disable discard disconnect discover dispatch dispute drop edit elect email enable end enqueue enter escalate execute
    expire export fail fetch finish fire fix flag flush fork format fulfill gather generate grant handle halt identify
    ignore import index initialize insert inspect install invalidate invite invoke issue join kill label launch link
    list load lock log mark measure merge migrate miss modify monitor mount move mute name notify observe offer open
    order pack park pass patch pause perform persist ping place plan poll post prepare process produce promote propose
    provision prune publish pull purge push qualify query queue reach reassign rebase receive record recover redeliver
    refresh refund refuse register reject release reload remove rename render renew reopen repair replace replay reply
    report request require requeue resize resolve respond restart restore resume retire retry return review revoke
    revert roll rotate route sample save scale scan schedule score search select serve ship shift sign skip snapshot
    start stage stall stop store stream submit subscribe succeed suspend swap switch synchronize tag terminate test
    throttle timeout toggle track train transfer transform transition transmit trigger try tune unassign unblock
    unlink unlock unregister unsubscribe update upgrade upload use validate verify view visit vote wait wake warn watch
"""
_REGULAR: Final = frozenset(_VERBS.split())
_DOUBLED: Final = {
    "begin": "beginn", "commit": "committ", "drop": "dropp", "flag": "flagg", "log": "logg", "plan": "plann",
    "ping": "ping", "refer": "referr", "ship": "shipp", "skip": "skipp", "stop": "stopp", "submit": "submitt",
    "swap": "swapp", "tag": "tagg", "transfer": "transferr", "transmit": "transmitt", "cancel": "cancell",
    "snapshot": "snapshott", "scan": "scann", "unsubscribe": "unsubscrib", "get": "gett", "put": "putt", "run": "runn",
    "set": "sett", "reset": "resett", "cut": "cutt", "win": "winn", "let": "lett", "hit": "hitt", "split": "splitt",
}  # fmt: skip
_PAST: Final = dict(_IRREGULAR)
_NOT_PAST: Final = frozenset(
    ("bed", "bleed", "breed", "embed", "exceed", "feed", "hundred", "indeed", "need", "proceed", "red", "seed", "shed")
)
"""Words that end like a past tense and are none."""


def _regular(verb: str) -> str:
    if verb == "cancel":
        return "cancelled"
    if verb.endswith("e"):
        return f"{verb}d"
    if verb.endswith("y") and verb[-2:-1] not in "aeou":
        return f"{verb[:-1]}ied"
    return f"{_DOUBLED.get(verb, verb)}ed"


_PAST.update((verb, _regular(verb)) for verb in _REGULAR)
_PAST.update({"embed": "embedded", "exceed": "exceeded", "need": "needed", "proceed": "proceeded", "seed": "seeded"})
_PAST_FORMS: Final = frozenset(_PAST.values()) | {"began", "broke", "chose", "froze", "gave", "ran", "wrote", "took"}


def _forms(verb: str) -> list[str]:
    """The verb itself, its third person and its -ing form."""
    stem = verb[:-1] if verb.endswith("e") and not verb.endswith("ee") else _DOUBLED.get(verb, verb)
    third = f"{verb[:-1]}ies" if verb.endswith("y") and verb[-2:-1] not in "aeou" else f"{verb}s"
    return [verb, third, f"{verb}es", f"{stem}ing", f"{verb}ing"]


_PRESENT: Final = {form: past for verb, past in _PAST.items() for form in _forms(verb)}


def is_past(word: str) -> bool:
    """Whether a lower-case word is a verb in the past tense, as far as lists and endings tell."""
    return word in _PAST_FORMS or (word.endswith("ed") and word not in _NOT_PAST)


def past_of(word: str) -> str | None:
    """The past tense of a verb in a present form, None for words that are not in the list."""
    return _PRESENT.get(word)


ABBREVIATIONS: Final = {
    "acct": "account", "acc": "account", "addr": "address", "amt": "amount", "attr": "attribute", "attrs": "attributes",
    "avg": "average", "btn": "button", "cfg": "configuration", "cls": "class",
    "cmd": "command", "cnt": "count", "conf": "configuration", "conn": "connection", "ctx": "context", "cur": "current",
    "curr": "current", "dept": "department", "desc": "description", "descr": "description", "dest": "destination",
    "dst": "destination", "dur": "duration", "err": "error", "errs": "errors",
    "evt": "event", "exc": "exception", "exec": "execute", "fn": "function", "freq": "frequency", "func": "function",
    "grp": "group", "hdr": "header", "hdrs": "headers", "idx": "index", "img": "image", "impl": "implementation",
    "len": "length", "lib": "library", "lvl": "level", "mgr": "manager", "msg": "message", "msgs": "messages",
    "num": "number", "obj": "object", "param": "parameter", "params": "parameters",
    "pct": "percent", "perms": "permissions", "pkg": "package", "pos": "position", "prev": "previous",
    "prj": "project", "proc": "process", "prop": "property", "props": "properties", "ptr": "pointer", "pw": "password",
    "pwd": "password", "qty": "quantity", "recv": "received", "req": "request", "reqs": "requests",
    "res": "result", "resp": "response", "ret": "result", "sched": "schedule", "sess": "session",
    "sig": "signature", "src": "source", "srv": "server", "stat": "status", "stats": "statistics", "str": "string",
    "svc": "service", "sys": "system", "tbl": "table", "tmp": "temporary", "tmpl": "template", "tok": "token",
    "ts": "timestamp", "txn": "transaction", "txt": "text", "usr": "user", "val": "value", "vals": "values",
    "var": "variable", "vars": "variables", "ver": "version", "vol": "volume", "wkspc": "workspace",
}  # fmt: skip
"""Abbreviations and the words to write for them."""
