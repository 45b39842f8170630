import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InvalidDataError, ValidationError } from '../../src/base/errors.ts'
import { catalogKeys, decodeName, decodeNamespace, encodeName } from '../../src/catalog/catalog-keys.ts'
import { RING_LENGTH, nextCasBody } from '../../src/catalog/cas-body.ts'
import { SIZE_CLASS, contentOf, decodePointer, encodePointer, nextPointer } from '../../src/catalog/pointer.ts'
import type { PointerBody } from '../../src/catalog/pointer.ts'

const keys = catalogKeys('s3://lake/wh')
const record = (bytes: Uint8Array) => ({ bytes, token: 't', lastModifiedMs: 0, storeTimeMs: 0 })

const body: PointerBody = {
  ...nextCasBody(undefined, 'c1', 'u1'),
  kind: 'table',
  uuid: '0b1b9e7c-6a5e-4d2e-8f7e-2f1b3c4d5e6f',
  namespace: ['travel'],
  name: 'flights',
  nsGeneration: 1,
  metadataLocation: 's3://lake/wh/x/metadata/00001-c1.metadata.json',
  prevMetadataLocation: undefined,
  gcHorizonMs: 0,
  state: 'live',
  hollow: false,
  movedTo: undefined,
  droppedAtMs: undefined,
  over: undefined,
  txn: undefined,
  writer: 'test',
}

describe('keys', () => {
  it.each([
    ['plain_Name-1', 'plain_Name-1'],
    ['a.b', 'a%2Eb'],
    ['../x', '%2E%2E%2Fx'],
    ['ns.json', 'ns%2Ejson'],
    ['ü', '%C3%BC'],
    ['%41', '%2541'],
  ])('encodes %j as %j', (name, encoded) => {
    expect(encodeName(name)).toBe(encoded)
    expect(decodeName(encoded)).toBe(name)
  })

  it('gives different names different keys', () => {
    const name = fc.string({ minLength: 1, unit: 'grapheme' }).filter((drawn) => !/[\p{Cc}\p{Cs}]/u.test(drawn))
    fc.assert(fc.property(name, name, (a, b) => (encodeName(a) === encodeName(b)) === (a === b)))
    fc.assert(fc.property(name, (drawn) => decodeName(encodeName(drawn)) === drawn))
  })

  it('joins levels so that they come apart again', () => {
    const location = keys.namespaceRecord(['a.b', 'c'])
    expect(location).toBe('s3://lake/wh/_catalog/v1/ns/a%2Eb%1Fc/ns.json')
    expect(decodeNamespace('a%2Eb%1Fc')).toEqual(['a.b', 'c'])
    expect(keys.pointer({ namespace: ['a'], name: 'ns' }, 2)).toBe('s3://lake/wh/_catalog/v1/ns/a/2/ns.json')
  })

  it('refuses what no key can hold', () => {
    expect(() => encodeName('')).toThrow(ValidationError)
    expect(() => keys.namespaceRecord([])).toThrow(ValidationError)
    expect(() => keys.pointer({ namespace: ['a'], name: 'ü'.repeat(60) }, 1)).toThrow(/too long/)
    expect(() => keys.namespaceRecord(Array.from({ length: 9 }, () => 'x'.repeat(150)))).toThrow(/too long/)
  })
})

