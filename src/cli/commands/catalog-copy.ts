import { ValidationError } from '../../base/errors.ts'
import type { Catalog } from '../../catalog/catalog.ts'
import { openCatalog } from '../../catalog/open-catalog.ts'
import { openFileIO } from '../../io/open-file-io.ts'
import { copyCatalog } from '../../maintenance/copy-catalog.ts'
import type { CopiedName } from '../../maintenance/copy-catalog.ts'
import { printIdentifier } from '../../spec/identifier.ts'
import type { CommandContext } from '../command.ts'
import { counted, formatBytes } from '../output.ts'
import { findWarehouse } from '../warehouse.ts'
import type { Warehouse } from '../warehouse.ts'

const EXPLAINED: Readonly<Record<CopiedName['outcome'], string>> = {
  copied: 'copied',
  present: 'there already',
  differs: 'there already, and committed to since: left alone',
}

export async function catalogCopy({ options, host, reporter, closeAtEnd, output }: CommandContext): Promise<void> {
  const [from = '', to = '', ...tables] = options.args
  const [source, target] = [await warehouseAt(from), await warehouseAt(to)]
  if (source.uri === target.uri) throw new ValidationError(`${from} and ${to} are one warehouse`)
  const io = openFileIO(target.uri, { s3: target.s3, cacheSizeBytes: 0 })
  closeAtEnd(io)
  const catalog = await open(target)
  const copies = copyCatalog(
    await open(source),
    { catalog, io },
    {
      tables: tables.length === 0 ? undefined : tables,
      snapshots: options.flag('current-only') ? 'current' : 'all',
      signal: host.signal,
    },
  )
  await output.list(copies, {
    json: ({ identifier, outcome, copy }) => ({
      identifier: printIdentifier(identifier),
      outcome,
      metadataLocation: copy?.metadataLocation ?? null,
      files: copy?.files ?? null,
      bytes: copy?.bytes ?? null,
    }),
    columns: [{ title: 'table' }, { title: 'outcome' }, { title: 'files' }],
    cells: ({ identifier, outcome, copy }) => [
      printIdentifier(identifier),
      EXPLAINED[outcome],
      copy === undefined ? '' : `${counted(copy.files, 'file')}, ${formatBytes(copy.bytes)} copied`,
    ],
    empty: 'no tables to copy',
  })

  async function warehouseAt(given: string): Promise<Warehouse> {
    const warehouse = await findWarehouse(given, host)
    if (warehouse === undefined) throw new ValidationError('name two warehouses: firn catalog copy FROM TO')
    return warehouse
  }

  async function open({ uri, s3 }: Warehouse): Promise<Catalog> {
    const opened = await openCatalog(uri, { reporter, s3 })
    closeAtEnd(opened)
    return opened
  }
}
