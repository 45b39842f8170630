/**
 * Rules of compare-and-swap on file:, each left out. That a predecessor must bear the mark
 * which its successor names is in local-cas.test.ts: only two stalled writers side by side could show it here.
 */
import type { Edit, Mutant } from './mutants.ts'

const edit = (find: string, replace: string): Edit => ({ file: 'io/local-cas.ts', find, replace })
const mutant = (name: string, ...edits: readonly Edit[]): Mutant => ({ name: `file: ${name}`, edits, store: 'file' })

const PREDECESSOR = ': body.prevU !== undefined && (await this.#body(folder, n - 1, location))?.u === body.prevU'

export const LOCAL_MUTANTS: readonly Mutant[] = [
  mutant('the highest number counts, whatever follows it', edit(' || (await this.#has(folder, n + 1))', '')),
  { ...mutant('the predecessor is not looked at', edit(PREDECESSOR, ': true')), firstSeed: 225 },
  mutant('keeps the newest alone', edit('const KEEP = 2', 'const KEEP = 0')),
  mutant('`born` is not made', edit('if (k === 1) await this.#makeBorn(folder)', '')),
  mutant(
    '`born` is made after number 1 is gone',
    edit('if (k === 1) await this.#makeBorn(folder)', ''),
    edit(
      'await this.#files.remove(join(folder, String(k)))',
      'await this.#files.remove(join(folder, String(k)))\n        if (k === 1) await this.#makeBorn(folder)',
    ),
  ),
  mutant('an empty folder is free', edit(' && !(await this.#has(folder, BORN))\n', '\n')),
  mutant(
    'an ambiguous link counts as landed',
    edit(
      "return { kind: 'ambiguous', cause: localError(doubt.cause, location) }",
      "return { kind: 'written', token: String(base + 1), storeTimeMs: this.#runtime.wallMs() }",
    ),
  ),
  mutant(
    'a link is taken at its word',
    edit('    return doubt\n', '    if (doubt === undefined) this.#claimed = n\n    return doubt\n'),
    edit('  readonly #files: LocalFiles\n', '  readonly #files: LocalFiles\n  #claimed = 0\n'),
    edit(
      '    await this.#prune(folder, base - KEEP).catch(() => {})\n',
      "    await this.#prune(folder, base - KEEP).catch(() => {})\n    if (this.#claimed === base + 1) return { kind: 'written', token: String(base + 1), storeTimeMs: this.#runtime.wallMs() }\n",
    ),
  ),
  mutant(
    'a failure behind the link is definite',
    edit('doubt ??= { cause }', 'throw cause'),
    edit('if (isAmbiguous(error)) return', 'if (false) return'),
  ),
  mutant(
    'an ambiguous link is definite',
    edit(
      'if (isAmbiguous(cause)) doubt = { cause }',
      'if (isAmbiguous(cause)) throw Object.assign(new Error(), { code: "EBUSY" })',
    ),
  ),
  mutant(
    'a lock with a time-out in place of links',
    edit(
      'await files.link(temp, join(folder, String(n)))',
      "if (await files.exists(join(folder, String(n)))) throw Object.assign(new Error(), { code: 'EEXIST' })\n      await files.rename(temp, join(folder, String(n)))",
    ),
  ),
  {
    ...mutant('number 1 counts, whatever was born', edit('? !(await this.#has(folder, BORN))', '? true')),
    firstSeed: 830,
  },
  {
    ...mutant(
      'the predecessor is looked at first',
      edit(
        "if (body === undefined || (await this.#has(folder, n + 1))) return 'unsettled'",
        "if (body === undefined) return 'unsettled'",
      ),
      edit(
        "if (!isCurrent) return 'unsettled'",
        "if (!isCurrent || (await this.#has(folder, n + 1))) return 'unsettled'",
      ),
    ),
    firstSeed: 160,
  },
  {
    ...mutant(
      'pruned downwards',
      edit('for (let k = lowest; k <= n; k += 1) {', 'for (let k = n; k >= lowest; k -= 1) {'),
      edit('.toSorted((a, b) => a - b)', '.toSorted((a, b) => b - a)'),
    ),
    firstSeed: 1230,
  },
]
