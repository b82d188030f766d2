/** A number as a cell of a CSV file, so that it reads back the same; empty where there is none. */
export function csvNumber(value: number | undefined): string {
  return value === undefined || Number.isNaN(value) ? '' : String(value);
}
