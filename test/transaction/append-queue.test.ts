/** Group commit: who is committed together, and what each caller hears. */
import { describe, expect, it } from 'vitest'
import { CommitStateUnknownError, ServiceError, SessionExpiredError } from '../../src/base/errors.ts'
import type { Answer } from '../../src/io/file-io.ts'
import { type GatedTable, gatedTable, settle } from './gated-table.ts'

async function ids({ catalog }: GatedTable): Promise<number[]> {
  const found: number[] = []
  for await (const { id } of (await catalog.loadTable('a.t')).scan().rows()) found.push(id as number)
  return found.toSorted((a, b) => a - b)
}

/** One append under way and held, and those that wait behind it. */
async function behindOne(made: GatedTable, starts: readonly (() => Promise<unknown>)[]) {
  const release = made.hold()
  const first = made.table.append([{ id: 0 }])
  await settle()
  const waiting = starts.map((start) => start())
  for (const promise of waiting) promise.catch(() => {})
  await settle()
  return { release, first, waiting }
}

/** Lets another writer commit row 9 between the next pointer write and its being sent. */
async function rivalFirst({ catalog, io }: GatedTable, then: () => void = () => {}): Promise<void> {
  const rival = await catalog.loadTable('a.t')
  const put = io.cas.put.bind(io.cas)
  io.cas.put = async (...call) => {
    io.cas.put = put
    await rival.refresh()
    await rival.append([{ id: 9 }])
    then()
    return put(...call)
  }
}

