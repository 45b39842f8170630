/** Tables for the terminal: the first column to the left, numbers to the right. */

/** The first line holds the headings. */
export function printTable(lines: readonly (readonly string[])[]): string {
  const [head = []] = lines
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  const printCell = (cell: string, column: number): string => {
    const width = widths[column] ?? 0
    return column === 0 ? cell.padEnd(width) : cell.padStart(width)
  }
  return lines.map((line) => `  ${line.map(printCell).join('  ').trimEnd()}\n`).join('')
}
