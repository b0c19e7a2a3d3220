// What the charts show of a sample. Pure.
/** @import { Sample } from '../sampler.ts' */
import { duration, percent, rate } from './format.js'

/**
 * @typedef {object} Line
 * @property {string} label
 * @property {string} color a variable of the style sheet
 * @property {(sample: Sample) => number | null} of
 * @property {boolean} [filled]
 */

/**
 * @typedef {object} Chart
 * @property {string} id
 * @property {string} title
 * @property {string} unit
 * @property {(value: number) => string} write
 * @property {number} least the highest value that the axis has at least
 * @property {readonly Line[]} lines
 */

/** @type {readonly Chart[]} */
export const CHARTS = [
  {
    id: 'throughput',
    title: 'Throughput',
    unit: 'responses a second',
    write: rate,
    least: 1,
    lines: [{ label: 'All responses', color: '--line-1', of: ({ good, failed, shed }) => good + failed + shed, filled: true }]
  },
  {
    id: 'latency',
    title: 'Latency',
    unit: 'without requests that were shed',
    write: duration,
    least: 1,
    lines: [
      { label: '50th percentile', color: '--line-1', of: ({ p50 }) => p50, filled: true },
      { label: '90th percentile', color: '--line-3', of: ({ p90 }) => p90 },
      { label: '99th percentile', color: '--line-4', of: ({ p99 }) => p99 }
    ]
  },
  {
    id: 'goodput',
    title: 'Goodput and shed',
    unit: 'responses a second',
    write: rate,
    least: 1,
    lines: [
      { label: 'Goodput', color: '--line-2', of: ({ good }) => good, filled: true },
      { label: 'Shed', color: '--line-3', of: ({ shed }) => shed },
      { label: 'Failed (5xx)', color: '--line-5', of: ({ failed }) => failed }
    ]
  },
  {
    id: 'load',
    title: 'Utilization',
    unit: 'of the event loops',
    write: percent,
    least: 1,
    lines: [
      { label: 'All workers', color: '--line-1', of: ({ utilization }) => utilization, filled: true },
      { label: 'Busiest worker', color: '--line-4', of: ({ busiest }) => busiest }
    ]
  }
]

/**
 * Mean and highest of what is known; undefined where nothing is.
 * @param {ReadonlyArray<number | null>} values
 */
export function summaryOf (values) {
  const known = values.filter(value => value !== null)
  if (known.length === 0) return undefined
  return { mean: known.reduce((sum, value) => sum + value, 0) / known.length, highest: known.reduce((a, b) => Math.max(a, b)) }
}
