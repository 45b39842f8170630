/**
 * Registration interrupted at each of its conditional writes: whatever was lost, late or left behind by a process that
 * died, no two names ever stand for one table, and the table can be registered afterwards.
 */
import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { AlreadyExistsError, CommitStateUnknownError, ServiceError } from '../../src/base/errors.ts'
import type { Runtime } from '../../src/base/runtime.ts'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { ObjectCatalog } from '../../src/catalog/object-catalog.ts'
import type { CasOutcome, CasStore, FileIO } from '../../src/io/file-io.ts'
import { MemoryFileIO } from '../../src/io/memory-file-io.ts'
import { catalogEnvironment } from '../support/catalog-environment.ts'
import { overriding } from '../support/overriding.ts'
import { virtualRuntime } from '../support/virtual-runtime.ts'

type Put = CasStore['put']
/** What becomes of a process's conditional writes, counted from 1. */
type Fate = (put: Put, args: Parameters<Put>, n: number) => Promise<CasOutcome>

/** The process is gone: none of its calls ever returns to it. */
const DEATH = new Error('the process died')

class World {
  readonly warehouse = `memory://${randomUUID()}/lake`
  // Random uuids: those of the clock alone would be drawn again by each world's every process.
  readonly runtime: Runtime = { ...virtualRuntime(), uuid: () => randomUUID() }

  process(fate: Fate = (put, args) => put(...args), warehouse = this.warehouse): Catalog {
    const memory = new MemoryFileIO({ runtime: this.runtime })
    let n = 0
    let isDead = false
    const put: Put = async (...args) => {
      if (isDead) throw DEATH
      try {
        return await fate(memory.cas.put.bind(memory.cas), args, (n += 1))
      } catch (error) {
        isDead ||= error === DEATH
        throw error
      }
    }
    const read: CasStore['read'] = (...args) => (isDead ? Promise.reject(DEATH) : memory.cas.read(...args))
    const io: FileIO = overriding<FileIO>(memory, { cas: overriding<CasStore>(memory.cas, { put, read }) })
    return new ObjectCatalog(catalogEnvironment(io, { warehouse, runtime: this.runtime, swapTimeoutMs: 60_000 }))
  }

  /** The location of a foreign table's metadata, with a warehouse that is set up and a name that was used before. */
  async setUp(isNameUsed: boolean): Promise<string> {
    const other = this.process(undefined, `memory://${randomUUID()}/other`)
    const { metadataLocation } = await other.createTable('a.t', { schema: { id: 'int' } })
    const catalog = this.process()
    await catalog.createTable('a.first', { schema: { id: 'int' } })
    if (isNameUsed) await catalog.dropTable('a.first')
    return metadataLocation
  }

  /** Names that show the table, of those that were tried. */
  async names(uuid: string, tried: readonly string[]): Promise<string[]> {
    const catalog = this.process()
    const found: string[] = []
    for (const name of tried) {
      if (!(await catalog.tableExists(name))) continue
      if ((await catalog.loadTable(name)).metadata.tableUuid === uuid) found.push(name)
    }
    return found
  }
}

const lost =
  (at: number): Fate =>
  (put, args, n) =>
    n === at ? Promise.reject(DEATH) : put(...args)
const landed =
  (at: number): Fate =>
  async (put, args, n) => {
    const outcome = await put(...args)
    if (n === at) throw DEATH
    return outcome
  }
const refused =
  (at: number): Fate =>
  (put, args, n) =>
    n === at ? Promise.reject(new ServiceError('refused', { retryable: false })) : put(...args)
const unanswered =
  (at: number): Fate =>
  async (put, args, n) => {
    const outcome = await put(...args)
    return n === at ? { kind: 'ambiguous', cause: new Error('reset') } : outcome
  }

/** The record, three intents, the commit of the record, three bodies that say what the intents said. */
const WRITES = 8
const COMMIT = 5
const POINTS = [1, 2, 3, 4, 5, 6, 7, 8]

