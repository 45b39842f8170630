/** Bytes of a text file, in chunks of any size, cut into lines or into the elements of a JSON array. */
import { ValidationError } from '../base/errors.ts'

/** What one line or element may hold: a file without line ends must not fill the memory. */
export const MAX_RECORD_CHARS: number = 64 * 1024 * 1024

export interface TextPiece {
  readonly text: string
  /** Where it begins, from 1. */
  readonly line: number
}

/** UTF-8 decoded, its byte order mark dropped. Errors: ValidationError for bytes that are no UTF-8. */
export async function* decodeText(
  stream: AsyncIterable<Uint8Array>,
  name: string,
): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  try {
    for await (const chunk of stream) yield decoder.decode(chunk, { stream: true })
    yield decoder.decode()
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new ValidationError(`${name}: not UTF-8 text: convert it first`, { context: { file: name }, cause: error })
  }
}

/** Lines without their ends (LF or CRLF); empty ones are left out. */
export async function* readLines(
  stream: AsyncIterable<Uint8Array>,
  name: string,
): AsyncGenerator<TextPiece, void, undefined> {
  let rest = ''
  let line = 1
  for await (const chunk of decodeText(stream, name)) {
    let start = 0
    for (let end = chunk.indexOf('\n'); end >= 0; end = chunk.indexOf('\n', start)) {
      const text = rest + chunk.slice(start, end)
      rest = ''
      start = end + 1
      if (text.trim() !== '') yield { text, line }
      line++
    }
    rest += chunk.slice(start)
    checkLength(rest, { name, line })
  }
  if (rest.trim() !== '') yield { text: rest, line }
}

/** Elements of a top-level array, each as text; or a single object, or several after one another. */
export async function* readElements(
  stream: AsyncIterable<Uint8Array>,
  name: string,
): AsyncGenerator<TextPiece, void, undefined> {
  const splitter = new ElementSplitter(name)
  for await (const chunk of decodeText(stream, name)) yield* splitter.push(chunk)
  splitter.end()
}

/** Finds where elements end by depth alone; whether they are JSON is their parser's business. */
class ElementSplitter {
  readonly #name: string
  #parts = ''
  #line = 1
  #startLine = 1
  #depth = 0
  #inString = false
  #escaped = false
  #inArray: boolean | undefined
  #closed = false

  constructor(name: string) {
    this.#name = name
  }

  *push(chunk: string): Generator<TextPiece, void, undefined> {
    let start = 0
    for (let i = 0; i < chunk.length; i++) {
      const char = chunk.charAt(i)
      if (char === '\n') this.#line++
      if (this.#inString) this.#stepString(char)
      else if (this.#depth > 0) {
        if (!this.#stepInside(char)) continue
        yield { text: this.#parts + chunk.slice(start, i + 1), line: this.#startLine }
        this.#parts = ''
      } else if (this.#begins(char)) {
        start = i
        this.#startLine = this.#line
      }
    }
    if (this.#depth > 0) this.#parts += chunk.slice(start)
    checkLength(this.#parts, { name: this.#name, line: this.#startLine })
  }

  end(): void {
    if (this.#depth > 0) this.#fail(`the object that begins here does not end`, this.#startLine)
    if (this.#inArray === true && !this.#closed) this.#fail('the array does not end: the file is cut off', this.#line)
  }

  #stepString(char: string): void {
    if (this.#escaped) this.#escaped = false
    else if (char === '\\') this.#escaped = true
    else if (char === '"') this.#inString = false
  }

  /** Whether the element ends with this character. */
  #stepInside(char: string): boolean {
    if (char === '"') this.#inString = true
    else if (char === '{' || char === '[') this.#depth++
    else if (char === '}' || char === ']') this.#depth--
    return this.#depth === 0
  }

  /** Whether an element begins with this character, between elements. */
  #begins(char: string): boolean {
    if (/\s/.test(char) || (char === ',' && this.#inArray === true)) return false
    if (char === '{' && !this.#closed) {
      this.#inArray ??= false
      this.#depth = 1
      return true
    }
    if (char === '[' && this.#inArray === undefined) this.#inArray = true
    else if (char === ']' && this.#inArray === true && !this.#closed) this.#closed = true
    else this.#fail(`expected an array of objects, found ${JSON.stringify(char)}`, this.#line)
    return false
  }

  #fail(problem: string, line: number): never {
    throw new ValidationError(`${this.#name}, line ${line}: ${problem}`, { context: { file: this.#name, line } })
  }
}

function checkLength(text: string, { name, line }: { name: string; line: number }): void {
  if (text.length <= MAX_RECORD_CHARS) return
  throw new ValidationError(`${name}, line ${line}: longer than ${MAX_RECORD_CHARS} characters: is it a text file?`, {
    context: { file: name, line },
  })
}
