/** The formats of texts, as the bus asserts them. */

const DIGITS = "(?:0|[1-9][0-9]*)";
const OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
const IPV4 = new RegExp(`^${OCTET}(?:\\.${OCTET}){3}$`, "u");
const GROUP = /^[0-9A-Fa-f]{1,4}$/u;
const TIME = /^(..):(..):(..)(?:\.[0-9]+)?(?:[Zz]|([+-])(..):(..))$/su;
const TIME_PARTS = "T(?:[0-9]+H(?:[0-9]+M(?:[0-9]+S)?)?|[0-9]+M(?:[0-9]+S)?|[0-9]+S)";
const DATE_PARTS = "(?:[0-9]+Y(?:[0-9]+M(?:[0-9]+D)?)?|[0-9]+M(?:[0-9]+D)?|[0-9]+D)";
const DURATION = new RegExp(`^P(?:[0-9]+W|${DATE_PARTS}(?:${TIME_PARTS})?|${TIME_PARTS})$`, "u");
const UUID = /^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$/u;
const PERCENT = "%[0-9A-Fa-f]{2}";
const PLAIN = "A-Za-z0-9._~!$&'()*+,;=\\-";
const PATH_CHARACTER = `(?:[${PLAIN}:@]|${PERCENT})`;
const AUTHORITY = new RegExp(
  `^(?:(?:[${PLAIN}:]|${PERCENT})*@)?(?:\\[([^\\[\\]]*)\\]|(?:[${PLAIN}]|${PERCENT})*)(?::[0-9]*)?$`,
  "u",
);
const FUTURE = new RegExp(`^[Vv][0-9A-Fa-f]+\\.[${PLAIN}:]+$`, "u");
const REFERENCE = /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/su;
const PATH = new RegExp(`^(?:${PATH_CHARACTER}|/)*$`, "u");
const QUERY = new RegExp(`^(?:${PATH_CHARACTER}|[/?])*$`, "u");
const POINTER = "(?:/(?:[^/~]|~[01])*)*";
const JSON_POINTER = new RegExp(`^${POINTER}$`, "u");
const RELATIVE_JSON_POINTER = new RegExp(`^${DIGITS}(?:#|${POINTER})$`, "u");

/**
 * The number that two digits say. The bus reads them both at once in a word of 16 bits, so that it takes some
 * characters below the digits for digits too.
 */
function two(text: string): number | null {
  const apart = (text.charCodeAt(0) + text.charCodeAt(1) * 0x100 - 0x3030) & 0xffff;
  if (!isAscii(text) || ((apart + 0x0606) & 0xf0f0) !== 0) return null;
  return (((apart & 0x0f0f) * 2561) >> 8) & 0xff;
}

/** The number that four digits say, read as `two` does. */
function four(text: string): number | null {
  const word = [3, 2, 1, 0].reduce((sum, at) => sum * 0x100 + text.charCodeAt(at), 0);
  const apart = (word - 0x30303030) >>> 0;
  if (!isAscii(text) || ((apart + 0x06060606) & 0xf0f0f0f0) !== 0) return null;
  return Math.imul((Math.imul(apart & 0x0f0f0f0f, 2561) >>> 8) & 0x00ff00ff, 6553601) >>> 16;
}

function isAscii(text: string): boolean {
  return /^[\x00-\x7f]*$/u.test(text);
}

function isDate(text: string): boolean {
  const found = /^(.{4})-(..)-(..)$/su.exec(text);
  if (found === null) return false;
  const year = four(found[1] as string);
  const month = two(found[2] as string);
  const day = two(found[3] as string);
  if (year === null || month === null || day === null) return false;
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0;
  return 1 <= day && day <= days;
}

function isTime(text: string): boolean {
  const found = TIME.exec(text);
  if (found === null) return false;
  const [hour, minute, second, offsetHour, offsetMinute] = [1, 2, 3, 5, 6].map((part) => two(found[part] ?? "00"));
  if (hour == null || minute == null || second == null || offsetHour == null || offsetMinute == null) return false;
  if (hour > 23 || minute > 59 || second > 60 || offsetHour > 23 || offsetMinute > 59) return false;
  const offset = (offsetHour * 60 + offsetMinute) * (found[4] === "-" ? -1 : 1);
  // A leap second is the last of a day in UTC.
  return second < 60 || (hour * 60 + minute - offset + 2880) % 1440 === 1439;
}

function isDateTime(text: string): boolean {
  const at = text.search(/[Tt]/u);
  return at !== -1 && isDate(text.slice(0, at)) && isTime(text.slice(at + 1));
}

function isIpv4(text: string): boolean {
  return IPV4.test(text);
}

function isIpv6(text: string): boolean {
  const halves = text.split("::");
  if (halves.length > 2) return false;
  const groups = halves.map((half) => (half === "" ? [] : half.split(":")));
  const all = groups.flat();
  const last = groups[groups.length - 1]?.at(-1) ?? "";
  const dotted = last.includes(".");
  if (dotted && !isIpv4(last)) return false;
  const plain = dotted ? all.slice(0, -1) : all;
  const count = plain.length + (dotted ? 2 : 0);
  return plain.every((group) => GROUP.test(group)) && (halves.length === 2 ? count <= 7 : count === 8);
}

function isUriReference(text: string): boolean {
  const found = REFERENCE.exec(text);
  if (found === null) return false;
  const [, scheme, authority, path = "", query = "", fragment = ""] = found;
  if (!PATH.test(path) || !QUERY.test(query) || !QUERY.test(fragment)) return false;
  if (scheme === undefined && authority === undefined && /^[^/]*:/u.test(path)) return false;
  if (authority === undefined) return true;
  const host = AUTHORITY.exec(authority);
  return host !== null && (host[1] === undefined || isIpv6(host[1]) || FUTURE.test(host[1]));
}

function isUri(text: string): boolean {
  return /^[A-Za-z][A-Za-z0-9+.-]*:/u.test(text) && isUriReference(text);
}

/** By name; a format that is not listed is not asserted by the bus either. */
export const FORMATS: { readonly [name: string]: (text: string) => boolean } = {
  date: isDate,
  time: isTime,
  "date-time": isDateTime,
  duration: (text) => DURATION.test(text),
  uuid: (text) => UUID.test(text),
  ipv4: isIpv4,
  ipv6: isIpv6,
  "json-pointer": (text) => JSON_POINTER.test(text),
  "relative-json-pointer": (text) => RELATIVE_JSON_POINTER.test(text),
  uri: isUri,
  "uri-reference": isUriReference,
};
