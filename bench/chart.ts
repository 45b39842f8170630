/** The chart of the README: how fast each engine is, by the fastest of the others in the same run, as SVG. */

export interface ChartGroup {
  readonly what: string
  /** Of each engine, firn first: anything that is larger when it is faster. */
  readonly speeds: ReadonlyMap<string, number>
}

const WIDTH = 760
const LABEL_WIDTH = 290
const VALUE_WIDTH = 60
const BAR_HEIGHT = 14
const GROUP_GAP = 14
const TOP = 40
const COLORS: Readonly<Record<string, string>> = {
  firn: '#0f766e',
  PyIceberg: '#94a3b8',
  'iceberg-go': '#b8a994',
  DuckDB: '#c5b358',
}
/** Readable on light and dark pages, since an image doesn't know its page's colours. */
const STYLE = 'text{font:12px system-ui,sans-serif;fill:#64748b}.firn{fill:#0f766e;font-weight:600}'

/** One bar an engine; 1 is the fastest of those that aren't firn. */
export function drawChart(title: string, groups: readonly ChartGroup[]): string {
  const relative = groups.map(({ what, speeds }) => ({ what, bars: relativeSpeeds(speeds) }))
  const longest = Math.max(...relative.flatMap(({ bars }) => bars.map(({ times }) => times)))
  const pixelsOf = (times: number): number => (times / longest) * (WIDTH - LABEL_WIDTH - VALUE_WIDTH)
  let y = TOP
  const parts: string[] = []
  for (const { what, bars } of relative) {
    const middle = y + (bars.length * BAR_HEIGHT) / 2 + 4
    parts.push(`<text x="${LABEL_WIDTH - 90}" y="${middle}" text-anchor="end">${escapeText(what)}</text>`)
    for (const bar of bars) {
      parts.push(drawBar(bar, y, pixelsOf(bar.times)))
      y += BAR_HEIGHT
    }
    y += GROUP_GAP
  }
  const one = LABEL_WIDTH + pixelsOf(1)
  const rule = `<line x1="${one}" x2="${one}" y1="${TOP - 6}" y2="${y - GROUP_GAP + 6}" stroke="#94a3b8" stroke-dasharray="3 3"/>`
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" role="img" aria-label="${escapeText(title)}">`,
    `<style>${STYLE}</style>`,
    `<text x="0" y="18">${escapeText(title)}</text>`,
    rule,
    ...parts,
    '</svg>\n',
  ].join('\n')
}

interface Bar {
  readonly engine: string
  readonly times: number
}

function relativeSpeeds(speeds: ReadonlyMap<string, number>): Bar[] {
  const best = Math.max(...[...speeds].filter(([engine]) => engine !== 'firn').map(([, speed]) => speed))
  return [...speeds].map(([engine, speed]) => ({ engine, times: speed / best }))
}

function drawBar({ engine, times }: Bar, y: number, pixels: number): string {
  const name = engine === 'firn' ? ' class="firn"' : ''
  const baseline = y + BAR_HEIGHT - 3
  return [
    `<text x="${LABEL_WIDTH - 8}" y="${baseline}" text-anchor="end"${name}>${escapeText(engine)}</text>`,
    `<rect x="${LABEL_WIDTH}" y="${y + 1}" width="${pixels.toFixed(1)}" height="${BAR_HEIGHT - 2}" fill="${COLORS[engine] ?? '#94a3b8'}"/>`,
    `<text x="${(LABEL_WIDTH + pixels + 6).toFixed(1)}" y="${baseline}"${name}>${times.toFixed(2)}</text>`,
  ].join('')
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
