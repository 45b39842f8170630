import { describe, expect, it } from 'vitest'
import { InvalidDataError, NotFoundError, ValidationError } from '../../src/base/errors.ts'
import {
  currentSnapshot,
  findRef,
  resolveAsOf,
  schemaById,
  snapshotAsOf,
  sortOrderById,
  specById,
} from '../../src/spec/table-metadata-access.ts'
import type { AsOf } from '../../src/spec/table-metadata-access.ts'
import type { TableMetadata } from '../../src/spec/table-metadata.ts'
import { exampleTable, nextSnapshot } from './example-metadata.ts'

const T1 = Date.UTC(2026, 0, 1)
const T2 = Date.UTC(2026, 0, 2, 12, 30)
const T3 = Date.UTC(2026, 0, 3)
const LARGE = 3055729675574597004n

/** 1 at T1, LARGE at T2, rolled back to 1 at T3; tags named like ids and dates. */
const base = exampleTable()
const table: TableMetadata = {
  ...base,
  snapshots: [nextSnapshot(base, 1n, { timestampMs: T1 }), nextSnapshot(base, LARGE, { timestampMs: T2 })],
  currentSnapshotId: 1n,
  snapshotLog: [
    { timestampMs: T1, snapshotId: 1n },
    { timestampMs: T2, snapshotId: LARGE },
    { timestampMs: T3, snapshotId: 1n },
  ],
  refs: {
    main: { type: 'branch', snapshotId: 1n },
    audit: { type: 'branch', snapshotId: LARGE },
    '2025-12-31': { type: 'tag', snapshotId: LARGE },
    '2024': { type: 'tag', snapshotId: LARGE },
    '1': { type: 'tag', snapshotId: LARGE },
  },
}

describe('resolveAsOf', () => {
  it.each<[AsOf, bigint]>([
    [1n, 1n],
    [LARGE, LARGE],
    [{ snapshotId: LARGE }, LARGE],
    ['3055729675574597004', LARGE],
    ['1', 1n],
    ['2024', LARGE],
    ['2025-12-31', LARGE],
    ['main', 1n],
    ['audit', LARGE],
    [{ ref: '1' }, LARGE],
    [new Date(T2), LARGE],
    [T2 - 1, 1n],
    [{ timestampMs: T2 }, LARGE],
    [{ timestampMs: T3 }, 1n],
    ['2026-01-02', 1n],
    ['2026-01-02T12:30', LARGE],
    ['2026-01-02 12:29:59.999999', 1n],
    ['2026-01-02T12:30:00Z', LARGE],
    ['2026-01-02T13:30:00+01:00', LARGE],
    ['2026-01-02T12:30:00+01:00', 1n],
    ['2026-01-02T12:30:00.000Z', LARGE],
    ['9999-12-31', 1n],
  ])('%o', (asOf, snapshotId) => {
    expect(resolveAsOf(table, asOf).snapshotId).toBe(snapshotId)
  })

  it.each<[AsOf, string]>([
    [2n, `no snapshot 2: the table has 2, from 1 (2026-01-01T00:00:00.000Z) to ${LARGE} (2026-01-02T12:30:00.000Z)`],
    ['99', 'no snapshot 99'],
    ['next', 'no branch or tag "next", and it is no snapshot id or ISO timestamp; the table has 1, 2024, main, audit'],
    ['2026-02-30', 'no branch or tag "2026-02-30"'],
    ['', 'no branch or tag ""'],
    ['constructor', 'no branch or tag "constructor"'],
    [{ ref: '2026-01-02' }, 'no branch or tag "2026-01-02"'],
    ['2025-12-30', 'no snapshot as of 2025-12-30T00:00:00.000Z: its history begins at 2026-01-01T00:00:00.000Z'],
    [new Date(0), 'no snapshot as of 1970-01-01'],
    [T1 - 1, 'no snapshot as of 2025-12-31T23:59:59.999Z'],
  ])('%o is not there', (asOf, message) => {
    expect(() => resolveAsOf(table, asOf)).toThrow(NotFoundError)
    expect(() => resolveAsOf(table, asOf)).toThrow(message)
  })

  it.each<AsOf>([Number.NaN, 1.5, 2 ** 60, 9e15, new Date(Number.NaN)])('%o is no time', (asOf) => {
    expect(() => resolveAsOf(table, asOf)).toThrow(ValidationError)
  })

  it.each<AsOf>([1n, 'main', T1, new Date(T1), '2026-01-01'])('%o: an empty table has no snapshot', (asOf) => {
    expect(() => resolveAsOf(base, asOf)).toThrow(NotFoundError)
    expect(() => resolveAsOf(base, asOf)).toThrow(/no snapshot/)
  })
})

describe('lookups', () => {
  it('find by id', () => {
    expect(currentSnapshot(table)?.snapshotId).toBe(1n)
    expect(currentSnapshot(base)).toBeUndefined()
    expect(schemaById(table, 0)).toBe(table.schemas[0])
    expect(findRef(table, 'audit')?.snapshotId).toBe(LARGE)
    expect(findRef(table, 'toString')).toBeUndefined()
    expect(snapshotAsOf(table, T1 - 1)).toBeUndefined()
  })

  it('call unknown ids bad data, and say what there is', () => {
    expect(() => schemaById(table, 7)).toThrow(InvalidDataError)
    expect(() => schemaById(table, 7)).toThrow('no schema 7, only 0')
    expect(() => specById(table, 7)).toThrow('no partition spec 7, only 0')
    expect(() => sortOrderById(table, 7)).toThrow('no sort order 7, only 1')
  })
})
