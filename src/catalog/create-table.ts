/**
 * Creation of a table at a name: metadata first, then the pointer, create-only or over a tombstone; then the namespace
 * is read again, since it may have been dropped meanwhile (commit-protocol, "Create").
 */
import { AlreadyExistsError, CommitFailedError, CommitStateUnknownError, NoSuchNamespaceError } from '../base/errors.ts'
import { joinLocation } from '../io/location.ts'
import { encodeTableMetadata, metadataFileName } from '../manifest/metadata-file.ts'
import { printIdentifier } from '../spec/identifier.ts'
import type { TableIdentifier } from '../spec/identifier.ts'
import { newTableMetadata } from '../spec/new-table-metadata.ts'
import { buildPartitionSpec } from '../spec/partition-spec.ts'
import { defineSchema } from '../spec/define-schema.ts'
import { buildSortOrder } from '../spec/sort-order.ts'
import type { TableMetadata } from '../spec/table-metadata.ts'
import { metadataFolder } from '../transaction/metadata-folder.ts'
import { nextCasBody } from './cas-body.ts'
import type { Held } from './cas-body.ts'
import type { CreateTableOptions } from './catalog.ts'
import type { CatalogEnvironment } from './catalog-environment.ts'
import type { NamespaceStore } from './namespace-store.ts'
import type { ObjectBase } from './object-operations.ts'
import { PointerStore } from './pointer-store.ts'
import { nextPointer } from './pointer.ts'
import type { PointerBody } from './pointer.ts'

/** Directories without a pointer are collected after this long at the earliest; a create gives up at half of it. */
const DIRECTORY_GRACE_MS = 72 * 3_600_000

export interface CreateRequest {
  readonly identifier: TableIdentifier
  readonly options: CreateTableOptions
}

export async function createPointer(
  env: CatalogEnvironment,
  namespaces: NamespaceStore,
  { identifier, options }: CreateRequest,
): Promise<ObjectBase> {
  const { io, runtime, keys, swapTimeoutMs } = env
  const { signal } = options
  const pointers = new PointerStore(env)
  const startMs = await io.storeTimeMs({ signal })
  const tableUuid = runtime.uuid()
  const metadata = describeTable(options, { tableUuid, location: keys.tableLocation(tableUuid), nowMs: startMs })
  const generation = await namespaces.generation(identifier.namespace, signal)
  const location = keys.pointer(identifier, generation)
  const base = await pointers.read(location, signal)
  if (base !== undefined && base.body.state === 'live') throw alreadyExists(identifier)
  const commit = { commitId: runtime.uuid(), u: runtime.uuid() }
  const v = (base?.body.v ?? 0) + 1
  const metadataLocation = joinLocation(metadataFolder(metadata), metadataFileName(v, commit.commitId, false))
  await io.write(metadataLocation, encodeTableMetadata(metadata, { gzip: false }), { signal })
  const next = firstPointer(env, base, { identifier, generation, tableUuid, metadataLocation, commit }, v)
  const sinceStartMs = (await io.storeTimeMs()) - startMs
  if (sinceStartMs > DIRECTORY_GRACE_MS / 2) throw tooLate(identifier)
  const outcome = await pointers.swap({ location, base, next, writesMetadata: true, timeoutMs: swapTimeoutMs })
  if (outcome.kind === 'conflict') {
    await io.delete([metadataLocation])
    throw alreadyExists(identifier)
  }
  if (outcome.kind === 'unknown') throw createUnknown(identifier, outcome.cause)
  await confirmCreated(env, namespaces, { identifier, location, mine: next })
  const outrun = outcome.held.body.u !== next.u
  return { metadata, metadataLocation, manifests: [], held: outcome.held, confirmed: true, outrun }
}

function describeTable(
  options: CreateTableOptions,
  place: { tableUuid: string; location: string; nowMs: number },
): TableMetadata {
  const { partitionBy = [], sortBy = [], properties = {}, formatVersion = 2 } = options
  const schema = defineSchema(options.schema)
  return newTableMetadata({
    schema,
    partitionSpec: isTerms(partitionBy) ? buildPartitionSpec(schema, partitionBy) : partitionBy,
    sortOrder: isTerms(sortBy) ? buildSortOrder(schema, sortBy) : sortBy,
    properties,
    formatVersion,
    ...place,
  })
}

function isTerms(input: readonly string[] | object): input is readonly string[] {
  return Array.isArray(input)
}

export interface FirstPointer {
  readonly identifier: TableIdentifier
  readonly generation: number
  readonly tableUuid: string
  readonly metadataLocation: string
  readonly commit: { readonly commitId: string; readonly u: string }
}

/**
 * The first body of a table at its name, of version `v` or the one that follows the key's last. Over a tombstone it
 * carries the old body whole, until whoever writes next has put that into trash.
 */
export function firstPointer(
  env: CatalogEnvironment,
  base: Held<PointerBody> | undefined,
  table: FirstPointer,
  v: number,
): PointerBody {
  const { commit } = table
  return {
    ...nextCasBody(base?.body, commit.commitId, commit.u, v),
    kind: 'table',
    uuid: table.tableUuid,
    name: table.identifier.name,
    nsGeneration: table.generation,
    metadataLocation: table.metadataLocation,
    prevMetadataLocation: undefined,
    gcHorizonMs: 0,
    state: 'live',
    hollow: false,
    movedTo: undefined,
    over: base === undefined || base.body.hollow ? undefined : { ...base.body, over: undefined },
    writer: env.writer,
  }
}

/** A create counts only if the namespace lives in its generation afterwards; else its name is buried again. */
export async function confirmCreated(
  env: CatalogEnvironment,
  namespaces: NamespaceStore,
  { identifier, location, mine }: { identifier: TableIdentifier; location: string; mine: PointerBody },
): Promise<void> {
  const { runtime } = env
  const pointers = new PointerStore(env)
  const generation = await namespaces.generation(identifier.namespace).catch((error: unknown) => {
    if (error instanceof NoSuchNamespaceError) return undefined
    throw createUnknown(identifier, error)
  })
  if (generation === mine.nsGeneration) return
  const held = await pointers.read(location)
  if (held?.body.u !== mine.u) throw createUnknown(identifier, undefined)
  const grave = nextPointer(
    held.body,
    { state: 'dropped', hollow: true, metadataLocation: undefined },
    { commitId: runtime.uuid(), u: runtime.uuid() },
  )
  const outcome = await pointers.swap({ location, base: held, next: grave, writesMetadata: false })
  if (outcome.kind !== 'committed') throw createUnknown(identifier, undefined)
  throw new NoSuchNamespaceError(
    `the namespace of ${printIdentifier(identifier)} was dropped while the table was made`,
    {
      context: { table: printIdentifier(identifier) },
    },
  )
}

export function alreadyExists(identifier: TableIdentifier): AlreadyExistsError {
  const table = printIdentifier(identifier)
  return new AlreadyExistsError(`table ${table} exists already`, { context: { table } })
}

function tooLate(identifier: TableIdentifier): CommitFailedError {
  const table = printIdentifier(identifier)
  return new CommitFailedError(`making ${table} took too long: its files may be collected; try again`, {
    context: { table },
  })
}

export function createUnknown(identifier: TableIdentifier, cause: unknown): CommitStateUnknownError {
  const table = printIdentifier(identifier)
  return new CommitStateUnknownError(`the store did not say whether ${table} was made: look before you try again`, {
    context: { table },
    cause,
  })
}
