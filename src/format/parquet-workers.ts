/**
 * Row groups encoded in worker threads, beside the thread that packs and sends rows. The threads are few, start when first
 * needed and hold no process open; where none can start, encoding goes on inline. What is encoded is the same either way.
 */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { InvalidDataError, messageOf } from '../base/errors.ts'

const MAX_WORKERS = 8
/** Memory is taken in these steps, so that what comes back fits what is a little larger. */
const BUFFER_STEP_BYTES = 4 * 2 ** 20

/** Runs as CommonJS, from text: so it needs no file of its own beside the sources, compiled or not. */
const WORKER = `
const { parentPort, workerData } = require('node:worker_threads')
const wasm = require(workerData)
parentPort.on('message', ({ ipc, length, settings }) => {
  try {
    let builder = new wasm.WriterPropertiesBuilder()
    for (const [name, ...values] of settings) builder = builder[name](...values)
    const bytes = wasm.writeParquet(wasm.Table.fromIPCStream(new Uint8Array(ipc, 0, length)), builder.build())
    parentPort.postMessage({ bytes, ipc }, [bytes.buffer, ipc])
  } catch (error) {
    parentPort.postMessage({ failure: String(error?.message ?? error) })
  }
})`

/** Calls of parquet-wasm's builder of writer properties: a method's name and its arguments. */
export type EncoderSettings = readonly (readonly (string | number | boolean)[])[]

interface Task {
  /** Arrow's stream format, in pieces. */
  readonly ipc: readonly Uint8Array[]
  readonly settings: EncoderSettings
  readonly resolve: (bytes: Uint8Array) => void
  readonly reject: (error: unknown) => void
}

type Answer = { readonly bytes: Uint8Array; readonly ipc: ArrayBuffer } | { readonly failure: string }

export class EncoderPool {
  readonly #modulePath: string
  readonly #size: number
  readonly #idle: Worker[] = []
  readonly #queue: Task[] = []
  /** Memory that came back from workers: they would leave it to a garbage collector that is slow to see it. */
  readonly #spare: ArrayBuffer[] = []
  #started = 0

  /** `modulePath` is where parquet-wasm lies. Throws where no thread may be started. */
  constructor(modulePath: string, size: number) {
    this.#modulePath = modulePath
    this.#size = size
    this.#idle.push(this.#start())
  }

  /** `ipc` must not change until it is encoded. Errors: InvalidDataError, as inline encoding has it. */
  encode(ipc: readonly Uint8Array[], settings: EncoderSettings): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ ipc, settings, resolve, reject })
      this.#dispatch()
    })
  }

  #dispatch(): void {
    if (this.#queue.length === 0) return
    const worker = this.#idle.pop() ?? (this.#started < this.#size ? this.#start() : undefined)
    const task = worker && this.#queue.shift()
    if (worker !== undefined && task !== undefined) this.#run(worker, task)
  }

  #start(): Worker {
    this.#started += 1
    const worker = new Worker(WORKER, { eval: true, workerData: this.#modulePath, execArgv: [] })
    worker.unref()
    return worker
  }

  /** A worker holds the process open only while somebody waits for it. One that failed is not asked again. */
  #run(worker: Worker, { ipc, settings, resolve, reject }: Task): void {
    const onAnswer = (answer: Answer): void => {
      if ('failure' in answer) {
        fail(answer.failure)
        return
      }
      end()
      this.#idle.push(worker)
      this.#spare.push(answer.ipc)
      resolve(answer.bytes)
      this.#dispatch()
    }
    const onExit = (code: number): void => fail(`its thread ended with ${code}`)
    const fail = (cause: unknown): void => {
      end()
      // What comes of a thread that is ended on purpose tells nobody anything.
      worker.on('error', () => {})
      void worker.terminate()
      this.#started -= 1
      reject(
        new InvalidDataError(`encode: Parquet data can't be processed: ${messageOf(cause)}`, {
          cause,
        }),
      )
      this.#dispatch()
    }
    // All listeners at once would take Node's own along.
    const end = (): void => {
      worker.off('message', onAnswer).off('error', fail).off('exit', onExit)
      worker.unref()
    }
    worker.on('message', onAnswer).on('error', fail).on('exit', onExit)
    worker.ref()
    const message = this.#joined(ipc)
    worker.postMessage({ ...message, settings }, [message.ipc])
  }

  #joined(pieces: readonly Uint8Array[]): { readonly ipc: ArrayBuffer; readonly length: number } {
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0)
    const spare = this.#spare.pop()
    const fits = spare !== undefined && spare.byteLength >= length
    const ipc = fits ? spare : new ArrayBuffer(Math.ceil(length / BUFFER_STEP_BYTES) * BUFFER_STEP_BYTES)
    const bytes = new Uint8Array(ipc)
    let at = 0
    for (const piece of pieces) {
      bytes.set(piece, at)
      at += piece.length
    }
    return { ipc, length }
  }
}

/** How many threads there may be: FIRN_WORKERS, else one a core; none at 0. */
export function workerCount(text: string | undefined = process.env['FIRN_WORKERS']): number {
  const asked = text === undefined || text.trim() === '' ? availableParallelism() : Number(text)
  return Number.isInteger(asked) && asked >= 0 ? Math.min(asked, MAX_WORKERS) : 0
}
