// Draws goodput over offered load as an SVG, by hand: two axes, a few lines, their names.

export interface Curve {
  readonly name: string
  readonly points: ReadonlyArray<{ readonly factor: number, readonly share: number }>
}

const [WIDTH, HEIGHT] = [720, 360]
const EDGE = { left: 60, right: 150, top: 40, bottom: 50 }
const COLOURS: Readonly<Record<string, string>> = { 'node:cluster': '#b45309', 'under-pressure': '#6d28d9', clusterize: '#047857' }
const NAMES: Readonly<Record<string, string>> = { 'node:cluster': 'node:cluster', 'under-pressure': '@fastify/under-pressure', clusterize: 'fastify-clusterize' }
const SHARES = [0, 0.25, 0.5, 0.75, 1]

/** The factors stand at even distances, since they grow like powers. */
export function plot (curves: readonly Curve[]): string {
  const factors = curves[0]?.points.map(({ factor }) => factor) ?? []
  const x = (factor: number): number => EDGE.left + factors.indexOf(factor) * (WIDTH - EDGE.left - EDGE.right) / Math.max(1, factors.length - 1)
  const y = (share: number): number => EDGE.top + (1 - share) * (HEIGHT - EDGE.top - EDGE.bottom)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" font-size="13">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    text(EDGE.left, 22, 'Useful answers (2xx within 500 ms) as a share of the peak', 'start'),
    ...SHARES.flatMap(share => [
      `<line x1="${EDGE.left}" x2="${WIDTH - EDGE.right}" y1="${y(share)}" y2="${y(share)}" stroke="#ddd"/>`,
      text(EDGE.left - 8, y(share) + 4, share.toFixed(2), 'end')
    ]),
    ...factors.map(factor => text(x(factor), HEIGHT - EDGE.bottom + 20, `${factor}x`, 'middle')),
    text((EDGE.left + WIDTH - EDGE.right) / 2, HEIGHT - 10, 'offered load, in multiples of the capacity', 'middle'),
    ...inOrder(curves).flatMap(({ name, points }, index, all) => {
      const colour = COLOURS[name] ?? '#333'
      const line = points.map(({ factor, share }) => `${x(factor).toFixed(1)},${y(share).toFixed(1)}`).join(' ')
      const dots = points.map(({ factor, share }) => `<circle cx="${x(factor).toFixed(1)}" cy="${y(share).toFixed(1)}" r="3" fill="${colour}"/>`)
      return [`<polyline points="${line}" fill="none" stroke="${colour}" stroke-width="2"/>`, ...dots, text(WIDTH - EDGE.right + 10, labelAt(all, index, y), NAMES[name] ?? name, 'start', colour)]
    }),
    '</svg>\n'
  ].join('\n')
}

function inOrder (curves: readonly Curve[]): Curve[] {
  return curves.toSorted((a, b) => last(b) - last(a))
}

/** Names that would stand on one another go upwards. */
function labelAt (curves: readonly Curve[], index: number, y: (share: number) => number): number {
  const below = curves.slice(index + 1).map(last)
  const own = y(curves[index] === undefined ? 0 : last(curves[index])) + 4
  return below.some(share => Math.abs(y(share) + 4 - own) < 16) ? own - 16 : own
}

function last ({ points }: Curve): number {
  return points.at(-1)?.share ?? 0
}

function text (x: number, y: number, content: string, anchor: 'start' | 'middle' | 'end', colour: string = '#333'): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" fill="${colour}">${content}</text>`
}
