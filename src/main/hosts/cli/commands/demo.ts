import path from 'node:path'
import type { Command } from 'commander'
import { runDemo, type DemoAnswer } from '../../../jobs/demo.ts'
import type { ReportVariant } from '../../../jobs/report/report.ts'
import { resourcePath } from '../../resources.ts'
import type { Host } from '../host.ts'
import { formatBytes, formatPercent, formatTable } from '../table.ts'

/** `demo`: the whole job on the built-in sample. */
export function addDemoCommand(program: Command, host: Host): void {
  program
    .command('demo')
    .description('the whole job on the built-in sample: quantize four ways, measure, report')
    .option('-o, --output <dir>', 'folder for the files and the report', 'demo-output')
    .action(
      host.action(async (services, { output }: { output: string }) => {
        const answer = await runDemo(
          { model: resourcePath('sample/digits-cnn.onnx'), output: path.resolve(output) },
          services,
        )
        host.print(answer, () => demoText(answer))
      }),
    )
}

function demoText({ report, reportPath, files }: DemoAnswer): string {
  const right = 'right' as const
  const columns = [
    { title: 'model' },
    { title: 'size', align: right },
    { title: 'top-1', align: right },
    { title: 'agreement', align: right },
    { title: 'SQNR (dB)', align: right },
    { title: 'median (ms)', align: right },
    { title: 'speed', align: right },
    { title: 'layers as int8', align: right },
  ]
  const table = formatTable(columns, report.variants.map(variantRow))
  return `${table}\n\nreport: ${reportPath}\nfiles:  ${files.join('\n        ')}`
}

function variantRow(variant: ReportVariant): string[] {
  const { name, sizeBytes, top1, agreement, sqnrDb, medianMs, speedup, layers } = variant
  return [
    name,
    formatBytes(sizeBytes),
    top1 === null ? '' : formatPercent(top1),
    agreement === null ? '' : formatPercent(agreement),
    sqnrDb?.toFixed(1) ?? '',
    medianMs?.toFixed(3) ?? '',
    speedup === null ? '' : `${speedup.toFixed(2)}×`,
    layers.length === 0 ? '' : `${layers.filter((layer) => layer.execution === 'int8').length} of ${layers.length}`,
  ]
}
