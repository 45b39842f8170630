/** Waiting for a signal's abort. One signal may stop many requests at once, each with a listener for as long as it runs. */
import { getMaxListeners, setMaxListeners } from 'node:events'

/**
 * Calls `listener` once the signal aborts, unless the function returned was called before. Node warns of a leak from the
 * eleventh listener on: each of ours takes its place in that count, so that the warning stays for those of others.
 */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  const widen = (by: number): void => {
    const limit = listenerLimit(signal)
    if (limit > 0) setMaxListeners(limit + by, signal)
  }
  let waiting = true
  const release = (): void => {
    if (!waiting) return
    waiting = false
    signal.removeEventListener('abort', fire)
    widen(-1)
  }
  const fire = (): void => {
    release()
    listener()
  }
  widen(1)
  signal.addEventListener('abort', fire)
  return release
}

/** 0 where there is none: Node 20 throws where a program has switched its limit off. */
function listenerLimit(signal: AbortSignal): number {
  try {
    return getMaxListeners(signal)
  } catch {
    return 0
  }
}
