import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ValidationError } from '../../src/base/errors.ts'
import { parseJson } from '../../src/base/json.ts'
import { inferSchema, textForStrings } from '../../src/format/text-inference.ts'
import { readTextRows } from '../../src/format/text-rows.ts'
import type { TextFormat, TextRow } from '../../src/format/text-rows.ts'
import { defineSchema } from '../../src/spec/define-schema.ts'

/** The text in chunks of `size` bytes, so that characters and records are cut anywhere. */
async function* chunks(text: string | Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text
  for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size)
}

async function rowsOf(format: TextFormat, text: string | Uint8Array, size = 7): Promise<TextRow[]> {
  const rows: TextRow[] = []
  for await (const row of readTextRows(format, chunks(text, size), 'f')) rows.push(row)
  return rows
}

describe('ndjson', () => {
  it.each([
    ['lines', '{"a":1}\n{"a":2}\n', [{ a: 1 }, { a: 2 }]],
    ['no last line end', '{"a":1}\n{"a":2}', [{ a: 1 }, { a: 2 }]],
    ['CRLF and empty lines', '\r\n{"a":1}\r\n\r\n{"a":2}\r\n', [{ a: 1 }, { a: 2 }]],
    ['a byte order mark', '\uFEFF{"a":1}', [{ a: 1 }]],
    ['nothing', '', []],
    ['64-bit integers', '{"a":9223372036854775807}', [{ a: 9223372036854775807n }]],
    ['characters of many bytes', '{"a":"Größe 🛫"}', [{ a: 'Größe 🛫' }]],
  ])('reads %s', async (_, text, rows) => {
    for (const size of [1, 2, 5, 1_000]) expect(await rowsOf('ndjson', text, size)).toEqual(rows)
  })

  it.each([
    ['no JSON', '{"a":1}\n{"a":', /f, line 2: not valid JSON/],
    ['no object', '{"a":1}\n\n[1]', /f, line 3: expected an object, found \[1\]/],
    ['no UTF-8', Uint8Array.of(0x7b, 0xff), /not UTF-8/],
  ])('refuses %s', async (_, text, message) => {
    await expect(rowsOf('ndjson', text)).rejects.toThrow(message)
    await expect(rowsOf('ndjson', text)).rejects.toThrow(ValidationError)
  })
})

describe('json', () => {
  it('reads arrays of objects, whatever is in them and however they are cut', async () => {
    const rows = fc.array(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }), { noNullPrototype: true }), {
      maxLength: 5,
    })
    const property = fc.asyncProperty(
      rows,
      fc.integer({ min: 1, max: 40 }),
      fc.boolean(),
      async (values, size, spaced) => {
        const text = JSON.stringify(values, null, spaced ? 2 : 0)
        expect(await rowsOf('json', text, size)).toEqual(parseJson(text, 'f'))
      },
    )
    await fc.assert(property, { numRuns: 200 })
  })

  it('reads one object, or several after one another', async () => {
    expect(await rowsOf('json', ' {"a":1}\n{"a":2}')).toEqual([{ a: 1 }, { a: 2 }])
    expect(await rowsOf('json', '[]')).toEqual([])
  })

  it.each([
    ['a cut array', '[{"a":1},', /line 1: the array does not end/],
    ['a cut object', '[{"a":1},\n{"a":', /line 2: the object that begins here does not end/],
    ['other values', '[1, 2]', /expected an array of objects, found "1"/],
    ['text behind the array', '[{"a":1}] x', /found "x"/],
    ['a bad element', '[{"a":1},\n{a:1}]', /line 2: not valid JSON/],
  ])('refuses %s', async (_, text, message) => {
    await expect(rowsOf('json', text)).rejects.toThrow(message)
  })
})

