import fs from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { readEnvironment } from '../../src/main/engines/environment.ts'
import { PRODUCT } from '../../src/shared/contract/product.ts'
import type { Figure } from './section.ts'
import { SECTIONS } from './sections.ts'

// `npm run bench [-- --only NAME[,NAME]] [--out DIR]`: every figure of speed and memory, as report.json and report.md.

const { values } = parseArgs({
  options: { only: { type: 'string' }, out: { type: 'string', default: 'bench-output' } },
})
const wanted = values.only?.split(',')
const unknown = wanted?.filter((name) => !SECTIONS.some((section) => section.name === name)) ?? []
if (unknown.length > 0) {
  console.error(
    `no such section: ${unknown.join(', ')}; there are ${SECTIONS.map((section) => section.name).join(', ')}`,
  )
  process.exit(2)
}

interface Result {
  readonly name: string
  readonly about: string
  readonly seconds: number
  readonly figures: readonly Figure[]
  readonly failure: string | null
}

const results: Result[] = []
for (const section of SECTIONS.filter(({ name }) => !wanted || wanted.includes(name))) {
  console.log(`── ${section.name}`)
  const startedAt = performance.now()
  let figures: readonly Figure[] = []
  let failure: string | null = null
  try {
    figures = await section.run((line) => console.log(`   ${line}`))
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error)
    console.error(`   failed: ${failure}`)
    process.exitCode = 1
  }
  for (const { name, value, unit, wanted: goal } of figures)
    console.log(`   ${name}: ${text(value)} ${unit}${goal ? ` (wanted ${goal})` : ''}`)
  results.push({
    name: section.name,
    about: section.about,
    seconds: (performance.now() - startedAt) / 1000,
    figures,
    failure,
  })
}

function text(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toPrecision(4)
}

function markdown(): string {
  const { cpu, cores, isa, memoryBytes, platform, versions } = environment
  const lines = [
    `# ${PRODUCT.name} ${PRODUCT.version}: benchmark report`,
    '',
    `${date}. ${cpu}, ${cores} cores (${isa.join(', ')}), ${(memoryBytes / 2 ** 30).toFixed(0)} GiB, ${platform}; ` +
      Object.entries(versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(', ') +
      '.',
  ]
  for (const { name, about, seconds, figures, failure } of results) {
    lines.push('', `## ${name}`, '', about, '')
    if (failure) lines.push(`**Failed:** ${failure}`, '')
    lines.push('| figure | value | unit | wanted | how |', '| --- | ---: | --- | --- | --- |')
    for (const row of figures)
      lines.push(`| ${row.name} | ${text(row.value)} | ${row.unit} | ${row.wanted} | ${row.how} |`)
    lines.push('', `Took ${seconds.toFixed(0)} s.`)
  }
  return `${lines.join('\n')}\n`
}

const environment = readEnvironment()
const date = new Date().toISOString()
fs.mkdirSync(values.out, { recursive: true })
fs.writeFileSync(
  path.join(values.out, 'report.json'),
  `${JSON.stringify({ date, product: PRODUCT, environment, results }, null, 2)}\n`,
)
fs.writeFileSync(path.join(values.out, 'report.md'), markdown())
console.log(`\nwritten: ${path.join(values.out, 'report.md')} and report.json`)
