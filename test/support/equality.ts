/** Compares data files by all of their members: those read from manifests decode them when asked, and have few of their own. */
import { expect } from 'vitest'
import { StoredDataFile } from '../../src/manifest/stored-data-file.ts'
import { copyDataFile } from '../../src/spec/data-file.ts'

expect.addEqualityTesters([
  function equalDataFiles(a: unknown, b: unknown): boolean | undefined {
    // One beside a plain object would be unequal anyway, if only to toEqual: toMatchObject looks members up.
    if (!(a instanceof StoredDataFile && b instanceof StoredDataFile)) return undefined
    return this.equals(copyDataFile(a), copyDataFile(b))
  },
])
