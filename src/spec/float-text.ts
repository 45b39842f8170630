/** Floating-point numbers as text, for people and for JSON: partition paths and default values. */

/** Java's Float and Double: `1.0`, `1.0E10`, the shortest digits that tell the number from its neighbours. */
export function printFloating(value: number, kind: 'float' | 'double'): string {
  if (!Number.isFinite(value)) return String(value)
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0'
  const shortest = kind === 'float' ? shortestFloat(value) : value
  const magnitude = Math.abs(value)
  if (magnitude >= 1e-3 && magnitude < 1e7) return withPoint(String(shortest))
  const [digits = '', exponent] = shortest.toExponential().split('e')
  return `${withPoint(digits)}E${Number(exponent)}`
}

/** The number with the fewest digits that rounds to a 32-bit float. */
export function shortestFloat(value: number): number {
  for (let precision = 1; precision < 9; precision++) {
    const candidate = Number(value.toPrecision(precision))
    if (Math.fround(candidate) === value) return candidate
  }
  return Number(value.toPrecision(9))
}

function withPoint(digits: string): string {
  return digits.includes('.') ? digits : `${digits}.0`
}
