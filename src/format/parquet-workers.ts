/**
 * Row groups encoded, windows of them decoded, and pages unfolded, in worker threads, beside the thread that packs, sends and receives.
 * The threads are few, start when first needed and hold no process open; where none can start, work goes on inline. What
 * comes of it is the same either way.
 */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { InvalidDataError, ServiceError, messageOf } from '../base/errors.ts'

const MAX_WORKERS = 8
/** Memory is taken in these steps, so that what comes back fits what is a little larger. */
const BUFFER_STEP_BYTES = 4 * 2 ** 20
/** The memory of WebAssembly never shrinks: a thread that took more than this is replaced. */
export const MAX_WASM_BYTES: number = 384 * 2 ** 20

/**
 * Runs as CommonJS, from text: so it needs no file of its own beside the sources, compiled or not. What it was sent goes
 * back with the answer, since the thread itself collects its garbage too seldom to keep buffers for long.
 */
const WORKER = `
const { parentPort, workerData } = require('node:worker_threads')
const modules = { encode: () => require(workerData), decode: () => require(workerData), zstd: loadZstd }
let zstd
async function loadZstd({ module }) {
  if (zstd !== undefined) return zstd
  const decoder = new (await import(module)).ZSTDDecoder()
  await decoder.init()
  return (zstd = decoder)
}
const work = {
  encode(wasm, bytes, { settings }) {
    let builder = new wasm.WriterPropertiesBuilder()
    for (const [name, ...values] of settings) builder = builder[name](...values)
    return [wasm.writeParquet(wasm.Table.fromIPCStream(bytes), builder.build())]
  },
  decode(wasm, bytes, { options }) {
    const table = wasm.readParquet(bytes, options)
    const batches = Array.from({ length: table.numBatches }, (_, i) => table.recordBatch(i).intoIPCStream())
    table.free()
    return batches
  },
  zstd(decoder, bytes, { lengths, sizes }) {
    let at = 0
    return lengths.map((length, i) => decoder.decode(bytes.subarray(at, (at += length)), sizes[i]))
  },
}
// Memory of the zstd decoder is not to be seen: it is what the largest page took.
const wasmBytesOf = (module, { length, sizes }) =>
  sizes === undefined ? module.wasmMemory().buffer.byteLength : length + Math.max(...sizes)
parentPort.on('message', async (job) => {
  const module = await modules[job.kind](job)
  try {
    const results = work[job.kind](module, new Uint8Array(job.input, 0, job.length), job)
    const wasmBytes = wasmBytesOf(module, job)
    const { input } = job
    parentPort.postMessage({ results, wasmBytes, input }, [...results.map(({ buffer }) => buffer), input])
  } catch (error) {
    parentPort.postMessage({ failure: String(error?.message ?? error) })
  }
})`

/** Calls of parquet-wasm's builder of writer properties: a method's name and its arguments. */
export type EncoderSettings = readonly (readonly (string | number | boolean)[])[]

/**
 * In `pieces`, Arrow's stream format to encode into a Parquet file, or such a file to decode: a stream for each batch. Or
 * zstd frames of these `lengths` one behind the other, and the `sizes` that they unfold to; `module` is what does it.
 */
export type WorkerJob =
  | { readonly kind: 'encode'; readonly pieces: readonly Uint8Array[]; readonly settings: EncoderSettings }
  | {
      readonly kind: 'decode'
      readonly pieces: readonly Uint8Array[]
      readonly options: { readonly batchSize: number; readonly offset: number; readonly limit: number }
    }
  | {
      readonly kind: 'zstd'
      readonly pieces: readonly Uint8Array[]
      readonly lengths: readonly number[]
      readonly sizes: readonly number[]
      readonly module: string
    }

interface JobOptions {
  /** Of the file, for errors. */
  readonly location: string
  /** A job that waits is given up; one that runs ends first. */
  readonly signal?: AbortSignal | undefined
}

interface Task extends JobOptions {
  readonly job: WorkerJob
  readonly resolve: (results: readonly Uint8Array[]) => void
  readonly reject: (error: unknown) => void
}

