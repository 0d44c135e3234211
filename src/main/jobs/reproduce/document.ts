import type { Environment } from '../../../shared/contract/runs.ts'
import type { Cells, Scale, Section, Table } from './port.ts'
import { scaleText } from './scale.ts'
import { cellText, runsOf, shown, unitText, type Verdict } from './values.ts'

/** A table as measured, with what a reader has to know of it. */
export interface TableDocument {
  readonly table: Pick<Table, 'name' | 'title' | 'about'>
  readonly scale: Scale
  readonly sections: readonly Section[]
  readonly cells: Cells
  readonly verdicts: readonly Verdict[]
  /** sentences on data that stand in for others */
  readonly notes: readonly string[]
  readonly command: string
  /** ISO 8601 in UTC */
  readonly date: string
  readonly environment: Environment
  /** version of libtensorflow, where the table trains */
  readonly tensorflow: string | null
  /** what it took, trainings that were kept included */
  readonly wallMs: number
}

/** What a reader of the smaller version's verdicts has to know. */
const QUICK_VERDICTS =
  'The float models of the quick version are trained on a tenth of the images, so published accuracies are often out of reach here; what quantization costs against the same float model is what to look at.'

/** The table as a Markdown page. */
export function toMarkdown(document: TableDocument): string {
  const { table, sections, verdicts, cells } = document
  const smaller = scaleText(document.scale)
  const quickBlock = smaller === null ? [] : [QUICK_VERDICTS]
  const blocks = [
    `# ${table.title}`,
    ...(smaller === null ? [] : [`**${smaller}**`]),
    ...document.notes.map((note) => `**${note}**`),
    ...table.about,
    originText(document),
    ...sections.flatMap((section) => sectionBlocks(section, cells)),
    ...(verdicts.length === 0 ? [] : ['## What it must show', ...quickBlock, verdicts.map(verdictLine).join('\n')]),
    `Figure: \`${table.name}.svg\`; every value with its interval and run: \`${table.name}.csv\`. Runs of the store: ${runsOf(sections, cells).join(', ')}.`,
  ]
  return `${blocks.join('\n\n')}\n`
}

/** Date, command, machine and versions. */
function originText({ date, command, environment, tensorflow, wallMs }: TableDocument): string {
  const { cpu, cores, memoryBytes, platform, versions, isa } = environment
  const vector = isa.filter((name) => /vnni|avx512f|avx2|dot/.test(name)).join(', ')
  const lines = [
    `- Date: ${date.slice(0, 16).replace('T', ' ')} UTC; ${(wallMs / 60_000).toFixed(1)} minutes in this call (trainings that were kept are not done again)`,
    `- Command: \`${command}\``,
    `- Machine: ${cpu}, ${cores} cores${vector === '' ? '' : ` (${vector})`}, ${(memoryBytes / 2 ** 30).toFixed(0)} GiB, ${platform}`,
    `- Versions: ${Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}${tensorflow === null ? '' : `, libtensorflow ${tensorflow}`}`,
  ]
  return lines.join('\n')
}

/** One section as text, cell by cell. */
export interface Grid {
  readonly title: string
  /** of the columns after the rows' labels, with units */
  readonly heads: readonly string[]
  readonly rows: readonly { readonly label: string; readonly cells: readonly string[] }[]
  /** indices of the columns of published values */
  readonly published: readonly number[]
}

/** What a section's table shows. */
export function gridOf({ title, columns, rows }: Section, cells: Cells): Grid {
  const heads = columns.map(({ title: name, unit, of }) => {
    const suffix = unitText(unit)
    return `${name}${of === 'published' ? ', published' : ''}${suffix === '' ? '' : ` (${suffix})`}`
  })
  return {
    title,
    heads,
    rows: rows.map(({ label, cells: values }) => ({
      label,
      cells: values.map((value, i) => cellText(value, columns[i]!, cells)),
    })),
    published: columns.flatMap(({ of }, i) => (of === 'published' ? [i] : [])),
  }
}

function sectionBlocks(section: Section, cells: Cells): string[] {
  const { title, heads, rows } = gridOf(section, cells)
  const line = (parts: readonly string[]): string => `| ${parts.join(' | ')} |`
  const body = rows.map(({ label, cells: values }) => line([label, ...values]))
  const table = [line(['', ...heads]), line(['---', ...heads.map(() => '---:')]), ...body].join('\n')
  return [`## ${title}`, table, ...section.notes]
}

function verdictLine({ claim, met, margin, found, wanted }: Verdict): string {
  const { text, bound, unit, digits, why } = claim
  const what = `${text}: ${found} (${bound === 'atLeast' ? 'at least' : 'at most'} ${wanted})`
  if (met) return `- met: ${what}.`
  const by = `${Math.abs(margin).toFixed(digits)} ${unit === 'percent' ? 'points' : unitText(unit)}`.trim()
  return `- missed by ${by}: ${what}. ${why}`.trim()
}

/** Every cell as a line of CSV (RFC 4180, LF): numbers in the unit that is named, intervals where there are any. */
export function toCsv({ sections, cells }: TableDocument): string {
  const header = ['section', 'row', 'column', 'kind', 'unit', 'value', 'low', 'high', 'run']
  const lines = sections.flatMap(({ title, columns, rows }) =>
    rows.flatMap(({ label, cells: values }) =>
      values.flatMap((cell, i) => {
        const column = columns[i]!
        if (cell === null) return []
        const found = typeof cell === 'string' ? cells.get(cell)! : null
        const more = found ? [edge(found.low, column), edge(found.high, column), found.run] : ['', '', '']
        return [[title, label, column.title, column.of, unitText(column.unit), cellText(cell, column, cells), ...more]]
      }),
    ),
  )
  return [header, ...lines].map((line) => `${line.map(quoted).join(',')}\n`).join('')
}

const edge = (value: number | null, { unit, digits }: Section['columns'][number]): string =>
  value === null ? '' : shown(value, unit, digits)

const quoted = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
