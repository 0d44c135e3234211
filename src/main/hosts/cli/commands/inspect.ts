import type { Command } from 'commander'
import type { LayerInfo, ModelSummary } from '../../../../shared/contract/model.ts'
import type { ValueSpec } from '../../../../shared/contract/tensor.ts'
import { inspectModel } from '../../../jobs/inspect.ts'
import type { Host } from '../host.ts'
import { formatBytes, formatCount, formatShape, formatTable } from '../table.ts'

/** `inspect MODEL`: what a model is made of; measures nothing, so it leaves no run. */
export function addInspectCommand(program: Command, host: Host): void {
  program
    .command('inspect <model>')
    .description('inputs, outputs and layers of a model, and which can be quantized')
    .action(
      host.action(async (services, _options: object, path: string) => {
        const { summary, maxRelativeError } = await inspectModel(services.pool, { path }, { signal: services.signal })
        services.store.catalog.keepModel(summary, services.now())
        host.print({ ...summary, maxRelativeError }, () => inspectText(summary, maxRelativeError))
      }),
    )
}

function valueText({ name, dataType, shape }: ValueSpec): string {
  return `${name} ${dataType} [${formatShape(shape)}]`
}

function inspectText(summary: ModelSummary, maxRelativeError: number | null): string {
  const opsets = Object.entries(summary.opset).map(([domain, version]) => `${domain || 'ai.onnx'} ${version}`)
  const macs = summary.macs === null ? 'unknown' : formatCount(summary.macs)
  const facts = [
    summary.path,
    `${formatBytes(summary.sizeBytes)}, ${formatCount(summary.parameters)} parameters, ${macs} multiply-accumulates a sample`,
    `opset ${opsets.join(', ')}, IR ${summary.irVersion}${summary.producer ? `, made by ${summary.producer}` : ''}`,
    summary.hash,
    `in:  ${summary.inputs.map(valueText).join('; ')}`,
    `out: ${summary.outputs.map(valueText).join('; ')}`,
  ]
  if (maxRelativeError !== null)
    facts.push(`prepared for quantization; outputs differ by at most ${maxRelativeError.toExponential(1)} (relative)`)
  const sections = [facts.join('\n'), layerTable(summary.layers)]
  if (summary.notes.length > 0) sections.push(summary.notes.map((note) => `note: ${note}`).join('\n'))
  return sections.join('\n\n')
}

function layerTable(layers: readonly LayerInfo[]): string {
  const columns = [
    { title: 'layer', maxWidth: 48 },
    { title: 'op', maxWidth: 28 },
    { title: 'output', maxWidth: 28 },
    { title: 'parameters', align: 'right' as const },
    { title: 'MACs', align: 'right' as const },
    { title: 'quantizable' },
  ]
  const rows = layers.map((layer) => [
    layer.id,
    layer.activation === null ? layer.op : `${layer.op}+${layer.activation}`,
    formatShape(layer.outputShape),
    formatCount(layer.parameters),
    layer.macs === null ? '?' : formatCount(layer.macs),
    layer.quantizable ? 'yes' : `no: ${layer.reason ?? ''}`,
  ])
  return formatTable(columns, rows)
}