describe('pointer', () => {
  it('is read back as it was written', () => {
    const dropped = nextPointer(body, { state: 'dropped' }, { commitId: 'c2', u: 'u2' })
    const again = {
      ...nextPointer(dropped, { state: 'live', uuid: 'other' }, { commitId: 'c3', u: 'u3' }),
      over: dropped,
    }
    const intent = { id: 'x', commitId: 'c4', v: 5, next: contentOf(again) }
    const waiting = nextPointer(body, { txn: intent }, { commitId: 'x/intent', u: 'u4' })
    for (const pointer of [body, dropped, again, waiting]) {
      expect(decodePointer(record(encodePointer(pointer)), 'l')).toEqual(pointer)
    }
  })

  it('tells its class by its size', () => {
    const writers = Array.from({ length: 20 }, (_, i) => 'w'.repeat(i))
    for (const writer of writers) {
      expect(encodePointer({ ...body, writer }).length % 16).toBe(SIZE_CLASS.table)
      expect(encodePointer({ ...body, writer, kind: 'view' }).length % 16).toBe(SIZE_CLASS.view)
      expect(encodePointer({ ...body, writer, state: 'dropped' }).length % 16).toBe(SIZE_CLASS.tombstone)
      expect(encodePointer({ ...body, writer, state: 'purging' }).length % 16).toBe(SIZE_CLASS.tombstone)
      const txn = { id: 'x', commitId: 'c2', v: 3, next: contentOf(body) }
      expect(encodePointer({ ...body, writer, txn }).length % 16).toBe(SIZE_CLASS.intent)
    }
  })

  it('carries the line of those who wait, though not who goes on, and only of one live table', () => {
    const turn = { line: ['a', 'b'], leftMs: 120.4, commitMs: 20, quietMs: 50 }
    const told = nextPointer(body, { turn }, { commitId: 'c2', u: 'u2' })
    const bytes = encodePointer(told)
    expect(decodePointer(record(bytes), 'x')).toEqual({ ...told, turn: { ...turn, leftMs: 121 } })
    expect(bytes.length % 16).toBe(SIZE_CLASS.table)
    const commit = { commitId: 'c3', u: 'u3' }
    expect(nextPointer(told, { gcHorizonMs: 7 }, commit).turn).toEqual({ ...turn, leftMs: 0, quietMs: 0 })
    expect(nextPointer({ ...told, turn: { ...turn, line: [] } }, {}, commit).turn).toBeUndefined()
    expect(nextPointer(told, { state: 'dropped' }, commit).turn).toBeUndefined()
    expect(nextPointer(told, { ...contentOf(told), uuid: 'other' }, commit).turn).toBeUndefined()
    expect(contentOf(told)).not.toHaveProperty('turn')
  })

  it('is read past members that a later firn may add, in the line too', () => {
    const turn = { line: ['a'], leftMs: 0, commitMs: 20, quietMs: 0 }
    const told = nextPointer(body, { turn }, { commitId: 'c2', u: 'u2' })
    const later = { ...JSON.parse(text(told)), turn: { ...turn, later: 1 }, later: { x: ['y'] } }
    expect(decodePointer(record(new TextEncoder().encode(JSON.stringify(later))), 'x')).toEqual(told)
  })

  it('tell the manifest list of their own metadata only', () => {
    const told = nextPointer(body, { manifestList: 's3://lake/wh/x/snap.avro' }, { commitId: 'c2', u: 'u2' })
    expect(decodePointer(record(encodePointer(told)), 'x').manifestList).toBe('s3://lake/wh/x/snap.avro')
    const next = nextPointer(told, { metadataLocation: 's3://lake/wh/x/3.json' }, { commitId: 'c3', u: 'u3' })
    expect(decodePointer(record(encodePointer(next)), 'x').manifestList).toBeUndefined()
  })

  it('names its predecessor, grows by one and keeps the last commits of the key', () => {
    let pointer = body
    for (let i = 2; i <= 100; i++) pointer = nextPointer(pointer, {}, { commitId: `c${i}`, u: `u${i}` })
    expect(pointer.v).toBe(100)
    expect(pointer.prevU).toBe('u99')
    expect(pointer.ring).toHaveLength(RING_LENGTH)
    expect(pointer.ring[0]).toEqual({ id: 'c100', v: 100 })
    expect(pointer.ring.at(-1)).toEqual({ id: `c${101 - RING_LENGTH}`, v: 101 - RING_LENGTH })
  })

  it('drops what it was made over once it moves on', () => {
    const over = nextPointer(body, { state: 'dropped' }, { commitId: 'c2', u: 'u2' })
    expect(nextPointer({ ...body, over }, {}, { commitId: 'c3', u: 'u3' }).over).toBeUndefined()
  })

  it.each([
    ['not JSON', '{', InvalidDataError],
    ['a later format', '{"fmt":2}', InvalidDataError],
    ['an unknown state', JSON.stringify({ ...JSON.parse(text(body)), state: 'odd' }), InvalidDataError],
    ['an intent without its body', JSON.stringify({ ...JSON.parse(text(body)), txn: { id: 'x' } }), InvalidDataError],
    ['a missing member', JSON.stringify({ ...JSON.parse(text(body)), uuid: undefined }), InvalidDataError],
  ])('refuses %s', (_, json, error) => {
    expect(() => decodePointer(record(new TextEncoder().encode(json)), 's3://b/p.json')).toThrow(error)
  })
})

function text(pointer: PointerBody): string {
  return new TextDecoder().decode(encodePointer(pointer))
}
