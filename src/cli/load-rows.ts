/**
 * What `import` and `append` have in common: all inputs into one table in one commit. A missing table is made by that
 * commit, so nothing is there before all rows are, whatever becomes of the process.
 */
import type { RecordBatch } from 'apache-arrow'
import * as errors from '../base/errors.ts'
import type { Catalog } from '../catalog/catalog.ts'
import { batchSizeBytes } from '../format/arrow-concat.ts'
import { defineSchema } from '../spec/define-schema.ts'
import { printTypeText } from '../spec/type-text.ts'
import type { Schema } from '../spec/types.ts'
import type { AppendResult } from '../table/append-rows.ts'
import type { Table } from '../table/table.ts'
import { toBatches } from '../write/append-input.ts'
import type { CommandContext } from './command.ts'
import { mergeSchemas } from './input.ts'
import type { Input } from './input.ts'
import { openInputs } from './inputs.ts'
import type { Options } from './options.ts'
import { counted, formatBytes, formatCount } from './output.ts'
import { formatVersion, layoutTerms, schemaOption, tableLayout } from './table-options.ts'
import { printPartitionTerms, printSortTerms } from './terms.ts'
import { SAMPLE_ROWS } from './text-input.ts'

/** What a process keeps of standard input, should another make the table at the same time. */
const MAX_KEPT_BYTES = 64 * 2 ** 20

interface Load {
  readonly files: readonly string[]
  readonly create: boolean
}

interface Loaded extends AppendResult {
  readonly created: boolean
}

/** Where `create` is false a missing table is an error. */
export async function loadRows(context: CommandContext, load: Load): Promise<void> {
  const { name, output } = context
  const { created, rows, files, sizeBytes, snapshotId } = await loadFiles(context, load)
  const json = { identifier: name, created, rows, files, sizeBytes, snapshotId: snapshotId ?? null }
  await output.result(json, () => [
    `${created ? 'created' : 'appended to'} ${name}: ${counted(rows, 'row')} in ${counted(files, 'file')}, ${formatBytes(sizeBytes)}`,
    snapshotId === undefined ? 'no rows, so no snapshot' : `snapshot ${snapshotId}`,
  ])
}

async function loadFiles(context: CommandContext, load: Load): Promise<Loaded> {
  const { name, options, host, storeOptions } = context
  const { files, create } = load
  const format = options.string('format')
  const inputs = await openInputs(files, { host, storeOptions, format, formatVersion: formatVersion(options) })
  try {
    const existing = await findTable(await context.catalog(), name, host.signal)
    if (existing !== undefined) return await loadExisting(context, existing, inputs.list)
    if (create) return await loadNew(context, inputs.list, () => loadFiles(context, load))
    throw new errors.NoSuchTableError(
      `no table ${name}: make it of these rows by --create or firn import, or by firn create`,
      { context: { table: name } },
    )
  } finally {
    await inputs.close()
  }
}

async function loadExisting(context: CommandContext, table: Table, inputs: readonly Input[]): Promise<Loaded> {
  checkLayout(context.options, table)
  const rows = readInputs(inputs, { schema: table.schema, isInferred: false, context })
  return { ...(await table.append(rows, { signal: context.host.signal })), created: false }
}

/** `again` loads the inputs anew, into the table that another process has made meanwhile. */
async function loadNew(
  context: CommandContext,
  inputs: readonly Input[],
  again: () => Promise<Loaded>,
): Promise<Loaded> {
  const { name, options, host } = context
  const { signal } = host
  const catalog = await context.catalog()
  const given = schemaOption(options)
  const layout = tableLayout(options, given ?? (await mergeSchemas(inputs)))
  const rows = new KeptRows(readInputs(inputs, { schema: layout.schema, isInferred: given === undefined, context }), {
    keep: !inputs.every((input) => input.again),
  })
  try {
    const table = await catalog.stageTable(name, { ...layout, signal })
    const result = await table.append(rows, { signal })
    // Without rows there was no commit.
    if (result.snapshotId === undefined) await catalog.createTable(name, { ...layout, signal })
    return { ...result, created: true }
  } catch (error) {
    if (!(error instanceof errors.AlreadyExistsError)) throw error
    if (inputs.every((input) => input.again)) return again()
    return appendKept(context, await catalog.loadTable(name, { signal }), rows)
  }
}

