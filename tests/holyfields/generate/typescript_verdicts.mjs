// Answers which documents the generated schemas take: one line of JSON for every line of standard input.
import { createInterface } from "node:readline";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const packages = new Map();
for await (const line of createInterface({ input: process.stdin })) {
  const { name, type, text } = JSON.parse(line);
  if (!packages.has(name)) {
    packages.set(name, (await import(pathToFileURL(join(process.argv[2], name, "index.js")).href)).EVENTS);
  }
  console.log(JSON.stringify(packages.get(name)[type].safeParse(JSON.parse(text)).success));
}
