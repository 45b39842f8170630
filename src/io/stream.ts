/** Objects too large to be held whole: read as ranges, written as parts. */
import { mapConcurrent } from '../base/concurrency.ts'
import type { FileIO, IoOptions } from './file-io.ts'

/** How much of an object is asked for, or sent, at once. */
export const PART_SIZE_BYTES: number = 16 * 1024 * 1024
const RANGES_IN_FLIGHT = 2

/** An object in ranges, in their order, the next one asked for meanwhile. Errors: those of FileIO. */
export async function* readInParts(
  io: FileIO,
  location: string,
  { signal }: IoOptions = {},
): AsyncGenerator<Uint8Array> {
  const { sizeBytes } = await io.stat(location, { signal })
  const offsets = Array.from({ length: Math.ceil(sizeBytes / PART_SIZE_BYTES) }, (_, i) => i * PART_SIZE_BYTES)
  const read = async (offset: number): Promise<Uint8Array> => {
    const length = Math.min(PART_SIZE_BYTES, sizeBytes - offset)
    return (await io.readRange(location, { offset, length }, { signal })).bytes
  }
  yield* mapConcurrent(offsets, RANGES_IN_FLIGHT, read, signal)
}

/** The same bytes in pieces of `partBytes`, the last one smaller; none for none. */
export async function* inParts(chunks: AsyncIterable<Uint8Array>, partBytes: number): AsyncGenerator<Uint8Array> {
  let part = new Uint8Array(partBytes)
  let filled = 0
  for await (const chunk of chunks) {
    for (let taken = 0; taken < chunk.length;) {
      const piece = chunk.subarray(taken, taken + partBytes - filled)
      part.set(piece, filled)
      filled += piece.length
      taken += piece.length
      if (filled < partBytes) continue
      yield part
      part = new Uint8Array(partBytes)
      filled = 0
    }
  }
  if (filled > 0) yield part.subarray(0, filled)
}
