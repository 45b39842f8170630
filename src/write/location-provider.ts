/**
 * Where data files go and what they are called: the default layout of Java's location providers, a folder for each
 * partition, and their hashed one, which spreads the requests of busy tables over a store's key space.
 */
import { joinLocation } from '../io/location.ts'
import type { PartitionData } from '../spec/data-file.ts'
import { murmur3 } from '../spec/murmur3.ts'
import type { PartitionSpec } from '../spec/partition-spec.ts'
import { partitionPath } from '../spec/partition-spec.ts'
import { DATA_LOCATION, OBJECT_STORAGE_ENABLED, booleanProperty } from '../spec/properties.ts'
import type { TableMetadata } from '../spec/table-metadata.ts'
import type { Schema } from '../spec/types.ts'

const OBJECT_STORAGE_PARTITIONED_PATHS = 'write.object-storage.partitioned-paths'
/** Older names of `write.data.path`, the second in hashed layouts only. */
const FOLDER_STORAGE_PATH = 'write.folder-storage.path'
const OBJECT_STORAGE_PATH = 'write.object-storage.path'

const HASH_BITS = 20
/** The hash's bits as folders of 4, 4, 4 and 8: few enough to list one by one when orphans are looked for. */
const HASH_FOLDERS = /^(.{4})(.{4})(.{4})(.{8})$/

/** The location of a new data file. */
export type LocationProvider = (partition: PartitionData, fileName: string) => string

/** Reads the table's settings. */
export function locationProvider(metadata: TableMetadata, schema: Schema, spec: PartitionSpec): LocationProvider {
  const { location, properties } = metadata
  const hashed = booleanProperty(properties, OBJECT_STORAGE_ENABLED, false)
  const folder =
    properties[DATA_LOCATION] ??
    (hashed ? properties[OBJECT_STORAGE_PATH] : undefined) ??
    properties[FOLDER_STORAGE_PATH] ??
    joinLocation(location, 'data')
  const pathOf = (partition: PartitionData): string => partitionPath(spec, schema, partition)
  if (!hashed) return (partition, fileName) => joinLocation(folder, ...present(pathOf(partition)), fileName)

  const partitioned = booleanProperty(properties, OBJECT_STORAGE_PARTITIONED_PATHS, true)
  // A folder that other tables may share gets the table's name below the hash.
  const shared = folder.startsWith(location) ? [] : [lastFolders(location)]
  return (partition, fileName) => {
    const name = partitioned ? [...present(pathOf(partition)), fileName].join('/') : fileName
    const hash = hashFolders(name)
    if (shared.length > 0) return joinLocation(folder, hash, ...shared, name)
    return partitioned ? joinLocation(folder, hash, name) : joinLocation(folder, `${hash}-${name}`)
  }
}

/** `00000-0-{write id}-00001.parquet`: the worker's number, its task, the write, the file's number in it. */
export function dataFileName(writeId: string, fileNumber: number, worker = 0): string {
  return `${String(worker).padStart(5, '0')}-0-${writeId}-${String(fileNumber).padStart(5, '0')}.parquet`
}

/** The lowest 20 bits of the name's murmur3 hash: `0101/0110/1001/10110010`. */
function hashFolders(name: string): string {
  const hash = murmur3(new TextEncoder().encode(name))
  const bits = (hash & ((1 << HASH_BITS) - 1)).toString(2).padStart(HASH_BITS, '0')
  return bits.replace(HASH_FOLDERS, '$1/$2/$3/$4')
}

function lastFolders(location: string): string {
  return location
    .replace(/^[a-z0-9]+:\/*/i, '')
    .split('/')
    .filter((part) => part !== '')
    .slice(-2)
    .join('/')
}

function present(path: string): string[] {
  return path === '' ? [] : [path]
}
