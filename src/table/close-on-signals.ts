/** Lets a process that is told to end finish its flush first. Only where asked for: handlers belong to the application. */

/** Calls `close` at the first of the signals, then sends that again. Returns what takes the handlers away. */
export function closeOnSignals(signals: readonly NodeJS.Signals[], close: () => Promise<void>): () => void {
  const handlers = signals.map((signal) => ({ signal, handle: (): void => void end(signal) }))
  const release = (): void => {
    for (const { signal, handle } of handlers) process.off(signal, handle)
  }
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    // A signal that comes again meanwhile ends the process at once.
    release()
    await close().catch(() => {})
    // Other handlers have had it already; without any, the process ends as if there had been none of ours.
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal)
  }
  for (const { signal, handle } of handlers) process.on(signal, handle)
  return release
}
