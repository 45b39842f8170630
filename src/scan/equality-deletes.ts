/**
 * Rows deleted by their values: equality delete files. All of a scan that delete by the same columns, in one partition or
 * in the whole table, make one table of keys with the sequence number of the last deletion of each: a row is deleted
 * where that is later than its data file. So files are read once each, and a row costs one look-up per set of columns.
 */
import type { RecordBatch } from 'apache-arrow'
import { mapConcurrent } from '../base/concurrency.ts'
import { InvalidDataError, UnsupportedError } from '../base/errors.ts'
import { readParquet } from '../format/parquet-reader.ts'
import type { FileIO } from '../io/file-io.ts'
import type { DataFile } from '../spec/data-file.ts'
import { partitionKey } from '../spec/partition-spec.ts'
import { projectFieldIds } from '../spec/select-fields.ts'
import { specById } from '../spec/table-metadata-access.ts'
import type { TableMetadata } from '../spec/table-metadata.ts'
import type { NestedField, Schema } from '../spec/types.ts'
import { isUnpartitioned } from './delete-index.ts'
import { schemaWith } from './equality-metrics.ts'
import type { RowMask } from './filter-batch.ts'
import { KeyBuffer, KeyMap } from './key-map.ts'
import { mergeFields } from './merge-fields.ts'
import { openDataFile } from './open-data-file.ts'
import { compileRowKey } from './row-keys.ts'
import type { DeleteFile, FileScanTask } from './scan-task.ts'

export interface EqualityContext {
  readonly io: FileIO
  readonly metadata: TableMetadata
  readonly schema: Schema
  readonly signal?: AbortSignal | undefined
}

/** Equality deletes of one task, ready to be applied. */
export interface EqualityTest {
  /** Columns that batches must have. */
  readonly columns: readonly NestedField[]
  /** Clears the rows of `mask` that are deleted, by batches laid out as `schema`. */
  bind(schema: Schema): (batch: RecordBatch, mask: RowMask) => void
}

interface Group {
  readonly ids: readonly number[]
  readonly columns: readonly NestedField[]
  readonly loaded: Map<string, Promise<void>>
  readonly keys: KeyMap
  /** Tasks that read by it now. */
  users: number
}

const FILES_IN_FLIGHT = 8

export class EqualityDeletes {
  readonly #context: EqualityContext
  readonly #maxBytes: number
  readonly #groups = new Map<string, Group>()

  constructor(context: EqualityContext, maxBytes: number) {
    this.#context = context
    this.#maxBytes = maxBytes
  }

