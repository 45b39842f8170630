/**
 * Existing Parquet files into a table as they are: footers are read, nothing is rewritten. What does not fit is refused
 * before anything is committed (write/external-file.ts), and all files come in one commit.
 */
import { mapConcurrent } from '../base/concurrency.ts'
import { CommitFailedError, UnsupportedError, ValidationError, messageOf } from '../base/errors.ts'
import { isUuid } from '../base/uuid.ts'
import type { FileIO } from '../io/file-io.ts'
import { canonicalLocation, parentLocation, storeKindOf, toLocation } from '../io/location.ts'
import { checkWritable } from '../manifest/manifest-writer.ts'
import { NAME_MAPPING, nameMappingOf, parseNameMapping, printNameMapping } from '../spec/name-mapping.ts'
import type { NameMapping } from '../spec/name-mapping.ts'
import { partitionPath } from '../spec/partition-spec.ts'
import { DATA_LOCATION } from '../spec/properties.ts'
import { currentSchema, defaultSpec } from '../spec/table-metadata-access.ts'
import type { TableMetadata } from '../spec/table-metadata.ts'
import { AddFilesAction, explainExpiry } from '../transaction/add-files.ts'
import { commitTable } from '../transaction/commit.ts'
import { metadataFolder } from '../transaction/metadata-folder.ts'
import type { TableOperations } from '../transaction/operations.ts'
import { describeExternal } from '../write/external-file.ts'
import type { DescribedFile, ExternalFile } from '../write/external-file.ts'
import { checkGiven } from '../write/external-partition.ts'
import type { GivenPartition } from '../write/external-partition.ts'

export interface AddFilesOptions {
  /**
   * Values of the partition that all files are of, by the name of a partition field, or of its column where it takes that
   * as it is. What is not given is told by `key=value` folders, else by the statistics of a file with one partition.
   */
  readonly partition?: GivenPartition | undefined
  /** Whether `key=value` folders tell partitions; true unless said. */
  readonly hive?: boolean | undefined
  /** For files without field ids, as JSON; becomes the table's. The table's own, else its column names, by default. */
  readonly nameMapping?: string | undefined
  /** Takes files that the table has already once more: their rows double. */
  readonly allowDuplicates?: boolean | undefined
  /** Asks the store for the age of each file again, where a listing may be behind. */
  readonly strict?: boolean | undefined
  /** Checks everything and commits nothing. */
  readonly dryRun?: boolean | undefined
  readonly summary?: Readonly<Record<string, string>> | undefined
  readonly signal?: AbortSignal | undefined
}

export interface AddedFile {
  readonly location: string
  readonly rows: number
  readonly sizeBytes: number
  /** `origin=SFO/date_month=2001-01`; empty where the table is not partitioned. */
  readonly partition: string
}

export interface AddFilesResult {
  readonly rows: bigint
  readonly sizeBytes: number
  readonly files: readonly AddedFile[]
  /** Undefined where nothing was committed: a dry run, or no rows. */
  readonly snapshotId: bigint | undefined
  readonly attempts: number
}

const FOOTERS_IN_FLIGHT = 16
const LISTED_AT_ONCE = 16

export async function addFiles(
  operations: TableOperations,
  paths: readonly string[],
  options: AddFilesOptions,
): Promise<AddFilesResult> {
  const { io, name } = operations
  const { metadata } = operations.current
  const { allowDuplicates = false, dryRun = false, summary, signal } = options
  checkWritable(metadata.formatVersion)
  const found = await listFiles(io, paths, options)
  if (found.length === 0) {
    throw new ValidationError(`no files in ${paths.join(', ')}: name Parquet files, or a folder of them`)
  }
  checkNotOfAnother(found, metadata)
  const described = await describeAll(io, found, { metadata, options })
  const dataFiles = described.map(({ dataFile }) => dataFile).filter(({ recordCount }) => recordCount > 0)
  const spec = defaultSpec(metadata)
  const schema = currentSchema(metadata)
  const files = dataFiles.map(({ filePath, recordCount, fileSizeInBytes, partition }) => ({
    location: filePath,
    rows: recordCount,
    sizeBytes: fileSizeInBytes,
    partition: partitionPath(spec, schema, partition),
  }))
  const sums = {
    rows: BigInt(files.reduce((sum, { rows }) => sum + rows, 0)),
    sizeBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    files,
  }
  const properties = newMapping(described, metadata, options)
  const action = new AddFilesAction(operations, {
    dataFiles,
    sessionStartMs: sessionStart(found, metadata),
    summary,
    properties,
    check: (base) =>
      checkUnchanged({ ...metadata.properties, ...properties }, { checked: metadata, base, table: name }),
    allowDuplicates,
  })
  if (dryRun) await action.checkOn(operations.current)
  if (dryRun || files.length === 0) return { ...sums, snapshotId: undefined, attempts: 0 }
  const { attempts } = await commitTable(operations, action, { signal }).catch((error: unknown) => {
    throw explainExpiry(error, name)
  })
  return { ...sums, snapshotId: action.snapshotId, attempts }
}

/**
 * The files of locations and folders, in their order, each once. Files in folders whose names begin with "_" or "." are
 * left out, and those below such folders, as other engines do. Errors: NotFoundError, UnsupportedError for other stores.
 */
export async function listFiles(
  io: FileIO,
  paths: readonly string[],
  { strict = false, signal }: Pick<AddFilesOptions, 'strict' | 'signal'> = {},
): Promise<ExternalFile[]> {
  const files = new Map<string, ExternalFile>()
  for (const path of paths) {
    const location = toLocation(path, process.cwd())
    if (storeKindOf(location) !== io.kind) {
      throw new UnsupportedError(`${location} cannot be reached from the table's store: copy it there first`, {
        context: { location },
      })
    }
    const below = await listFolder(io, location, signal)
    const stated =
      below.length > 0 && !strict ? below : await statAll(io, below.length > 0 ? below : [{ location }], signal)
    for (const file of stated) files.set(file.location, file)
  }
  return [...files.values()]
}

