/** The formats of texts, as the bus asserts them. */

const DIGITS = "(?:0|[1-9][0-9]*)";
const OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
const IPV4 = new RegExp(`^${OCTET}(?:\\.${OCTET}){3}$`, "u");
const GROUP = /^[0-9A-Fa-f]{1,4}$/u;
const TIME = /^([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]+)?(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))$/u;
const TIME_PARTS = "T(?:[0-9]+H(?:[0-9]+M(?:[0-9]+S)?)?|[0-9]+M(?:[0-9]+S)?|[0-9]+S)";
const DATE_PARTS = "(?:[0-9]+Y(?:[0-9]+M(?:[0-9]+D)?)?|[0-9]+M(?:[0-9]+D)?|[0-9]+D)";
const DURATION = new RegExp(`^P(?:[0-9]+W|${DATE_PARTS}(?:${TIME_PARTS})?|${TIME_PARTS})$`, "u");
const UUID = /^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$/u;
const POINTER = "(?:/(?:[^/~]|~[01])*)*";
const JSON_POINTER = new RegExp(`^${POINTER}$`, "u");
const RELATIVE_JSON_POINTER = new RegExp(`^${DIGITS}(?:#|${POINTER})$`, "u");

function isDate(text: string): boolean {
  const found = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/u.exec(text);
  if (found === null) return false;
  const [year, month, day] = found.slice(1).map(Number) as [number, number, number];
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0;
  return 1 <= day && day <= days;
}

function isTime(text: string): boolean {
  const found = TIME.exec(text);
  if (found === null) return false;
  const [hour, minute, second] = found.slice(1, 4).map(Number) as [number, number, number];
  const [offsetHour, offsetMinute] = found.slice(5).map((part) => Number(part ?? 0)) as [number, number];
  if (hour > 23 || minute > 59 || second > 60 || offsetHour > 23 || offsetMinute > 59) return false;
  const offset = (offsetHour * 60 + offsetMinute) * (found[4] === "-" ? -1 : 1);
  // A leap second is the last of a day in UTC.
  return second < 60 || (hour * 60 + minute - offset + 2880) % 1440 === 1439;
}

function isDateTime(text: string): boolean {
  return /^.{10}[Tt]/u.test(text) && isDate(text.slice(0, 10)) && isTime(text.slice(11));
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
};
