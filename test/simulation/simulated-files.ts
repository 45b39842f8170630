/**
 * The calls to a file system, answered as a network file system may: late, with an error though they were done, are not,
 * or will be later, or as if they had been sent twice. A call whose caller has crashed is carried out all the same.
 */
import type { FileContent, FolderEntry, LocalFiles } from '../../src/io/local-files.ts'
import type { Client } from './client.ts'
import { systemError } from './folder-tree.ts'
import type { FolderTree } from './folder-tree.ts'
import type { Random } from './random.ts'
import type { Scheduler } from './scheduler.ts'

const LATE_MS = 20_000
/** A commit takes some twenty calls where S3 takes two or three requests: each fails so much more rarely. */
const SHARE_OF_FAULTS = 0.25
const IN_DOUBT = ['EIO', 'ESTALE', 'ETIMEDOUT'] as const
/** What a call that opens a file may fail with besides. */
const OPENING = [...IN_DOUBT, 'EMFILE'] as const

interface FileNetwork {
  readonly scheduler: Scheduler
  readonly random: Random
  /** Share of S3 requests that something happens to. */
  readonly faults: number
}

export class SimulatedFiles implements LocalFiles {
  readonly #network: FileNetwork
  readonly #tree: FolderTree
  readonly #client: Client

  constructor(network: FileNetwork, tree: FolderTree, client: Client) {
    this.#network = network
    this.#tree = tree
    this.#client = client
  }

  list(folder: string): Promise<readonly FolderEntry[]> {
    return this.#look(this.#tree.list(folder, this.#network.random), OPENING)
  }

  read(path: string): Promise<FileContent | undefined> {
    return this.#look(() => this.#tree.get(path), OPENING)
  }

  exists(path: string): Promise<boolean> {
    return this.#look(() => this.#tree.get(path) !== undefined, IN_DOUBT)
  }

  makeFolder(folder: string): Promise<void> {
    return this.#change(() => void this.#tree.makeFolder(folder), IN_DOUBT)
  }

  writeNew(path: string, content: FileContent): Promise<void> {
    const tree = this.#tree
    const { random, faults } = this.#network
    if (random.chance((faults * SHARE_OF_FAULTS) / 4)) return this.#look(() => raise('ENOSPC'), OPENING)
    return this.#change(() => {
      if (tree.get(path) !== undefined) raise('EEXIST')
      tree.name(path, content)
    }, OPENING)
  }

  link(from: string, to: string): Promise<void> {
    const tree = this.#tree
    return this.#change(() => {
      const source = tree.get(from) ?? raise('ENOENT')
      if (tree.get(to) !== undefined) raise('EEXIST')
      tree.name(to, source)
    }, IN_DOUBT)
  }

  rename(from: string, to: string): Promise<void> {
    const tree = this.#tree
    return this.#change(() => {
      const source = tree.get(from) ?? raise('ENOENT')
      tree.name(to, source)
      tree.remove(from)
    }, IN_DOUBT)
  }

  remove(path: string): Promise<void> {
    return this.#change(() => this.#tree.remove(path), IN_DOUBT)
  }

  syncFolder(_folder: string): Promise<void> {
    return this.#change(() => {}, OPENING)
  }

  #look<T>(apply: () => T, codes: readonly [string, ...string[]]): Promise<T> {
    const { random, faults } = this.#network
    return random.chance(faults * SHARE_OF_FAULTS) ? this.#send(() => raise(random.pick(codes))) : this.#send(apply)
  }

  #change(apply: () => void, codes: readonly [string, ...string[]]): Promise<void> {
    const { scheduler, random, faults } = this.#network
    if (!random.chance(faults * SHARE_OF_FAULTS)) return this.#send(apply)
    const roll = random.next()
    if (roll < 0.25) return this.#send(() => raise(random.pick(codes)))
    // Sent again on the way: the second answer is the one that is heard.
    if (roll < 0.5) {
      return this.#send(() => {
        quietly(apply)
        apply()
      })
    }
    if (roll < 0.75) {
      return this.#send(() => {
        quietly(apply)
        raise(random.pick(IN_DOUBT))
      })
    }
    scheduler.after(random.int(LATE_MS), () => quietly(apply))
    return this.#send(() => raise(random.pick(IN_DOUBT)))
  }

  /** One event for a call: what happens between its effect and its answer also happens before the caller's next call. */
  #send<T>(apply: () => T): Promise<T> {
    const { scheduler, random } = this.#network
    return new Promise((resolve, reject) => {
      scheduler.after(latency(random), () => {
        try {
          const answer = apply()
          if (this.#client.alive) resolve(answer)
        } catch (error) {
          if (this.#client.alive) reject(error)
        }
      })
    })
  }
}

function latency(random: Random): number {
  const roll = random.next()
  return 1 + random.int(6) + (roll < 0.05 ? random.int(3_000) : roll < 0.07 ? random.int(LATE_MS) : 0)
}

function raise(code: string): never {
  throw systemError(code)
}

function quietly(apply: () => void): void {
  try {
    apply()
  } catch {
    // Nobody hears of it.
  }
}
