import type { CommandContext } from '../command.ts'
import { formatBytes, formatCount } from '../output.ts'
import { loadTable, scanOptions } from '../table-options.ts'

export async function plan(context: CommandContext): Promise<void> {
  const { options, output } = context
  const request = scanOptions(context)
  const table = await loadTable(context)
  const planned = await table.scan(request).plan({ rowGroups: options.flag('row-groups') })
  const { tasks: _, snapshotId = null, manifests, files, deleteManifests, deleteFiles, ...rest } = planned
  const { rowGroups, pages, bytes, requests, planningRequests } = rest
  const json = {
    snapshotId,
    manifests: { ...manifests },
    files: { ...files },
    deleteManifests: { ...deleteManifests },
    deleteFiles: { ...deleteFiles },
    rowGroups: { ...rowGroups },
    pages: pages === undefined ? null : { ...pages },
    bytes,
    requests,
    planningRequests,
  }
  await output.result(json, () => [
    `snapshot    ${snapshotId ?? 'none: the table is empty'}`,
    `manifests   ${ratio(manifests.read, manifests.total)}`,
    `files       ${ratio(files.planned, files.total)}`,
    ...(deleteFiles.total > 0 ? [`deletes     ${ratio(deleteFiles.planned, deleteFiles.total)}`] : []),
    `row groups  ${ratio(rowGroups.planned, rowGroups.total)}`,
    ...(pages === undefined ? [] : [`pages       ${ratio(pages.planned, pages.total)}`]),
    `bytes       ${formatBytes(bytes)} in these files; of them only the columns asked for are read`,
    `requests    about ${formatCount(requests)}, ${formatCount(planningRequests)} of them to plan`,
  ])
}

function ratio(left: number | undefined, total: number): string {
  if (left === undefined) return `${formatCount(total)} in these files`
  return `${formatCount(left)} of ${formatCount(total)}, ${formatCount(total - left)} skipped`
}
