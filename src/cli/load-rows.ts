/**
 * What `import` and `append` have in common: all inputs into one table in one commit. A missing table is made once the
 * first rows have been read and found to fit, and taken back when the rest fails, unless others have appended meanwhile.
 */
import type { RecordBatch } from 'apache-arrow'
import * as errors from '../base/errors.ts'
import type { Catalog, CreateTableOptions } from '../catalog/catalog.ts'
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

/** Where `create` is false a missing table is an error. */
export async function loadRows(
  context: CommandContext,
  { files, create }: { readonly files: readonly string[]; readonly create: boolean },
): Promise<void> {
  const { name, options, host, output } = context
  const format = options.string('format')
  const inputs = await openInputs(files, { host, format, formatVersion: formatVersion(options) })
  try {
    const existing = await findTable(await context.catalog(), name, host.signal)
    if (existing === undefined && !create) {
      throw new errors.NoSuchTableError(
        `no table ${name}: make it of these rows by --create or firn import, or by firn create`,
        { context: { table: name } },
      )
    }
    const load = existing === undefined ? loadNew(context, inputs.list) : loadExisting(context, existing, inputs.list)
    const { rows, files: written, sizeBytes, snapshotId } = await load
    const created = existing === undefined
    const json = { identifier: name, created, rows, files: written, sizeBytes, snapshotId: snapshotId ?? null }
    await output.result(json, () => [
      `${created ? 'created' : 'appended to'} ${name}: ${counted(rows, 'row')} in ${counted(written, 'file')}, ${formatBytes(sizeBytes)}`,
      snapshotId === undefined ? 'no rows, so no snapshot' : `snapshot ${snapshotId}`,
    ])
  } finally {
    await inputs.close()
  }
}

async function loadExisting(context: CommandContext, table: Table, inputs: readonly Input[]): Promise<AppendResult> {
  checkLayout(context.options, table)
  const rows = readInputs(inputs, { schema: table.schema, isInferred: false, context })
  return table.append(rows, { signal: context.host.signal })
}

async function loadNew(context: CommandContext, inputs: readonly Input[]): Promise<AppendResult> {
  const { name, options, host } = context
  const { signal } = host
  const catalog = await context.catalog()
  const given = schemaOption(options)
  const layout = tableLayout(options, given ?? (await mergeSchemas(inputs)))
  const rows = readInputs(inputs, { schema: layout.schema, isInferred: given === undefined, context })
  const first = await rows.next()
  const { table, isOurs } = await createOrLoad(catalog, name, { ...layout, signal })
  try {
    if (!isOurs) checkLayout(options, table)
    return await table.append(resumed(first, rows), { signal })
  } catch (error) {
    if (isOurs && !(error instanceof errors.CommitStateUnknownError)) {
      await takeBack(catalog, table).catch(() =>
        host.stderr.write(`firn: ${name} was made and is still there, empty: take it away by firn drop ${name}\n`),
      )
    }
    throw error
  }
}

async function findTable(catalog: Catalog, name: string, signal: AbortSignal): Promise<Table | undefined> {
  try {
    return await catalog.loadTable(name, { signal })
  } catch (error) {
    if (error instanceof errors.NoSuchTableError || error instanceof errors.NoSuchNamespaceError) return undefined
    throw error
  }
}

/** Another process may make the table at the same time: then its table is the one to append to. */
async function createOrLoad(
  catalog: Catalog,
  name: string,
  options: CreateTableOptions,
): Promise<{ readonly table: Table; readonly isOurs: boolean }> {
  try {
    return { table: await catalog.createTable(name, options), isOurs: true }
  } catch (error) {
    if (!(error instanceof errors.AlreadyExistsError)) throw error
    return { table: await catalog.loadTable(name, { signal: options.signal }), isOurs: false }
  }
}

async function takeBack(catalog: Catalog, table: Table): Promise<void> {
  const { currentSnapshot } = await table.refresh()
  if (currentSnapshot === undefined) await catalog.dropTable(table.name)
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

/** The items of a generator whose first one was drawn already. */
async function* resumed<T>(
  first: IteratorResult<T, void>,
  rest: AsyncGenerator<T, void, undefined>,
): AsyncGenerator<T> {
  if (first.done === true) return
  try {
    yield first.value
    yield* rest
  } finally {
    await rest.return()
  }
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
