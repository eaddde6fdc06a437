/** A line of the table: a figure, of one of those that are compared. */
export interface Row {
  /** What is measured, and in which unit. */
  readonly what: string;
  readonly who: string;
  readonly figure: string;
  /** The figure over that of the first who was measured in the same run. */
  readonly ratio?: number | undefined;
}

export const HEAD = ['| measured | of | figure | ratio |', '| --- | --- | ---: | ---: |'];

/** A line in Markdown; what is measured is said once, where several follow. */
export function toMarkdown({ what, who, figure, ratio }: Row, before: Row | undefined): string {
  const cells = [what === before?.what ? '' : what, who, figure, ratio === undefined ? '' : toDigits(ratio)];
  return `| ${cells.join(' | ')} |`;
}

/** A number as short as it still says something: three digits, and whole from a hundred. */
export function toDigits(figure: number): string {
  const digits = Math.abs(figure) >= 100 ? 0 : Math.abs(figure) >= 10 ? 1 : 2;
  return figure.toLocaleString('en', { maximumFractionDigits: digits, minimumFractionDigits: digits });
}

/** One figure of several who are compared, with ratios to the first of them. */
export function compared<Who>(
  what: string,
  all: readonly (readonly [name: string, of: Who])[],
  figureOf: (of: Who) => number,
): Row[] {
  const base = all[0] && figureOf(all[0][1]);
  return all.map(([who, of]) => {
    const figure = figureOf(of);
    return { what, who, figure: toDigits(figure), ratio: base && figure / base };
  });
}

export function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] as number;
}

/** Bytes of memory in MB as Lambda counts them, of 2^20 bytes. */
export function toMB(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MB`;
}
