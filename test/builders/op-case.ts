import type { DataType, Dim } from '../../src/shared/contract/tensor.ts'
import type { EngineTensor } from '../../src/main/engines/port.ts'
import type { Model, Tensor } from '../../src/main/graph/model.ts'
import { byteTensor, elementCount, floatTensor, int32Tensor, int64Tensor } from '../../src/main/graph/tensors.ts'
import type { AttributeValue } from './model-builder.ts'
import { ModelBuilder, normals, seeded } from './model-builder.ts'

/** What a node of a case reads: a graph input, a constant, or nothing. */
export type Operand =
  | { readonly kind: 'feed'; readonly tensor: EngineTensor }
  | { readonly kind: 'constant'; readonly tensor: Omit<Tensor, 'name'> }
  | { readonly kind: 'omitted' }

/** One node, with what it reads: the smallest model that shows an operator at work. */
export interface OpCase {
  readonly op: string
  readonly opset: number
  readonly operands: readonly Operand[]
  readonly attributes?: Readonly<Record<string, AttributeValue>>
  /** number of outputs; 1 unless told */
  readonly outputs?: number
  /** places of outputs that are left out */
  readonly omittedOutputs?: readonly number[]
  readonly domain?: string
}

/** How much of the inputs' shapes the model declares. */
export type Declared = 'lengths' | 'symbols' | 'nothing'

const random = seeded(7)

/** Normally distributed floats fed when the model runs. */
export function feed(...dims: number[]): Operand {
  return { kind: 'feed', tensor: { dataType: 'float', dims, data: normals(random, elementCount(dims)) } }
}

/** Floats in (0.1, 1.1) fed when the model runs, for functions of positive numbers. */
export function feedPositive(...dims: number[]): Operand {
  const data = Float32Array.from({ length: elementCount(dims) }, () => 0.1 + random())
  return { kind: 'feed', tensor: { dataType: 'float', dims, data } }
}

/** Given numbers of any type fed when the model runs. */
export function feedOf(dataType: DataType, dims: readonly number[], values: readonly number[]): Operand {
  return { kind: 'feed', tensor: { dataType, dims, data: arrayOf(dataType, values) } }
}

function arrayOf(dataType: DataType, values: readonly number[]): EngineTensor['data'] {
  switch (dataType) {
    case 'int64':
      return BigInt64Array.from(values, BigInt)
    case 'int32':
      return Int32Array.from(values)
    case 'int8':
      return Int8Array.from(values)
    case 'uint8':
    case 'bool':
      return Uint8Array.from(values)
    case 'double':
      return Float64Array.from(values)
    case 'float':
      return Float32Array.from(values)
    default:
      throw new Error(`no values of type ${dataType} in tests`)
  }
}

export function ints(values: readonly number[], dims: readonly number[] = [values.length]): Operand {
  return { kind: 'constant', tensor: int64Tensor('', dims, values) }
}

export function floats(values: readonly number[], dims: readonly number[] = [values.length]): Operand {
  return { kind: 'constant', tensor: floatTensor('', dims, values) }
}

export function bytes(
  dataType: 'int8' | 'uint8' | 'bool',
  values: readonly number[],
  dims: readonly number[] = [values.length],
): Operand {
  return {
    kind: 'constant',
    tensor: byteTensor('', dataType, dims, dataType === 'int8' ? Int8Array.from(values) : Uint8Array.from(values)),
  }
}

export function int32s(values: readonly number[], dims: readonly number[] = [values.length]): Operand {
  return { kind: 'constant', tensor: int32Tensor('', dims, Int32Array.from(values)) }
}

/** Random constant weights. */
export function weights(...dims: number[]): Operand {
  return { kind: 'constant', tensor: floatTensor('', dims, normals(random, elementCount(dims), 0.5)) }
}

export const omitted: Operand = { kind: 'omitted' }

/** The case as a model; feeds are inputs `x0`, `x1`, …, outputs `y0`, `y1`, …. */
export function modelOf(example: OpCase, declared: Declared = 'lengths'): Model {
  const builder = new ModelBuilder({ opset: example.opset, irVersion: 8 })
  const inputs = example.operands.map((operand, i): string => {
    if (operand.kind === 'omitted') return ''
    if (operand.kind === 'constant') return builder.constant({ ...operand.tensor, name: `c${i}` })
    return builder.input(`x${i}`, declaredShape(operand.tensor.dims, declared, i), operand.tensor.dataType)
  })
  const outputs = Array.from({ length: example.outputs ?? 1 }, (_, i) =>
    example.omittedOutputs?.includes(i) ? '' : `y${i}`,
  )
  builder.node(example.op, inputs, example.attributes ?? {}, { name: 'node', outputs, domain: example.domain ?? '' })
  const model = builder.build()
  const named = outputs.filter((name) => name !== '')
  const results = named.map((name) => ({ name, dataType: null, shape: null }))
  const opsets = example.domain ? new Map([...model.opsets, [example.domain, 1]]) : model.opsets
  return { ...model, opsets, graph: { ...model.graph, outputs: results } }
}

function declaredShape(dims: readonly number[], declared: Declared, input: number): readonly Dim[] | null {
  if (declared === 'nothing') return null
  return declared === 'lengths' ? dims : dims.map((_, axis) => `d${input}_${axis}`)
}

export function feedsOf(example: OpCase): Record<string, EngineTensor> {
  const feeds: Record<string, EngineTensor> = {}
  example.operands.forEach((operand, i) => {
    if (operand.kind === 'feed') feeds[`x${i}`] = operand.tensor
  })
  return feeds
}

/** A short name of a case for a test's title. */
export function titleOf(example: OpCase): string {
  const attributes = Object.entries(example.attributes ?? {}).map(([name, value]) => {
    const text = typeof value === 'object' && 'kind' in value ? attributeText(value) : JSON.stringify(value)
    return `${name}=${text}`
  })
  const operands = example.operands.map((operand) =>
    operand.kind === 'omitted'
      ? '-'
      : `${operand.kind === 'constant' ? 'const' : ''}[${operand.tensor.dims.join(',')}]`,
  )
  return `${example.op}-${example.opset}(${operands.join(' ')}) ${attributes.join(' ')}`.trim()
}

function attributeText(attribute: { readonly kind: string; readonly value?: unknown }): string {
  return attribute.kind === 'floats'
    ? JSON.stringify(attribute.value)
    : attribute.kind === 'float'
      ? String(attribute.value)
      : attribute.kind
}
