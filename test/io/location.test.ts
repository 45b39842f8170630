import { assert, property, string } from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  canonicalLocation,
  compareBytewise,
  joinLocation,
  lastSegment,
  localPath,
  parseMemoryLocation,
  parseS3Location,
  sameLocation,
  storeKindOf,
  toLocation,
} from '../../src/io/location.ts'

describe('storeKindOf', () => {
  it.each([
    ['s3://b/k', 's3'],
    ['s3a://b/k', 's3'],
    ['S3N://b/k', 's3'],
    ['file:///x', 'local'],
    ['file:/x', 'local'],
    ['memory://m/x', 'memory'],
  ])('%s is %s', (location, kind) => expect(storeKindOf(location)).toBe(kind))

  it.each(['gs://b/k', 'https://host/x', 'hdfs://n/x', 'constructor://x'])('refuses %s', (location) =>
    expect(() => storeKindOf(location)).toThrow(/no store for/),
  )
  it.each(['', 'x/y', '/x'])('asks for a scheme in "%s"', (location) =>
    expect(() => storeKindOf(location)).toThrow(/no absolute location/),
  )
})

describe('joinLocation', () => {
  it.each([
    [['s3://b', 'x'], 's3://b/x'],
    [['s3://b/', 'x', 'y/z'], 's3://b/x/y/z'],
    [['s3://b/p//', '/x'], 's3://b/p/x'],
    [['file:///', 'x'], 'file:///x'],
    [['file:///a/', 'x/'], 'file:///a/x/'],
    [['memory://m', 'a%20b'], 'memory://m/a%20b'],
    [['s3://b/p'], 's3://b/p'],
  ])('%j is %s', ([base = '', ...parts], joined) => expect(joinLocation(base, ...parts)).toBe(joined))
})

describe('parsing', () => {
  it('takes keys literally', () => {
    expect(parseS3Location('s3://b/a b/c%20d?e#f//g/')).toEqual({ bucket: 'b', key: 'a b/c%20d?e#f//g/' })
    expect(parseS3Location('s3a://b')).toEqual({ bucket: 'b', key: '' })
    expect(parseMemoryLocation('memory://m/a/b')).toEqual({ store: 'm', path: 'a/b' })
    expect(lastSegment('s3://b/a/b.avro')).toBe('b.avro')
  })
  it.each(['s3:/b/k', 's3:///k', 'file:///x'])('refuses %s as s3', (text) =>
    expect(() => parseS3Location(text)).toThrow(/s3:\/\//),
  )
  it.each([
    ['file:///a/b', '/a/b'],
    ['file:/a/b', '/a/b'],
    ['file://localhost/a', '/a'],
    ['file:////a//b/', '/a/b/'],
    ['file:///a%20b/ü', '/a%20b/ü'],
    ['file:///a/./b/../c', '/a/c'],
  ])('%s is the path %s', (location, path) => expect(localPath(location)).toBe(path))
  it.each(['file://host/x', 'file:x', '/x', 'file:///a\0b'])('refuses %j as a path', (text) =>
    expect(() => localPath(text)).toThrow(/file:\/\/\/absolute/),
  )
})

describe('toLocation', () => {
  it.each([
    ['./x', 'file:///home/me/x'],
    ['x/y/', 'file:///home/me/x/y'],
    ['..', 'file:///home'],
    ['/abs/x/', 'file:///abs/x'],
    ['file:/abs', 'file:///abs'],
    ['file:///abs/', 'file:///abs'],
    ['file:rel', 'file:///home/me/rel'],
    ['s3://b', 's3://b'],
    ['s3://b/', 's3://b'],
    ['s3://b/p/', 's3://b/p'],
    ['s3a://b/p', 's3://b/p'],
    ['S3://b/p', 's3://b/p'],
    ['memory:', 'memory://main'],
    ['memory:wh', 'memory://wh'],
    ['memory://wh/x/', 'memory://wh/x'],
  ])('%s is %s', (typed, location) => expect(toLocation(typed, '/home/me')).toBe(location))
  it.each(['', 'gs://b', 's3:', 's3://', 's3:b/p'])('refuses %j', (typed) =>
    expect(() => toLocation(typed, '/')).toThrow(),
  )
})

describe('sameLocation', () => {
  it.each([
    ['s3://b/k', 's3a://b/k'],
    ['s3n://b/k/', 's3://b/k'],
    ['s3://b/a//b', 's3://b/a/b'],
    ['s3://b/a%20b', 's3://b/a b'],
    ['s3://b/%c3%bc', 's3://b/ü'],
    ['file:/x/y', 'file:///x//y'],
    ['file:///x/../y', 'file://localhost/y/'],
    ['s3://b/bad%FFescape', 's3://b/bad%ffescape'],
  ])('%s is %s', (a, b) => expect(sameLocation(a, b)).toBe(true))
  it.each([
    ['s3://b/k', 's3://c/k'],
    ['s3://b/k', 's3://b/K'],
    ['s3://b/k', 'memory://b/k'],
    ['file:///b/k', 's3://b/k'],
  ])('%s is not %s', (a, b) => expect(sameLocation(a, b)).toBe(false))
  it('is reflexive and idempotent in its canonical form', () => {
    assert(
      property(string({ unit: 'grapheme' }), (key) => {
        const location = `s3://bucket/${key}`
        expect(sameLocation(location, `s3a://bucket/${key}`)).toBe(true)
        expect(canonicalLocation(location).startsWith('s3:')).toBe(true)
      }),
    )
  })
})

it('compares as UTF-8 bytes do', () => {
  assert(
    property(string({ unit: 'grapheme' }), string({ unit: 'grapheme' }), (a, b) => {
      expect(Math.sign(compareBytewise(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)))
    }),
  )
  expect(compareBytewise('\uffee', '😀')).toBeLessThan(0)
})
