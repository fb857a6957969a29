/** Reads a birth date typed as three numbers; undefined when there is no such day, or it lies ahead or too far back. */
export function birthDate(day: string, month: string, year: string, today: Date): string | undefined {
  const [d, m, y] = [day, month, year].map((part) => (/^\d{1,4}$/.test(part.trim()) ? Number(part) : NaN));
  if (d === undefined || m === undefined || y === undefined) return undefined;
  const date = new Date(Date.UTC(y, m - 1, d));
  const exists = date.getUTCFullYear() === y && date.getUTCMonth() === m - 1 && date.getUTCDate() === d;
  if (!exists || date > today || y < today.getUTCFullYear() - 130) return undefined;
  return date.toISOString().slice(0, 10);
}
