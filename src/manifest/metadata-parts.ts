/**
 * The text of metadata.json in parts. Most of it (snapshots and logs) comes again in the next version, so runs of those
 * lists are kept with their compressed form: what a commit prints and compresses hardly grows with the table's history.
 */
import { constants, crc32, deflateRawSync } from 'node:zlib'
import { JsonText, type PrintableJson, printJson } from '../base/json.ts'
import { memoizeWeak } from '../base/memo.ts'
import { tableMetadataMembers } from '../spec/table-metadata-json.ts'
import type { TableMetadata } from '../spec/table-metadata.ts'

/** Some of the text. */
export interface MetadataPart {
  readonly bytes: Uint8Array
  /** Where it is a run of a list's items, each with the comma behind it. */
  readonly items?: readonly JsonText[] | undefined
}

/** Found again, it is the same object. */
interface Run extends MetadataPart {
  readonly items: readonly JsonText[]
}

/** Text of a run: much less compresses badly, much more leaves a long rest to be compressed each time. */
const RUN_LENGTH = 8 * 1024
const GZIP_HEADER = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3)
/** An empty block that says it is the last: those of the parts don't. */
const LAST_BLOCK = Uint8Array.of(3, 0)
/** Runs are compressed once and sent often. Of the rest, what repeats shrinks well at the fastest level too. */
const RUN_LEVEL = 6
const REST_LEVEL = 1

/** By their first items. */
const knownRuns = new WeakMap<JsonText, Run>()

/** The parts of what `printTableMetadata` prints. */
export function metadataParts(metadata: TableMetadata): readonly MetadataPart[] {
  const parts = new PartsOfText()
  let before = '{'
  for (const [key, member] of Object.entries(tableMetadataMembers(metadata))) {
    if (member === undefined) continue
    parts.text += `${before}${JSON.stringify(key)}:`
    if (isListOfTexts(member)) addList(parts, member)
    else parts.text += printJson(member)
    before = ','
  }
  parts.text += '}'
  return parts.end()
}

/** The whole text as one gzip member. */
export function gzipParts(parts: readonly MetadataPart[]): Uint8Array {
  const trailer = Buffer.alloc(8)
  trailer.writeUInt32LE(parts.reduce((sum, { bytes }) => crc32(bytes, sum), 0))
  trailer.writeUInt32LE(parts.reduce((sum, { bytes }) => sum + bytes.length, 0) % 2 ** 32, 4)
  const blocks = parts.map((part) =>
    part.items === undefined ? deflateBlocks(part.bytes, REST_LEVEL) : runBlocks(part),
  )
  return Buffer.concat([GZIP_HEADER, ...blocks, LAST_BLOCK, trailer])
}

const runBlocks = memoizeWeak(({ bytes }: MetadataPart) => deflateBlocks(bytes, RUN_LEVEL))

/** Whole bytes, and nothing in them refers to what lies before: they may follow any others. */
function deflateBlocks(bytes: Uint8Array, level: number): Uint8Array {
  return deflateRawSync(bytes, { level, finishFlush: constants.Z_FULL_FLUSH })
}

class PartsOfText {
  text = ''
  readonly #parts: MetadataPart[] = []

  addRun(run: MetadataPart): void {
    this.#addText()
    this.#parts.push(run)
  }

  end(): readonly MetadataPart[] {
    this.#addText()
    return this.#parts
  }

  #addText(): void {
    if (this.text !== '') this.#parts.push({ bytes: Buffer.from(this.text) })
    this.text = ''
  }
}

/** Its last item is in no run: no comma follows it, until the list grows. */
function addList(parts: PartsOfText, list: readonly JsonText[]): void {
  parts.text += '['
  let added = 0
  let waitingLength = 0
  for (let at = 0; at < list.length;) {
    const known = knownRun(list, at)
    if (known !== undefined) {
      parts.text += textOf(list.slice(added, at))
      parts.addRun(known)
      at += known.items.length
    } else {
      waitingLength += list[at]?.text.length ?? 0
      at += 1
      if (waitingLength < RUN_LENGTH || at === list.length) continue
      parts.addRun(newRun(list.slice(added, at)))
    }
    added = at
    waitingLength = 0
  }
  parts.text += `${textOf(list.slice(added)).slice(0, -1)}]`
}

/** The run that begins at an item, where the list still has all of it. */
function knownRun(list: readonly JsonText[], at: number): Run | undefined {
  const run = knownRuns.get(list[at] as JsonText)
  if (run === undefined || at + run.items.length >= list.length) return undefined
  return run.items.every((item, i) => list[at + i] === item) ? run : undefined
}

function newRun(items: readonly JsonText[]): Run {
  const run = { bytes: Buffer.from(textOf(items)), items }
  knownRuns.set(items[0] as JsonText, run)
  return run
}

function textOf(items: readonly JsonText[]): string {
  let text = ''
  for (const item of items) text += `${item.text},`
  return text
}

function isListOfTexts(member: PrintableJson): member is readonly JsonText[] {
  return Array.isArray(member) && member[0] instanceof JsonText
}
