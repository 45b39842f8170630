/** Progress on stderr, on a terminal only: one line that is written over, and gone when the command prints its result. */
import type { FirnEvent } from '../base/events.ts'
import { systemRuntime } from '../base/runtime.ts'
import { counted, formatBytes, formatCount } from './output.ts'

const EVERY_MS = 100
/** A longer line would wrap, and stay. */
const MAX_CHARS = 79

export class Progress {
  readonly #stream: NodeJS.WritableStream
  readonly #isTty: boolean
  #lastMs = -Infinity
  #rows = 0
  #files = 0
  #bytes = 0

  constructor(stream: NodeJS.WritableStream, isTty: boolean) {
    this.#stream = stream
    this.#isTty = isTty
  }

  /** Rows that were read of inputs that have `total`, where that is known. */
  rows(read: number, total: number | undefined): void {
    this.#rows += read
    const of = total === undefined ? '' : ` of ${formatCount(total)}`
    this.#show(`${formatCount(this.#rows)}${of} rows, ${counted(this.#files, 'file')}, ${formatBytes(this.#bytes)}`)
  }

  /** What the library tells: files written, and why it waits. */
  note(event: FirnEvent): void {
    if (event.type === 'file-written') {
      this.#files += 1
      this.#bytes += event.sizeBytes
    } else if (event.type === 'request-retry' || event.type === 'commit-retry') {
      this.#show(`waiting to try again (${event.attempt}): ${event.reason}`)
    }
  }

  clear(): void {
    if (this.#lastMs > 0) this.#stream.write('\r\u001B[2K')
  }

  /** At most ten times a second. */
  #show(text: string): void {
    const nowMs = systemRuntime.monotonicMs()
    if (!this.#isTty || nowMs - this.#lastMs < EVERY_MS) return
    this.#lastMs = nowMs
    this.#stream.write(`\r\u001B[2K${text.slice(0, MAX_CHARS)}`)
  }
}