async function appendKept(context: CommandContext, table: Table, { kept }: KeptRows): Promise<Loaded> {
  const { name, options, host } = context
  if (kept === undefined) {
    throw new errors.AlreadyExistsError(
      `another process made ${name} meanwhile, and standard input can be read once only: nothing was loaded, give the rows again`,
      { context: { table: name } },
    )
  }
  checkLayout(options, table)
  return { ...(await table.append(kept, { signal: host.signal })), created: false }
}

/** Batches as they pass, kept as long as they are few, for the case that they are needed once more. */
class KeptRows implements AsyncIterable<RecordBatch> {
  readonly #rows: AsyncIterable<RecordBatch>
  #kept: RecordBatch[] | undefined = []
  #bytes = 0

  constructor(rows: AsyncIterable<RecordBatch>, { keep }: { readonly keep: boolean }) {
    this.#rows = rows
    if (!keep) this.#kept = undefined
  }

  /** Undefined where they were too many, or are not to be kept. */
  get kept(): readonly RecordBatch[] | undefined {
    return this.#kept
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<RecordBatch> {
    for await (const batch of this.#rows) {
      this.#bytes += batchSizeBytes(batch)
      if (this.#bytes > MAX_KEPT_BYTES) this.#kept = undefined
      this.#kept?.push(batch)
      yield batch
    }
  }
}

export async function findTable(catalog: Catalog, name: string, signal: AbortSignal): Promise<Table | undefined> {
  try {
    return await catalog.loadTable(name, { signal })
  } catch (error) {
    if (error instanceof errors.NoSuchTableError || error instanceof errors.NoSuchNamespaceError) return undefined
    throw error
  }
}

interface Reading {
  readonly schema: Schema
  /** Whether the schema was told from the inputs. */
  readonly isInferred: boolean
  readonly context: CommandContext
}

async function* readInputs(
  inputs: readonly Input[],
  { schema, isInferred, context }: Reading,
): AsyncGenerator<RecordBatch, void, undefined> {
  const total = inputs.reduce((sum, { rows = Number.NaN }) => sum + rows, 0)
  for (const input of inputs) {
    try {
      for await (const batch of toBatches(input.items(isInferred ? schema : undefined), schema)) {
        context.progress.rows(batch.numRows, Number.isNaN(total) ? undefined : total)
        yield batch
      }
    } catch (error) {
      throw inInput(error, input, isInferred)
    }
  }
}

/** Row numbers count within a file, so its name goes with them. */
function inInput(error: unknown, { name }: Input, isInferred: boolean): unknown {
  if (!(error instanceof errors.ValidationError) || 'file' in error.context) return error
  const hint = isInferred ? `; types were told from the first ${formatCount(SAMPLE_ROWS)} rows: give --schema` : ''
  const context = { file: name, ...error.context }
  return new errors.ValidationError(`${name}: ${error.message}${hint}`, { context, cause: error })
}

/** A table keeps its layout: options that ask for another are refused, those that name the same are harmless in scripts. */
function checkLayout(options: Options, { name, schema, partitionSpec, sortOrder, metadata }: Table): void {
  const { partitionBy, sortBy, properties } = layoutTerms(options, schema)
  const wanted = defineSchema(schemaOption(options) ?? schema)
  const layout: readonly (readonly [option: string, has: string, wanted: string])[] = [
    ['schema', printTypeText({ kind: 'struct', ...schema }), printTypeText({ kind: 'struct', ...wanted })],
    ['partition-by', printPartitionTerms(partitionSpec, schema), printPartitionTerms(partitionBy, schema)],
    ['sort-by', printSortTerms(sortOrder, schema), printSortTerms(sortBy, schema)],
    ['format-version', String(metadata.formatVersion), String(formatVersion(options))],
    ...Object.entries(properties).map(([key, value]) => {
      return ['property', `${key}=${metadata.properties[key] ?? '(unset)'}`, `${key}=${value}`] as const
    }),
  ]
  for (const [option, has, asked] of layout) {
    if (has === asked || (options.string(option) ?? options.list(option)[0]) === undefined) continue
    throw new errors.ValidationError(
      `${name} exists with --${option} ${has || '(none)'}: leave --${option} out, or load into a new table`,
      { context: { table: name, option } },
    )
  }
}
