/**
 * The items of lists, one by one: what an async generator with a loop in a loop does, in a third of the time. A step of
 * it takes a microsecond where the lists are read for less.
 */
export function flatten<T>(lists: AsyncGenerator<readonly T[], void, undefined>): AsyncGenerator<T, void, undefined> {
  return new Flattened(lists)
}

class Flattened<T> implements AsyncGenerator<T, void, undefined> {
  readonly #lists: AsyncGenerator<readonly T[], void, undefined>
  #list: readonly T[] = []
  #at = 0
  /** Calls that wait for the lists, in their order; as of a generator there may be several. */
  #waiting = 0
  #lastCall: Promise<unknown> = Promise.resolve()

  constructor(lists: AsyncGenerator<readonly T[], void, undefined>) {
    this.#lists = lists
  }

  next(): Promise<IteratorResult<T, void>> {
    if (this.#waiting === 0 && this.#at < this.#list.length) return Promise.resolve(this.#take())
    return this.#inTurn(() => this.#pull())
  }

  return(): Promise<IteratorResult<T, void>> {
    return this.#inTurn(() => this.#end(this.#lists.return()))
  }

  throw(error: unknown): Promise<IteratorResult<T, void>> {
    return this.#inTurn(() => this.#end(this.#lists.throw(error)))
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  async #pull(): Promise<IteratorResult<T, void>> {
    while (this.#at >= this.#list.length) {
      const next = await this.#lists.next()
      if (next.done === true) return next
      this.#list = next.value
      this.#at = 0
    }
    return this.#take()
  }

  #take(): IteratorResult<T, void> {
    const value = this.#list[this.#at] as T
    this.#at += 1
    return { value, done: false }
  }

  async #end(ended: Promise<unknown>): Promise<IteratorResult<T, void>> {
    this.#list = []
    await ended
    return { value: undefined, done: true }
  }

  async #inTurn<R>(call: () => Promise<R>): Promise<R> {
    this.#waiting += 1
    const result = this.#lastCall.then(call)
    this.#lastCall = result.catch(() => {})
    try {
      return await result
    } finally {
      this.#waiting -= 1
    }
  }
}