async function listFolder(io: FileIO, folder: string, signal: AbortSignal | undefined): Promise<ExternalFile[]> {
  const files: ExternalFile[] = []
  for await (const { entries } of io.list(`${folder}/`, { signal })) {
    for (const { location, sizeBytes, lastModifiedMs } of entries) {
      const names = location.slice(folder.length + 1).split('/')
      const isHidden = names.some((part) => part.startsWith('.') || (part.startsWith('_') && !part.includes('=')))
      // Consoles of object stores make empty objects for folders.
      if (!isHidden && names.at(-1) !== '' && sizeBytes > 0) files.push({ location, sizeBytes, lastModifiedMs })
    }
  }
  return files
}

async function statAll(
  io: FileIO,
  files: readonly { readonly location: string }[],
  signal: AbortSignal | undefined,
): Promise<ExternalFile[]> {
  const stated: ExternalFile[] = []
  const asked = mapConcurrent(files, LISTED_AT_ONCE, async ({ location }) => ({
    location,
    ...(await io.stat(location, { signal })),
  }))
  for await (const { location, sizeBytes, lastModifiedMs } of asked)
    stated.push({ location, sizeBytes, lastModifiedMs })
  return stated
}

async function describeAll(
  io: FileIO,
  files: readonly ExternalFile[],
  { metadata, options }: { metadata: TableMetadata; options: AddFilesOptions },
): Promise<DescribedFile[]> {
  const { partition: given = {}, hive: readsPath = true, signal } = options
  const source = { spec: defaultSpec(metadata), schema: currentSchema(metadata), given, readsPath }
  checkGiven(source)
  const nameMapping = mappingOf(metadata, options)
  const described: DescribedFile[] = []
  const reading = mapConcurrent(
    files,
    FOOTERS_IN_FLIGHT,
    (file) => describeExternal(io, file, { metadata, partition: source, nameMapping }, { signal }),
    signal,
  )
  for await (const file of reading) described.push(file)
  return described
}

function mappingOf(metadata: TableMetadata, { nameMapping }: Pick<AddFilesOptions, 'nameMapping'>): string {
  // Parsed here, so that what is wrong in it is no fault of a file.
  if (nameMapping !== undefined) return printNameMapping(parseGiven(nameMapping))
  const text = metadata.properties[NAME_MAPPING]
  if (text !== undefined) return printNameMapping(parseNameMapping(text))
  return printNameMapping(nameMappingOf(currentSchema(metadata)))
}

function parseGiven(text: string): NameMapping {
  try {
    return parseNameMapping(text)
  } catch (cause) {
    throw new ValidationError(`the name mapping cannot be read: ${messageOf(cause)}`, { cause })
  }
}

/** Readers need the mapping by which the files were understood. */
function newMapping(
  described: readonly DescribedFile[],
  metadata: TableMetadata,
  options: AddFilesOptions,
): Readonly<Record<string, string>> | undefined {
  const isNeeded = options.nameMapping !== undefined || metadata.properties[NAME_MAPPING] === undefined
  const isUsed = described.some(({ isMapped }) => isMapped)
  return isNeeded && isUsed ? { [NAME_MAPPING]: mappingOf(metadata, options) } : undefined
}

/**
 * Files that orphan removal could list, those in the table's own folders, count from the age of the oldest
 * (commit-protocol, "Expiring and collecting"); of files elsewhere it knows nothing.
 */
function sessionStart(files: readonly ExternalFile[], metadata: TableMetadata): number | undefined {
  const { location, properties } = metadata
  const places = [location, metadataFolder(metadata), properties[DATA_LOCATION] ?? location].map(canonicalLocation)
  const own = files.filter((file) => {
    const path = canonicalLocation(file.location)
    return places.some((place) => path.startsWith(`${place}/`))
  })
  return own.length === 0
    ? undefined
    : own.reduce((least, { lastModifiedMs }) => Math.min(least, lastModifiedMs), Infinity)
}

/**
 * The tables of a warehouse lie side by side in folders named by their uuids. What lies in another's is deleted by its
 * purge, or by its orphan removal. Errors: ValidationError.
 */
function checkNotOfAnother(files: readonly ExternalFile[], metadata: TableMetadata): void {
  const own = `${canonicalLocation(metadata.location)}/`
  const siblings = `${parentLocation(canonicalLocation(metadata.location))}/`
  const other = files.find((file) => {
    const path = canonicalLocation(file.location)
    const [folder = '', ...below] = path.startsWith(siblings) ? path.slice(siblings.length).split('/') : []
    return below.length > 0 && !path.startsWith(own) && isUuid(folder)
  })
  if (other === undefined) return
  throw new ValidationError(
    `${other.location} lies in the folder of another table, which may delete it: copy it out of there, and add the copy`,
    { context: { location: other.location } },
  )
}

/** What the files were checked against must be what they are committed to. `properties` are those to be set, too. */
function checkUnchanged(
  properties: TableMetadata['properties'],
  { checked, base, table }: { checked: TableMetadata; base: TableMetadata; table: string },
): void {
  const mappings = [checked.properties[NAME_MAPPING], properties[NAME_MAPPING]]
  const isSame =
    base.currentSchemaId === checked.currentSchemaId &&
    base.defaultSpecId === checked.defaultSpecId &&
    mappings.includes(base.properties[NAME_MAPPING])
  if (isSame) return
  throw new CommitFailedError(`columns or partitioning of ${table} were changed meanwhile: add the files again`, {
    context: { table },
  })
}
