/**
 * Scratch space on disk for what memory can't hold: bytes are appended and read back by range. The file has lost its
 * name as soon as it is open, so nobody else finds it, and the system takes it back however the process ends.
 */
import { constants } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { InvalidDataError } from '../base/errors.ts'
import type { Runtime } from '../base/runtime.ts'
import type { ByteRange } from './file-io.ts'
import { mapLocalErrors } from './local-errors.ts'

const { O_CREAT, O_EXCL, O_RDWR } = constants

export class TempFile {
  readonly #handle: FileHandle
  readonly #path: string
  #sizeBytes = 0
  #isUnlinked: boolean

  private constructor(
    handle: FileHandle,
    { path, isUnlinked }: { readonly path: string; readonly isUnlinked: boolean },
  ) {
    this.#handle = handle
    this.#path = path
    this.#isUnlinked = isUnlinked
  }

  /** In `folder`, else the system's for temporary files (TMPDIR), readable by this user only. Errors: those of FileIO. */
  static async create({ uuid }: Pick<Runtime, 'uuid'>, folder: string = tmpdir()): Promise<TempFile> {
    const path = join(folder, `firn-${uuid()}.tmp`)
    return await mapLocalErrors(path, async () => {
      const handle = await open(path, O_RDWR | O_CREAT | O_EXCL, 0o600)
      // Windows keeps the names of open files: there it goes at the end.
      const isUnlinked = await rm(path).then(
        () => true,
        () => false,
      )
      return new TempFile(handle, { path, isUnlinked })
    })
  }

  /** Appends the pieces; where they lie. One call at a time. Errors: those of FileIO, a full disk among them. */
  async append(pieces: readonly Uint8Array[]): Promise<ByteRange> {
    const offset = this.#sizeBytes
    await mapLocalErrors(this.#path, async () => {
      for (const piece of pieces) {
        for (let from = 0; from < piece.length;) {
          const { bytesWritten } = await this.#handle.write(piece, from, piece.length - from, this.#sizeBytes)
          from += bytesWritten
          this.#sizeBytes += bytesWritten
        }
      }
    })
    return { offset, length: this.#sizeBytes - offset }
  }

  async read({ offset, length }: ByteRange): Promise<Uint8Array> {
    const bytes = new Uint8Array(length)
    await mapLocalErrors(this.#path, async () => {
      for (let at = 0; at < length;) {
        const { bytesRead } = await this.#handle.read(bytes, at, length - at, offset + at)
        if (bytesRead === 0) throw new InvalidDataError(`${this.#path}: ends before ${offset + length} bytes`)
        at += bytesRead
      }
    })
    return bytes
  }

  /** Gives the space back. */
  async close(): Promise<void> {
    await this.#handle.close()
    if (this.#isUnlinked) return
    this.#isUnlinked = true
    await rm(this.#path, { force: true })
  }
}
