/** The buffered appender: when it flushes, what it holds back, and that a stream goes on where it was. */
import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { describe, expect, it } from 'vitest'
import { CommitStateUnknownError, StreamMovedError, ValidationError } from '../../src/base/errors.ts'
import { openCatalog } from '../../src/catalog/open-catalog.ts'
import { type GatedTable, gatedTable, settle } from '../transaction/gated-table.ts'

const rows = (from: number, count = 1) => Array.from({ length: count }, (_, i) => ({ id: from + i }))

async function ids({ catalog }: Pick<GatedTable, 'catalog'>): Promise<number[]> {
  const found: number[] = []
  for await (const { id } of (await catalog.loadTable('a.t')).scan().rows()) found.push(id as number)
  return found.toSorted((a, b) => a - b)
}

const silence = () => Promise.resolve({ kind: 'ambiguous', cause: new Error('silence') } as const)
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i)

describe('when rows are flushed', () => {
  it('by rows, the call that fills the buffer included whole', async () => {
    const made = await gatedTable()
    const appender = await made.table.bufferedAppender({ flushRows: 10 })
    for (let id = 0; id < 9; id++) await appender.append(rows(id))
    await settle()
    expect(made.table.snapshots).toHaveLength(0)
    expect(appender.pending).toMatchObject({ rows: 9 })
    await appender.append(rows(9, 5))
    await settle()
    expect(appender.pending).toEqual({ rows: 0, sizeBytes: 0 })
    expect(await ids(made)).toEqual(upTo(14))
    expect(made.table.snapshots).toHaveLength(1)
    await appender.close()
    expect(made.table.snapshots).toHaveLength(1)
  })

  it('by bytes', async () => {
    const made = await gatedTable()
    const appender = await made.table.bufferedAppender({ flushBytes: 4_000 })
    await appender.append(rows(0, 100))
    expect(appender.pending.sizeBytes).toBeGreaterThan(400)
    await appender.append(rows(100, 1_000))
    await settle()
    expect(await ids(made)).toHaveLength(1_100)
  })

  it('by time, counted from the first row', async () => {
    const catalog = await openCatalog(`memory://${crypto.randomUUID()}/wh`)
    const table = await catalog.createTable('a.t', { schema: { id: 'int' } })
    const appender = await table.bufferedAppender({ flushMs: 20 })
    await appender.append(rows(0))
    await appender.append(rows(1))
    await expect.poll(() => table.snapshots.length).toBe(1)
    expect(await ids({ catalog } as GatedTable)).toEqual([0, 1])
    await appender.close()
  })

  it('when told to, and at the end', async () => {
    const made = await gatedTable()
    await using appender = await made.table.bufferedAppender()
    await appender.append(rows(0))
    await appender.flush()
    expect(await ids(made)).toEqual([0])
    await appender.append(rows(1))
    await appender.close()
    expect(await ids(made)).toEqual([0, 1])
    await expect(appender.append(rows(2))).rejects.toThrow(/closed/)
  })
})

describe('what is held back', () => {
  it('makes appends wait while a flush is under way and the buffer is full again', async () => {
    const made = await gatedTable()
    const appender = await made.table.bufferedAppender({ flushRows: 10 })
    const release = made.hold()
    await appender.append(rows(0, 10))
    await settle()
    await appender.append(rows(10, 10))
    let isTaken = false
    const third = appender.append(rows(20, 10)).then(() => (isTaken = true))
    await settle()
    expect(isTaken).toBe(false)
    expect(appender.pending.rows).toBe(20)
    release()
    await third
    await appender.close()
    expect(await ids(made)).toEqual(upTo(30))
    expect(made.table.snapshots).toHaveLength(3)
  })

  it('takes none of the rows of a call in which one does not fit, and goes on', async () => {
    const made = await gatedTable()
    const appender = await made.table.bufferedAppender()
    await appender.append(rows(0))
    await expect(appender.append([{ id: 1 }, { id: 'x' }])).rejects.toThrow(/row 2/)
    await appender.append(rows(2))
    await appender.close()
    expect(await ids(made)).toEqual([0, 2])
  })

  it('takes no more once a flush has failed, and says why', async () => {
    const made = await gatedTable()
    const appender = await made.table.bufferedAppender({ flushRows: 2 })
    made.answers.push(...Array.from({ length: 1_000 }, () => silence))
    await appender.append(rows(0, 2))
    await expect(appender.flush()).rejects.toThrow(CommitStateUnknownError)
    await expect(appender.append(rows(2))).rejects.toThrow(CommitStateUnknownError)
    expect(appender.pending.rows).toBe(2)
    await expect(appender.close()).rejects.toThrow(CommitStateUnknownError)
  })

  it('drops what is pending when it is aborted', async () => {
    const made = await gatedTable()
    const controller = new AbortController()
    const appender = await made.table.bufferedAppender({ signal: controller.signal })
    await appender.append(rows(0))
    controller.abort(new Error('enough'))
    await expect(appender.append(rows(1))).rejects.toThrow('enough')
    await appender.close()
    expect(await ids(made)).toEqual([])
  })

  it.each([{ flushRows: 0 }, { flushBytes: -1 }, { flushMs: 37 * 3_600_000 }, { stream: '' }])(
    'refuses %j',
    async (options) => {
      const made = await gatedTable()
      await expect(made.table.bufferedAppender(options)).rejects.toThrow(ValidationError)
    },
  )

  it('is refused inside a transaction', async () => {
    const made = await gatedTable()
    const buffered = made.catalog.transaction(async (tx) => (await tx.table('a.t')).bufferedAppender())
    await expect(buffered).rejects.toThrow(/inside a transaction/)
  })
})

