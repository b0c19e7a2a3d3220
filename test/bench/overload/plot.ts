// Draws as an SVG, by hand, what is done under overload: goodput over the offered load, and second by second at one load. Readable in light and dark.

export interface Curve {
  readonly name: string
  readonly points: ReadonlyArray<{ readonly factor: number, readonly share: number }>
  /** Useful answers in each second at the load that is drawn by time, as a share of the peak. */
  readonly seconds: readonly number[]
}

interface Panel { readonly left: number, readonly width: number, readonly title: string, readonly below: string, readonly ticks: readonly string[] }

interface Look { readonly name: string, readonly class: string }

const [WIDTH, HEIGHT] = [860, 360]
const [TOP, BOTTOM] = [96, 308]
const LOAD_PANEL = { left: 52, width: 360 }
const TIME_PANEL = { left: 472, width: 360 }
/** A second that was lucky goes a little above the peak. */
const HIGHEST = 1.1
const SHARES = [0, 0.25, 0.5, 0.75, 1]
const LEGEND_STEP = 215

const LOOKS: Readonly<Record<string, Look>> = {
  clusterize: { name: 'fastify-clusterize', class: 'ours' },
  'under-pressure': { name: '@fastify/under-pressure', class: 'pressure' },
  'node:cluster': { name: 'node:cluster, no shedding', class: 'bare' }
}

const STYLE = `
text { fill: #1f2328 } .paper { fill: #fff } .grid { stroke: #d1d9e0 } .quiet { fill: #59636e } .line { fill: none; stroke-width: 2.5 }
.line.ours { stroke: #0a7d4f } .dot.ours { fill: #0a7d4f } .line.pressure { stroke: #8250df } .dot.pressure { fill: #8250df } .line.bare { stroke: #bc4c00 } .dot.bare { fill: #bc4c00 }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc } .paper { fill: #0d1117 } .grid { stroke: #3d444d } .quiet { fill: #9198a1 }
.line.ours { stroke: #3fb950 } .dot.ours { fill: #3fb950 } .line.pressure { stroke: #bc8cff } .dot.pressure { fill: #bc8cff } .line.bare { stroke: #f0883e } .dot.bare { fill: #f0883e }
}`

/** The factors stand at even distances, since they grow like powers. */
export function plot (curves: readonly Curve[], factor: number): string {
  const factors = curves[0]?.points.map(point => point.factor) ?? []
  const seconds = curves[0]?.seconds.map((_, index) => String(index + 1)) ?? []
  const byLoad: Panel = { ...LOAD_PANEL, title: 'over the offered load', below: 'offered load, in multiples of the capacity', ticks: factors.map(each => `${each}×`) }
  const byTime: Panel = { ...TIME_PANEL, title: `second by second, at ${factor} times the capacity`, below: 'second', ticks: seconds }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, -apple-system, 'Segoe UI', sans-serif" font-size="13" role="img" aria-label="Useful answers under overload">`,
    `<style>${STYLE}</style>`,
    `<rect class="paper" width="${WIDTH}" height="${HEIGHT}" rx="8"/>`,
    text(LOAD_PANEL.left, 26, 'Useful answers (2xx within 500 ms) as a share of the peak', 'start', 'font-weight="600" font-size="15"'),
    ...curves.map(({ name }, index) => legend(name, LOAD_PANEL.left + index * LEGEND_STEP)),
    ...frame(byLoad),
    ...curves.flatMap(({ name, points }) => drawn(byLoad, name, points.map(({ share }) => share))),
    ...frame(byTime),
    ...curves.flatMap(({ name, seconds: shares }) => drawn(byTime, name, shares)),
    '</svg>\n'
  ].join('\n')
}

function legend (name: string, x: number): string {
  return `<circle class="dot ${lookOf(name).class}" cx="${x + 5}" cy="46" r="5"/>${text(x + 16, 50, lookOf(name).name, 'start')}`
}

function frame ({ left, width, title, below, ticks }: Panel): string[] {
  return [
    text(left, TOP - 16, title, 'start', 'class="quiet"'),
    ...SHARES.flatMap(share => [
      `<line class="grid" x1="${left}" x2="${left + width}" y1="${y(share)}" y2="${y(share)}"/>`,
      text(left - 8, y(share) + 4, share.toFixed(2), 'end', 'class="quiet"')
    ]),
    ...ticks.map((tick, index) => text(x({ left, width }, index, ticks.length), BOTTOM + 18, tick, 'middle', 'class="quiet"')),
    text(left + width / 2, BOTTOM + 38, below, 'middle', 'class="quiet"')
  ]
}

function drawn (panel: Panel, name: string, shares: readonly number[]): string[] {
  const places = shares.map((share, index) => ({ x: x(panel, index, shares.length).toFixed(1), y: y(share).toFixed(1) }))
  return [
    `<polyline class="line ${lookOf(name).class}" points="${places.map(place => `${place.x},${place.y}`).join(' ')}"/>`,
    ...places.map(place => `<circle class="dot ${lookOf(name).class}" cx="${place.x}" cy="${place.y}" r="3.5"/>`)
  ]
}

function lookOf (name: string): Look {
  return LOOKS[name] ?? { name, class: 'bare' }
}

/** A little away from the edges, so that the first and last dots stand free. */
function x ({ left, width }: Pick<Panel, 'left' | 'width'>, index: number, count: number): number {
  const inset = 16
  return left + inset + index * (width - 2 * inset) / Math.max(1, count - 1)
}

/** What a queue that drained gives in one second may be several times the peak; it is drawn at the top. */
function y (share: number): number {
  return BOTTOM - Math.min(HIGHEST, share) / HIGHEST * (BOTTOM - TOP)
}

function text (left: number, top: number, content: string, anchor: 'start' | 'middle' | 'end', attributes: string = ''): string {
  return `<text x="${left.toFixed(1)}" y="${top.toFixed(1)}" text-anchor="${anchor}" ${attributes}>${content}</text>`
}
