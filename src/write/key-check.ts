/**
 * Finds the keys of an object that no column has. Rows of one producer have the same keys in the same order, so a row is
 * compared with the last one that passed; only where they differ are the keys looked up.
 */
export class KeyCheck {
  readonly #known: ReadonlySet<string>
  #last: readonly string[] = []

  constructor(names: readonly string[]) {
    this.#known = new Set(names)
  }

  unknownKey(row: Readonly<Record<string, unknown>>): string | undefined {
    const last = this.#last
    let i = 0
    for (const key in row) if (key !== last[i++]) return this.#lookUp(row)
    return undefined
  }

  /** The names, for a message. */
  list(): string {
    const names = [...this.#known]
    return names.length > 20 ? `${names.slice(0, 20).join(', ')} …` : names.join(', ')
  }

  #lookUp(row: Readonly<Record<string, unknown>>): string | undefined {
    const keys: string[] = []
    for (const key in row) {
      if (!this.#known.has(key) && row[key] !== undefined) return key
      keys.push(key)
    }
    this.#last = keys
    return undefined
  }
}

/** Objects that can stand for rows and structs: not arrays, bytes, dates or maps. */
export function isPlainObject(input: unknown): input is Readonly<Record<string, unknown>> {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return false
  return !(input instanceof Date || input instanceof Map || input instanceof Set || ArrayBuffer.isView(input))
}
