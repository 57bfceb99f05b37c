"""Zod expressions for schemas: native where Zod says exactly the same, rules beside them where it does not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from godtui.holyfields.generate.typescript.fragments import Fragments, literal, member
from godtui.holyfields.generate.vocabulary import OF_ONE_TYPE, OF_TYPE, key_of
from godtui.jsontext import Json
from godtui.jsontext import pointer as step

TYPES: Final[dict[str, type | tuple[type, ...]]] = {
    "array": list,
    "boolean": bool,
    "integer": (int, float),
    "null": type(None),
    "number": (int, float),
    "object": dict,
    "string": str,
}
INHERITED: Final = frozenset(
    {
        "__defineGetter__",
        "__defineSetter__",
        "__lookupGetter__",
        "__lookupSetter__",
        "__proto__",
        "constructor",
        "hasOwnProperty",
        "isPrototypeOf",
        "propertyIsEnumerable",
        "toLocaleString",
        "toString",
        "valueOf",
    }
)
"""What every object has in JavaScript: Zod finds such properties where a document has none."""

BOUNDS: Final = {"minimum": "gte", "maximum": "lte", "exclusiveMinimum": "gt", "exclusiveMaximum": "lt"}
SIZES: Final = {"minItems": "min", "maxItems": "max"}
APPLIED: Final = frozenset({"$ref", "allOf", "anyOf", "oneOf"})
TOGETHER: Final = (
    {"properties", "patternProperties", "additionalProperties"},
    {"prefixItems", "items"},
    {"contains", "minContains", "maxContains"},
    {"if", "then", "else"},
)
"""Keywords that mean something only beside each other."""


class Native(NamedTuple):
    """A Zod expression, and the keywords it says in full."""

    text: str
    said: set[str]


class Expressions:
    """Expressions for the schemas of one file. `names` are the expressions that refer to definitions, by key.

    `comment` makes the TSDoc lines of a property from its description.
    """

    def __init__(self, fragments: Fragments, refer: Callable[[str], str]) -> None:
        self._fragments = fragments
        self._refer = refer
        self.helpers: set[str] = set()

    def express(self, schema: Json, pointer: str) -> str:
        """The expression for a schema that stands at a pointer."""
        if isinstance(schema, bool):
            return "z.unknown()" if schema else "z.never()"
        rules = self._fragments.clean(schema, pointer)
        if rules.keys() & {"unevaluatedProperties", "unevaluatedItems"}:
            return self._guarded(self._shape(schema, rules, pointer), rules)
        parts = self._parts(schema, rules, pointer)
        if len(parts) > 1:
            self.helpers.add("every")
            return f"every({_listed(parts)})"
        return parts[0]

    def _parts(self, schema: Mapping[str, Json], rules: Mapping[str, Json], pointer: str) -> list[str]:
        """What has to hold at once; at least one part."""
        own = {keyword: given for keyword, given in rules.items() if keyword not in APPLIED}
        parts = [self._own(schema, own, pointer)] if own else []
        if "$ref" in rules:
            parts.append(self._refer(key_of(rules["$ref"])))
        parts += [self.express(one, f"{pointer}/allOf/{index}") for index, one in enumerate(rules.get("allOf", ()))]
        for keyword, union in (("anyOf", "union"), ("oneOf", "xor")):
            if keyword in rules:
                options = [
                    self.express(one, f"{pointer}/{keyword}/{index}") for index, one in enumerate(schema[keyword])
                ]
                parts.append(options[0] if len(options) == 1 else f"z.{union}([{_listed(options)}])")
        return parts or ["z.unknown()"]

    def _shape(self, schema: Mapping[str, Json], rules: Mapping[str, Json], pointer: str) -> str:
        """Only the type, for schemas whose rules are all said beside it; closed by nothing but the rules."""
        types = rules.get("type")
        if types == "object":
            kept = {keyword: rules[keyword] for keyword in ("properties", "required") if keyword in rules}
            return self._object(schema, kept, pointer).text
        return self._typed(schema, {"type": types}, pointer) if types else "z.unknown()"

    def _own(self, schema: Mapping[str, Json], rules: dict[str, Json], pointer: str) -> str:
        values = scalars(rules)
        if values is not None:
            return self._values(rules, values)
        if "type" in rules:
            return self._typed(schema, rules, pointer)
        return self._guarded("z.unknown()", rules)

    def _values(self, rules: dict[str, Json], values: list[Json]) -> str:
        """One of some scalars."""
        said = {"const"} if "const" in rules else {"enum"}
        if "type" in rules:
            said.add("type")
            types = types_of(rules)
            values = [value for value in values if any(is_of(value, one) for one in types)]
        texts = list(dict.fromkeys(map(literal, values)))
        if not texts:
            text = "z.never()"
        elif len(texts) == 1:
            text = f"z.literal({texts[0]})"
        else:
            maker = "enum" if all(isinstance(value, str) for value in values) else "literal"
            text = f"z.{maker}([{', '.join(texts)}])"
        return self._refined(text, _left(rules, said))

    def _typed(self, schema: Mapping[str, Json], rules: dict[str, Json], pointer: str) -> str:
        types = types_of(rules)
        if "number" in types:
            types = [one for one in types if one != "integer"]
        own = {one: OF_TYPE.get("number" if one == "integer" else one, frozenset()) for one in types}
        special = OF_ONE_TYPE | {"type"}
        general = {keyword: given for keyword, given in rules.items() if keyword not in special}
        options = []
        for one in types:
            kept = {keyword: given for keyword, given in rules.items() if keyword in own[one]}
            options.append(self._one_type(one, schema, kept | (general if len(types) == 1 else {}), pointer))
        if len(options) == 1:
            return options[0]
        return self._guarded(f"z.union([{', '.join(options)}])", general)

    def _one_type(self, type_: str, schema: Mapping[str, Json], rules: dict[str, Json], pointer: str) -> str:
        if type_ == "object":
            native = self._object(schema, rules, pointer)
        elif type_ == "array":
            native = self._array(schema, rules, pointer)
        elif type_ in {"number", "integer"}:
            bounds = "".join(f".{method}({literal(rules[name])})" for name, method in BOUNDS.items() if name in rules)
            text = "z.number()" + bounds + (".refine(Number.isInteger)" if type_ == "integer" else "")
            native = Native(text, set(BOUNDS))
        elif type_ == "string":
            # One is the same in code points and in the units that Zod counts.
            small = rules.get("minLength") == 1
            native = Native("z.string().min(1)" if small else "z.string()", {"minLength"} if small else set())
        else:
            native = Native(f"z.{type_}()", set())
        left = _left(rules, native.said)
        return self._guarded(native.text, left) if type_ in {"object", "array"} else self._refined(native.text, left)

    def _object(self, schema: Mapping[str, Json], rules: Mapping[str, Json], pointer: str) -> Native:
        properties: dict[str, Json] = rules.get("properties", {})
        required: list[str] = rules.get("required", [])
        additional = rules.get("additionalProperties", True)
        said = set()
        names = [*properties, *(name for name in required if name not in properties)]
        closed = additional is not True or "patternProperties" in rules
        if not INHERITED.intersection(names):
            if not closed or not set(required) - properties.keys():
                said.add("required")
            if not closed or (additional is False and "patternProperties" not in rules):
                said |= {"properties", "additionalProperties"}
        strict = "additionalProperties" in said and additional is False
        lines = []
        for name in names:
            if name in INHERITED or (name not in properties and closed):
                continue
            at = pointer + step(("properties", name))
            text = self.express(schema["properties"][name], at) if name in properties else "z.unknown()"
            lines.append(
                comment(schema["properties"][name] if name in properties else True)
                + f"{member(name)}: {text}{'' if name in required else '.optional()'},"
            )
        shape = "{\n" + _indented("\n".join(lines)) + "\n}" if lines else "{}"
        text = f"z.{'strictObject' if strict else 'looseObject'}({shape})"
        if isinstance(additional, dict) and "patternProperties" not in rules and not INHERITED.intersection(names):
            rest = self.express(schema["additionalProperties"], f"{pointer}/additionalProperties")
            # Zod lets the member __proto__ pass, so the rule stays beside.
            text = f"z.object({shape}).catchall({rest})"
        return Native(text, said)

    def _array(self, schema: Mapping[str, Json], rules: Mapping[str, Json], pointer: str) -> Native:
        sizes = "".join(f".{method}({literal(rules[name])})" for name, method in SIZES.items() if name in rules)
        rest = self.express(schema["items"], f"{pointer}/items") if "items" in rules else "z.unknown()"
        if not rules.get("prefixItems"):
            return Native(f"z.array({rest}){sizes}", {"items", "prefixItems", *SIZES})
        parts = [
            self.express(one, f"{pointer}/prefixItems/{index}") + ".optional()"
            for index, one in enumerate(schema["prefixItems"])
        ]
        text = f"z.tuple([{', '.join(parts)}])" + ("" if rest == "z.never()" else f".rest({rest})")
        return Native(text, {"items", "prefixItems"})

    def _refined(self, text: str, rules: dict[str, Json]) -> str:
        if not rules:
            return text
        self.helpers.add("satisfies")
        return f"{text}.refine(satisfies({literal(rules)}))"

    def _guarded(self, text: str, rules: Mapping[str, Json]) -> str:
        """Zod gives on objects without `__proto__`, so the rules come first, on what was given."""
        if not rules:
            return text
        self.helpers.add("rule")
        return f"rule({literal(dict(rules))})" + ("" if text == "z.unknown()" else f".pipe({text})")


def comment(schema: Json) -> str:
    """The description of a schema as TSDoc lines, ending in a new line; "" where it has none."""
    given = schema.get("description", schema.get("title")) if isinstance(schema, dict) else None
    if not isinstance(given, str) or not given.strip():
        return ""
    lines = [line.rstrip() for line in given.strip().replace("*/", "*\\/").splitlines()]
    if len(lines) == 1:
        return f"/** {lines[0]} */\n"
    return "/**\n" + "".join(f" * {line}".rstrip() + "\n" for line in lines) + " */\n"


def scalars(schema: Mapping[str, Json]) -> list[Json] | None:
    """The values a schema lists, where it does and they have no parts."""
    values: list[Json] | None = [schema["const"]] if "const" in schema else schema.get("enum")
    if values is None or any(isinstance(value, (dict, list)) for value in values):
        return None
    return values


def types_of(rules: Mapping[str, Json]) -> list[str]:
    """The types a schema with `type` allows."""
    given = rules["type"]
    return list(given) if isinstance(given, list) else [given]


def is_of(value: Json, type_: str) -> bool:
    """Whether a scalar is of a type."""
    if isinstance(value, bool):
        return type_ == "boolean"
    if type_ == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, TYPES[type_])


def _left(rules: Mapping[str, Json], said: set[str]) -> dict[str, Json]:
    """The rules not said yet, with those they need beside them."""
    left = rules.keys() - said
    for together in TOGETHER:
        if left & together:
            left = left | (rules.keys() & together)
    return {keyword: given for keyword, given in rules.items() if keyword in left}


def _listed(texts: list[str]) -> str:
    return "\n" + _indented(",\n".join(texts)) + ",\n"


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" if line else line for line in text.split("\n"))
