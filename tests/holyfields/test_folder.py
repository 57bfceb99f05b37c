"""Reading a folder: what counts, what the names say, and every fault in one go."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from godtui.holyfields import Registry, SchemaFault, SchemaFolderError, folder
from godtui.holyfields.folder import name_of

Load = Callable[[dict[str, Any]], Registry]
Faults = Callable[[dict[str, Any]], list[SchemaFault]]
Write = Callable[[dict[str, Any]], Path]


@pytest.mark.parametrize(
    ("path", "event_type", "version"),
    [
        ("agent/task.completed.json", "agent.task.completed", "v1"),
        ("agent/task/completed.json", "agent.task.completed", "v1"),
        ("agent.task.completed.json", "agent.task.completed", "v1"),
        ("agent/task.completed.v1.json", "agent.task.completed", "v1"),
        ("agent/task.completed.v2.json", "agent.task.completed", "v2"),
        ("agent/task/completed.v12.json", "agent.task.completed", "v12"),
        ("agent/task/completed/v2.json", "agent.task.completed", "v2"),
        ("agent/v2.json", "agent", "v2"),
        ("agent/task.v2x.json", "agent.task.v2x", "v1"),
    ],
)
def test_a_path_says_type_and_version(path: str, event_type: str, version: str) -> None:
    assert name_of(path) == (event_type, version)


def test_what_is_no_schema_is_passed_over(load: Load) -> None:
    registry = load(
        {
            "agent/task.completed.json": {},
            "README.md": "text",
            "agent/notes.yaml": "- a",
            ".hidden.json": "{",
            ".git/config.json": "{",
            "agent/.swp.json": "{",
            "_shared/ids.json": {},
            "agent/_parts/more.json": {},
            "agent/_part.json": {},
        }
    )
    assert registry.types() == ["agent.task.completed"]


@pytest.mark.parametrize(
    "other", ["agent/task/completed.json", "agent.task.completed.json", "agent/task.completed.v1.json"]
)
def test_a_schema_in_two_files_is_a_fault(faults: Faults, other: str) -> None:
    (fault,) = faults({"agent/task.completed.json": {}, other: {}})
    first, second = sorted(["agent/task.completed.json", other])
    assert fault.file == second
    assert fault.message == f"agent.task.completed v1 is also in {first}; keep one of the two files"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("Agent/task.json", "lower-case words"),
        ("agent.json", "at least two"),
        ("agent/v2.json", "at least two"),
        ("agent/a b.json", "lower-case words"),
        ("agent/task.v0.json", "'v0' is not a version"),
        ("agent/task.v01.json", "'v01' is not a version"),
        ("agent/task.v2.v3.json", "one version"),
        ("agent/" + "a" * 250 + ".json", "at most 255 bytes"),
    ],
)
def test_a_name_that_is_no_event_type_is_a_fault(faults: Faults, path: str, message: str) -> None:
    (fault,) = faults({path: {}})
    assert fault.file == path
    assert message in fault.message


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("", (1, 1), "not JSON: Expecting value"),
        ('{\n  "a": 1,\n}', (3, 1), "not JSON: Expecting property name enclosed in double quotes"),
        ('{"a": 1} x', (1, 10), "not JSON: Extra data"),
        ('{\n "a": 1,\n "b": {"c": 1,\n   "c": 2}}', (4, 4), 'duplicate key "c"'),
        ("[]", (1, 1), "a schema file holds a JSON object"),
        ("true", (1, 1), "a schema file holds a JSON object"),
        ('{"const": NaN}', (1, 11), "not JSON: NaN is not JSON"),
        (b'{"a": "\xff"}', (1, 8), "not JSON: not UTF-8 at byte 7"),
        (b"\xef\xbb\xbf{}", (1, 1), "begins with a byte order mark; save it as UTF-8 without one"),
        ('{"a": "\\ud800"}', (1, 8), "lone surrogate"),
        ("[" * 300 + "]" * 300, (1, 201), "nested deeper than 200 levels"),
    ],
)
def test_a_file_that_holds_no_document_is_a_fault(faults: Faults, text: Any, place: Any, message: str) -> None:
    (fault,) = faults({"a/b.json": text})
    assert (fault.file, fault.line, fault.column) == ("a/b.json", *place)
    assert message in fault.message


def test_a_duplicate_is_pointed_at(faults: Faults) -> None:
    (fault,) = faults({"a/b.json": '{"properties": {"x/y": {}, "x/y": {}}}'})
    assert fault.pointer == "/properties/x~1y"
    assert str(fault) == 'a/b.json:1:28: duplicate key "x/y" (at /properties/x~1y)'


def test_all_faults_come_together_in_order(faults: Faults, tmp_path: Path) -> None:
    found = faults(
        {
            "z/last.json": "{",
            "a/first.json": {"type": "strin", "properties": {"x": {"minLength": -1}}},
            "m/refers.json": {"$ref": "nowhere.json"},
            "B/name.json": {},
        }
    )
    assert [fault.file for fault in found] == [
        "B/name.json",
        "a/first.json",
        "a/first.json",
        "m/refers.json",
        "z/last.json",
    ]
    assert [fault.pointer for fault in found] == ["", "/type", "/properties/x/minLength", "/$ref", ""]
    message = str(SchemaFolderError(tmp_path, found))
    assert message.startswith(f"the schema folder {tmp_path} has 5 faults; correct what is listed:\n  B/name.json: ")
    assert all(str(fault) in message for fault in found)


def test_a_missing_or_empty_folder_is_said(faults: Faults, tmp_path: Path) -> None:
    (fault,) = faults({})
    assert fault == SchemaFault("", "holds no schema; add one such as agent/task.completed.json", code="folder")
    (fault,) = faults({"_shared/ids.json": {}, "README.md": ""})
    assert fault.message.startswith("holds no schema")
    for path, message in ((tmp_path / "nowhere", "does not exist"), (tmp_path / "file", "is not a folder")):
        (tmp_path / "file").write_text("")
        with pytest.raises(SchemaFolderError) as caught:
            Registry.load(path)
        assert str(caught.value) == f"the schema folder {path} {message}; name a folder of JSON Schemas"


def test_a_file_too_large_or_not_regular_or_dangling_is_said(faults: Faults, write: Write) -> None:
    root = write({"a/b.json": " " * (folder.MAX_FILE_BYTES + 1)})
    os.mkfifo(root / "a" / "pipe.json")
    (root / "a" / "gone.json").symlink_to(root / "nowhere.json")
    found = faults({})
    assert [(fault.file, fault.message) for fault in found] == [
        ("a/b.json", "cannot be read: larger than 4 MiB"),
        ("a/gone.json", "cannot be read: No such file or directory"),
        ("a/pipe.json", "cannot be read: not a regular file"),
    ]


def test_symbolic_links_are_followed_but_not_in_circles(
    faults: Faults, load: Load, write: Write, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "made.json").write_text("{}")
    root = write({"a/b.json": {}})
    (root / "linked").symlink_to(elsewhere)
    (root / "a" / "c.json").symlink_to(elsewhere / "made.json")
    assert load({}).types() == ["a.b", "a.c", "linked.made"]
    (root / "a" / "loop").symlink_to(root)
    (fault,) = faults({})
    assert (fault.file, fault.message) == (
        "a/loop/",
        "a symbolic link leads back to a folder above it; remove the link",
    )


def test_a_folder_that_cannot_be_the_one_is_said(faults: Faults, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "MAX_ENTRIES", 10)
    (fault,) = faults({f"x/{number}.txt": "" for number in range(20)})
    assert fault.message == "holds more than 10 files; name the folder of the schemas alone"


def test_links_that_multiply_come_to_an_end(faults: Faults, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "MAX_ENTRIES", 500)
    root = write({f"_{number}/keep.txt": "" for number in range(20)})
    for number in range(19):
        for name in ("x", "y"):
            (root / f"_{number}" / name).symlink_to(root / f"_{number + 1}")
    (fault,) = faults({"a/b.json": {}})
    assert "holds more than 500 files" in fault.message


def test_a_name_that_is_no_text_is_said(faults: Faults, write: Write) -> None:
    root = write({"a/b.json": {}})
    (root / os.fsdecode(b"_\xff.json")).write_text("{}")
    (fault,) = faults({})
    assert fault.file == "_\\udcff.json"
    assert "rename it" in fault.message


def test_a_folder_that_may_not_be_read_is_said(faults: Faults, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write({"a/b.json": {}, "locked/c.json": {}})
    scan = os.scandir

    def refusing(path: Path) -> Any:
        if Path(path) == root / "locked":
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(os, "scandir", refusing)
    (fault,) = faults({})
    assert (fault.file, fault.message) == ("locked/", "cannot be read: Permission denied")
