import { Writable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Output, counted, formatBytes, formatCount, formatTime, jsonSafe } from '../../src/cli/output.ts'
import { TextTable } from '../../src/cli/text-table.ts'
import { Collector } from './fake-host.ts'

describe('Output', () => {
  const form = {
    json: (id: bigint) => ({ id }),
    columns: [{ title: 'id', alignRight: true }],
    cells: (id: bigint) => [String(id)],
    empty: 'none',
  }

  it('prints lists as tables or as JSON lines', async () => {
    const [text, json] = [new Collector(), new Collector()]
    await new Output(text, { json: false }).list([1n, 20n], form)
    await new Output(json, { json: true }).list([1n, 2n ** 63n - 1n], form)
    expect(text.text).toBe('id\n 1\n20\n')
    expect(json.text).toBe('{"id":"1"}\n{"id":"9223372036854775807"}\n')
  })

  it('prints lists without items', async () => {
    const [text, json] = [new Collector(), new Collector()]
    await new Output(text, { json: false }).list([], form)
    await new Output(json, { json: true }).list([], form)
    expect([text.text, json.text]).toEqual(['none\n', ''])
  })

  it('prints long tables as their rows come, the titles once', async () => {
    const stream = new Collector()
    let early = ''
    async function* rows(): AsyncGenerator<bigint> {
      for (let i = 0n; i < 2_500n; i += 1n) {
        if (i === 2_000n) early = stream.text
        yield i
      }
    }
    await new Output(stream, { json: false }).list(rows(), form)
    expect(early.split('\n').length).toBeGreaterThan(1_000)
    expect(stream.text.split('\n').filter((line) => line.trim() === 'id')).toHaveLength(1)
    expect(stream.text.split('\n')).toHaveLength(2_502)
  })

  it('waits for a slow reader', async () => {
    const taken: string[] = []
    const slow = new Writable({
      highWaterMark: 1,
      write(chunk: Buffer, _encoding, done) {
        setTimeout(() => {
          taken.push(chunk.toString())
          done()
        }, 1)
      },
    })
    const output = new Output(slow, { json: false })
    await output.write('a')
    expect(taken).toEqual(['a'])
    await output.write('b')
    await output.flush()
    expect(taken.join('')).toBe('ab')
  })

  it('throws what the stream failed with', async () => {
    const broken = new Writable({ write: (_chunk, _encoding, done) => done(new Error('gone')) })
    const output = new Output(broken, { json: false })
    await expect(output.write('a').then(() => output.flush())).rejects.toThrow(/gone/)
    await expect(output.write('b')).rejects.toThrow(/gone/)
  })
})

describe('formats', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1_000, '1.00 KB'],
    [999_499, '999 KB'],
    [999_500, '1.00 MB'],
    [13_493_022, '13.5 MB'],
    [2 ** 53, '9.01 PB'],
  ])('%d bytes as %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text)
  })

  it('numbers, counts and times', () => {
    expect(formatCount(3_000_000n)).toBe('3,000,000')
    expect(formatCount(999)).toBe('999')
    expect([counted(1, 'file'), counted(0n, 'row'), counted(1_200, 'file')]).toEqual([
      '1 file',
      '0 rows',
      '1,200 files',
    ])
    expect(formatTime(1_769_860_800_123)).toBe('2026-01-31 12:00:00Z')
  })

  it('64-bit integers as strings in JSON, at any depth', () => {
    expect(jsonSafe({ a: 1n, b: [{ c: 2n }], d: undefined, e: null, f: 1.5 })).toEqual({
      a: '1',
      b: [{ c: '2' }],
      e: null,
      f: 1.5,
    })
  })
})

describe('text tables', () => {
  const columns = [{ title: 'name' }, { title: 'n', alignRight: true }, { title: 'path', keepEnd: true }]

  it('align, and leave whole what goes to no terminal', () => {
    const long = 'x'.repeat(200)
    const lines = new TextTable(columns).page([
      ['a', '1', long],
      ['bcd🛫', '1000', 'p'],
    ])
    expect(lines).toEqual(['name     n  path', `a        1  ${long}`, 'bcd🛫  1000  p'])
  })

  it('fit the terminal, whatever is in them', () => {
    const cell = fc.string({ maxLength: 60, unit: 'binary' })
    const row = fc.tuple(cell, cell, cell)
    fc.assert(
      fc.property(fc.array(row), fc.integer({ min: 10, max: 100 }), (rows, width) => {
        const lines = new TextTable(columns, width).page(rows)
        expect(lines).toHaveLength(rows.length + 1)
        for (const line of lines) {
          expect(Array.from(line).length).toBeLessThanOrEqual(width)
          expect(line).not.toMatch(/\p{Cc}/u)
        }
      }),
    )
  })

  it('cut the widest columns first, paths at their start', () => {
    const lines = new TextTable(columns, 24).page([['short', '12', 'a/very/long/path/file.parquet']])
    expect(lines[1]).toBe('short  12  …file.parquet')
  })

  it('keep their widths from page to page', () => {
    const table = new TextTable(columns)
    table.page([['wide name', '1', 'p']])
    expect(table.page([['a', '2', 'p']])).toEqual(['a          2  p'])
  })
})
