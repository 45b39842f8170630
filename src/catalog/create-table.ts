/** A new table: its first metadata file by the caller's options, and the pointer that makes it visible. */
import { joinLocation } from '../io/location.ts'
import { encodeTableMetadata, metadataFileName } from '../manifest/metadata-file.ts'
import type { TableIdentifier } from '../spec/identifier.ts'
import { newTableMetadata } from '../spec/new-table-metadata.ts'
import { buildPartitionSpec } from '../spec/partition-spec.ts'
import { defineSchema } from '../spec/define-schema.ts'
import { buildSortOrder } from '../spec/sort-order.ts'
import type { TableMetadata } from '../spec/table-metadata.ts'
import { metadataFolder } from '../transaction/metadata-folder.ts'
import type { CreateTableOptions } from './catalog.ts'
import type { CatalogEnvironment } from './catalog-environment.ts'
import { createPointer } from './create-pointer.ts'
import type { NamespaceStore } from './namespace-store.ts'
import type { ObjectBase } from './object-base.ts'

export interface CreateTableRequest {
  readonly identifier: TableIdentifier
  readonly options: CreateTableOptions
  readonly commitId: string
}

export async function createTable(
  env: CatalogEnvironment,
  namespaces: NamespaceStore,
  { identifier, options, commitId }: CreateTableRequest,
): Promise<ObjectBase> {
  const { io, runtime, keys } = env
  const { signal } = options
  const startMs = await io.storeTimeMs({ signal })
  const uuid = runtime.uuid()
  const metadata = describeTable(options, { tableUuid: uuid, location: keys.tableLocation(uuid), nowMs: startMs })
  const writeMetadata = async (v: number): Promise<string> => {
    const location = joinLocation(metadataFolder(metadata), metadataFileName(v, commitId, false))
    await io.write(location, encodeTableMetadata(metadata, { gzip: false }), { signal })
    return location
  }
  const request = { identifier, kind: 'table', uuid, commitId, startMs, writeMetadata, signal } as const
  const { held, metadataLocation, outrun } = await createPointer(env, namespaces, request)
  return { metadata, metadataLocation, manifests: [], held, confirmed: true, outrun }
}

/** The metadata of a table that is to be made. */
export function describeTable(
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
