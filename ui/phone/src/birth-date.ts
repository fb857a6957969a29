/** Parts of a date typed as `27 3 1985`, `27.03.1985`, `27031985` or `1985-03-27`. */
function parts(typed: string): [year: number, month: number, day: number] | undefined {
  const iso = /^(\d{4})-(\d{1,2})-(\d{1,2})$/.exec(typed);
  if (iso) return [Number(iso[1]), Number(iso[2]), Number(iso[3])];
  const usual = /^(\d{1,2})[\s./-]+(\d{1,2})[\s./-]+(\d{4})$/.exec(typed) ?? /^(\d\d)(\d\d)(\d{4})$/.exec(typed);
  return usual ? [Number(usual[3]), Number(usual[2]), Number(usual[1])] : undefined;
}

/** A typed birth date as `YYYY-MM-DD`; undefined when there is no such day, or it lies ahead or too far back. */
export function birthDate(typed: string, today: Date): string | undefined {
  const [year, month, day] = parts(typed.trim()) ?? [];
  if (year === undefined || month === undefined || day === undefined) return undefined;
  const date = new Date(Date.UTC(year, month - 1, day));
  const exists = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  if (!exists || date > today || year < today.getUTCFullYear() - 130) return undefined;
  return date.toISOString().slice(0, 10);
}
