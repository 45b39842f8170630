/**
 * A Parquet file that firn did not write, as a data file of a table: its footer tells rows, column metrics and row groups,
 * and whether its columns are the table's. Nothing of it is rewritten (table/add-files.ts).
 */
import { InvalidDataError, ValidationError } from '../base/errors.ts'
import type { ParquetFooter } from '../format/parquet-footer.ts'
import { parquetMetrics } from '../format/parquet-metrics.ts'
import { innerFields } from '../format/parquet-nesting.ts'
import type { InnerField } from '../format/parquet-nesting.ts'
import { planProjection } from '../format/parquet-projection.ts'
import { maxLevelsOf } from '../format/parquet-schema.ts'
import { openParquet } from '../format/parquet-source.ts'
import { boundedTypes } from '../format/parquet-stats.ts'
import type { FileIO, IoOptions } from '../io/file-io.ts'
import type { DataFile, PartitionData } from '../spec/data-file.ts'
import { metricsModes } from '../spec/metrics-modes.ts'
import { ancestorIds, columnName, findField } from '../spec/schema.ts'
import { currentSchema, defaultSortOrder } from '../spec/table-metadata-access.ts'
import type { TableMetadata } from '../spec/table-metadata.ts'
import type { Schema } from '../spec/types.ts'
import { externalPartition } from './external-partition.ts'
import type { PartitionSource } from './external-partition.ts'

export interface ExternalFile {
  readonly location: string
  readonly sizeBytes: number
  /** The store's time. */
  readonly lastModifiedMs: number
}

export interface ExternalTarget {
  readonly metadata: TableMetadata
  readonly partition: PartitionSource
  /** For files without field ids; JSON as the table's property has it. */
  readonly nameMapping: string
}

export interface DescribedFile {
  readonly dataFile: DataFile
  /** Whether the columns were found by name: the table needs its mapping to read them. */
  readonly isMapped: boolean
}

/**
 * Reads the footer. Errors: ValidationError naming file and column for what is not the table's, InvalidDataError for what
 * is no Parquet file, those of FileIO.
 */
export async function describeExternal(
  io: FileIO,
  { location, sizeBytes }: ExternalFile,
  target: ExternalTarget,
  options: IoOptions = {},
): Promise<DescribedFile> {
  const { metadata, partition: source, nameMapping } = target
  const schema = currentSchema(metadata)
  const read: Parameters<typeof openParquet>[0]['read'] = async (range, readOptions) =>
    (await io.readRange(location, range, readOptions)).bytes
  const { footer } = await openParquet({ location, sizeBytes, read }, { ...options, nameMapping })
  const full = parquetMetrics(footer, schema, () => ({ kind: 'full' }), new Map())
  const partition = externalPartition(location, full, source)
  checkColumns(location, footer, { metadata, constants: constantsOf(source, partition) })
  const { properties } = metadata
  const modes = metricsModes({ schema, sortOrder: defaultSortOrder(metadata), properties })
  const dataFile: DataFile = {
    content: 'data',
    filePath: location,
    fileFormat: 'parquet',
    specId: source.spec.specId,
    partition,
    fileSizeInBytes: sizeBytes,
    ...parquetMetrics(footer, schema, modes, new Map()),
  }
  return { dataFile, isMapped: footer.fieldIds === 'mapped' }
}

type Constants = ReadonlyMap<number, PartitionData[number]>

/** What readers take for columns that the file lacks (spec, "Column Projection"). */
function constantsOf({ spec }: PartitionSource, partition: PartitionData): Constants {
  return new Map(
    spec.fields.flatMap(({ transform, sourceIds: [id = 0] }, i) =>
      transform.kind === 'identity' ? [[id, partition[i] ?? null] as const] : [],
    ),
  )
}

function checkColumns(
  location: string,
  footer: ParquetFooter,
  { metadata, constants }: { metadata: TableMetadata; constants: Constants },
): void {
  const refuse = (column: string, why: string): never => {
    throw new ValidationError(`${location}: column "${column}": ${why}`, { context: { location, column } })
  }
  const schema = currentSchema(metadata)
  if (footer.fieldIds === 'stored') checkNames(innerFields(footer.schema), metadata.schemas, refuse)
  else {
    const extra = footer.schema.children.find((field) => field.fieldId === undefined)
    if (extra !== undefined) refuse(extra.name, 'the table has no such column: add it first')
  }
  try {
    planProjection(footer, schema, { location, constants: ({ id }) => constants.get(id) })
  } catch (error) {
    if (!(error instanceof InvalidDataError)) throw error
    throw new ValidationError(`${error.message}: it does not fit the table`, { context: error.context, cause: error })
  }
  checkRequired(footer, schema, refuse)
}

type Refuse = (column: string, why: string) => never

/** Ids of another table would give columns of one name to another: an id must be one that the table had under that name. */
function checkNames(fields: readonly InnerField[], schemas: readonly Schema[], refuse: Refuse, within = ''): void {
  for (const { name, field, isElement } of fields) {
    const { fieldId } = field
    const path = within === '' ? name : `${within}.${name}`
    const known = schemas.flatMap((schema) => (fieldId === undefined ? [] : (findField(schema, fieldId)?.name ?? [])))
    if (known.length > 0 && !known.includes(name)) {
      refuse(
        path,
        `its field id ${fieldId} is that of "${known.at(-1)}" in the table: the file belongs to another table`,
      )
    }
    checkNames(innerFields(field, isElement), schemas, refuse, path)
  }
}

/** A column that must have values may have none as far as the file tells. */
function checkRequired(footer: ParquetFooter, schema: Schema, refuse: Refuse): void {
  const bounded = boundedTypes(schema)
  for (const [index, leaf] of footer.leaves.entries()) {
    const id = leaf.fieldId
    if (id === undefined || !bounded.has(id) || maxLevelsOf(footer.schema, leaf).definition === 0) continue
    const isRequired = [...ancestorIds(schema, id), id].every((each) => findField(schema, each)?.required === true)
    if (!isRequired) continue
    const nulls = footer.rowGroups.map(({ columns }) => columns[index]?.statistics.nullCount)
    if (nulls.every((count) => count === 0)) continue
    const name = columnName(schema, id) ?? leaf.name
    refuse(
      name,
      nulls.includes(undefined)
        ? 'it is required, and the file may have nulls in it'
        : 'it is required, and the file has nulls in it',
    )
  }
}
