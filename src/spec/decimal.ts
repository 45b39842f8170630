/** Decimals as text and as unscaled bigints: value.ts and single-value.ts build on it. */

const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/

/** Prints `unscaled · 10^-scale` with exactly `scale` fraction digits: `-0.05`. */
export function formatDecimal(unscaled: bigint, scale: number): string {
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
  const sign = unscaled < 0n ? '-' : ''
  if (scale === 0) return sign + digits
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

/** The unscaled value of `14.2` or `1.42e1` at a scale; undefined for other text and where digits would be lost. */
export function parseDecimal(text: string, scale: number): bigint | undefined {
  const match = DECIMAL.exec(text)
  if (match === null) return undefined
  const [, sign, whole = '', fraction = '', exponent] = match
  if (whole === '' && fraction === '') return undefined
  const shift = scale - fraction.length + Number(exponent ?? 0)
  const digits = BigInt(whole + fraction)
  if (digits === 0n) return 0n
  const power = 10n ** BigInt(Math.abs(shift))
  if (shift < 0 && digits % power !== 0n) return undefined
  const magnitude = shift < 0 ? digits / power : digits * power
  return sign === '-' ? -magnitude : magnitude
}

/** Whether an unscaled value has at most `precision` digits. */
export function fitsPrecision(unscaled: bigint, precision: number): boolean {
  const limit = 10n ** BigInt(precision)
  return unscaled < limit && unscaled > -limit
}
