/** What a table made of existing Parquet files is to be: the columns of all their footers, and those of `key=value` folders. */
import { mapConcurrent } from '../base/concurrency.ts'
import { readParquetSchema } from '../format/parquet-plain.ts'
import { openParquet } from '../format/parquet-source.ts'
import { inferSchema } from '../format/text-inference.ts'
import type { FileIO } from '../io/file-io.ts'
import { openFileIO } from '../io/open-file-io.ts'
import { assignFreshIds, defineSchema } from '../spec/define-schema.ts'
import { buildPartitionSpec } from '../spec/partition-spec.ts'
import { pathParts } from '../spec/partition-text.ts'
import type { NestedField, Schema } from '../spec/types.ts'
import { listFiles } from '../table/add-files.ts'
import type { CommandContext } from './command.ts'
import { mergeSchemas } from './input.ts'
import { formatVersion, schemaOption, tableLayout } from './table-options.ts'
import type { TableLayout } from './table-options.ts'

const FOOTERS_IN_FLIGHT = 16

/** Errors: ValidationError for columns that no type holds, those of reading the files. */
export async function externalLayout(context: CommandContext, paths: readonly string[]): Promise<TableLayout> {
  const { options, host, storeOptions, closeAtEnd } = context
  const given = schemaOption(options)
  const [first = ''] = paths
  const io = openFileIO(first, { ...(await storeOptions(first)), cacheSizeBytes: 0 })
  closeAtEnd(io)
  const { signal } = host
  const files = await listFiles(io, paths, { signal })
  const folders = options.flag('hive')
    ? folderColumns(
        paths,
        files.map(({ location }) => location),
      )
    : []
  const stored = given === undefined ? await storedSchema(io, files, context) : defineSchema(given)
  const missing = folders.filter(({ name }) => !stored.fields.some((field) => field.name === name))
  const fields = [...stored.fields, ...missing]
  const schema = assignFreshIds({ schemaId: 0, fields, identifierFieldIds: [] })
  const layout = tableLayout(options, schema)
  if (options.string('partition-by') !== undefined || folders.length === 0) return layout
  const terms = folders.map(({ name }) => `"${name.replaceAll('"', '""')}"`)
  return { ...layout, partitionBy: buildPartitionSpec(schema, terms) }
}

async function storedSchema(
  io: FileIO,
  files: readonly { readonly location: string; readonly sizeBytes: number }[],
  { host, options }: CommandContext,
): Promise<Schema> {
  const version = { formatVersion: formatVersion(options) }
  const schemas: { name: string; schema: () => Promise<Schema> }[] = []
  const read = mapConcurrent(
    files,
    FOOTERS_IN_FLIGHT,
    async ({ location, sizeBytes }) => {
      const source = {
        location,
        sizeBytes,
        read: async (range: Parameters<FileIO['readRange']>[1]) => (await io.readRange(location, range)).bytes,
      }
      const { footer } = await openParquet(source, { signal: host.signal })
      return { name: location, schema: readParquetSchema(footer, version) }
    },
    host.signal,
  )
  for await (const { name, schema } of read) schemas.push({ name, schema: () => Promise.resolve(schema) })
  return mergeSchemas(schemas)
}

/** Columns that the paths below the folders given tell, in the order of the folders. */
function folderColumns(paths: readonly string[], locations: readonly string[]): readonly NestedField[] {
  const rows = locations.map((location) => {
    const root = paths.find((path) => location.startsWith(`${path}/`))
    const parts = pathParts(root === undefined ? location : location.slice(root.length + 1))
    return Object.fromEntries(parts.map(({ key, text }) => [key, text]))
  })
  if (!rows.some((row) => Object.keys(row).length > 0)) return []
  return defineSchema(inferSchema(rows, { name: 'the paths', format: 'csv' })).fields
}