describe.each([
  ['a new name', 'a.new', false],
  ['a name that was dropped', 'a.first', true],
] as const)('registration under %s', (_, name, isNameUsed) => {
  const register = (world: World, at: string, fate?: Fate, as: string = name): Promise<unknown> =>
    world
      .process(fate)
      .registerTable(as, at)
      .then(({ metadata }) => metadata.tableUuid)
      .catch((error: unknown) => error)
  const uuidOf = async (world: World, at: string): Promise<string> => {
    const text = Buffer.from((await new MemoryFileIO({ runtime: world.runtime }).read(at)).bytes).toString()
    return /"table-uuid":"([^"]+)"/.exec(text)?.[1] ?? ''
  }

  it(`takes ${WRITES} conditional writes`, async () => {
    const world = new World()
    const at = await world.setUp(isNameUsed)
    let writes = 0
    const counting: Fate = (put, args, n) => ((writes = n), put(...args))
    expect(await register(world, at, counting)).toBe(await uuidOf(world, at))
    expect(writes).toBe(WRITES)
  })

  const others = ['a.other', name]
  const ends = [
    ['before', lost, COMMIT + 1],
    ['after', landed, COMMIT],
  ] as const
  it.each(ends.flatMap(([when, fate, from]) => POINTS.map((point) => ({ when, fate, point, isMade: point >= from }))))(
    'whose process ends $when write $point is all there or nothing',
    async ({ fate, point, isMade }) => {
      for (const other of others) {
        const world = new World()
        const at = await world.setUp(isNameUsed)
        const uuid = await uuidOf(world, at)
        // Rolling forward is anyone's work: what fails there is no failure of the registration.
        const first = await register(world, at, fate(point))
        if (!isMade) expect(first).toBe(DEATH)
        expect(await world.names(uuid, [name, 'a.other'])).toEqual(isMade ? [name] : [])
        const second = await register(world, at, undefined, other)
        if (isMade) expect(second).toBeInstanceOf(AlreadyExistsError)
        else expect(second).toBe(uuid)
        expect(await world.names(uuid, [name, 'a.other'])).toEqual([isMade ? name : other])
      }
    },
  )

  it.each(POINTS)('that is refused write %i claims nothing, or all', async (point) => {
    const world = new World()
    const at = await world.setUp(isNameUsed)
    const first = await register(world, at, refused(point))
    const second = await register(world, at, undefined, 'a.other')
    if (point > COMMIT) {
      expect(first).toBe(await uuidOf(world, at))
      expect(second).toBeInstanceOf(AlreadyExistsError)
      return
    }
    expect(first).toBeInstanceOf(ServiceError)
    expect(second).toBe(await uuidOf(world, at))
  })

  it.each(POINTS)('finds its write %i again when the answer is lost', async (point) => {
    const world = new World()
    const at = await world.setUp(isNameUsed)
    expect(await register(world, at, unanswered(point))).toBe(await uuidOf(world, at))
    expect(await world.names(await uuidOf(world, at), [name])).toEqual([name])
  })

  it.each(POINTS.slice(0, COMMIT))(
    'whose write %i comes late is too late once another has the table',
    async (point) => {
      const world = new World()
      const at = await world.setUp(isNameUsed)
      let second: unknown
      const late: Fate = async (put, args, n) => {
        if (n === point) second = await register(world, at, undefined, 'a.other')
        return put(...args)
      }
      const first = await register(world, at, late)
      const uuid = await uuidOf(world, at)
      expect(second).toBe(uuid)
      expect(first).toBeInstanceOf(Error)
      expect(first).not.toBeInstanceOf(CommitStateUnknownError)
      expect(await world.names(uuid, [name, 'a.other'])).toEqual(['a.other'])
      // What the late one had claimed or released is not the other's.
      expect(await register(world, at, undefined, 'a.third')).toBeInstanceOf(AlreadyExistsError)
    },
  )

  it.each(POINTS)('that stops for long before write %i fails, and frees nothing of others', async (point) => {
    const world = new World()
    const at = await world.setUp(isNameUsed)
    const slow: Fate = async (put, args, n) => {
      if (n === point) await world.runtime.sleep(3_600_000)
      return put(...args)
    }
    expect(await register(world, at, slow)).toBe(await uuidOf(world, at))
    expect(await register(world, at, undefined, 'a.other')).toBeInstanceOf(AlreadyExistsError)
  })
})