describe('appends to one table at the same time', () => {
  it('are one snapshot and one compare-and-swap for all that wait, with a result for each', async () => {
    const made = await gatedTable()
    const { table } = made
    const starts = [1, 2, 3].map((id) => () => table.append([{ id }, { id: id * 10 }], { summary: { common: 'x' } }))
    const { release, first, waiting } = await behindOne(made, starts)
    release()
    const alone = await first
    const results = (await Promise.all(waiting)) as (typeof alone)[]
    expect(made.swaps()).toBe(2)
    expect(table.snapshots).toHaveLength(2)
    expect(new Set(results.map((result) => result.snapshotId))).toEqual(new Set([table.currentSnapshot?.snapshotId]))
    expect(results.map(({ rows, files }) => ({ rows, files }))).toEqual([1, 2, 3].map(() => ({ rows: 2n, files: 1 })))
    expect(alone.snapshotId).toBe(table.snapshots[0]?.snapshotId)
    expect(await ids(made)).toEqual([0, 1, 2, 3, 10, 20, 30])
    expect(table.currentSnapshot?.summary).toMatchObject({
      operation: 'append',
      properties: { 'added-data-files': '3', 'added-records': '6', 'total-records': '7', common: 'x' },
    })
    expect(await made.files('-m0.avro')).toHaveLength(2)
  })

  it('goes at once, in two round trips, where nobody waits', async () => {
    const made = await gatedTable()
    await made.table.append([{ id: 0 }])
    const written: string[] = []
    const write = made.io.write.bind(made.io)
    made.io.write = (location, ...rest) => {
      written.push(location)
      return write(location, ...rest)
    }
    made.io.read = (location) => Promise.reject(new Error(`read ${location}`))
    await made.table.append([{ id: 1 }])
    expect(written).toHaveLength(4)
    expect(made.swaps()).toBe(2)
  })

  it('keeps appends apart whose summaries contradict each other', async () => {
    const made = await gatedTable()
    const append = (id: number, batch: string) => () => made.table.append([{ id }], { summary: { batch } })
    const { release, waiting } = await behindOne(made, [append(1, 'a'), append(2, 'b'), append(3, 'a')])
    release()
    await Promise.all(waiting)
    const summaries = made.table.snapshots.map(({ summary }) => summary?.properties)
    expect(summaries.map((s) => [s?.['batch'], s?.['added-records']])).toEqual([
      [undefined, '1'],
      ['a', '2'],
      ['b', '1'],
    ])
  })

  it('takes out one that is aborted while it waits, and deletes its files', async () => {
    const made = await gatedTable()
    const controller = new AbortController()
    const { release, waiting } = await behindOne(made, [
      () => made.table.append([{ id: 1 }], { signal: controller.signal }),
      () => made.table.append([{ id: 2 }]),
    ])
    controller.abort(new Error('enough'))
    await expect(waiting[0]).rejects.toThrow('enough')
    expect(made.deleted).toHaveLength(1)
    release()
    await waiting[1]
    expect(await ids(made)).toEqual([0, 2])
    expect(await made.files('/data/')).toHaveLength(2)
  })

  it('lets one leave that is aborted after a conflict, without the others', async () => {
    const made = await gatedTable()
    const controller = new AbortController()
    const { release, first, waiting } = await behindOne(made, [
      () => made.table.append([{ id: 1 }], { signal: controller.signal }),
      () => made.table.append([{ id: 2 }]),
    ])
    await rivalFirst(made, () => controller.abort(new Error('enough')))
    release()
    await first
    await expect(waiting[0]).rejects.toThrow('enough')
    await waiting[1]
    expect(await ids(made)).toEqual([0, 2, 9])
    expect(await made.files('/data/')).toHaveLength(3)
    // The manifest that held both is gone too.
    expect(await made.files('-m')).toHaveLength(3)
  })

  it('tells an upload that failed to its own caller only', async () => {
    const made = await gatedTable()
    const write = made.io.write.bind(made.io)
    let uploads = 0
    made.io.write = async (location, ...rest) => {
      if (!location.includes('/data/') || (uploads += 1) !== 2) return write(location, ...rest)
      await settle()
      throw new ServiceError('full', { retryable: false })
    }
    const { release, waiting } = await behindOne(
      made,
      [1, 2, 3].map((id) => () => made.table.append([{ id }])),
    )
    release()
    const outcomes = await Promise.allSettled(waiting)
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'fulfilled', 'rejected'])
    expect(await ids(made)).toHaveLength(3)
  })

  it('commits the others where an upload fails while the commit is under way', async () => {
    const made = await gatedTable()
    const { table, io } = made
    const release = made.hold()
    const first = table.append([{ id: 0 }])
    await settle()
    const write = io.write.bind(io)
    const uploads: ((outcome: Promise<Answer>) => void)[] = []
    io.write = (location, ...rest) =>
      location.includes('/data/') ? new Promise((resolve) => uploads.push(resolve)) : write(location, ...rest)
    // All are still uploading when they are taken, so that they go together.
    const waiting = [1, 2, 3].map((id) => table.append([{ id }]))
    for (const promise of waiting) promise.catch(() => {})
    await settle()
    io.write = write
    release()
    await first
    await settle()
    expect(uploads).toHaveLength(3)
    uploads.forEach((finish, i) =>
      finish(
        i === 1 ? Promise.reject(new ServiceError('full', { retryable: false })) : Promise.resolve({ storeTimeMs: 0 }),
      ),
    )
    const [one, two, three] = await Promise.allSettled(waiting)
    expect(two).toMatchObject({ status: 'rejected', reason: { message: 'full' } })
    expect([one, three]).toMatchObject([{ value: { attempts: 2 } }, { value: { attempts: 2 } }])
    expect(table.snapshots).toHaveLength(2)
    expect(table.currentSnapshot?.summary?.properties['added-records']).toBe('2')
    expect(await made.files('-m')).toHaveLength(2)
  })

  it('tells all that the outcome is unknown, and deletes nothing', async () => {
    const made = await gatedTable()
    const { release, first, waiting } = await behindOne(
      made,
      [1, 2].map((id) => () => made.table.append([{ id }])),
    )
    release()
    await first
    const silence = { kind: 'ambiguous', cause: new Error('silence') } as const
    made.answers.push(...Array.from({ length: 1_000 }, () => () => Promise.resolve(silence)))
    for (const promise of waiting) await expect(promise).rejects.toThrow(CommitStateUnknownError)
    expect(made.deleted).toEqual([])
    expect(await made.files('/data/')).toHaveLength(3)
  })

  it('tells all that the commit failed, and deletes the files of each', async () => {
    const made = await gatedTable({ properties: { 'commit.retry.num-retries': '0' } })
    const { release, first, waiting } = await behindOne(
      made,
      [1, 2].map((id) => () => made.table.append([{ id }])),
    )
    await rivalFirst(made)
    release()
    await first
    for (const promise of waiting) await expect(promise).rejects.toThrow(/first in all 1 attempts/)
    expect(await ids(made)).toEqual([0, 9])
    expect(await made.files('/data/')).toHaveLength(2)
    expect(await made.files('-m')).toHaveLength(2)
  })

  it('evicts a member whose session has expired: the others go on, it follows with copies', async () => {
    const made = await gatedTable()
    const { release, first, waiting } = await behindOne(made, [() => made.table.append([{ id: 1 }])])
    const old = await made.files('/data/')
    await made.raiseFence()
    const fresh = made.table.append([{ id: 2 }])
    await settle()
    release()
    await Promise.all([first, ...waiting, fresh])
    expect(await ids(made)).toEqual([0, 1, 2])
    const left = await made.files('/data/')
    expect(left).toHaveLength(3)
    expect(left.filter((file) => old.includes(file))).toEqual([])
  })

  it('fails only the member whose files orphan removal took', async () => {
    const made = await gatedTable()
    const { release, first, waiting } = await behindOne(made, [])
    const before = await made.files('/data/')
    const expired = made.table.append([{ id: 1 }])
    expired.catch(() => {})
    await settle()
    await made.raiseFence()
    await made.io.delete((await made.files('/data/')).filter((file) => !before.includes(file)))
    const fresh = made.table.append([{ id: 2 }])
    await settle()
    release()
    await expect(expired).rejects.toThrow(SessionExpiredError)
    await Promise.all([first, ...waiting, fresh])
    expect(await ids(made)).toEqual([0, 2])
  })

  it('works inside a transaction, each append its own', async () => {
    const made = await gatedTable()
    await made.catalog.transaction(async (tx) => {
      const table = await tx.table('a.t')
      await Promise.all([1, 2, 3].map((id) => table.append([{ id }])))
    })
    expect(await ids(made)).toEqual([1, 2, 3])
    expect((await made.catalog.loadTable('a.t')).snapshots).toHaveLength(3)
    expect(made.swaps()).toBe(1)
  })
})

it('an append of an expired session that cannot be copied is told so', async () => {
  const made = await gatedTable()
  const release = made.hold()
  const append = made.table.append([{ id: 1 }])
  append.catch(() => {})
  await settle()
  await made.raiseFence()
  await made.io.delete(await made.files('/data/'))
  release()
  await expect(append).rejects.toThrow(SessionExpiredError)
})
