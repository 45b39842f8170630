/** Where the catalog keeps its objects below the warehouse (commit-protocol, "Keys"), and which names fit there. */
import { ValidationError } from '../base/errors.ts'
import { joinLocation } from '../io/location.ts'
import { printIdentifier, printNamespace } from '../spec/identifier.ts'
import type { TableIdentifier } from '../spec/identifier.ts'

/** S3's limit on a key, and a file system's on one component with room for the run's `.json` and temporary names. */
const MAX_KEY_BYTES = 1_024
const MAX_COMPONENT_BYTES = 240
const LEVEL_SEPARATOR = '%1F'

interface PointerKey extends TableIdentifier {
  readonly generation: number
}

export interface CatalogKeys {
  readonly warehouse: string
  readonly catalogRecord: string
  /** Folder of all namespaces, ending in "/". */
  readonly namespaces: string
  /** What the folders of all namespaces below one begin with. */
  childNamespaces(parent: readonly string[]): string
  namespaceRecord(namespace: readonly string[]): string
  /** Folder of the pointers of one generation of a namespace, ending in "/". */
  pointers(namespace: readonly string[], generation: number): string
  pointer(identifier: TableIdentifier, generation: number): string
  /** Folder of the pointers of all generations of a namespace, ending in "/". */
  allPointers(namespace: readonly string[]): string
  /** What lies at a key below `namespaces`: a pointer, or undefined for a namespace's own record. */
  parsePointer(location: string): PointerKey | undefined
  /** Folder of all tombstones whose names were taken again, ending in "/". */
  readonly allTrash: string
  trash(uuid: string): string
  trashEntry(uuid: string, v: number, u: string): string
  /** Folder of all records of ownership, ending in "/". */
  readonly allOwn: string
  /** Who owns a registered uuid, or the location of a hash. */
  own(id: string): string
  /** Folder of all transaction records, ending in "/". */
  readonly transactions: string
  transaction(id: string): string
  /** Folder of all records of idempotency keys, ending in "/". */
  readonly idempotencyKeys: string
  idempotency(key: string): string
  probe(id: string): string
  tableLocation(uuid: string): string
}

export function catalogKeys(warehouse: string): CatalogKeys {
  const at = (...parts: string[]): string => joinLocation(warehouse, '_catalog/v1', ...parts)
  return {
    warehouse,
    catalogRecord: at('catalog.json'),
    namespaces: `${at('ns')}/`,
    childNamespaces: (parent) => at('ns', `${encodeNamespace(parent)}${LEVEL_SEPARATOR}`),
    namespaceRecord: (namespace) =>
      checkKey(at('ns', encodeNamespace(namespace), 'ns.json'), printNamespace(namespace)),
    pointers: (namespace, generation) => `${at('ns', encodeNamespace(namespace), String(generation))}/`,
    pointer: (id, generation) =>
      checkKey(
        at('ns', encodeNamespace(id.namespace), String(generation), `${encodeName(id.name)}.json`),
        printIdentifier(id),
      ),
    allPointers: (namespace) => `${at('ns', encodeNamespace(namespace))}/`,
    parsePointer: (location) => parsePointerKey(location.slice(at('ns').length + 1)),
    allTrash: `${at('trash')}/`,
    trash: (uuid) => `${at('trash', uuid)}/`,
    trashEntry: (uuid, v, u) => at('trash', uuid, `${String(v).padStart(12, '0')}-${u}.json`),
    allOwn: `${at('own')}/`,
    own: (id) => at('own', `${id}.json`),
    transactions: `${at('txn')}/`,
    transaction: (id) => at('txn', `${id}.json`),
    idempotencyKeys: `${at('idem')}/`,
    idempotency: (key) => checkKey(at('idem', `${encodeName(key)}.json`), key),
    probe: (id) => at('probe', `${id}.json`),
    tableLocation: (uuid) => joinLocation(warehouse, uuid),
  }
}

/** `E()`: UTF-8 bytes outside [A-Za-z0-9_-] as %XX, so that no name can leave its folder or meet a key of ours. */
export function encodeName(name: string): string {
  if (name === '' || name.includes('\u001F')) {
    throw new ValidationError(`a name may not be empty or contain U+001F: ${JSON.stringify(name)}`, {
      context: { name },
    })
  }
  let encoded = ''
  for (const byte of new TextEncoder().encode(name)) {
    const char = String.fromCharCode(byte)
    encoded += /[\w-]/.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return encoded
}

export function decodeName(encoded: string): string {
  return decodeURIComponent(encoded)
}

function encodeNamespace(namespace: readonly string[]): string {
  if (namespace.length === 0) throw new ValidationError('a namespace needs at least one level')
  return namespace.map(encodeName).join(LEVEL_SEPARATOR)
}

export function decodeNamespace(encoded: string): string[] {
  return encoded.split(LEVEL_SEPARATOR).map(decodeName)
}

function parsePointerKey(key: string): PointerKey | undefined {
  const [, namespace, generation, name] = /^([^/]+)\/(\d+)\/([^/]+)\.json$/.exec(key) ?? []
  if (namespace === undefined || name === undefined) return undefined
  return { namespace: decodeNamespace(namespace), generation: Number(generation), name: decodeName(name) }
}

function checkKey(location: string, name: string): string {
  const key = location.replace(/^[a-z0-9]+:\/\/[^/]*\//, '')
  const tooLong = key.length > MAX_KEY_BYTES || key.split('/').some((part) => part.length > MAX_COMPONENT_BYTES)
  if (!tooLong) return location
  throw new ValidationError(`the name is too long for an object key: ${name}; use a shorter one`, { context: { name } })
}
