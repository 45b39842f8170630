/** Results remembered for values that never change: schemas, specs and snapshots go unchanged from commit to commit. */

/** `compute`, called once for each key; its result is kept for as long as the key is. */
export function memoizeWeak<K extends object, V>(compute: (key: K) => V): (key: K) => V {
  return remembering(new WeakMap<K, { readonly value: V }>(), compute)
}

/** `compute`, called once for each key. Results are kept for ever: for keys of which there are few. */
export function memoize<K, V>(compute: (key: K) => V): (key: K) => V {
  return remembering(new Map<K, { readonly value: V }>(), compute)
}

/** `compute`, not called again while its argument stays the same. */
export function memoizeLast<K extends object, V>(compute: (key: K) => V): (key: K) => V {
  let last: { readonly key: K; readonly value: V } | undefined
  return (key) => {
    if (last?.key !== key) last = { key, value: compute(key) }
    return last.value
  }
}

/** Results for the keys seen last, at most `limit` of them: where keys come from files, there is no end to them. */
export class LatestResults<K, V> {
  readonly #limit: number
  readonly #results = new Map<K, V>()

  constructor(limit: number) {
    this.#limit = limit
  }

  get(key: K, compute: () => V): V {
    const known = this.#results.get(key)
    const value = known ?? compute()
    this.#results.delete(key)
    this.#results.set(key, value)
    if (this.#results.size > this.#limit) {
      const [oldest] = this.#results.keys()
      if (oldest !== undefined) this.#results.delete(oldest)
    }
    return value
  }
}

interface Results<K, V> {
  get(key: K): { readonly value: V } | undefined
  set(key: K, result: { readonly value: V }): unknown
}

function remembering<K, V>(results: Results<K, V>, compute: (key: K) => V): (key: K) => V {
  return (key) => {
    const known = results.get(key)
    if (known !== undefined) return known.value
    const value = compute(key)
    results.set(key, { value })
    return value
  }
}
