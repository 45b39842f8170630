import { describe, expect, it } from 'vitest'
import { NotFoundError, SnapshotExpiredError } from '../../src/base/errors.ts'
import { TableScan } from '../../src/scan/table-scan.ts'
import type { ScanOptions } from '../../src/scan/table-scan.ts'
import { SCHEMA, flights, range, scan } from './flights-fixture.ts'
import type { FileInput } from './table-fixture.ts'
import { TableFixture, collect, spyOn, withMethods } from './table-fixture.ts'

describe('reading a large file', () => {
  /** 4,000 rows of some 0.7 KB, nearly all of it in `origin`. */
  async function largeFile(pages: Pick<FileInput, 'rowGroupRows' | 'pageSizeBytes'>): Promise<TableFixture> {
    const table = new TableFixture(SCHEMA)
    let state = 1
    const noise = (): string => {
      state = Math.imul(state, 1103515245) + 12345
      return (state >>> 1).toString(36)
    }
    const rows = range(0, 4000).map(({ id, delay }) => ({
      id,
      delay,
      origin: Array.from({ length: 150 }, noise).join(''),
    }))
    await table.append([[{ rows, ...pages }]])
    return table
  }

  async function bytesRead(table: TableFixture, options: ScanOptions): Promise<{ bytes: number; rows: number }> {
    let bytes = 0
    const io = withMethods(table.io, {
      readRange: (location, byteRange, ioOptions) => {
        bytes += byteRange.length
        return table.io.readRange(location, byteRange, ioOptions)
      },
    })
    const rows = await collect(new TableScan(table.source(io), options).rows())
    return { bytes, rows: rows.length }
  }

  it('fetches the row groups and columns that are needed', async () => {
    const table = await largeFile({ rowGroupRows: 1000 })
    const [task] = await collect(scan(table).planFiles())
    const size = task?.sizeBytes ?? 0
    expect(size).toBeGreaterThan(2 ** 21)
    const all = await bytesRead(table, {})
    expect(all.rows).toBe(4000)
    expect(all.bytes).toBeGreaterThan(0.9 * size)
    const oneGroup = await bytesRead(table, { where: 'id >= 2000 and id < 2010' })
    expect(oneGroup.rows).toBe(10)
    expect(oneGroup.bytes).toBeLessThan(0.35 * size)
    const twoColumns = await bytesRead(table, { select: ['delay'], where: 'id < 3990' })
    expect(twoColumns.rows).toBe(3990)
    expect(twoColumns.bytes).toBeLessThan(0.1 * size)
    const noGroup = await bytesRead(table, { where: 'id > 100 and delay = 100000' })
    expect(noGroup).toEqual({ bytes: 0, rows: 0 })
  })

  it('fetches the pages that are needed', async () => {
    const table = await largeFile({ pageSizeBytes: 1000 })
    const where = 'id >= 2000 and id < 2010'
    const { rowGroups, pages, bytes } = await new TableScan(table.source(), { where }).plan({ rowGroups: true })
    expect(rowGroups).toEqual({ total: 1, planned: 1 })
    expect(pages?.total).toBeGreaterThan(10)
    expect(pages?.planned).toBeLessThanOrEqual(0.5 * (pages?.total ?? 0))
    table.events.length = 0
    const read = await bytesRead(table, { where })
    expect(read.rows).toBe(10)
    expect(read.bytes).toBeLessThan(0.65 * bytes)
    const report = table.events.find(({ type }) => type === 'read-report')
    // A page of ids: a thousand bytes without a dictionary, since they hardly repeat.
    expect(report).toMatchObject({ totalRowGroups: 1, skippedRowGroups: 0, totalRows: 4000, decodedRows: 125 })
  })
})

describe('limit', () => {
  it('stops reading early', async () => {
    const table = await flights()
    const { io, reads } = spyOn(table.io)
    const rows = await collect(new TableScan(table.source(io), { limit: 30 }).rows())
    expect(rows).toEqual(range(0, 30))
    expect(new Set(reads.filter((location) => location.endsWith('.parquet')))).toHaveProperty('size', 1)
  })

  it('reads nothing for none', async () => {
    const table = await flights()
    const { io, reads } = spyOn(table.io)
    expect(await collect(new TableScan(table.source(io), { limit: 0 }))).toEqual([])
    expect(reads).toEqual([])
  })

  it('holds under a filter', async () => {
    const table = await flights()
    const { io, reads } = spyOn(table.io)
    const rows = await collect(new TableScan(table.source(io), { limit: 3, where: 'delay is null' }).rows())
    expect(rows.map(({ id }) => id)).toEqual([9n, 19n, 29n])
    expect(new Set(reads.filter((location) => location.endsWith('.parquet')))).toHaveProperty('size', 1)
  })
})

describe('leaving early', () => {
  it('aborts reads in flight', async () => {
    const table = await flights()
    const signals: AbortSignal[] = []
    const io = withMethods(table.io, {
      readRange: async (location, byteRange, options = {}) => {
        const { signal } = options
        if (location.endsWith('/0.parquet')) return table.io.readRange(location, byteRange, options)
        return new Promise((_resolve, reject) => {
          if (signal === undefined) return
          signals.push(signal)
          signal.addEventListener('abort', () => reject(signal.reason as Error))
        })
      },
    })
    for await (const batch of new TableScan(table.source(io))) {
      expect(batch.numRows).toBeGreaterThan(0)
      break
    }
    expect(signals.length).toBeGreaterThan(0)
    expect(signals.every(({ aborted }) => aborted)).toBe(true)
  })

  it('stops when the signal of the caller aborts', async () => {
    const table = await flights()
    const controller = new AbortController()
    const rows = scan(table, { signal: controller.signal }).rows()
    await rows.next()
    controller.abort(new Error('enough'))
    await expect(collect(rows)).rejects.toThrow('enough')
    await expect(collect(scan(table, { signal: controller.signal }))).rejects.toThrow('enough')
    await expect(scan(table, { signal: controller.signal }).count()).rejects.toThrow('enough')
    await expect(scan(table, { signal: controller.signal }).plan()).rejects.toThrow('enough')
  })
})

describe('missing files', () => {
  it('raise what the hook says', async () => {
    const table = await flights()
    const [task] = await collect(scan(table).planFiles())
    await table.io.delete([task?.file.filePath ?? ''])
    await expect(collect(scan(table))).rejects.toThrow(NotFoundError)
    const causes: NotFoundError[] = []
    const onMissing = async (cause: NotFoundError): Promise<Error> => {
      causes.push(cause)
      return new SnapshotExpiredError('expired')
    }
    const source = { ...table.source(), onMissing }
    await expect(collect(new TableScan(source))).rejects.toThrow(SnapshotExpiredError)
    await expect(new TableScan(source, { where: 'delay is null' }).count()).rejects.toThrow('expired')
    expect(causes[0]?.context['location']).toBe(task?.file.filePath)
    await table.io.delete([scan(table).snapshot?.manifestList ?? ''])
    await expect(new TableScan(source).plan()).rejects.toThrow('expired')
  })
})
