"""The services registry file, looked at before anything starts."""

from __future__ import annotations

from pathlib import Path

from godtui.cli.failures import WrongUsageError
from godtui.settings import Settings, packaged


def check_registry(settings: Settings) -> None:
    """See that the registry file is a YAML mapping; the packaged one is. Raises WrongUsageError naming file and line.

    What stands in it is not judged: unknown keys are nobody's mistake.
    """
    file = settings.registry_file()
    if file != packaged("registry.yaml"):
        _require_mapping(file)


def _require_mapping(file: Path) -> None:
    # Loaded here: most starts have no file of their own.
    import yaml

    text = _text(file)
    try:
        if not isinstance(yaml.safe_load(text), dict):
            node = yaml.compose(text, yaml.SafeLoader)
            line = 1 if node is None else node.start_mark.line + 1
            raise WrongUsageError(f"{file}:{line}: a services registry is a YAML mapping, such as services: {{}}")
    except yaml.MarkedYAMLError as error:
        place = f"{file}:{error.problem_mark.line + 1}" if error.problem_mark else f"{file}"
        raise WrongUsageError(f"{place}: not YAML ({error.problem or error.context})") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise WrongUsageError(f"{file}:{line}: not YAML ({error.reason})") from None
    except ValueError as error:
        raise WrongUsageError(f"{file} has a value that YAML does not allow ({error})") from None
    except RecursionError:
        raise WrongUsageError(f"{file} is nested too deeply; a services registry is a few levels deep") from None


def _text(file: Path) -> str:
    try:
        raw = file.read_bytes()
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise WrongUsageError(f"{file}:{line}: not UTF-8; save it as UTF-8") from None
    except OSError as error:
        raise WrongUsageError(f"{file} cannot be read ({error.strerror}); make it a readable file") from None
