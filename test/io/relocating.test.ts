import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InvalidDataError, UnsupportedError, ValidationError } from '../../src/base/errors.ts'
import { systemRuntime } from '../../src/base/runtime.ts'
import type { FileIO } from '../../src/io/file-io.ts'
import { MemoryFileIO } from '../../src/io/memory-file-io.ts'
import { relocated, relocating, samePlace } from '../../src/io/relocating.ts'
import { overriding } from '../support/overriding.ts'

const TO = 's3://new/t'

describe('relocated', () => {
  it.each([
    ['s3://b/t', 's3://b/t/data/x.parquet', 's3://new/t/data/x.parquet'],
    ['s3://b/t', 's3a://b/t/data/x', 's3://new/t/data/x'],
    ['s3n://B/t', 'S3://b/t/x', 's3://new/t/x'],
    ['s3://b//t', 's3://b/t//data/x', 's3://new/t//data/x'],
    ['s3://b/a b', 's3://b/a%20b/x%20y', 's3://new/t/x%20y'],
    ['s3://b/100%', 's3://b/100%/x', 's3://new/t/x'],
    ['s3://b', 's3://b/x', 's3://new/t/x'],
    ['file:/w/t', 'file:///w/t/x', 's3://new/t/x'],
    ['file:///w/t', 'file://localhost/w//t//x/./y', 's3://new/t/x/y'],
    ['file:///w/t', '/w/t/x', 's3://new/t/x'],
    ['/w/t', 'file:/w/t/x', 's3://new/t/x'],
    ['/w/t/', '/w/t/x', 's3://new/t/x'],
    ['hdfs://nn:8020/w/t', 'hdfs://NN:8020/w/t/x', 's3://new/t/x'],
    ['abfss://c@a.dfs.core.windows.net/t', 'abfss://c@a.dfs.core.windows.net/t/x', 's3://new/t/x'],
    ['data/w/t', 'data/w/t/x', 's3://new/t/x'],
    ['./t', 't/x', 's3://new/t/x'],
    ['t', './a/../t/x', 's3://new/t/x'],
    ['.', 'x/y', 's3://new/t/x/y'],
    ['s3://b/t', 's3://b/t', 's3://new/t'],
  ])('from %s: %s is %s', (from, location, expected) => {
    expect(relocated(location, { from, to: TO })).toBe(expected)
  })

  it.each([
    ['s3://b/t', 's3://b/t2/x'],
    ['s3://b/t', 's3://b/other/t/x'],
    ['s3://b/t', 's3://c/t/x'],
    ['s3://b/t/u', 's3://b/t'],
    ['s3://b/t', 'file:///b/t/x'],
    ['hdfs://nn/w/t', '/w/t/x'],
    ['w/t', '/w/t/x'],
    ['w/t', 'x/w/t/x'],
    ['/w/t', '/w/t/../u/x'],
  ])('from %s: %s stays', (from, location) => {
    expect(relocated(location, { from, to: TO })).toBe(location)
  })

  it('keeps what follows the table’s location, whatever it is', () => {
    const segment = fc.string({ minLength: 1, maxLength: 8 }).filter((s) => !/[/\0\n%]/.test(s) && !/^\.+$/.test(s))
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1 }), fc.array(segment, { minLength: 1 }), (table, file) => {
        const from = `s3://b/${table.join('/')}`
        const rest = file.join('/')
        expect(relocated(`${from}/${rest}`, { from, to: TO })).toBe(`${TO}/${rest}`)
        expect(relocated(`s3a://b//${table.map(encodeURIComponent).join('//')}/${rest}`, { from, to: TO })).toBe(
          `${TO}/${rest}`,
        )
      }),
    )
  })
})

describe('samePlace', () => {
  it.each([
    ['s3a://b/t/', 's3://b/t', true],
    ['file:/w/t', '/w//t', true],
    ['s3://b/a%20b', 's3://b/a b', true],
    ['s3://b/t', 's3://b/t/u', false],
    ['w/t', '/w/t', false],
    ['hdfs://a/t', 'hdfs://b/t', false],
  ])('%s and %s: %s', (a, b, same) => expect(samePlace(a, b)).toBe(same))
})

describe('relocating', () => {
  const answering = (kind: FileIO['kind'], log: string[]): FileIO =>
    overriding<FileIO>(new MemoryFileIO({ runtime: systemRuntime }), {
      kind,
      read: (location) => (
        log.push(`${kind} ${location}`),
        Promise.resolve({ bytes: new Uint8Array(), storeTimeMs: 0 })
      ),
      close: () => (log.push(`${kind} closed`), Promise.resolve()),
    })
  const relocation = { from: 'hdfs://nn/t', to: 'memory://m/t' }
  const open = (log: string[], moved: typeof relocation | undefined = relocation): FileIO =>
    relocating(answering('memory', log), {
      relocation: moved,
      open: (location) => (log.push(`open ${location}`), answering('s3', log)),
    })

  it('reads from the store of each location, opened once', async () => {
    const log: string[] = []
    const io = open(log)
    for (const location of ['hdfs://nn/t/x', 's3://b/y', 's3a://b/z', 'memory://m/w']) await io.read(location)
    await io.close()
    expect(log).toEqual([
      'memory memory://m/t/x',
      'open s3://b/y',
      's3 s3://b/y',
      's3 s3a://b/z',
      'memory memory://m/w',
      'memory closed',
      's3 closed',
    ])
  })

  it('reads bare absolute paths as files, and refuses what it cannot place', async () => {
    const log: string[] = []
    const io = relocating(answering('local', log), { relocation: undefined, open: () => answering('s3', log) })
    await io.read('/w/t/x')
    expect(log).toEqual(['local file:///w/t/x'])
    await expect(io.read('w/t/x')).rejects.toThrow(InvalidDataError)
    await expect(open([]).read('gs://b/x')).rejects.toThrow(UnsupportedError)
  })

  it('writes, deletes and lists nothing', async () => {
    const io = open([])
    await expect(io.write('memory://m/t/x', new Uint8Array())).rejects.toThrow(ValidationError)
    await expect(io.delete(['memory://m/t/x'])).rejects.toThrow(/only read/)
    expect(() => io.list('memory://m/t/')).toThrow(ValidationError)
  })
})
