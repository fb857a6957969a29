/** Resources by the names under which references find them. A record holds a resource, or a Bundle's entry around one. */
import type { Find } from "./summary.ts";

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const word = (value: unknown): string => (typeof value === "string" ? value : "");

/** `Type/id` of a URL, the id of a `urn:`. */
function lastNames(reference: string): string {
  return reference.startsWith("urn:")
    ? reference.split(":").slice(2).join(":")
    : reference.split("/").slice(-2).join("/");
}

/** The resource of an opened record: itself, or what the entry holds. */
export function resourceOf(opened: unknown): unknown {
  return isObject(opened) && !("resourceType" in opened) && isObject(opened["resource"]) ? opened["resource"] : opened;
}

/** Finds among opened records; contained resources (`#id`) within the one that refers. */
export function finder(opened: unknown[]): Find {
  const byName = new Map<string, unknown>();
  for (const one of opened.filter(isObject)) {
    const resource = resourceOf(one) as Json;
    const id = word(resource["id"]);
    const names = id ? [`${word(resource["resourceType"])}/${id}`, id] : [];
    for (const name of names.filter((n) => !byName.has(n))) byName.set(name, resource);
    if (word(one["fullUrl"])) byName.set(word(one["fullUrl"]), resource);
  }
  return (reference, within) => {
    if (reference.startsWith("#")) {
      const contained = isObject(within) && Array.isArray(within["contained"]) ? within["contained"] : [];
      return contained.find((one) => isObject(one) && one["id"] === reference.slice(1));
    }
    const plain = reference.split("/_history/")[0] ?? reference;
    return byName.get(plain) ?? byName.get(lastNames(plain));
  };
}

/** Medications that another resource names: they are shown as its title, not as entries of their own. */
export function namedMedications(opened: unknown[], find: Find): Set<unknown> {
  const resources = opened.map(resourceOf).filter(isObject);
  const named = resources.map((resource) => {
    const reference = isObject(resource["medicationReference"])
      ? word(resource["medicationReference"]["reference"])
      : "";
    return reference ? find(reference, resource) : undefined;
  });
  return new Set(named.filter((one) => isObject(one) && one["resourceType"] === "Medication"));
}
