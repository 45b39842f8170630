/** The most memory that this process has had. */
import { readFileSync } from 'node:fs'

/**
 * Bytes resident at most since the process began. Linux counts into `resourceUsage().maxRSS` what the parent held as it
 * started the process, which would measure the benchmark instead: there the figure of the process's own memory is read.
 */
export function peakRssBytes(): number {
  const own = /^VmHWM:\s+(\d+) kB$/m.exec(processStatus())?.[1]
  return (own === undefined ? process.resourceUsage().maxRSS : Number(own)) * 1024
}

function processStatus(): string {
  try {
    return readFileSync('/proc/self/status', 'utf8')
  } catch {
    // Not Linux.
    return ''
  }
}
