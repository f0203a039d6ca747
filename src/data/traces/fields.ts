/** Fields by any of the names that people give them. */

/** A JSON object. */
export type Fields = Record<string, unknown>;

/** Whether a JSON value is an object. */
export const isFields = (value: unknown): value is Fields =>
  value !== null && typeof value === "object" && !Array.isArray(value);

const present = (value: unknown) => value !== undefined && value !== null && value !== "";

/** The first of the named fields that is there and not empty, with its name. */
export function firstField(
  fields: Fields,
  names: readonly string[],
): { name: string; value: unknown } | null {
  for (const name of names) if (present(fields[name])) return { name, value: fields[name] };
  return null;
}

/** The first of the named fields that is a text, or a number or truth value as a text; else null. */
export function textField(fields: Fields, names: readonly string[]): string | null {
  for (const name of names) {
    const value = fields[name];
    if (typeof value === "string" && value.trim() !== "") return value.trim();
    if (typeof value === "number" || typeof value === "boolean") return String(value);
  }
  return null;
}

/** The first of the named fields that is a finite number, also as a text; else null. */
export function numberField(fields: Fields, names: readonly string[]): number | null {
  for (const name of names) {
    const value = fields[name];
    if (typeof value === "boolean") return value ? 1 : 0;
    if (typeof value === "number" && Number.isFinite(value)) return value;
    if (typeof value === "string" && value.trim() !== "" && Number.isFinite(Number(value)))
      return Number(value);
  }
  return null;
}

/** The names of a value's fields, for messages. */
export function fieldNames(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (!isFields(value)) return `the ${value === null ? "value null" : typeof value} ${JSON.stringify(value)}`;
  const names = Object.keys(value);
  return names.length === 0
    ? "no fields"
    : `the fields ${names.slice(0, 16).join(", ")}${names.length > 16 ? ", ..." : ""}`;
}
