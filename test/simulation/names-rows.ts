/** Rows of a table in the simulation of names, read straight from the store: table properties, and files that were added. */
import { ROW } from './foreign-tables.ts'
import type { ObjectStore } from './object-store.ts'
import { dataFiles, metadataAt, once } from './workload.ts'

export interface Rows {
  /** By id, with the file of each. */
  readonly files: ReadonlyMap<string, string>
  /** One that is there twice. */
  readonly double: string | undefined
}

/** The row that a file is in a table: the same file may be added to several. */
export function addedRow(file: string, uuid: string): string {
  return `${file}#${uuid}`
}

export function rowsAt(store: ObjectStore, metadataLocation: string): Rows {
  return once(store, `rows of ${metadataLocation}`, () => {
    const metadata = metadataAt(store, metadataLocation)
    const files = new Map(rowsIn(metadata.properties))
    let double: string | undefined
    for (const file of dataFiles(store, metadata)) {
      const row = addedRow(file, metadata.tableUuid)
      if (files.has(row)) double = row
      files.set(row, file)
    }
    return { files, double }
  })
}

export function rowsIn(properties: Readonly<Record<string, string>>): [row: string, file: string][] {
  return Object.entries(properties).flatMap(([key, value]) =>
    key.startsWith(ROW) ? [[key.slice(ROW.length), value] as [string, string]] : [],
  )
}

/** Everything of a table that a metadata file keeps alive. */
export function reachAt(store: ObjectStore, metadataLocation: string): readonly string[] {
  return [...rowsAt(store, metadataLocation).files.values()]
}
