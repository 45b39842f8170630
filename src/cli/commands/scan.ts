import { ValidationError } from '../../base/errors.ts'
import type { TableScan } from '../../scan/table-scan.ts'
import { OUTPUT_FORMATS } from '../choices.ts'
import type { CommandContext } from '../command.ts'
import type { Output } from '../output.ts'
import { csvHeader, csvRows, jsonRows, printChunks, textRows } from '../row-format.ts'
import { loadTable, scanOptions } from '../table-options.ts'

/** Rows of a table where no limit is given. */
const SHOWN_ROWS = 40
const NUMBERS: ReadonlySet<string> = new Set(['int', 'long', 'float', 'double', 'decimal'])

export async function scan(context: CommandContext): Promise<void> {
  const { options, output } = context
  const { json, columns } = output
  const given = options.string('format') ?? (json || columns === undefined ? 'ndjson' : 'table')
  const format = OUTPUT_FORMATS.find((known) => known === given)
  if (format === undefined)
    throw new ValidationError(`--format is one of ${OUTPUT_FORMATS.join(', ')}, not ${JSON.stringify(given)}`)
  const request = scanOptions(context)
  const table = await loadTable(context)
  if (format !== 'table') return printLines(table.scan(request), format, output)
  const limit = request.limit ?? SHOWN_ROWS + 1
  return printTable(table.scan({ ...request, limit }), request.limit ?? SHOWN_ROWS, output)
}

async function printLines(rows: TableScan, format: 'ndjson' | 'json' | 'csv', output: Output): Promise<void> {
  const print = format === 'csv' ? csvRows(rows.schema) : jsonRows(rows.schema)
  const [before, between, after] = format === 'json' ? ['[\n', ',\n', '\n]\n'] : ['', '\n', '\n']
  if (format === 'csv') await output.lines([csvHeader(rows.schema)])
  let isFirst = true
  for await (const chunk of printChunks(rows, print)) {
    await output.write((isFirst ? before : between) + chunk.join(between))
    isFirst = false
  }
  if (!isFirst || format === 'json') await output.write(isFirst ? '[]\n' : after)
}

async function printTable(rows: TableScan, limit: number, output: Output): Promise<void> {
  const { schema } = rows
  let count = 0
  async function* shown(): AsyncGenerator<readonly string[]> {
    for await (const chunk of printChunks(rows, textRows(schema))) {
      for (const row of chunk) {
        count += 1
        if (count <= limit) yield row
      }
    }
  }
  const columns = schema.fields.map(({ name, type }) => ({ title: name, alignRight: NUMBERS.has(type.kind) }))
  await output.table(shown(), { columns, cells: (row) => row, empty: 'no rows' })
  if (count > limit) await output.lines([`… the first ${limit} rows: --limit N shows more, --format csv or ndjson all`])
}
