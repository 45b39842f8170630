/** CSV, NDJSON and JSON as inputs: rows streamed, and a schema told from the first of them. */
import { inferSchema, textForStrings } from '../format/text-inference.ts'
import { readTextRows } from '../format/text-rows.ts'
import type { TextFormat, TextRow } from '../format/text-rows.ts'
import { defineSchema } from '../spec/define-schema.ts'
import type { Input } from './input.ts'

/** Rows that types are told from, and bytes that they may take. */
export const SAMPLE_ROWS = 10_000
const SAMPLE_BYTES = 64 * 2 ** 20

export interface TextSource {
  /** As errors name it. */
  readonly name: string
  readonly format: TextFormat
  readonly open: () => AsyncIterable<Uint8Array>
  /** Whether it can be opened again from its start: not so a pipe. */
  readonly again: boolean
}

export function textInput({ name, format, open, again }: TextSource): Input {
  let bytes = 0
  async function* stream(): AsyncGenerator<Uint8Array> {
    for await (const chunk of open()) {
      bytes += chunk.length
      yield chunk
    }
  }
  /** What was read of a pipe to tell its types. */
  let sample: TextRow[] = []
  let rest = readTextRows(format, stream(), name)
  const isEnough = (): boolean => sample.length >= SAMPLE_ROWS || bytes >= SAMPLE_BYTES
  return {
    name,
    again,
    async schema() {
      while (!isEnough()) {
        const { done, value } = await rest.next()
        if (done === true) break
        sample.push(value)
      }
      const schema = defineSchema(inferSchema(sample, { name, format }))
      if (again) {
        await rest.return()
        sample = []
        rest = readTextRows(format, stream(), name)
      }
      return schema
    },
    /** Where columns of mixed values were made text, so are the values. */
    async *items(inferred) {
      const toText = inferred === undefined ? (row: TextRow): TextRow => row : textForStrings(inferred)
      try {
        for (const row of sample.splice(0)) yield toText(row)
        for await (const row of rest) yield toText(row)
      } finally {
        await rest.return()
      }
    },
  }
}