type Answer =
  | { readonly results: readonly Uint8Array[]; readonly wasmBytes: number; readonly input: ArrayBuffer }
  | { readonly failure: string }

export class WorkerPool {
  readonly #modulePath: string
  /** Threads at most. */
  readonly size: number
  readonly #idle: Worker[] = []
  readonly #queue: Task[] = []
  /** Memory that came back from workers: they would leave it to a garbage collector that is slow to see it. */
  readonly #spare: ArrayBuffer[] = []
  #started = 0

  /** `modulePath` is where parquet-wasm lies. Throws where no thread may be started. */
  constructor(modulePath: string, size: number) {
    this.#modulePath = modulePath
    this.size = size
    this.#idle.push(this.#start())
  }

  /** The pieces must not change until then. Errors: InvalidDataError, as work inline has it; ServiceError where the thread ended. */
  run(job: WorkerJob, options: JobOptions): Promise<readonly Uint8Array[]> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ ...options, job, resolve, reject })
      this.#dispatch()
    })
  }

  #dispatch(): void {
    for (const { signal, reject } of this.#queue) if (signal?.aborted === true) reject(signal.reason)
    const waiting = this.#queue.filter(({ signal }) => signal?.aborted !== true)
    this.#queue.splice(0, this.#queue.length, ...waiting)
    if (waiting.length === 0) return
    const worker = this.#idle.pop() ?? (this.#started < this.size ? this.#start() : undefined)
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
  #run(worker: Worker, { job, location, resolve, reject }: Task): void {
    const onAnswer = (answer: Answer): void => {
      if ('failure' in answer) {
        const message = `${location}: Parquet data can't be processed: ${answer.failure}`
        fail(new InvalidDataError(message, { context: { location } }))
        return
      }
      end()
      this.#spare.push(answer.input)
      if (answer.wasmBytes > MAX_WASM_BYTES) this.#dismiss(worker)
      else this.#idle.push(worker)
      resolve(answer.results)
      this.#dispatch()
    }
    const onExit = (code: number): void => onError(`it ended with ${code}`)
    const onError = (cause: unknown): void => {
      const message = `${location}: the thread that processed it is gone: ${messageOf(cause)}. Try again, or set FIRN_WORKERS=0`
      fail(new ServiceError(message, { retryable: true, context: { location }, cause }))
    }
    const fail = (error: Error): void => {
      end()
      this.#dismiss(worker)
      reject(error)
      this.#dispatch()
    }
    // All listeners at once would take Node's own along.
    const end = (): void => {
      worker.off('message', onAnswer).off('error', onError).off('exit', onExit)
      worker.unref()
    }
    worker.on('message', onAnswer).on('error', onError).on('exit', onExit)
    worker.ref()
    const { pieces, ...message } = job
    const joined = this.#joined(pieces)
    worker.postMessage({ ...message, ...joined }, [joined.input])
  }

  #joined(pieces: readonly Uint8Array[]): { readonly input: ArrayBuffer; readonly length: number } {
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0)
    const spare = this.#spare.pop()
    const fits = spare !== undefined && spare.byteLength >= length
    const input = fits ? spare : new ArrayBuffer(Math.ceil(length / BUFFER_STEP_BYTES) * BUFFER_STEP_BYTES)
    const bytes = new Uint8Array(input)
    let at = 0
    for (const piece of pieces) {
      bytes.set(piece, at)
      at += piece.length
    }
    return { input, length }
  }

  #dismiss(worker: Worker): void {
    // What comes of a thread that is ended on purpose tells nobody anything.
    worker.on('error', () => {})
    void worker.terminate()
    this.#started -= 1
  }
}

/** How many threads there may be: FIRN_WORKERS, else one a core; none at 0. */
export function workerCount(text: string | undefined = process.env['FIRN_WORKERS']): number {
  const asked = text === undefined || text.trim() === '' ? availableParallelism() : Number(text)
  return Number.isInteger(asked) && asked >= 0 ? Math.min(asked, MAX_WORKERS) : 0
}
