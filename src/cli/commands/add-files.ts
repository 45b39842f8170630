import { ValidationError } from '../../base/errors.ts'
import { toLocation } from '../../io/location.ts'
import type { AddFilesResult } from '../../table/add-files.ts'
import type { Table } from '../../table/table.ts'
import type { CommandContext } from '../command.ts'
import { externalLayout } from '../external-layout.ts'
import { findTable } from '../load-rows.ts'
import { counted, formatBytes } from '../output.ts'
import { splitPair } from '../table-options.ts'

export async function addFiles(context: CommandContext): Promise<void> {
  const { name, options, output, host } = context
  const paths = options.args.slice(1).map((path) => toLocation(path, host.cwd))
  const { table, created } = await openOrStage(context, paths)
  const isDry = options.flag('dry-run')
  const result = await table.addFiles(paths, {
    hive: !options.flag('no-hive'),
    partition: Object.fromEntries(options.list('partition').map((pair) => splitPair('partition', pair))),
    nameMapping: options.string('name-mapping'),
    allowDuplicates: options.flag('allow-duplicates'),
    dryRun: isDry,
    signal: host.signal,
  })
  const { rows, sizeBytes, snapshotId, files } = result
  const json = { identifier: name, created: created && !isDry, rows, files: files.length, sizeBytes }
  await output.result({ ...json, snapshotId: snapshotId ?? null, added: files.map((file) => ({ ...file })) }, () => [
    `${isDry ? 'would add to' : created ? 'created' : 'added to'} ${name}: ${sums(result)}`,
    ...(isDry ? files.map(({ location, partition }) => `${partition === '' ? '' : `${partition}  `}${location}`) : []),
    ...(snapshotId === undefined ? [] : [`snapshot ${snapshotId}`]),
  ])
}

function sums({ rows, files, sizeBytes }: AddFilesResult): string {
  return `${counted(rows, 'row')} in ${counted(files.length, 'file')}, ${formatBytes(sizeBytes)}`
}

async function openOrStage(
  context: CommandContext,
  paths: readonly string[],
): Promise<{ readonly table: Table; readonly created: boolean }> {
  const { name, options, host } = context
  const { signal } = host
  const catalog = await context.catalog()
  if (!options.flag('create')) return { table: await catalog.loadTable(name, { signal }), created: false }
  const existing = await findTable(catalog, name, signal)
  if (existing !== undefined) return { table: existing, created: false }
  const layout = await externalLayout(context, paths)
  if (layout.schema.fields.length === 0) throw new ValidationError('the files have no columns')
  return { table: await catalog.stageTable(name, { ...layout, signal }), created: true }
}
