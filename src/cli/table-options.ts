/** Options that several commands share, as the library takes them. */
import { ValidationError } from '../base/errors.ts'
import { toLocation } from '../io/location.ts'
import type { ScanOptions } from '../scan/table-scan.ts'
import { defineSchema } from '../spec/define-schema.ts'
import type { SchemaInput } from '../spec/define-schema.ts'
import { buildPartitionSpec } from '../spec/partition-spec.ts'
import type { PartitionSpec } from '../spec/partition-spec.ts'
import { buildSortOrder } from '../spec/sort-order.ts'
import type { SortOrder } from '../spec/sort-order.ts'
import type { Schema } from '../spec/types.ts'
import type { ReadableTable } from '../table/readable-table.ts'
import { openTable } from '../table/static-table.ts'
import { FORMAT_VERSIONS } from './choices.ts'
import type { CommandContext } from './command.ts'
import { isLocation } from './command-name.ts'
import type { Options } from './options.ts'
import { parseSchemaText, splitTerms, unquoted } from './terms.ts'

/** What `createTable` takes. */
export interface TableLayout {
  readonly schema: Schema
  readonly partitionBy: PartitionSpec
  readonly sortBy: SortOrder
  readonly properties: Readonly<Record<string, string>>
  readonly formatVersion: 2 | 3
}

/** Column names in terms match as in filters: without case unless `--case-sensitive`. */
export function tableLayout(options: Options, schemaInput: SchemaInput): TableLayout {
  const schema = defineSchema(schemaInput)
  return { schema, ...layoutTerms(options, schema), formatVersion: formatVersion(options) }
}

/** Of an existing table's schema too, whose ids have to stay. */
export function layoutTerms(
  options: Options,
  schema: Schema,
): Pick<TableLayout, 'partitionBy' | 'sortBy' | 'properties'> {
  const names = { caseSensitive: options.flag('case-sensitive') }
  return {
    partitionBy: buildPartitionSpec(schema, splitTerms(options.string('partition-by')), names),
    sortBy: buildSortOrder(schema, splitTerms(options.string('sort-by')), names),
    properties: Object.fromEntries(options.list('property').map((pair) => splitPair('property', pair))),
  }
}

export function formatVersion(options: Options): 2 | 3 {
  const text = options.string('format-version') ?? '2'
  if (!FORMAT_VERSIONS.some((known) => known === text))
    throw new ValidationError(`--format-version is 2 or 3, not ${JSON.stringify(text)}`)
  return text === '2' ? 2 : 3
}

/** The value of `--schema`. */
export function schemaOption(options: Options): SchemaInput | undefined {
  const text = options.string('schema')
  return text === undefined ? undefined : parseSchemaText(text, '--schema')
}

export function scanOptions({ options, host }: CommandContext): ScanOptions {
  const select = options.string('select')
  return {
    where: options.string('where'),
    select: select === undefined ? undefined : splitTerms(select).map(unquoted),
    limit: options.count('limit'),
    asOf: options.string('as-of'),
    caseSensitive: options.flag('case-sensitive'),
    signal: host.signal,
  }
}

/**
 * The table to read: by its name in the warehouse, or by the location of its metadata file or folder, which needs none.
 * Which file was found in a folder is told on stderr.
 */
export async function loadTable(context: CommandContext): Promise<ReadableTable> {
  const { name, catalog, storeOptions, host, options, reporter, closeAtEnd } = context
  const { signal } = host
  const relocate = !options.flag('no-relocate')
  if (!isLocation(name)) {
    if (!relocate) throw new ValidationError('--no-relocate goes with the location of a table, not with a name')
    return (await catalog()).loadTable(name, { signal })
  }
  const location = toLocation(name, host.cwd)
  const table = await openTable(location, { ...(await storeOptions(location)), relocate, reporter, signal })
  closeAtEnd(table)
  if (table.metadataLocation !== location) host.stderr.write(`firn: reading ${table.metadataLocation}\n`)
  return table
}

/** `KEY=VALUE` of an option. */
export function splitPair(option: string, text: string): readonly [string, string] {
  const at = text.indexOf('=')
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)]
  throw new ValidationError(`--${option} takes KEY=VALUE, not ${JSON.stringify(text)}`)
}
