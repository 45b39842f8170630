/** Updates of statistics and partition statistics: each snapshot has at most one file of each. */
import { JsonCursor } from '../base/json.ts'
import type { JsonObject } from '../base/json.ts'
import { changeMetadata } from './metadata-draft.ts'
import type { MetadataDraft } from './metadata-draft.ts'
import { parsePartitionStatisticsFile, parseStatisticsFile } from './snapshot-json.ts'
import type { TableMetadata } from './table-metadata.ts'
import type { StatisticsUpdate } from './table-update.ts'

export function applyStatisticsUpdate(draft: MetadataDraft, update: StatisticsUpdate): MetadataDraft {
  switch (update.action) {
    case 'set-statistics':
      return setFile(draft, 'statistics', parseStatisticsFile(new JsonCursor(update.statistics, update.action)))
    case 'remove-statistics':
      return removeFile(draft, 'statistics', update.snapshotId)
    case 'set-partition-statistics': {
      const file = parsePartitionStatisticsFile(new JsonCursor(update.partitionStatistics, update.action))
      return setFile(draft, 'partitionStatistics', file)
    }
    case 'remove-partition-statistics':
      return removeFile(draft, 'partitionStatistics', update.snapshotId)
  }
}

type StatisticsList = 'statistics' | 'partitionStatistics'

/** Both lists without the files of some snapshots. */
export function withoutStatistics(
  metadata: TableMetadata,
  snapshotIds: ReadonlySet<bigint>,
): Pick<TableMetadata, StatisticsList> {
  const isKept = (file: JsonObject): boolean => !snapshotIds.has(snapshotIdOf(file))
  return {
    statistics: metadata.statistics.filter(isKept),
    partitionStatistics: metadata.partitionStatistics.filter(isKept),
  }
}

function setFile(draft: MetadataDraft, list: StatisticsList, file: JsonObject): MetadataDraft {
  const others = withoutStatistics(draft.metadata, new Set([snapshotIdOf(file)]))[list]
  return changeMetadata(draft, { [list]: [...others, file] })
}

function removeFile(draft: MetadataDraft, list: StatisticsList, snapshotId: bigint): MetadataDraft {
  const kept = withoutStatistics(draft.metadata, new Set([snapshotId]))[list]
  return kept.length === draft.metadata[list].length ? draft : changeMetadata(draft, { [list]: kept })
}

function snapshotIdOf(file: JsonObject): bigint {
  return new JsonCursor(file, 'statistics').get('snapshot-id').long()
}
