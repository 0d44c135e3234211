import type { Environment, LayerResult, RunDetail } from '../../src/shared/contract/runs.ts'

export const testEnvironment: Environment = {
  cpu: 'Test CPU <1>',
  cores: 2,
  isa: ['avx2'],
  memoryBytes: 2 ** 30,
  platform: 'linux-x64',
  versions: { node: '24.0.0', onnxruntime: '1.30.0' },
}

export function layerResult(changes: Partial<LayerResult> = {}): LayerResult {
  return { id: 'conv1', op: 'Conv', type: 'int8', execution: 'int8', ms: 0.5, metrics: {}, reason: null, ...changes }
}

/** A finished run with sensible values; what a test is about it changes. */
export function runDetail(changes: Partial<RunDetail> = {}): RunDetail {
  return {
    id: 'r1',
    kind: 'quantize',
    status: 'done',
    startedAt: '2026-01-01T00:00:00.000Z',
    endedAt: '2026-01-01T00:00:09.000Z',
    modelHash: 'sha256:aa',
    modelPath: 'model.onnx',
    dataHash: null,
    metrics: {},
    tags: [],
    note: '',
    parameters: {},
    environment: testEnvironment,
    layers: [],
    artifacts: [],
    warnings: [],
    results: null,
    ...changes,
  }
}