describe('csv', () => {
  it('reads quotes, line ends in fields, CRLF, empty fields and a byte order mark', async () => {
    const text = '\uFEFFid,name,note\r\n1,"a ""b""","x\ny"\r\n2,,\r\n'
    for (const size of [1, 3, 1_000]) {
      expect(await rowsOf('csv', text, size)).toEqual([
        { id: '1', name: 'a "b"', note: 'x\ny' },
        { id: '2', name: null, note: null },
      ])
    }
  })

  it.each([
    ['a line with a field too many', 'a,b\n1,2\n1,2,3\n', /f, line 3: .*expect 2, found 3/],
    ['an open quote', 'a,b\n1,"2\n', /f, line \d: Quote Not Closed/],
    ['no UTF-8', Uint8Array.of(0x61, 0x0a, 0x4a, 0x6f, 0x73, 0xe9, 0x0a), /f: not UTF-8 text/],
    ['a column twice', 'a,a\n1,2\n', /line 1: the header names column "a" twice/],
    ['a column without a name', 'a,\n1,2\n', /line 1: the header has a column without a name/],
  ])('refuses %s', async (_, text, message) => {
    await expect(rowsOf('csv', text)).rejects.toThrow(message)
    await expect(rowsOf('csv', text)).rejects.toThrow(ValidationError)
  })

  it('reads large files without a warning', async () => {
    const warnings: Error[] = []
    const listener = (warning: Error): unknown => warnings.push(warning)
    process.on('warning', listener)
    const lines = Array.from({ length: 40_000 }, (_, i) => `${i},${'x'.repeat(40)}`)
    async function* largeFile(): AsyncGenerator<Uint8Array> {
      const bytes = Buffer.from(`id,text\n${lines.join('\n')}\n`)
      for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536)
    }
    let rows = 0
    for await (const row of readTextRows('csv', largeFile(), 'f.csv')) expect(row['id']).toBe(String(rows++))
    await new Promise((resolve) => setImmediate(resolve))
    process.off('warning', listener)
    expect(rows).toBe(40_000)
    expect(warnings).toEqual([])
  })

  it('passes on what is wrong with the stream, and stops reading when the reader leaves', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield new TextEncoder().encode('a\n1\n')
      throw new Error('the disk is gone')
    }
    await expect(async () => {
      for await (const _ of readTextRows('csv', broken(), 'f'));
    }).rejects.toThrow('the disk is gone')
    let read = 0
    async function* endless(): AsyncGenerator<Uint8Array> {
      yield new TextEncoder().encode('a\n')
      for (;;) {
        read++
        yield new TextEncoder().encode('1\n'.repeat(10_000))
      }
    }
    for await (const row of readTextRows('csv', endless(), 'f')) if (row['a'] === '1') break
    expect(read).toBeLessThan(20)
  })
})

describe('inference', () => {
  const inferred = (format: TextFormat, values: readonly unknown[]): string | undefined =>
    inferSchema(
      values.map((v) => ({ v })),
      { name: 'f', format },
    )['v']

  it.each<[TextFormat, readonly unknown[], string]>([
    ['json', [1, null, 2], 'long'],
    ['json', [1, 1.5], 'double'],
    ['json', [9223372036854775807n], 'long'],
    ['json', [9223372036854775808n], 'double'],
    ['json', [true], 'boolean'],
    ['json', [true, 1], 'string'],
    ['json', ['x', 1], 'string'],
    ['json', ['1'], 'string'],
    ['json', [null], 'string'],
    ['json', ['2026-01-31'], 'date'],
    ['json', ['2026-02-30'], 'string'],
    ['json', ['2026-01-31T10:00:00'], 'timestamp'],
    ['json', ['2026-01-31', '2026-01-31T10:00:00'], 'timestamp'],
    ['json', ['2026-01-31T10:00:00Z', '2026-01-31T10:00:00+02:00'], 'timestamptz'],
    ['json', ['2026-01-31T10:00:00Z', '2026-01-31T10:00:00'], 'string'],
    ['json', [[1], [], [2.5]], 'list<double>'],
    ['json', [[]], 'list<string>'],
    ['json', [{ a: 1 }, { b: 'x y', 'c d': [true] }], 'struct<a: long, b: string, "c d": list<boolean>>'],
    ['csv', ['1', '-2', null], 'long'],
    ['csv', ['007'], 'string'],
    ['csv', ['0', '1.50', '.5', '2e3'], 'double'],
    ['csv', ['99999999999999999999'], 'double'],
    ['csv', ['true', 'FALSE'], 'boolean'],
    ['csv', ['1', 'true'], 'string'],
    ['csv', ['-', '.', 'e5'], 'string'],
    ['csv', ['2026-01-31 10:00:00'], 'timestamp'],
  ])('%s %o is %s', (format, values, type) => {
    expect(inferred(format, values)).toBe(type)
    expect(() => defineSchema({ v: inferred(format, values) ?? '' })).not.toThrow()
  })

  it('keeps the order in which columns appear', () => {
    expect(Object.keys(inferSchema([{ b: 1 }, { a: 1, b: 2 }], { name: 'f', format: 'json' }))).toEqual(['b', 'a'])
  })

  it.each([[[1, { a: 1 }]], [[[1], 'x']], [[{ a: 1 }, [1]]]])('refuses %j', (values) => {
    expect(() => inferred('json', values)).toThrow(/column v holds objects or lists/)
  })

  it('needs rows', () => {
    expect(() => inferSchema([], { name: 'f', format: 'json' })).toThrow(/no rows/)
  })

  it('makes text of what string columns hold', () => {
    const fit = textForStrings(defineSchema({ s: 'string', n: 'long' }))
    expect(fit({ s: 5, n: 5 })).toEqual({ s: '5', n: 5 })
    expect(fit({ s: 12n })).toEqual({ s: '12' })
    expect(fit({ s: null, n: 1 })).toEqual({ s: null, n: 1 })
    expect(fit({ s: { a: 1 } })).toEqual({ s: { a: 1 } })
  })
})
