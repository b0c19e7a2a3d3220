// Reads Prometheus' text format and accepts nothing that Prometheus would not: the rules of its exposition formats, and of `promtool check metrics`.
import assert from 'node:assert/strict'

export interface Sample { readonly name: string, readonly labels: Readonly<Record<string, string>>, readonly value: number }
export interface Family { readonly name: string, readonly type: string, readonly help: string, readonly samples: readonly Sample[] }

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (-?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?)|NaN|[+-]Inf)$/
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/
const SUFFIXES: Readonly<Record<string, readonly string[]>> = { counter: [''], gauge: [''], histogram: ['_bucket', '_sum', '_count'], summary: ['', '_sum', '_count'] }

/** Fails where anything is not as it must be. */
export function parseMetrics (text: string): Map<string, Family> {
  assert.ok(text.endsWith('\n'), 'the last line ends')
  const families = new Map<string, Family & { samples: Sample[] }>()
  let current: Family & { samples: Sample[] } | undefined
  let help: { name: string, text: string } | undefined
  for (const line of text.split('\n')) {
    if (line === '') continue
    if (line.startsWith('# HELP ')) {
      const [, name = '', told = ''] = /^# HELP (\S+) (.+)$/.exec(line) ?? []
      assert.match(name, NAME, line)
      assert.ok(!families.has(name), `${name} comes once`)
      help = { name, text: told }
    } else if (line.startsWith('# TYPE ')) {
      const [, name = '', type = ''] = /^# TYPE (\S+) (counter|gauge|histogram|summary)$/.exec(line) ?? assert.fail(line)
      assert.equal(help?.name, name, 'HELP and TYPE stand together')
      const family = current = { name, type, help: help?.text ?? '', samples: [] }
      families.set(name, family)
    } else {
      const sample = parseSample(line)
      const { name, type, samples } = current ?? assert.fail(`${line} is of no family`)
      assert.ok(SUFFIXES[type]?.some(suffix => sample.name === name + suffix), `${sample.name} is no sample of the ${type} ${name}`)
      samples.push(sample)
    }
  }
  for (const family of families.values()) checkFamily(family)
  return families
}

/** What all samples of a name add up to that have these labels. */
export function sum (families: ReadonlyMap<string, Family>, name: string, labels: Readonly<Record<string, string>> = {}): number {
  const family = families.get(name) ?? families.get(name.replace(/_(?:bucket|sum|count)$/, '')) ?? assert.fail(`there is no ${name}`)
  return family.samples.filter(sample => sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value)).reduce((total, { value }) => total + value, 0)
}

/** Every counter and every part of a histogram, by its name and labels. */
export function counters (families: ReadonlyMap<string, Family>): Map<string, number> {
  const counting = [...families.values()].filter(({ type }) => type === 'counter' || type === 'histogram')
  return new Map(counting.flatMap(({ samples }) => samples.map(sample => [keyOf(sample), sample.value] as const)))
}

function parseSample (line: string): Sample {
  const [, name = '', labelText = '', value = ''] = SAMPLE.exec(line) ?? assert.fail(`not a sample: ${line}`)
  const labels: Record<string, string> = {}
  for (let rest = labelText; rest !== '';) {
    const [whole = '', label = '', escaped = ''] = LABEL.exec(rest) ?? assert.fail(`not a label: ${rest}`)
    assert.ok(!(label in labels) && !label.startsWith('__'), line)
    labels[label] = escaped.replaceAll(/\\(.)/g, (_all, letter: string) => letter === 'n' ? '\n' : letter)
    rest = rest.slice(whole.length)
  }
  return { name, labels, value: value === '+Inf' ? Infinity : Number(value) }
}

function checkFamily ({ name, type, help, samples }: Family): void {
  assert.notEqual(help, '')
  assert.equal(type === 'counter', name.endsWith('_total'), `the name of the ${type} ${name}`)
  assert.equal(new Set(samples.map(keyOf)).size, samples.length, `${name} has each set of labels once`)
  if (type === 'counter') for (const { value } of samples) assert.ok(value >= 0)
  if (type === 'histogram') checkHistogram(name, samples)
}

/** For each set of labels: buckets that grow, the last of them open and as large as the count. */
function checkHistogram (name: string, samples: readonly Sample[]): void {
  const without = ({ le: _le, ...labels }: Readonly<Record<string, string>>): string => keyOf({ name, labels, value: 0 })
  for (const own of new Set(samples.map(({ labels }) => without(labels)))) {
    const ofOne = samples.filter(({ labels }) => without(labels) === own)
    const buckets = ofOne.filter(sample => sample.name === `${name}_bucket`)
    const bounds = buckets.map(({ labels }) => labels['le'] === '+Inf' ? Infinity : Number(labels['le']))
    assert.deepEqual(bounds, bounds.toSorted((a, b) => a - b), name)
    assert.equal(bounds.at(-1), Infinity, name)
    assert.deepEqual(buckets.map(({ value }) => value), buckets.map(({ value }) => value).toSorted((a, b) => a - b), name)
    assert.equal(ofOne.find(sample => sample.name === `${name}_count`)?.value, buckets.at(-1)?.value, name)
    assert.ok(ofOne.some(sample => sample.name === `${name}_sum`), name)
  }
}

function keyOf ({ name, labels }: Sample): string {
  return JSON.stringify([name, ...Object.entries(labels).toSorted(([a], [b]) => a < b ? -1 : 1)])
}
