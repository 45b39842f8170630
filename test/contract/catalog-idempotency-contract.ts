/** Calls repeated with the key of one that succeeded. */
import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { AlreadyExistsError, ValidationError } from '../../src/base/errors.ts'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { idsOf, schema } from './catalog-fixture.ts'

export function idempotencyTests(catalog: () => Catalog): void {
  it('makes a table once, and gives it again', async () => {
    const idempotencyKey = randomUUID()
    const made = await catalog().createTable('idem.a', { schema, idempotencyKey })
    await made.append([{ id: 1n }])
    const again = await catalog().createTable('idem.a', { schema, idempotencyKey })
    expect(again.metadata.tableUuid).toBe(made.metadata.tableUuid)
    expect(await idsOf(catalog(), 'idem.a')).toEqual([1n])
    await expect(catalog().createTable('idem.a', { schema })).rejects.toThrow(AlreadyExistsError)
    const other = { schema: { id: 'int' }, idempotencyKey }
    await expect(catalog().createTable('idem.a', other)).rejects.toThrow(ValidationError)
    await expect(catalog().createTable('idem.b', { schema, idempotencyKey })).rejects.toThrow(/another call/)
    expect(await catalog().tableExists('idem.b')).toBe(false)
  })

  it.each(['', 'x', '1'.repeat(36)])('refuses the key %j', async (idempotencyKey) => {
    await expect(catalog().createNamespace('idem2', {}, { idempotencyKey })).rejects.toThrow(ValidationError)
    expect(await catalog().namespaceExists('idem2')).toBe(false)
  })

  it('drops, renames and undrops once', async () => {
    await catalog().createTable('idem.c', { schema })
    const [rename, drop, undrop] = [randomUUID(), randomUUID(), randomUUID()]
    const twice = async (call: () => Promise<unknown>): Promise<void> => {
      await call()
      await call()
    }
    await twice(() => catalog().renameTable('idem.c', 'idem.d', { idempotencyKey: rename }))
    await twice(() => catalog().dropTable('idem.d', { idempotencyKey: drop }))
    await twice(() => catalog().undropTable('idem.d', { idempotencyKey: undrop }))
    expect(await catalog().tableExists('idem.d')).toBe(true)
    await catalog().dropTable('idem.d', { idempotencyKey: drop })
    expect(await catalog().tableExists('idem.d')).toBe(true)
  })

  it('makes, changes and drops a namespace once', async () => {
    const [create, change, drop] = [randomUUID(), randomUUID(), randomUUID()]
    for (let i = 0; i < 2; i++) await catalog().createNamespace('idem3', {}, { idempotencyKey: create })
    const set = { a: '1' }
    for (let i = 0; i < 2; i++) {
      const result = await catalog().updateNamespaceProperties('idem3', { set }, { idempotencyKey: change })
      expect(result.updated).toEqual(['a'])
    }
    for (let i = 0; i < 2; i++) await catalog().dropNamespace('idem3', { idempotencyKey: drop })
    expect(await catalog().namespaceExists('idem3')).toBe(false)
  })
}
