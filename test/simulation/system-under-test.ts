/** The real modules that a simulation runs; a mutant supplies its own copies of them. */
type Errors = typeof import('../../src/base/errors.ts')
type Modules = Pick<
  Errors,
  'NotFoundError' | 'ServiceError' | 'CommitStateUnknownError' | 'IcebergError' | 'InvalidDataError'
> &
  Pick<typeof import('../../src/catalog/object-catalog.ts'), 'ObjectCatalog'> &
  Pick<typeof import('../../src/catalog/object-base.ts'), 'loadBase'> &
  Pick<typeof import('../../src/catalog/object-operations.ts'), 'ObjectOperations'> &
  Pick<typeof import('../../src/catalog/namespace-store.ts'), 'NamespaceStore'> &
  Pick<typeof import('../../src/catalog/old-metadata.ts'), 'READER_GRACE_MS'> &
  Pick<typeof import('../../src/catalog/pointer-store.ts'), 'PointerStore'> &
  Pick<typeof import('../../src/catalog/pointer.ts'), 'nextPointer'> &
  Pick<typeof import('../../src/catalog/catalog-keys.ts'), 'catalogKeys'> &
  Pick<typeof import('../../src/catalog/create-pointer.ts'), 'createPointer'> &
  Pick<typeof import('../../src/catalog/create-table.ts'), 'createTable'> &
  Pick<typeof import('../../src/catalog/drop-name.ts'), 'dropName'> &
  Pick<typeof import('../../src/catalog/drop-namespace.ts'), 'dropNamespace'> &
  Pick<typeof import('../../src/catalog/move-name.ts'), 'renameName'> &
  Pick<typeof import('../../src/catalog/purge-name.ts'), 'purgeName'> &
  Pick<typeof import('../../src/catalog/undrop-name.ts'), 'undropName'> &
  Pick<typeof import('../../src/catalog/register-table.ts'), 'readRegistrable' | 'registerPointer'> &
  Pick<typeof import('../../src/catalog/deregister-table.ts'), 'deregisterTable'> &
  Pick<typeof import('../../src/catalog/table-transaction.ts'), 'TableTransaction'> &
  Pick<typeof import('../../src/catalog/sweep-records.ts'), 'sweepRecords'> &
  Pick<typeof import('../../src/table/add-files.ts'), 'addFiles'> &
  Pick<typeof import('../../src/transaction/commit.ts'), 'commitTable'> &
  Pick<typeof import('../../src/io/local-cas.ts'), 'LocalCasStore'> &
  Pick<typeof import('../../src/io/retrying.ts'), 'Retrier' | 'retrying'>

export type SystemUnderTest = Readonly<Modules>

const FILES = [
  'base/errors.ts',
  'catalog/object-catalog.ts',
  'catalog/object-base.ts',
  'catalog/object-operations.ts',
  'catalog/namespace-store.ts',
  'catalog/old-metadata.ts',
  'catalog/pointer-store.ts',
  'catalog/pointer.ts',
  'catalog/catalog-keys.ts',
  'catalog/create-pointer.ts',
  'catalog/create-table.ts',
  'catalog/drop-name.ts',
  'catalog/drop-namespace.ts',
  'catalog/move-name.ts',
  'catalog/purge-name.ts',
  'catalog/undrop-name.ts',
  'catalog/register-table.ts',
  'catalog/deregister-table.ts',
  'catalog/table-transaction.ts',
  'catalog/sweep-records.ts',
  'table/add-files.ts',
  'transaction/commit.ts',
  'io/local-cas.ts',
  'io/retrying.ts',
] as const

/** Loads the modules from `src`: the project's own folder, or a mutant's copy of it. */
export async function loadSystem(src: string, extension: '.ts' | '.js' = '.ts'): Promise<SystemUnderTest> {
  const modules = await Promise.all(
    FILES.map((file) => import(/* @vite-ignore */ `${src}/${file.replace(/\.ts$/, extension)}`)),
  )
  return Object.assign({}, ...modules) as SystemUnderTest
}
