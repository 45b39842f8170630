/**
 * Looking things up in table metadata: the schema, spec and order in use, snapshots by id, by time and by reference.
 * Scans resolve their `asOf` here, commits their base.
 */
import { InvalidDataError, NotFoundError, ValidationError } from '../base/errors.ts'
import { floorDivide, parseTimestamp, parseTimestamptz } from './date-time.ts'
import type { PartitionSpec } from './partition-spec.ts'
import { MAIN_BRANCH, type Snapshot, type SnapshotRef } from './snapshot.ts'
import type { SortOrder } from './sort-order.ts'
import type { TableMetadata } from './table-metadata.ts'
import type { Schema } from './types.ts'

/**
 * A state of a table. bigint: snapshot id; number: epoch milliseconds; Date: its time; string: the name of a branch or
 * tag, the digits of a snapshot id, or an ISO date or timestamp (UTC where it has no offset).
 */
export type AsOf =
  | bigint
  | number
  | string
  | Date
  | { readonly snapshotId: bigint }
  | { readonly timestampMs: number }
  | { readonly ref: string }

export function currentSchema(metadata: TableMetadata): Schema {
  return schemaById(metadata, metadata.currentSchemaId)
}

/** InvalidDataError where the table has no such schema. */
export function schemaById({ schemas }: TableMetadata, id: number): Schema {
  return (
    schemas.find((schema) => schema.schemaId === id) ??
    absent(
      'schema',
      id,
      schemas.map((s) => s.schemaId),
    )
  )
}

export function defaultSpec(metadata: TableMetadata): PartitionSpec {
  return specById(metadata, metadata.defaultSpecId)
}

/** InvalidDataError where the table has no such spec. */
export function specById({ partitionSpecs }: TableMetadata, id: number): PartitionSpec {
  const spec = partitionSpecs.find(({ specId }) => specId === id)
  return (
    spec ??
    absent(
      'partition spec',
      id,
      partitionSpecs.map(({ specId }) => specId),
    )
  )
}

export function defaultSortOrder(metadata: TableMetadata): SortOrder {
  return sortOrderById(metadata, metadata.defaultSortOrderId)
}

/** InvalidDataError where the table has no such order. */
export function sortOrderById({ sortOrders }: TableMetadata, id: number): SortOrder {
  const order = sortOrders.find(({ orderId }) => orderId === id)
  return (
    order ??
    absent(
      'sort order',
      id,
      sortOrders.map(({ orderId }) => orderId),
    )
  )
}

export function currentSnapshot(metadata: TableMetadata): Snapshot | undefined {
  return metadata.currentSnapshotId === undefined ? undefined : snapshotById(metadata, metadata.currentSnapshotId)
}

const indexes = new WeakMap<readonly Snapshot[], ReadonlyMap<bigint, Snapshot>>()

export function snapshotById({ snapshots }: TableMetadata, id: bigint): Snapshot | undefined {
  // Most asked for, and each commit has a list of its own.
  const last = snapshots.at(-1)
  if (last?.snapshotId === id) return last
  let index = indexes.get(snapshots)
  if (index === undefined) {
    index = new Map(snapshots.map((snapshot) => [snapshot.snapshotId, snapshot]))
    indexes.set(snapshots, index)
  }
  return index.get(id)
}

/** The branch or tag of a name. */
export function findRef({ refs }: TableMetadata, name: string): SnapshotRef | undefined {
  return Object.hasOwn(refs, name) ? refs[name] : undefined
}

/**
 * The snapshot that was current at a time, by the snapshot log: what readers saw then, rollbacks included.
 * Undefined before the log begins.
 */
export function snapshotAsOf(metadata: TableMetadata, timestampMs: number): Snapshot | undefined {
  const entry = metadata.snapshotLog.findLast((logged) => logged.timestampMs <= timestampMs)
  return entry && snapshotById(metadata, entry.snapshotId)
}

