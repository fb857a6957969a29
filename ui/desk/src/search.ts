// Finding a patient among those who granted access: every word typed must be found somewhere.
import { fhirDate } from "./formats";
import type { PatientRow } from "./model";

/** Lower case without accents, so that "Muller" finds "Müller". */
const plain = (text: string): string => text.normalize("NFD").replace(/\p{M}/gu, "").toLocaleLowerCase();

export function matches(row: Pick<PatientRow, "name" | "birthDate" | "patient">, query: string): boolean {
  const found = plain(`${row.name} ${row.birthDate} ${fhirDate(row.birthDate)} ${row.patient}`);
  return plain(query)
    .split(/\s+/)
    .every((word) => found.includes(word));
}
