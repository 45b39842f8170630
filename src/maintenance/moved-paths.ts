/** Where the files of a copied table go: below the new location as they lay below the old one, all others in a folder of their own. */
import { createHash } from 'node:crypto'
import { canonicalLocation, joinLocation, lastSegment } from '../io/location.ts'
import { DATA_LOCATION, METADATA_LOCATION } from '../spec/properties.ts'
import type { TableMetadata } from '../spec/table-metadata.ts'

export type MovePath = (location: string) => string

/** Properties that say where a table writes; deprecated ones too. */
const PLACES: ReadonlySet<string> = new Set([
  DATA_LOCATION,
  METADATA_LOCATION,
  'write.object-storage.path',
  'write.folder-storage.path',
])
const OUTSIDE = 'data/outside'

export function movedPaths({ location }: Pick<TableMetadata, 'location'>, to: string): MovePath {
  const from = location.replace(/\/+$/, '')
  const canonical = comparable(from)
  return (path) => {
    if (path === from) return to
    if (path.startsWith(`${from}/`)) return joinLocation(to, path.slice(from.length + 1))
    const place = comparable(path)
    // Another spelling of a place within, or a place elsewhere: named by all of its location, so that no two meet.
    if (place.startsWith(`${canonical}/`)) return joinLocation(to, place.slice(canonical.length + 1))
    const hash = createHash('sha256').update(path).digest('hex').slice(0, 16)
    return joinLocation(to, OUTSIDE, hash, lastSegment(path))
  }
}

/** A copy writes within its own location. */
export function movedProperties({ location, properties }: TableMetadata, move: MovePath): TableMetadata['properties'] {
  const from = `${comparable(location)}/`
  const entries = Object.entries(properties).flatMap(([key, value]) => {
    if (!PLACES.has(key)) return [[key, value]]
    return comparable(value).startsWith(from) ? [[key, move(value)]] : []
  })
  return Object.fromEntries(entries) as TableMetadata['properties']
}

/** One spelling for all of a place; relative locations and those of other stores as they are. */
export function comparable(location: string): string {
  try {
    return canonicalLocation(location)
  } catch {
    return location
  }
}