/** The snapshot that `asOf` means. Errors: NotFoundError saying what there is, ValidationError for what can't be read. */
export function resolveAsOf(metadata: TableMetadata, asOf: AsOf): Snapshot {
  if (typeof asOf === 'bigint') return requireSnapshot(metadata, asOf)
  if (typeof asOf === 'number') return requireAsOf(metadata, asOf)
  if (typeof asOf === 'string') return resolveText(metadata, asOf)
  if (asOf instanceof Date) return requireAsOf(metadata, asOf.getTime())
  if ('snapshotId' in asOf) return requireSnapshot(metadata, asOf.snapshotId)
  if ('timestampMs' in asOf) return requireAsOf(metadata, asOf.timestampMs)
  return requireRef(metadata, asOf.ref)
}

/** Tags are often named by dates or numbers, so a reference of exactly this name comes before a time, after an id. */
function resolveText(metadata: TableMetadata, text: string): Snapshot {
  const isId = /^\d{1,19}$/.test(text)
  const snapshot = isId ? snapshotById(metadata, BigInt(text)) : undefined
  if (snapshot !== undefined) return snapshot
  if (findRef(metadata, text) !== undefined) return requireRef(metadata, text)
  if (isId) return requireSnapshot(metadata, BigInt(text))
  const micros = parseTimestamptz(text, 6) ?? parseTimestamp(text, 6)
  if (micros !== undefined) return requireAsOf(metadata, floorDivide(micros, 1000))
  return requireRef(metadata, text)
}

function requireSnapshot(metadata: TableMetadata, id: bigint): Snapshot {
  const snapshot = snapshotById(metadata, id)
  if (snapshot !== undefined) return snapshot
  throw new NotFoundError(`no snapshot ${id}: ${describeSnapshots(metadata)}`, { context: { snapshotId: id } })
}

function requireAsOf(metadata: TableMetadata, timestampMs: number): Snapshot {
  if (!Number.isSafeInteger(timestampMs) || Number.isNaN(new Date(timestampMs).getTime())) {
    throw new ValidationError(`not a time in epoch milliseconds: ${timestampMs}; give snapshot ids as bigint or text`, {
      context: { timestampMs },
    })
  }
  const snapshot = snapshotAsOf(metadata, timestampMs)
  if (snapshot !== undefined) return snapshot
  const [first] = metadata.snapshotLog
  const history = first ? `its history begins at ${isoTime(first.timestampMs)}` : 'it has no history'
  throw new NotFoundError(`the table has no snapshot as of ${isoTime(timestampMs)}: ${history}`, {
    context: { timestampMs, oldestMs: first?.timestampMs },
  })
}

function requireRef(metadata: TableMetadata, name: string): Snapshot {
  const ref = findRef(metadata, name)
  const snapshot = ref && snapshotById(metadata, ref.snapshotId)
  if (snapshot !== undefined) return snapshot
  const names = Object.keys(metadata.refs)
  if (name === MAIN_BRANCH) throw new NotFoundError('the table has no snapshot yet', { context: { ref: name } })
  throw new NotFoundError(
    `no branch or tag "${name}", and it is no snapshot id or ISO timestamp; the table has ${names.join(', ') || 'none'}`,
    { context: { ref: name } },
  )
}

/** Locations are joined with "/": a table at `s3://b/t/` is the one at `s3://b/t`. */
export function withoutTrailingSlash(location: string): string {
  return location.replace(/(?<!:\/|:)\/+$/, '')
}

function describeSnapshots({ snapshots }: TableMetadata): string {
  const byTime = snapshots.toSorted((a, b) => a.timestampMs - b.timestampMs)
  const [oldest] = byTime
  const newest = byTime.at(-1)
  if (oldest === undefined || newest === undefined) return 'the table has no snapshot yet'
  const range = [oldest, newest].map((s) => `${s.snapshotId} (${isoTime(s.timestampMs)})`)
  return `the table has ${snapshots.length}, from ${range.join(' to ')}`
}

function isoTime(timestampMs: number): string {
  return new Date(timestampMs).toISOString()
}

/** Ids come from manifests and snapshots of the same metadata, so an unknown one is bad data and no wrong call. */
function absent(what: string, id: number, ids: readonly number[]): never {
  throw new InvalidDataError(`the table metadata has no ${what} ${id}, only ${ids.join(', ') || 'none'}`, {
    context: { id },
  })
}
