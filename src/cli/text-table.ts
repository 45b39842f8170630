/** Rows of cells under titles: aligned, laid out page by page, and cut to the terminal's width where there is one. */

export interface TextColumn {
  readonly title: string
  readonly alignRight?: boolean
  /** Cut at its start: of a path the end tells more. */
  readonly keepEnd?: boolean
}

const GAP = '  '
const LEAST_WIDTH = 8

export class TextTable {
  readonly #columns: readonly TextColumn[]
  readonly #width: number
  /** Of the columns so far: those of later pages are no narrower. */
  #widths: number[] | undefined

  /** `width` is the terminal's; undefined where nothing is cut. */
  constructor(columns: readonly TextColumn[], width: number | undefined = Infinity) {
    this.#columns = columns
    this.#width = width
  }

  /** The lines of the next rows, the first time under the titles. */
  page(rows: readonly (readonly string[])[]): string[] {
    const titles = this.#widths === undefined ? [this.#columns.map(({ title }) => title)] : []
    const cells = [...titles, ...rows.map((row) => row.map(printable))]
    const widest = this.#columns.map((_, i) =>
      cells.reduce((most, row) => Math.max(most, textWidth(row[i] ?? '')), this.#widths?.[i] ?? 0),
    )
    const widths = (this.#widths = fit(widest, this.#width))
    return cells.map((row) => {
      const line = this.#columns.map((column, i) => aligned(row[i] ?? '', column, widths[i] ?? 0)).join(GAP)
      return cut(line.trimEnd(), this.#width)
    })
  }
}

/** Takes from the widest columns until the rest fits, or all are narrow. */
function fit(natural: readonly number[], width: number): number[] {
  const widths = [...natural]
  let excess = widths.reduce((sum, size) => sum + size + GAP.length, -GAP.length) - width
  for (; excess > 0 && Math.max(...widths) > LEAST_WIDTH; excess -= 1) {
    const widest = Math.max(...widths)
    widths[widths.indexOf(widest)] = widest - 1
  }
  return widths
}

function aligned(cell: string, { alignRight, keepEnd }: TextColumn, width: number): string {
  const text = cut(cell, width, keepEnd)
  const padding = ' '.repeat(width - textWidth(text))
  return alignRight ? padding + text : text + padding
}

function cut(text: string, width: number, keepEnd = false): string {
  if (textWidth(text) <= width) return text
  const characters = Array.from(text)
  return keepEnd ? `…${characters.slice(1 - width).join('')}` : `${characters.slice(0, width - 1).join('')}…`
}

/** Data may hold what a terminal takes as commands, and line ends. */
function printable(cell: string): string {
  return cell.replaceAll(/\p{Cc}/gu, ' ')
}

/** Code points. */
function textWidth(text: string): number {
  return text.length - (text.match(/[\uDC00-\uDFFF]/g)?.length ?? 0)
}
