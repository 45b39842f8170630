/**
 * Reads many files at once and yields their items in the order of the files. Later files are opened (their first
 * bytes fetched) while an earlier one is consumed, within limits on open files and on bytes; between planning (the
 * stream of tasks) and reading this is the only queue.
 */

export interface ReadAheadOptions<T, R> {
  /** Starts to read one task; its generator is closed by `return()` when the consumer leaves early. */
  readonly open: (task: T) => AsyncGenerator<R, void, undefined>
  /** Bytes that the task holds in memory while it is open. */
  readonly weigh: (task: T) => number
  readonly maxOpen: number
  readonly maxBytes: number
  /** Open one task at first and twice as many after each that was read to its end: for consumers that stop early. */
  readonly rampUp?: boolean | undefined
  /** Called first when the consumer leaves early or a read fails: abort what is in flight. */
  readonly onStop?: (() => void) | undefined
}

interface OpenTask<R> {
  readonly items: AsyncGenerator<R, void, undefined>
  readonly first: Promise<IteratorResult<R, void>>
  readonly bytes: number
}

/** Items of all tasks, in the order of the tasks. An error of a task or of `tasks` surfaces in its turn. */
export async function* readAhead<T, R>(
  tasks: AsyncIterable<T>,
  options: ReadAheadOptions<T, R>,
): AsyncGenerator<R, void, undefined> {
  const { open, weigh, maxOpen, maxBytes, rampUp = false, onStop } = options
  const source = tasks[Symbol.asyncIterator]()
  const opened: OpenTask<R>[] = []
  let allowed = rampUp ? 1 : maxOpen
  let bytes = 0
  let exhausted = false
  let stopped = false
  let opening: Promise<void> | undefined

  const openNext = async (): Promise<void> => {
    const next = await source.next()
    if (next.done === true) exhausted = true
    else if (!stopped) {
      const items = open(next.value)
      const first = items.next()
      first.catch(() => {})
      opened.push({ items, first, bytes: weigh(next.value) })
      bytes += weigh(next.value)
    }
    opening = undefined
    fill()
  }
  const fill = (): void => {
    const hasRoom = opened.length === 0 || (opened.length < allowed && bytes < maxBytes)
    if (opening !== undefined || exhausted || stopped || !hasRoom) return
    opening = openNext()
    opening.catch(() => {})
  }

  try {
    for (;;) {
      fill()
      const [head] = opened
      if (head === undefined) {
        if (exhausted) return
        await opening
        continue
      }
      for (let item = await head.first; item.done !== true; item = await head.items.next()) yield item.value
      opened.shift()
      bytes -= head.bytes
      allowed = Math.min(maxOpen, allowed * 2)
    }
  } finally {
    stopped = true
    if (!exhausted || opened.length > 0) onStop?.()
    await Promise.allSettled([opening])
    await Promise.allSettled([...opened.map(({ items }) => items.return()), source.return?.()])
  }
}
