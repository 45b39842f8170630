/**
 * Shapes in well-known binary: the check of what is written to geometry and geography columns, and the box around it for
 * the bounds of data files (spec, "Bounds for Geometry and Geography"). Shapes are those of ISO 19125 with Z, M or both,
 * 1 (point) to 7 (collection), which is what Parquet takes; the flags of EWKB and curved shapes are refused by name.
 */
import { InvalidDataError } from '../base/errors.ts'

const MAX_DEPTH = 32
/** Byte order and type. */
const HEADER_BYTES = 5
const NAMES: Readonly<Record<number, string>> = {
  1: 'point',
  2: 'linestring',
  3: 'polygon',
  4: 'multipoint',
  5: 'multilinestring',
  6: 'multipolygon',
  7: 'geometrycollection',
  8: 'circularstring',
  9: 'compoundcurve',
  10: 'curvepolygon',
  11: 'multicurve',
  12: 'multisurface',
  13: 'curve',
  14: 'surface',
  15: 'polyhedralsurface',
  16: 'tin',
  17: 'triangle',
}
/** Which of x, y, z and m the coordinates of thousands 0 to 3 have. */
const AXES: readonly (readonly number[])[] = [
  [0, 1],
  [0, 1, 2],
  [0, 1, 3],
  [0, 1, 2, 3],
]
/** Of what kind the members of a shape of several are. */
const MEMBERS: Readonly<Record<number, number>> = { 4: 1, 5: 2, 6: 3 }

/** What some shapes span on the axes x, y, z and m; NaN counts for nothing, so empty shapes don't either. */
export class Extent {
  readonly min: number[] = [Infinity, Infinity, Infinity, Infinity]
  readonly max: number[] = [-Infinity, -Infinity, -Infinity, -Infinity]
  /** Whether there are lines, which may bulge beyond their ends where the earth is round. */
  hasLines = false
  /** Whether there are bytes that are no shape. */
  isBroken = false

  /** Takes in a shape; bytes that are none leave an extent that is not known. */
  include(wkb: Uint8Array): void {
    try {
      new WkbReader(wkb, this).whole()
    } catch (error) {
      if (!(error instanceof InvalidDataError)) throw error
      this.isBroken = true
    }
  }

  add(axis: number, value: number): void {
    if (value < (this.min[axis] ?? 0)) this.min[axis] = value
    if (value > (this.max[axis] ?? 0)) this.max[axis] = value
  }
}

/** Throws InvalidDataError for bytes that are not one shape. */
export function checkWkb(wkb: Uint8Array): void {
  new WkbReader(wkb, new Extent()).whole()
}

/**
 * The bounds of a column: x and y, then z, then m, as little-endian doubles; NaN stands for z where there is m alone.
 * Undefined where they are not certain. On a globe that is only so for points within the canonical ranges: the line
 * between two points may run closer to the pole than both, and on either side of the antimeridian.
 */
export function extentBounds(
  kind: 'geometry' | 'geography',
  { min, max, hasLines, isBroken }: Extent,
): { readonly lower: Uint8Array; readonly upper: Uint8Array } | undefined {
  const [xMin = 0, yMin = 0] = min
  const [xMax = 0, yMax = 0] = max
  if (isBroken || xMin > xMax || yMin > yMax) return undefined
  const isCanonical = xMin >= -180 && xMax <= 180 && yMin >= -90 && yMax <= 90
  if (kind === 'geography' && (hasLines || !isCanonical)) return undefined
  return { lower: printPoint(min), upper: printPoint(max) }
}

function printPoint([x = 0, y = 0, z = 0, m = 0]: readonly number[]): Uint8Array {
  const hasZ = Math.abs(z) !== Infinity
  const hasM = Math.abs(m) !== Infinity
  const values = hasM ? [x, y, hasZ ? z : Number.NaN, m] : hasZ ? [x, y, z] : [x, y]
  const bytes = new Uint8Array(8 * values.length)
  const view = new DataView(bytes.buffer)
  for (const [i, value] of values.entries()) view.setFloat64(8 * i, value, true)
  return bytes
}

class WkbReader {
  readonly #view: DataView
  readonly #extent: Extent
  #at = 0

  constructor(wkb: Uint8Array, extent: Extent) {
    this.#view = new DataView(wkb.buffer, wkb.byteOffset, wkb.byteLength)
    this.#extent = extent
  }

  whole(): void {
    this.#shape(0)
    if (this.#at < this.#view.byteLength) fail(`${this.#view.byteLength - this.#at} bytes follow it`)
  }

  #shape(depth: number, expected?: number): void {
    if (depth > MAX_DEPTH) fail(`it nests deeper than ${MAX_DEPTH} levels`)
    this.#need(HEADER_BYTES)
    const order = this.#view.getUint8(this.#at)
    if (order > 1) fail(`byte order ${order}`)
    const isLittle = order === 1
    const type = this.#view.getUint32(this.#at + 1, isLittle)
    this.#at += HEADER_BYTES
    if (type >= 0x2000_0000) fail('it has flags of EWKB: write it as ISO WKB, without SRID')
    const base = type % 1000
    const axes = AXES[Math.floor(type / 1000)]
    if (axes === undefined || NAMES[base] === undefined) return fail(`unknown type ${type}`)
    if (base > 7) fail(`a ${NAMES[base]} (${base}) is none of the seven shapes that are stored`)
    if (expected !== undefined && base !== expected)
      fail(`a ${NAMES[base]} among members that are each a ${NAMES[expected]}`)
    if (base === 1) this.#coordinates(1, axes, isLittle)
    else if (base === 2) this.#line(axes, isLittle)
    else {
      const members = this.#count(base === 3 ? 4 : HEADER_BYTES, isLittle)
      for (let i = 0; i < members; i++) {
        if (base === 3) this.#line(axes, isLittle)
        else this.#shape(depth + 1, MEMBERS[base])
      }
    }
  }

  #line(axes: readonly number[], isLittle: boolean): void {
    const points = this.#count(8 * axes.length, isLittle)
    if (points > 0) this.#extent.hasLines = true
    this.#coordinates(points, axes, isLittle)
  }

  #coordinates(points: number, axes: readonly number[], isLittle: boolean): void {
    this.#need(8 * axes.length * points)
    for (let point = 0; point < points; point++) {
      for (const axis of axes) {
        this.#extent.add(axis, this.#view.getFloat64(this.#at, isLittle))
        this.#at += 8
      }
    }
  }

  /** A number of members of at least `width` bytes. */
  #count(width: number, isLittle: boolean): number {
    this.#need(4)
    const count = this.#view.getUint32(this.#at, isLittle)
    this.#at += 4
    this.#need(count * width)
    return count
  }

  #need(bytes: number): void {
    if (this.#at + bytes > this.#view.byteLength) fail('it is cut off')
  }
}

function fail(problem: string): never {
  throw new InvalidDataError(`not a shape in well-known binary: ${problem}`)
}