  /** Runs `read` with the tests of a task; their keys stay in memory at least so long. */
  async open({ deletes, sequenceNumber }: FileScanTask): Promise<{ tests: EqualityTest[]; close: () => void }> {
    const needed = new Map<Group, DeleteFile[]>()
    for (const each of deletes) {
      if (each.file.content !== 'equality-deletes') continue
      const group = this.#groupOf(each.file)
      const files = needed.get(group)
      if (files === undefined) needed.set(group, [each])
      else files.push(each)
    }
    const groups = [...needed.keys()]
    for (const group of groups) group.users += 1
    const close = (): void => groups.forEach((group) => (group.users -= 1))
    try {
      const files = [...needed].flatMap(([group, list]) => list.map((each) => ({ group, each })))
      const load = (item: { group: Group; each: DeleteFile }): Promise<void> => this.#load(item.group, item.each)
      for await (const _ of mapConcurrent(files, FILES_IN_FLIGHT, load, this.#context.signal));
    } catch (error) {
      close()
      throw error
    }
    return { tests: groups.map((group) => testOf(group, Number(sequenceNumber))), close }
  }

  #groupOf(file: DataFile): Group {
    const { metadata } = this.#context
    const ids = [...new Set(file.equalityIds)].toSorted((a, b) => a - b)
    if (ids.length === 0) {
      throw new InvalidDataError(`the equality delete file ${file.filePath} names no columns to delete by`, {
        context: { location: file.filePath },
      })
    }
    const isGlobal = isUnpartitioned(specById(metadata, file.specId))
    const key = `${ids.join()} ${isGlobal ? '' : partitionKey(file, file.partition)}`
    const known = this.#groups.get(key)
    if (known !== undefined) return known
    const columns = equalityColumns(ids, file.filePath, this.#context)
    const group: Group = { ids, columns, loaded: new Map(), keys: new KeyMap(), users: 0 }
    this.#groups.set(key, group)
    return group
  }

  #load(group: Group, each: DeleteFile): Promise<void> {
    const { filePath } = each.file
    let loading = group.loaded.get(filePath)
    if (loading === undefined) {
      loading = this.#read(group, each)
      group.loaded.set(filePath, loading)
    }
    return loading
  }

  async #read({ ids, columns, keys }: Group, { file, sequenceNumber }: DeleteFile): Promise<void> {
    const { io, signal } = this.#context
    const source = await openDataFile(file, io, { signal })
    const schema: Schema = { schemaId: 0, fields: columns, identifierFieldIds: [] }
    const bind = compileRowKey(schema, ids)
    checkHas(source.footer.leaves, ids, file.filePath)
    const buffer = new KeyBuffer()
    for await (const { batch } of readParquet(source, { schema, signal })) {
      const write = bind(batch)
      for (let row = 0; row < batch.numRows; row++) {
        write(row, buffer)
        keys.put(buffer, Number(sequenceNumber))
      }
      this.#makeRoom()
    }
  }

  #makeRoom(): void {
    const used = (): number => [...this.#groups.values()].reduce((sum, { keys }) => sum + keys.sizeBytes, 0)
    if (used() <= this.#maxBytes) return
    for (const [key, { users }] of this.#groups) if (users === 0) this.#groups.delete(key)
    if (used() <= this.#maxBytes) return
    throw new UnsupportedError(
      `equality deletes take more than ${this.#maxBytes} bytes of memory: raise deleteMemoryBytes, or compact the table`,
      { context: { maxBytes: this.#maxBytes } },
    )
  }
}

function testOf({ ids, columns, keys }: Group, sequenceNumber: number): EqualityTest {
  return {
    columns,
    bind(schema) {
      const bindKey = compileRowKey(schema, ids)
      const buffer = new KeyBuffer()
      return (batch, mask) => {
        const write = bindKey(batch)
        for (let row = 0; row < mask.length; row++) {
          if (mask[row] === 0) continue
          write(row, buffer)
          if (keys.get(buffer) > sequenceNumber) mask[row] = 0
        }
      }
    },
  }
}

/**
 * The columns of equality ids as they lie in the table, with the types that the scan's schema has; those dropped since,
 * as the latest schema had them. All are optional here: files may be older or younger than the columns.
 */
function equalityColumns(ids: readonly number[], location: string, context: EqualityContext): readonly NestedField[] {
  return ids.reduce<readonly NestedField[]>((fields, id) => {
    const schema = schemaWith(id, context)
    if (schema === undefined) {
      throw new InvalidDataError(`${location} deletes by field id ${id}, which no schema of the table has`, {
        context: { location, fieldId: id },
      })
    }
    return mergeFields(fields, projectFieldIds(schema, new Set([id])).fields.map(toOptional))
  }, [])
}

/** Initial defaults stay: a row older than the column has its default. */
function toOptional(field: NestedField): NestedField {
  const { type } = field
  const inner = type.kind === 'struct' ? { ...type, fields: type.fields.map(toOptional) } : type
  return { ...field, type: inner, required: false }
}

function checkHas(
  leaves: readonly { readonly fieldId?: number | undefined }[],
  ids: readonly number[],
  location: string,
): void {
  const missing = ids.find((id) => !leaves.some(({ fieldId }) => fieldId === id))
  if (missing === undefined) return
  throw new InvalidDataError(`${location} deletes by field id ${missing}, but has no such column`, {
    context: { location, fieldId: missing },
  })
}
