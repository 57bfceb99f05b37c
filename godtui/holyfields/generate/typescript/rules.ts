/** What Zod cannot say: an exact evaluator of JSON Schema, draft 2020-12, for schemas without ids and anchors. */

import * as z from "zod";

import { FORMATS } from "./formats.js";
import { DEFINITIONS } from "./words.js";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
export type Rules = { readonly [keyword: string]: Json };
export type Schema = boolean | Rules;
export type Infer<Parts extends readonly z.ZodType[]> = Parts extends readonly [
  infer First extends z.ZodType,
  ...infer Rest extends readonly z.ZodType[],
]
  ? z.infer<First> & Infer<Rest>
  : unknown;

type Members = { readonly [name: string]: unknown };

/** The members and items that a schema has looked at. */
class Seen {
  readonly names = new Set<string>();
  readonly indexes = new Set<number>();

  add(other: Seen): void {
    for (const name of other.names) this.names.add(name);
    for (const index of other.indexes) this.indexes.add(index);
  }
}

type Keyword = (given: Json, value: unknown, rules: Rules, seen: Seen) => boolean;

/** Says whether a value is valid by a schema; `$ref` is `#/$defs/KEY` of the shared definitions. */
export function satisfies(schema: Schema): (value: unknown) => boolean {
  return (value) => evaluate(schema, value, new Seen());
}

/** A Zod schema that takes what is valid by a schema; what follows in `.pipe()` gets the value as it was given. */
export function rule(schema: Schema): z.ZodType<unknown> {
  return z.custom<unknown>(satisfies(schema), "breaks the rules of its contract");
}

/** A Zod schema that takes what every part takes; unlike z.intersection, each part judges for itself. */
export function every<const Parts extends readonly z.ZodType[]>(...parts: Parts): z.ZodType<Infer<Parts>> {
  return z.custom<Infer<Parts>>().superRefine((value, context) => {
    for (const part of parts) {
      for (const issue of part.safeParse(value).error?.issues ?? []) {
        context.addIssue({ code: "custom", message: issue.message, path: issue.path, input: value });
      }
    }
  });
}

function evaluate(schema: Schema, value: unknown, seen: Seen): boolean {
  if (typeof schema === "boolean") return schema;
  return ORDER.every((name) => {
    const given = member(schema, name);
    return given === undefined || (KEYWORDS[name] as Keyword)(given, value, schema, seen);
  });
}

/** Applies a schema to the same value: what it has seen counts only where it holds. */
function holds(schema: Json, value: unknown, seen: Seen): boolean {
  const found = new Seen();
  if (!evaluate(schema as Schema, value, found)) return false;
  seen.add(found);
  return true;
}

/** Applies a schema to a member or an item. */
function fits(schema: Json, value: unknown): boolean {
  return evaluate(schema as Schema, value, new Seen());
}

