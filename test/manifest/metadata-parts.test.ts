import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { gzipParts, metadataParts } from '../../src/manifest/metadata-parts.ts'
import { printTableMetadata } from '../../src/spec/table-metadata-json.ts'
import type { TableMetadata } from '../../src/spec/table-metadata.ts'
import { START_MS, exampleTable, nextSnapshot } from '../spec/example-metadata.ts'

const textOf = (metadata: TableMetadata): string =>
  Buffer.concat(metadataParts(metadata).map(({ bytes }) => bytes)).toString()

/** Adds snapshots, and their entries in both logs. */
function grown(table: TableMetadata, count: number): TableMetadata {
  const added = Array.from({ length: count }, (_, i) => {
    const snapshotId = table.lastSequenceNumber + 1n + BigInt(i)
    const timestampMs = START_MS + Number(snapshotId)
    const properties = { 'added-records': '1', note: `ünïcode ${snapshotId} ${'x'.repeat(400)}` }
    const summary = { operation: 'append' as const, properties }
    return nextSnapshot(table, snapshotId, { sequenceNumber: snapshotId, timestampMs, summary })
  })
  const logged = added.map(({ timestampMs, snapshotId }) => ({ timestampMs, snapshotId }))
  const files = added.map(({ timestampMs }) => ({ timestampMs, metadataFile: `s3://lake/${'y'.repeat(200)}` }))
  return {
    ...table,
    lastSequenceNumber: table.lastSequenceNumber + BigInt(count),
    snapshots: [...table.snapshots, ...added],
    snapshotLog: [...table.snapshotLog, ...logged],
    metadataLog: [...table.metadataLog, ...files],
  }
}

describe('the parts of metadata', () => {
  it('are the text, whatever joins and leaves the lists', () => {
    const step = fc.record({ adds: fc.nat(60), drops: fc.nat(40), dropsAt: fc.nat(100), logDrops: fc.nat(30) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 6 }), (steps) => {
        let table = exampleTable()
        for (const { adds, drops, dropsAt, logDrops } of steps) {
          table = grown(table, adds)
          const { snapshots, metadataLog } = table
          table = {
            ...table,
            snapshots: snapshots.filter((_, i) => i < dropsAt || i >= dropsAt + drops),
            metadataLog: metadataLog.slice(logDrops),
          }
          const text = printTableMetadata(table)
          expect(textOf(table)).toBe(text)
          expect(gunzipSync(gzipParts(metadataParts(table))).toString()).toBe(text)
        }
      }),
      { numRuns: 40 },
    )
  })

  it('are the same objects in the next version, but for a rest that does not grow', () => {
    const table = grown(exampleTable(), 300)
    const parts = new Set(metadataParts(table))
    const next = { ...grown(table, 1), metadataLog: table.metadataLog.slice(1) }
    const fresh = metadataParts(next).filter((part) => !parts.has(part))
    const bytes = fresh.reduce((sum, part) => sum + part.bytes.length, 0)
    expect(textOf(next).length).toBeGreaterThan(200_000)
    expect(bytes).toBeLessThan(50_000)
  })

  it('of a text beyond 65,536 bytes are one gzip member', () => {
    const table = { ...grown(exampleTable(), 500), properties: { filling: 'z'.repeat(100_000) } }
    const gzip = gzipParts(metadataParts(table))
    expect(gzip.length).toBeLessThan(60_000)
    expect(gunzipSync(gzip).toString()).toBe(printTableMetadata(table))
    expect(() => gunzipSync(Buffer.concat([gzip.subarray(0, -8), Buffer.alloc(8)]))).toThrow('incorrect data check')
  })
})