describe('a stream', () => {
  it('moves its token in the commit of the rows, and is found again by the next process', async () => {
    const made = await gatedTable()
    const appender = await made.table.bufferedAppender({ stream: 'orders' })
    expect(appender.token).toBeUndefined()
    await appender.append(rows(0), { token: '1' })
    await appender.append(rows(1), { token: '2' })
    expect(appender.token).toBeUndefined()
    await appender.flush()
    expect(appender.token).toBe('2')
    expect(made.table.metadata.properties['firn.stream.orders']).toBe('2')
    expect(made.swaps()).toBe(1)
    // A position without rows is kept too.
    await appender.append([], { token: '3' })
    await appender.close()
    expect(made.table.snapshots).toHaveLength(1)
    const restarted = await (await made.catalog.loadTable('a.t')).bufferedAppender({ stream: 'orders' })
    expect(restarted.token).toBe('3')
    await restarted.append(rows(2), { token: '4' })
    await restarted.close()
    expect(await ids(made)).toEqual([0, 1, 2])
  })

  it('refuses a second writer, which goes on from the token that it finds', async () => {
    const made = await gatedTable()
    const other = await made.catalog.loadTable('a.t')
    const [first, second] = await Promise.all([made.table, other].map((t) => t.bufferedAppender({ stream: 's' })))
    await first?.append(rows(0), { token: '1' })
    await first?.flush()
    await second?.append(rows(0), { token: '1' })
    await expect(second?.flush()).rejects.toThrow(StreamMovedError)
    expect(await ids(made)).toEqual([0])
    expect(await made.files('/data/')).toHaveLength(1)
    const third = await other.bufferedAppender({ stream: 's' })
    expect(third.token).toBe('1')
    await third.append(rows(1), { token: '2' })
    await third.close()
    await first?.append(rows(1), { token: '2' })
    await expect(first?.close()).rejects.toThrow(/moved stream "s"/)
    expect(await ids(made)).toEqual([0, 1])
  })

  it('shares commits with other streams and appends of the table', async () => {
    const made = await gatedTable()
    const appenders = await Promise.all(['a', 'b'].map((stream) => made.table.bufferedAppender({ stream })))
    const release = made.hold()
    const first = made.table.append(rows(0))
    await settle()
    const flushes = appenders.map(async (appender, i) => {
      await appender.append(rows(i + 1), { token: `${i}` })
      await appender.flush()
    })
    await settle()
    release()
    await Promise.all([first, ...flushes])
    expect(made.table.snapshots).toHaveLength(2)
    expect(made.table.metadata.properties).toMatchObject({ 'firn.stream.a': '0', 'firn.stream.b': '1' })
  })

  it.each([
    ['never landed', 0],
    ['landed though no answer came', 1],
  ])('sends a flush of unknown outcome again, once, where it %s', async (_, applied) => {
    const made = await gatedTable()
    const appender = await made.table.bufferedAppender({ stream: 's' })
    await appender.append(rows(0), { token: '1' })
    const put = made.io.cas.put.bind(made.io.cas)
    let held: (() => Promise<unknown>) | undefined
    let silent: string | undefined
    made.io.cas.put = async (...call) => {
      const { commitId } = JSON.parse(new TextDecoder().decode(call[1])) as { commitId: string }
      held ??= () => put(...call)
      silent ??= commitId
      if (commitId === silent) return silence()
      // The first attempt was given up; it may land even now.
      made.io.cas.put = put
      if (applied === 1) await held()
      return put(...call)
    }
    await appender.flush()
    expect(appender.token).toBe('1')
    expect(await ids(made)).toEqual([0])
    expect(made.table.metadata.properties['firn.stream.s']).toBe('1')
  })

  it('wants a token that moves with every append', async () => {
    const made = await gatedTable()
    const appender = await made.table.bufferedAppender({ stream: 's' })
    await expect(appender.append(rows(0))).rejects.toThrow(/token/)
    await appender.append(rows(0), { token: '1' })
    await expect(appender.append(rows(1), { token: '1' })).rejects.toThrow(/each its own/)
    await appender.append([], { token: '1' })
    await appender.close()
    const plain = await made.table.bufferedAppender()
    await expect(plain.append(rows(0), { token: '1' })).rejects.toThrow(/belongs to a stream/)
    expect(await ids(made)).toEqual([0])
  })
})

describe('as the end of a pipeline', () => {
  it('takes rows of a Node stream, with a token for each', async () => {
    const made = await gatedTable()
    const appender = await made.table.bufferedAppender({ stream: 's', flushRows: 40 })
    const tokenOf = (row: object): string => String((row as { id: number }).id)
    await pipeline(Readable.from(rows(0, 100)), appender.writable({ tokenOf }))
    expect(await ids(made)).toEqual(upTo(100))
    expect(made.table.metadata.properties['firn.stream.s']).toBe('99')
  })

  it('takes rows of a web stream', async () => {
    const made = await gatedTable()
    const appender = await made.table.bufferedAppender()
    await ReadableStream.from(rows(0, 10)).pipeTo(Writable.toWeb(appender.writable()))
    expect(await ids(made)).toEqual(upTo(10))
  })

  it('drops what is pending where the pipeline fails', async () => {
    const made = await gatedTable()
    const appender = await made.table.bufferedAppender()
    const failing = async function* () {
      yield* rows(0, 5)
      await settle()
      throw new Error('source broke')
    }
    await expect(pipeline(Readable.from(failing()), appender.writable())).rejects.toThrow('source broke')
    expect(await ids(made)).toEqual([])
  })

  it('fails the pipeline where a row does not fit', async () => {
    const made = await gatedTable()
    const appender = await made.table.bufferedAppender()
    await expect(pipeline(Readable.from([{ id: 'x' }]), appender.writable())).rejects.toThrow(ValidationError)
  })
})