function isMembers(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function has(members: object, name: string): boolean {
  return Object.prototype.hasOwnProperty.call(members, name);
}

function member<Value>(members: { readonly [name: string]: Value }, name: string): Value | undefined {
  return has(members, name) ? members[name] : undefined;
}

function entries(given: Json | undefined): [string, Json][] {
  return isMembers(given) ? (Object.entries(given) as [string, Json][]) : [];
}

function same(one: unknown, other: unknown): boolean {
  if (Array.isArray(one)) {
    return (
      Array.isArray(other) && one.length === other.length && one.every((item, index) => same(item, other[index]))
    );
  }
  if (isMembers(one)) {
    if (!isMembers(other)) return false;
    const names = Object.keys(one);
    return (
      names.length === Object.keys(other).length &&
      names.every((name) => has(other, name) && same(one[name], other[name]))
    );
  }
  return one === other;
}

function isOfType(value: unknown, type: Json): boolean {
  switch (type) {
    case "null":
      return value === null;
    case "array":
      return Array.isArray(value);
    case "object":
      return isMembers(value);
    case "integer":
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
}

/** The number of code points in a text. */
function length(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

/** A number as digits and a power of ten, exactly as its shortest decimal says. */
function decimal(value: number): { digits: bigint; exponent: number } {
  const [mantissa = "0", exponent = "0"] = value.toString().split("e");
  const [whole = "0", fraction = ""] = mantissa.split(".");
  return { digits: BigInt(whole + fraction), exponent: Number(exponent) - fraction.length };
}

function isMultiple(value: number, divisor: number): boolean {
  const one = decimal(value);
  const other = decimal(divisor);
  const least = Math.min(one.exponent, other.exponent);
  const scaled = (number: { digits: bigint; exponent: number }): bigint =>
    number.digits * 10n ** BigInt(number.exponent - least);
  return scaled(one) % scaled(other) === 0n;
}

const PATTERNS = new Map<string, RegExp>();

function matches(pattern: Json, text: string): boolean {
  let compiled = PATTERNS.get(pattern as string);
  if (compiled === undefined) {
    compiled = new RegExp(pattern as string, "u");
    PATTERNS.set(pattern as string, compiled);
  }
  return compiled.test(text);
}

function ofNumber(compare: (value: number, bound: number) => boolean): Keyword {
  return (given, value) => typeof value !== "number" || compare(value, given as number);
}

function ofString(compare: (value: string, given: Json) => boolean): Keyword {
  return (given, value) => typeof value !== "string" || compare(value, given);
}

function ofArray(compare: (value: unknown[], given: Json, rules: Rules, seen: Seen) => boolean): Keyword {
  return (given, value, rules, seen) => !Array.isArray(value) || compare(value, given, rules, seen);
}

function ofObject(compare: (value: Members, given: Json, rules: Rules, seen: Seen) => boolean): Keyword {
  return (given, value, rules, seen) => !isMembers(value) || compare(value, given, rules, seen);
}

function isOneKnown(value: Members, rules: Rules): (name: string) => boolean {
  const properties = new Set(entries(rules["properties"]).map(([name]) => name));
  const patterns = entries(rules["patternProperties"]).map(([pattern]) => pattern);
  return (name) => properties.has(name) || patterns.some((pattern) => matches(pattern, name));
}

function contains(value: unknown[], given: Json, rules: Rules, seen: Seen): boolean {
  let count = 0;
  value.forEach((item, index) => {
    if (fits(given, item)) {
      count += 1;
      seen.indexes.add(index);
    }
  });
  const least = (member(rules, "minContains") ?? 1) as number;
  const most = (member(rules, "maxContains") ?? Infinity) as number;
  return least <= count && count <= most;
}

/** In the order they are applied: those that ask what the others have seen come last. */
const KEYWORDS: { readonly [name: string]: Keyword } = {
  type: (given, value) => (Array.isArray(given) ? given : [given]).some((type) => isOfType(value, type)),
  const: (given, value) => same(given, value),
  enum: (given, value) => (given as Json[]).some((one) => same(one, value)),
  minimum: ofNumber((value, bound) => value >= bound),
  maximum: ofNumber((value, bound) => value <= bound),
  exclusiveMinimum: ofNumber((value, bound) => value > bound),
  exclusiveMaximum: ofNumber((value, bound) => value < bound),
  multipleOf: ofNumber(isMultiple),
  minLength: ofString((value, given) => length(value) >= (given as number)),
  maxLength: ofString((value, given) => length(value) <= (given as number)),
  pattern: ofString((value, given) => matches(given, value)),
  format: ofString((value, given) => member(FORMATS, given as string)?.(value) ?? true),
  minItems: ofArray((value, given) => value.length >= (given as number)),
  maxItems: ofArray((value, given) => value.length <= (given as number)),
  uniqueItems: ofArray(
    (value, given) =>
      given !== true || value.every((item, index) => !value.slice(0, index).some((before) => same(item, before))),
  ),
  prefixItems: ofArray((value, given, _, seen) =>
    (given as Json[]).slice(0, value.length).every((schema, index) => {
      seen.indexes.add(index);
      return fits(schema, value[index]);
    }),
  ),
  items: ofArray((value, given, rules, seen) => {
    const from = ((member(rules, "prefixItems") ?? []) as Json[]).length;
    value.forEach((_, index) => seen.indexes.add(index));
    return value.slice(from).every((item) => fits(given, item));
  }),
  contains: ofArray(contains),
  minProperties: ofObject((value, given) => Object.keys(value).length >= (given as number)),
  maxProperties: ofObject((value, given) => Object.keys(value).length <= (given as number)),
  required: ofObject((value, given) => (given as string[]).every((name) => has(value, name))),
  dependentRequired: ofObject((value, given) =>
    entries(given).every(
      ([name, needed]) => !has(value, name) || (needed as string[]).every((other) => has(value, other)),
    ),
  ),
  propertyNames: ofObject((value, given) => Object.keys(value).every((name) => fits(given, name))),
  properties: ofObject((value, given, _, seen) =>
    entries(given).every(([name, schema]) => {
      if (!has(value, name)) return true;
      seen.names.add(name);
      return fits(schema, value[name]);
    }),
  ),
  patternProperties: ofObject((value, given, _, seen) =>
    entries(given).every(([pattern, schema]) =>
      Object.keys(value).every((name) => {
        if (!matches(pattern, name)) return true;
        seen.names.add(name);
        return fits(schema, value[name]);
      }),
    ),
  ),
  additionalProperties: ofObject((value, given, rules, seen) => {
    const known = isOneKnown(value, rules);
    const others = Object.keys(value).filter((name) => !known(name));
    for (const name of others) seen.names.add(name);
    return others.every((name) => fits(given, value[name]));
  }),
  dependentSchemas: (given, value, _, seen) =>
    !isMembers(value) || entries(given).every(([name, schema]) => !has(value, name) || holds(schema, value, seen)),
  $ref: (given, value, _, seen) => {
    const key = (given as string).slice("#/$defs/".length).replaceAll("~1", "/").replaceAll("~0", "~");
    const schema = member(DEFINITIONS, key);
    if (schema === undefined) throw new Error(`no shared definition is called ${key}`);
    return holds(schema, value, seen);
  },
  allOf: (given, value, _, seen) => (given as Json[]).every((schema) => holds(schema, value, seen)),
  // All are tried, as each that holds may have seen more.
  anyOf: (given, value, _, seen) => (given as Json[]).filter((schema) => holds(schema, value, seen)).length > 0,
  oneOf: (given, value, _, seen) => (given as Json[]).filter((schema) => holds(schema, value, seen)).length === 1,
  not: (given, value) => !fits(given, value),
  if: (given, value, rules, seen) => {
    const branch = member(rules, holds(given, value, seen) ? "then" : "else");
    return branch === undefined || holds(branch, value, seen);
  },
  unevaluatedItems: ofArray((value, given, _, seen) =>
    value.every((item, index) => {
      if (seen.indexes.has(index)) return true;
      seen.indexes.add(index);
      return fits(given, item);
    }),
  ),
  unevaluatedProperties: ofObject((value, given, _, seen) =>
    Object.keys(value).every((name) => {
      if (seen.names.has(name)) return true;
      seen.names.add(name);
      return fits(given, value[name]);
    }),
  ),
};

const ORDER: readonly string[] = Object.keys(KEYWORDS);
